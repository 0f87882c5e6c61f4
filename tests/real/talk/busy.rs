//! Conversations in which more is said while an answer is being given.

use crate::house::{Act, Sort};

use super::stage::{Stage, topic};

/// Conversation 15. C4, C5, C7: what is said during an answer is answered after it, by somebody who knows that answer.
pub(super) async fn during(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha"]).await;
    let (first, second) = (topic(), topic());
    let (act, gate) = Act::held("One,", " two.");
    stage.stub().when(&first, act);
    stage.stub().when(&second, Act::say("Three."));
    let root = stage.say(&first).await;
    stage.growing("alpha", "One,").await;
    stage.see_typing("alpha").await;
    stage.say_within(&root, &second).await;
    // A message elsewhere is answered at once: it waits for nobody.
    let elsewhere = topic();
    stage.stub().when(&elsewhere, Act::say("Elsewhere."));
    stage.say(&elsewhere).await;
    let other = stage.answer("alpha", "Elsewhere.").await;
    assert!(stage.stub().asked(&second).is_empty(), "one answer at a time in a conversation");
    gate.open();
    let one = stage.answer("alpha", "One, two.").await;
    let two = stage.answer("alpha", "Three.").await;
    stage.only(&[&one, &other, &two]).await;
    let asked = stage.stub().asked(&second);
    assert!(asked.len() == 1 && asked[0].holds("One, two."), "{asked:#?}");
}

#[tokio::test]
async fn messages_during_an_answer_wait() {
    during(Sort::Open).await;
}

/// Conversation 16. C4, C5: of five quick messages in a thread the first is answered, and then the other four together, with
/// one answer to the last.
#[tokio::test]
async fn five_quick_messages_in_a_thread() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let topics: Vec<String> = (0..5).map(|_| topic()).collect();
    let (act, gate) = Act::held("First", ".");
    stage.stub().when(&topics[0], act);
    stage.stub().when(&topics[4], Act::say("All four."));
    let root = stage.say(&topics[0]).await;
    stage.growing("alpha", "First").await;
    let mut last = String::new();
    for topic in &topics[1..] {
        last = stage.say_within(&root, topic).await;
    }
    // They are all there before the answer that they wait for ends.
    let again = topic();
    stage.stub().when(&again, Act::say("Elsewhere."));
    stage.say(&again).await;
    let other = stage.answer("alpha", "Elsewhere.").await;
    gate.open();
    let one = stage.answer("alpha", "First.").await;
    let two = stage.answer("alpha", "All four.").await;
    assert_eq!((two.root.as_deref(), two.answers.as_deref()), (Some(&*root), Some(&*last)));
    stage.only(&[&one, &other, &two]).await;
    let asked = stage.stub().asked(&topics[4]);
    assert_eq!(asked.len(), 1, "{asked:#?}");
    let places: Vec<_> = topics[1..].iter().map(|topic| asked[0].last.find(topic.as_str())).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "in the order of arrival: {asked:#?}");
}

/// Conversation 17. C1, C5: five quick messages on the main timeline are five conversations, each answered in its own thread.
#[tokio::test]
async fn five_quick_messages_on_the_main_timeline() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let topics: Vec<String> = (0..5).map(|_| topic()).collect();
    let mut questions = Vec::new();
    for topic in &topics {
        stage.stub().when(topic, Act::say(&format!("Answer to {topic}")));
        questions.push(stage.say(topic).await);
    }
    let mut answers = Vec::new();
    for (topic, question) in topics.iter().zip(&questions) {
        let answer = stage.answer("alpha", &format!("Answer to {topic}")).await;
        assert_eq!(answer.root.as_ref(), Some(question));
        answers.push(answer);
    }
    stage.only_in_any_order(&answers.iter().collect::<Vec<_>>()).await;
    assert!(topics.iter().all(|topic| stage.stub().asked(topic).len() == 1));
}
