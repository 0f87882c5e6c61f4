//! How many turns run at once, and who goes first.

use std::{num::NonZeroUsize, time::Duration};

use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::{
    driver::{Beat, Script, done, text, wants},
    stage::{Stage, whole},
};
use crate::{
    broker::Halter,
    config::Config,
    model::{Priority, Reply},
};

fn slow(seconds: u64) -> Vec<Beat> {
    vec![Beat::Think(Duration::from_secs(seconds)), text("Done."), done()]
}

fn places(all: usize, reserved: usize) -> impl FnOnce(&mut Config) {
    move |config| {
        config.conversation.turns_max = NonZeroUsize::new(all).unwrap();
        config.conversation.turns_reserved = reserved;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_there_are_places() {
    let stage = Stage::changed(Script::of((0..12).map(|_| slow(1)).collect()), places(4, 1));
    for number in 1..=12 {
        stage.write(number, "eve", "Hi.").await;
    }
    let began = Instant::now();
    let heard: Vec<_> = stream::iter(1..=12).map(|number| stage.answer(number)).buffer_unordered(12).collect().await;
    assert!(heard.iter().all(|heard| heard.end == Some(Reply::Finished)));
    assert_eq!(stage.model.running_max(), 4);
    assert_eq!(began.elapsed().as_secs(), 3);
}

/// A person's message is never behind agents: two of them chatter all the time, and she is answered at once.
#[tokio::test(start_paused = true)]
async fn chattering_agents_never_hold_up_a_person() {
    let stage = Stage::changed(Script::of((0..200).map(|_| slow(60)).collect()), places(2, 1));
    for number in 1..=100 {
        stage.write(number, "bob", "Blah.").await;
    }
    let chatter = stream::iter(1..=80).map(|number| {
        let stage = &stage;
        async move {
            let agent = if number % 2 == 0 { "ada" } else { "bob" };
            let turn = stage.begin(agent, number, "bob", Priority::Agent).await;
            let (_halter, halt) = Halter::new();
            stage.hear(&turn, halt).await
        }
    });
    let chatter = chatter.buffer_unordered(80).count();
    let person = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        let began = Instant::now();
        assert_eq!(stage.answer(100).await, whole("Done."));
        assert_eq!(began.elapsed().as_secs(), 60, "she waited for the model alone");
    };
    tokio::select! {
        biased;
        () = person => {}
        _ = chatter => panic!("they have more to say than that"),
    }
}

/// While people are asked, the place is somebody else's.
#[tokio::test(start_paused = true)]
async fn a_question_gives_the_place_back() {
    let question = json!({ "question": "Now?", "answers": ["Yes", "No"] });
    let stage = Stage::changed(Script::of(vec![wants("ask_person", question), slow(1)]), places(1, 0));
    stage.write(1, "eve", "Do it.").await;
    stage.write(2, "eve", "Something else.").await;
    let first = stage.answer(1);
    let second = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        // By somebody else, since what Eve writes ends the waiting.
        let turn = stage.begin("bob", 2, "eve", Priority::Person).await;
        let (_halter, halt) = Halter::new();
        let heard = timeout(Duration::from_secs(10), stage.hear(&turn, halt)).await.expect("there is a place");
        assert_eq!(heard, whole("Done."));
        let id = format!("ask.{}.0", super::stage::turn_id("ada", 1));
        stage.store.record_answer(&id, "Yes", &super::stage::user("eve")).await.unwrap();
    };
    let (first, ()) = tokio::join!(first, second);
    assert_eq!((first.text.as_str(), first.end), ("Yes.", Some(Reply::Finished)));
}
