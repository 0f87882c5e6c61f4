//! Conversations with more than one person in them.

use crate::house::{Act, Post, Sort};

use super::stage::{Stage, topic};

/// Conversation 13. W6, W5, W3: once two people write in a thread, agents answer only when they are named.
pub(super) async fn second_person(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha"]).await;
    let (first, between, last) = (topic(), topic(), topic());
    stage.stub().when(&first, Act::say("Good morning."));
    stage.stub().when(&last, Act::say("You called?"));
    let root = stage.say(&first).await;
    let one = stage.answer("alpha", "Good morning.").await;
    let mut guest = stage.guest("friend").await;
    stage.post_by(&mut guest, &Post::text(&format!("May I? {between}")).within(&root)).await;
    stage.see("the guest", |message| message.body.contains(&between)).await;
    stage.say_within(&root, &format!("Sure. {between}")).await;
    let to_guest = Post::text(&format!("What do you think? {between}")).to(&[guest.user()]);
    stage.post(&to_guest).await;
    let post = stage.to(&["alpha"], &last).within(&root);
    stage.post(&post).await;
    let two = stage.answer("alpha", "You called?").await;
    stage.only(&[&one, &two]).await;
    let stub = stage.stub();
    assert!(stub.asked(&between).iter().all(|asked| asked.last.contains(&last)), "nobody is asked before");
    let asked = stub.asked(&last);
    assert!(asked[0].holds(guest.user().split(':').next().unwrap().trim_start_matches('@')), "C6: {asked:#?}");
}

#[tokio::test]
async fn agents_keep_out_of_talk_between_people() {
    second_person(Sort::Open).await;
}

/// Conversation 14. W13: a bot in a thread is nobody who would keep agents out of it.
#[tokio::test]
async fn another_bot_does_not_count() {
    let mut stage = Stage::open(Sort::Open, &["alpha", "beta"]).await;
    let (first, second) = (topic(), topic());
    stage.stub().when_asks("alpha", &[&first], Act::say("Good morning."));
    stage.stub().when_asks("alpha", &[&second], Act::say("Still here."));
    let root = stage.ask(&["alpha"], &first).await;
    let one = stage.answer("alpha", "Good morning.").await;
    let mut bridge = stage.guest("bridge").await;
    stage.post_by(&mut bridge, &Post::text("a message from far away").within(&root)).await;
    stage.see("the bridge", |message| message.body.contains("far away")).await;
    stage.say_within(&root, &second).await;
    let two = stage.answer("alpha", "Still here.").await;
    assert_eq!(two.root.as_deref(), Some(&*root));
    stage.only(&[&one, &two]).await;
}
