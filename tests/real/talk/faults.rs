//! What people are told when a model fails.

use crate::house::{Act, Sort, Stub, shared};

use super::{
    hall::Hall,
    stage::{Stage, topic},
};

/// A house in which every mind has a fault of its own, so that one that is given up for a while isn't another one's. Answers
/// may take so long.
async fn ward(minds: &[&str], turn_timeout: &str) -> Hall {
    let stub = Stub::start().await;
    let models = minds.iter().map(|mind| stub.model(mind)).collect::<Vec<_>>().concat();
    let agents: Vec<String> = minds.iter().map(|mind| format!("  {mind}: {{role: Fails., model: {mind}}}\n")).collect();
    let config = format!(
        "models:\n{models}agents:\n{}router: {{model: {}}}\nconversation: {{turn_timeout: {turn_timeout}}}\n\
         authorization: {{global_users: [\"@friend-*:localhost\"]}}\n",
        agents.concat(),
        minds[0]
    );
    Hall::open(shared(), stub, &config).await
}

/// Conversation 44. S6: each fault of a model that doesn't pass ends in one plain sentence with the model's name, and without
/// anything that people can't use; what doesn't get better isn't asked again.
#[tokio::test]
async fn faults_end_in_one_sentence() {
    let faults: [(&str, Act, usize); 9] = [
        ("unauthorized", Act::Fail { status: 401, retry_after: None }, 1),
        ("limited", Act::Fail { status: 429, retry_after: Some("1") }, 4),
        ("broken", Act::Fail { status: 500, retry_after: None }, 4),
        ("overloaded", Act::Fail { status: 529, retry_after: None }, 4),
        ("malformed", Act::Malformed, 4),
        ("empty", Act::Empty, 4),
        ("refusing", Act::Refuse, 1),
        ("overlong", Act::TooLong, 1),
        ("snapping", Act::Break("Half an answer".to_owned()), 4),
    ];
    let minds: Vec<&str> = faults.iter().map(|(mind, ..)| *mind).collect();
    let ward = ward(&minds, "60s").await;
    let mut stage = Stage::open_in(&ward, Sort::Open, &minds).await;
    let mut asked = Vec::new();
    for (mind, act, _) in &faults {
        let topic = topic();
        ward.stub.when_asks(mind, &[&topic], act.clone());
        asked.push((topic.clone(), stage.ask(&[mind], &topic).await));
    }
    let mut answers = Vec::new();
    for ((mind, _, calls), (topic, question)) in faults.iter().zip(&asked) {
        let answer = stage.answer_with(mind, &["⚠️", mind]).await;
        assert_eq!(answer.root.as_ref(), Some(question));
        for secret in ["127.0.0.1", "told so by a test", "http", "Error", "panicked"] {
            assert!(!answer.body.contains(secret), "{secret}: {}", answer.body);
        }
        assert!(ward.stub.asked(topic).len() <= *calls, "{mind}: {}", ward.stub.asked(topic).len());
        answers.push(answer);
    }
    assert!(answers.last().unwrap().body.starts_with("Half an answer"), "what was said is kept: {answers:#?}");
    drop(stage);
    let mut ward = ward;
    assert!(ward.maitre.stop().await.success());
}

/// Conversation 45. S6, R2: what passes is tried again, not before the provider wants it, and nobody sees a thing of it.
#[tokio::test]
async fn what_passes_is_tried_again() {
    let ward = ward(&["limited", "broken", "snapping"], "60s").await;
    let mut stage = Stage::open_in(&ward, Sort::Open, &["limited", "broken", "snapping"]).await;
    let mut answers = Vec::new();
    let faults = [
        ("limited", Act::Fail { status: 429, retry_after: Some("1") }),
        ("broken", Act::Fail { status: 503, retry_after: None }),
        ("snapping", Act::Break(String::new())),
    ];
    for (mind, act) in faults {
        let topic = topic();
        ward.stub.when_in_turn(&topic, vec![act, Act::say(&format!("Well again: {mind}"))]);
        stage.ask(&[mind], &topic).await;
        answers.push(stage.answer(mind, &format!("Well again: {mind}")).await);
        assert_eq!(ward.stub.asked(&topic).len(), 2, "{mind}");
    }
    stage.only_after("broken", &answers.iter().collect::<Vec<_>>()).await;
}

/// Conversation 46. S6: a model that says nothing any more is left when the time for an answer is up; what it said is kept.
#[tokio::test]
async fn a_model_that_hangs_is_left() {
    let ward = ward(&["silent", "stuck"], "3s").await;
    let mut stage = Stage::open_in(&ward, Sort::Open, &["silent", "stuck"]).await;
    let (silent, stuck) = (topic(), topic());
    ward.stub.when(&silent, Act::Hang(String::new()));
    ward.stub.when(&stuck, Act::Hang("It is".to_owned()));
    stage.ask(&["silent"], &silent).await;
    stage.ask(&["stuck"], &stuck).await;
    stage.answer_with("silent", &["⚠️"]).await;
    stage.answer_with("stuck", &["It is", "⚠️"]).await;
    ward.stub.wait_gone(&silent).await;
    ward.stub.wait_gone(&stuck).await;
}
