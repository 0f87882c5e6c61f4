//! Conversations in which several answer as one.

use crate::house::{Act, Post, Sort};

use super::stage::{Stage, topic};

/// Conversation 8. W2: two agents that are mentioned answer as one, through the first one's account, headed by both names.
pub(super) async fn two_mentions(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha", "beta", "gamma"]).await;
    let topic = topic();
    let (mine, yours, ours) = (format!("mine {topic}"), format!("yours {topic}"), format!("ours {topic}"));
    stage.stub().when_asks("beta", &[&topic], Act::say(&mine));
    stage.stub().when_asks("alpha", &[&topic], Act::say(&yours));
    for who in ["alpha", "beta", "duo", "picker"] {
        stage.stub().when_asks(who, &[&mine, &yours], Act::say(&ours));
    }
    let question = stage.ask(&["beta", "alpha"], &topic).await;
    let answer = stage.answer_with("beta", &["Beta", "Alpha", &ours]).await;
    assert_eq!(answer.root.as_deref(), Some(&*question));
    assert!(answer.body.find("Beta") < answer.body.find("Alpha"), "in the order of the mentions: {}", answer.body);
    stage.only_after("gamma", &[&answer]).await;
}

#[tokio::test]
async fn two_mentioned_agents_answer_as_one() {
    two_mentions(Sort::Open).await;
}

/// Conversation 9. W3, S1: a configured team answers with its members, in one message, with its own account.
pub(super) async fn team(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha", "beta", "duo"]).await;
    let topic = topic();
    let (mine, yours, ours) = (format!("mine {topic}"), format!("yours {topic}"), format!("ours {topic}"));
    stage.stub().when_asks("alpha", &[&topic], Act::say(&mine));
    stage.stub().when_asks("beta", &[&topic], Act::say(&yours));
    stage.stub().when_asks("duo", &[&topic], Act::say(&ours));
    let question = stage.ask(&["duo"], &topic).await;
    let answer = stage.answer_with("duo", &[&ours]).await;
    assert_eq!(answer.root.as_deref(), Some(&*question));
    stage.only(&[&answer]).await;
    let joined = stage.stub().asked(&topic).into_iter().rfind(|asked| asked.who == "duo").expect("one synthesis");
    assert!(joined.holds(&mine) && joined.holds(&yours), "{joined:#?}");
}

#[tokio::test]
async fn a_team_answers_as_itself() {
    team(Sort::Open).await;
}

/// Conversation 10. W3: a team with a leader: it plans, its members do their parts, it joins them.
#[tokio::test]
async fn a_leader_plans_and_joins() {
    let mut stage = Stage::open(Sort::Open, &["beta", "gamma", "crew"]).await;
    let topic = topic();
    let (food, train, both) = (format!("food {topic}"), format!("train {topic}"), format!("both {topic}"));
    stage.stub().when_asks("beta", &[&topic], Act::say(&food));
    stage.stub().when_asks("gamma", &[&topic], Act::say(&train));
    stage.stub().when_asks("crew", &[&topic], Act::say(&both));
    let question = stage.ask(&["crew"], &format!("a journey with dinner {topic}")).await;
    let answer = stage.answer_with("crew", &[&both]).await;
    assert_eq!(answer.root.as_deref(), Some(&*question));
    assert!(!stage.stub().forms(&topic).is_empty(), "the leader made a plan");
    stage.only(&[&answer]).await;
}

/// Conversation 11. W2, W3a: who is asked and isn't here is named, the others answer; where nobody can, only that is said.
#[tokio::test]
async fn who_is_missing_is_named() {
    let mut stage = Stage::open(Sort::Open, &["alpha", "beta"]).await;
    let (both, gone) = (topic(), topic());
    stage.stub().when_asks("alpha", &[&both], Act::say("I can help."));
    stage.ask(&["alpha", "gamma"], &both).await;
    let one = stage.answer_with("alpha", &["I can help.", "Gamma"]).await;
    let question = stage.ask(&["gamma"], &gone).await;
    let two = stage.notice("router", &["Gamma"]).await;
    assert_eq!(two.root.as_deref().or(two.answers.as_deref()), Some(&*question), "{two:#?}");
    stage.only(&[&one, &two]).await;
    assert!(stage.stub().asked(&gone).is_empty(), "nobody answers in its place");
}

/// Conversation 12. W8: in a thread that two have taken part in, both go on; a mention of one gets that one.
#[tokio::test]
async fn two_in_a_thread_go_on_together() {
    let mut stage = Stage::open(Sort::Open, &["alpha", "beta", "gamma"]).await;
    let (first, second, third, fourth) = (topic(), topic(), topic(), topic());
    stage.stub().when_asks("alpha", &[&first], Act::say("Alpha here."));
    stage.stub().when_asks("beta", &[&second], Act::say("Beta here."));
    let (mine, yours, ours) = (format!("mine {third}"), format!("yours {third}"), format!("ours {third}"));
    stage.stub().when_asks("alpha", &[&third], Act::say(&mine));
    stage.stub().when_asks("beta", &[&third], Act::say(&yours));
    for who in ["alpha", "beta"] {
        stage.stub().when_asks(who, &[&mine, &yours], Act::say(&ours));
    }
    stage.stub().when_asks("beta", &[&fourth], Act::say("Only me."));
    let root = stage.ask(&["alpha"], &first).await;
    let one = stage.answer("alpha", "Alpha here.").await;
    let post = stage.to(&["beta"], &second).within(&root);
    stage.post(&post).await;
    let two = stage.answer("beta", "Beta here.").await;
    stage.post(&Post::text(&third).within(&root)).await;
    let three = stage.answer_with("alpha", &[&ours]).await;
    let post = stage.to(&["beta"], &fourth).within(&root);
    stage.post(&post).await;
    let four = stage.answer("beta", "Only me.").await;
    assert!([&one, &two, &three, &four].iter().all(|answer| answer.root.as_deref() == Some(&*root)), "{three:#?}");
    stage.only_after("gamma", &[&one, &two, &three, &four]).await;
}
