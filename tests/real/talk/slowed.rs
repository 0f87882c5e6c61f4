//! A homeserver that wants less.

use crate::house::{Act, Proxy, Sort, Stub, shared};

use super::{
    hall::{Hall, config},
    stage::{Stage, topic},
};

/// Conversation 47. S1, N3: a homeserver that says "too many requests" gets fewer edits, and the whole answer in the end, once.
#[tokio::test]
async fn a_homeserver_that_refuses_gets_the_answer_in_the_end() {
    let proxy = Proxy::start(shared()).await;
    let stub = Stub::start().await;
    let config = config(&stub);
    // People reach the homeserver without the detour.
    let house = Hall::open(&proxy.site, stub, &config).await;
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha"]).await;
    let topic = topic();
    let (act, gate) = Act::held("It takes", " a while.");
    house.stub.when(&topic, act);
    // The first message, and what follows.
    proxy.refuse_messages(2);
    stage.say(&topic).await;
    stage.growing("alpha", "It takes").await;
    assert_eq!(proxy.refused(), 2);
    proxy.refuse_messages(3);
    gate.open();
    let answer = stage.answer("alpha", "It takes a while.").await;
    assert_eq!(proxy.refused(), 5);
    stage.only(&[&answer]).await;
}
