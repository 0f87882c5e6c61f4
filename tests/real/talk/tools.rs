//! Conversations in which an agent does something.

use serde_json::json;

use crate::house::{Act, Shown, Sort, Stub};

use super::stage::{Stage, topic};

/// Conversation 40. S5: an agent uses a tool, and what the tool says is in its answer, which is one message.
#[tokio::test]
async fn an_agent_tells_the_time() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let topic = topic();
    stage.stub().when(&topic, Act::Use { tool: "time", input: json!({}), then: "It is: {outcome}".to_owned() });
    stage.say(&format!("What time is it? {topic}")).await;
    let answer = stage.answer_with("alpha", &["It is: ", "20"]).await;
    stage.only(&[&answer]).await;
    let asked = stage.stub().asked(&topic);
    assert_eq!(asked.len(), 2, "{asked:#?}");
    assert!(asked[0].tools.contains(&"time".to_owned()) && asked[1].outcomes.len() == 1, "{asked:#?}");
}

/// Conversation 41. S5: an agent asks the person something in the middle of its work; the answer is tapped, and the work goes on.
#[tokio::test]
async fn an_agent_asks_the_person() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let topic = topic();
    let input = json!({"question": "Which colour?", "answers": ["red", "green"]});
    stage.stub().when(&topic, Act::Use { tool: "ask_person", input, then: "Then it is {outcome}".to_owned() });
    let root = stage.say(&topic).await;
    let alpha = stage.user("alpha");
    let poll =
        stage.see("the question", |message| message.sender == alpha && message.body.contains("Which colour?")).await;
    let line = |message: &Shown| {
        let line = message.body.lines().find(|line| line.contains("green")).map(str::to_owned);
        let taps = message.taps.iter().map(|(_, key)| key.clone());
        line.and_then(|line| taps.into_iter().find(|key| line.contains(key.as_str())))
    };
    let tappable = stage.see("taps", |message| message.event == poll.event && line(message).is_some()).await;
    stage.tap(&poll.event, &line(&tappable).unwrap()).await;
    let answer = stage.answer_with("alpha", &["Then it is", "green"]).await;
    assert_eq!(answer.root.as_deref(), Some(&*root));
}

/// Conversation 42. S11, S8: what an agent was told to remember is found in another conversation of the room; when the message
/// that it came from is deleted, it is gone.
#[tokio::test]
async fn an_agent_remembers_until_the_source_is_gone() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let [keep, find, again] = [topic(), topic(), topic()];
    let fact = json!({"fact": "The cat is called Ferris."});
    stage.stub().when(&keep, Act::Use { tool: "remember", input: fact, then: "I'll remember.".to_owned() });
    for (topic, then) in [(&find, "Found it."), (&again, "Nothing.")] {
        let words = json!({"words": "cat"});
        stage.stub().when(topic, Act::Use { tool: "recall", input: words, then: then.to_owned() });
    }
    let source = stage.say(&format!("My cat is called Ferris. {keep}")).await;
    let kept = stage.answer("alpha", "I'll remember.").await;
    stage.say(&format!("What is my cat called? {find}")).await;
    let found = stage.answer("alpha", "Found it.").await;
    let outcome = outcome(stage.stub(), &find);
    assert!(outcome.contains("The cat is called Ferris."), "{outcome}");
    stage.delete(&source).await;
    // Once another message was taken up, the deletion was too.
    stage.only(&[&kept, &found]).await;
    stage.say(&format!("And now? {again}")).await;
    stage.answer("alpha", "Nothing.").await;
    let asked = stage.stub().asked(&again);
    assert!(!asked.iter().any(|asked| asked.holds("Ferris")), "{asked:#?}");
}

/// What the tool said that was used to answer this.
fn outcome(stub: &Stub, topic: &str) -> String {
    stub.asked(topic).into_iter().flat_map(|asked| asked.outcomes).collect()
}
