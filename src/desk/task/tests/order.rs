//! In whatever order loops bring the same events, the same is decided.

use proptest::prelude::*;

use super::stage::{
    Answering, Stage, answer, asks, batch, completed, deletion, edit, in_thread, main_timeline, message, person,
};
use crate::{
    model::{Incoming, Standing},
    store::Message,
};

const EVENTS: usize = 9;

fn told() -> Vec<Incoming> {
    let whole = Answering { hops: 1, root: "1", last: true };
    vec![
        asks("1", &["ada"]),
        answer("a", "ada", "1", &["bob"], &Answering { last: false, ..whole }),
        completed("e", "ada", "a", &["bob"], &Answering { last: true, hops: 1, root: "1" }),
        message("2", "al", "and?", &[], in_thread("1")),
        message("3", "kim", "me too", &[], in_thread("1")),
        edit("e2", "al", "2", "or?", &[]),
        asks("4", &["bob", "eve"]),
        deletion("d", "al", "4"),
        person("!why", "5"),
    ]
}

/// What there is to be seen in the end, wherever it stands in the order of arrival.
async fn outcome(stage: &Stage) -> Vec<String> {
    let mut seen = Vec::new();
    for message in stage.store.thread(&main_timeline(), 99).await.unwrap() {
        let id = message.event.as_str()[1..].to_owned();
        let Message { thread, wording, deleted, standing, .. } = message;
        let decision =
            stage.decision(&id).await.map(|decision| (decision.rule, decision.answering, decision.candidates));
        seen.push(format!("{id} {thread:?} {} {deleted} {standing:?} {decision:?}", wording.body));
    }
    seen.sort();
    seen
}

/// Each of three loops brings all events, in portions; one of them joined late and takes the first ones for history.
async fn brought(portions: &[(usize, usize)]) -> Vec<String> {
    let stage = Stage::lobby().await;
    let portions = portions.to_vec();
    let loops = ["router", "ada", "bob"];
    stage
        .run(async move |stage| {
            let mut next = [0; 3];
            let all = (0..loops.len()).map(|each| (each, EVENTS));
            for (each, count) in portions.into_iter().chain(all) {
                let (from, until) = (next[each], (next[each] + count).min(EVENTS));
                next[each] = until;
                let events = told().into_iter().enumerate().skip(from).take(until - from);
                let late = |(place, event): (usize, Incoming)| {
                    let standing = if each == 2 && place < 4 { Standing::History } else { event.standing };
                    Incoming { standing, ..event }
                };
                stage.bring(batch(loops[each], events.map(late).collect())).await;
            }
            stage.settled().await;
            outcome(stage).await
        })
        .await
}

fn run(portions: &[(usize, usize)]) -> Vec<String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(brought(portions))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// W14: one decision for a message, the same whoever brings it first and whatever comes together.
    #[test]
    fn permutations_of_arrival_change_nothing(portions in proptest::collection::vec((0usize..3, 0usize..4), 0..10)) {
        prop_assert_eq!(run(&portions), run(&[]));
    }
}

#[test]
fn what_the_permutations_are_about() {
    let seen = run(&[]).join("\n");
    for expected in ["1 None", "a Some($1) whole false", "W7", "W6", "W2", "W1", "or?", "4 None  true"] {
        assert!(seen.contains(expected), "{expected}: {seen}");
    }
}
