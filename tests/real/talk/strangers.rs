//! Those who get no answer.

use crate::house::{Act, Post, Sort};

use super::stage::{Stage, topic};

/// Conversation 39. A1, A3: a stranger, a notice and what was said before we came get no reaction of any kind.
#[tokio::test]
async fn some_get_no_answer() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let topic = topic();
    stage.stub().when(&topic, Act::say("You shouldn't see this."));
    let mut stranger = stage.guest("stranger").await;
    let alpha = stage.user("alpha");
    stage.post_by(&mut stranger, &Post::text(&topic).to(&[&alpha])).await;
    stage.post_by(&mut stranger, &Post::text("!help")).await;
    stage.see("the stranger", |message| message.body == "!help").await;
    stage.post(&Post::notice(&topic).to(&[&alpha])).await;
    stage.only(&[]).await;
    assert!(stage.stub().heard_of(&topic).is_empty());
    assert_eq!(stage.all(|message| !message.taps.is_empty()).await, []);
}
