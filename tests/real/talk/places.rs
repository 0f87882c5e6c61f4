//! A house with one place for all who ask models.

use crate::house::{Act, Sort, Stub, shared};

use super::{
    hall::{Hall, config},
    stage::{Stage, topic},
};

/// Conversation 56. C4, R2: the router's pick and the plan of a team's leader are asked for in the places that answers take; they
/// wait their turn, and nobody waits for somebody who waits for them.
#[tokio::test]
async fn picks_and_plans_wait_for_a_place() {
    let stub = Stub::start().await;
    let config = format!("{}conversation: {{turns_max: 1}}\n", config(&stub));
    let house = Hall::open(shared(), stub, &config).await;
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha", "beta", "gamma", "crew"]).await;
    let (held, routed, planned) = (topic(), topic(), topic());
    let (act, gate) = Act::held("One", " place.");
    house.stub.when_asks("alpha", &[&held], act);
    house.stub.picks(&routed, "beta");
    house.stub.when_asks("beta", &[&routed], Act::say("Picked."));
    house.stub.when_asks("crew", &[&planned], Act::say("Planned and joined."));
    stage.ask(&["alpha"], &held).await;
    stage.growing("alpha", "One").await;
    stage.say(&routed).await;
    stage.ask(&["crew"], &planned).await;
    stage.see_typing("crew").await;
    let forms = [house.stub.forms(&routed), house.stub.forms(&planned)].concat();
    assert!(forms.is_empty() && house.stub.in_flight_max() == 1, "the place is taken: {forms:#?}");
    gate.open();
    let one = stage.answer("alpha", "One place.").await;
    let two = stage.answer("beta", "Picked.").await;
    let three = stage.answer_with("crew", &["Planned and joined."]).await;
    assert!(!house.stub.forms(&planned).is_empty(), "the leader made a plan");
    stage.only_in_any_order(&[&one, &two, &three]).await;
}
