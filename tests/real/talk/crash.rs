//! Conversations that outlive the program.

use crate::house::{Act, Maitre, Sort, Stub, shared};

use super::{
    hall::config,
    stage::{House, Stage, topic},
};

/// What stays while the program comes and goes.
pub(super) struct Standing {
    pub(super) stub: Stub,
    pub(super) test: String,
}

impl House for Standing {
    fn user(&self, entity: &str) -> String {
        format!("@{entity}-{}:localhost", self.test)
    }

    fn stub(&self) -> &Stub {
        &self.stub
    }

    fn said(&self) -> String {
        String::new()
    }
}

/// Conversation 48. N2, N3, N4: killed in the middle of an answer, the program goes on with it after its start, in the same
/// message; what was asked meanwhile is answered too; all of it once.
#[tokio::test]
async fn a_killed_answer_goes_on_in_its_message() {
    let stub = Stub::start().await;
    let mut maitre = Maitre::new(shared(), &config(&stub));
    maitre.start_ready().await;
    let house = Standing { stub, test: maitre.test.clone() };
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha", "beta"]).await;
    let (topic, other, meanwhile) = (topic(), topic(), topic());
    for (topic, begin, again) in [(&topic, "Half", "The whole answer."), (&other, "Also", "The other answer.")] {
        let (act, gate) = Act::held(begin, " of it.");
        stage.stub().when_in_turn(topic, vec![act, Act::say(again)]);
        // Nobody opens it: this answer is never finished.
        drop(gate);
    }
    stage.stub().when(&meanwhile, Act::say("Back again."));
    stage.ask(&["alpha"], &topic).await;
    stage.ask(&["beta"], &other).await;
    let begun = stage.growing("alpha", "Half").await;
    let also = stage.growing("beta", "Also").await;
    maitre.kill().await;
    stage.ask(&["beta"], &meanwhile).await;
    maitre.start_ready().await;
    let whole = stage.answer("alpha", "The whole answer.").await;
    let whole_too = stage.answer("beta", "The other answer.").await;
    let back = stage.answer("beta", "Back again.").await;
    assert_eq!((&whole.event, &whole_too.event), (&begun.event, &also.event), "in the same messages");
    stage.only_in_any_order(&[&whole, &whole_too, &back]).await;
    assert_eq!(stage.stub().asked(&meanwhile).len(), 1);
    assert!(maitre.stop().await.success());
}

/// Conversation 49. I8, N4: stopped in order in the middle of an answer, it goes on with it in the same message after its start.
#[tokio::test]
async fn a_stopped_program_goes_on_with_its_answer() {
    let stub = Stub::start().await;
    let mut maitre = Maitre::new(shared(), &config(&stub));
    maitre.start_ready().await;
    let house = Standing { stub, test: maitre.test.clone() };
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha"]).await;
    let topic = topic();
    let (act, _gate) = Act::held("Half", " of it.");
    stage.stub().when_in_turn(&topic, vec![act, Act::say("The whole answer.")]);
    stage.say(&topic).await;
    let begun = stage.growing("alpha", "Half").await;
    maitre.stop().await;
    maitre.start_ready().await;
    let whole = stage.answer("alpha", "The whole answer.").await;
    assert_eq!(whole.event, begun.event);
    stage.only(&[&whole]).await;
    assert!(maitre.stop().await.success());
}
