//! What becomes of a request, and what its sender hears of it.

use super::*;

/// N3: a repetition is recognised by its transaction, through another life on the same device as well, until that is
/// forgotten.
#[tokio::test(start_paused = true)]
async fn the_same_transaction_is_the_same_event() {
    let mut stage = Stage::new().await;
    let first = stage.send("one", "t").await.unwrap();
    assert_eq!(stage.send("one", "t").await.unwrap(), first);
    assert_ne!(stage.send("two", "u").await.unwrap(), first);
    stage.ada = sign_in(&stage.world, &stage.book).await;
    assert_eq!(stage.send("one", "t").await.unwrap(), first);
    stage.world.set_faults(Faults { forget_transactions: 1.0, ..Faults::none() });
    stage.ada = sign_in(&stage.world, &stage.book).await;
    assert_eq!(stage.send("one", "t").await.unwrap(), first, "it is too young to be forgotten");
    advance(Duration::from_mins(22)).await;
    stage.ada = sign_in(&stage.world, &stage.book).await;
    assert_ne!(stage.send("one", "t").await.unwrap(), first);
    assert_eq!(stage.bodies(), ["one", "two", "one"]);
    let own = stage.ada.find_own(stage.room.clone(), None).await.unwrap();
    assert_eq!(own.len(), 3, "what was said is found all the same");
}

/// S10: a fault tells what its name says of what became of the request.
#[tokio::test(start_paused = true)]
async fn a_fault_acts_as_its_name_says() {
    let check = async |faults: Faults, expected: &str, acts: bool| {
        let stage = Stage::with(faults).await;
        let failure = stage.send("x", "t").await.unwrap_err();
        assert!(format!("{failure:?}").starts_with(expected), "{failure:?} is not {expected}");
        assert_eq!(stage.bodies().len(), usize::from(acts), "{expected}");
        stage.world.set_faults(Faults::none());
        stage.send("x", "t").await.unwrap();
        assert_eq!(stage.bodies(), ["x"], "{expected}");
    };
    check(Faults { lost: 1.0, ..Faults::none() }, "Unreachable", true).await;
    check(Faults { away: 1.0, ..Faults::none() }, "Unreachable", false).await;
    check(Faults { trouble: 1.0, ..Faults::none() }, "ServerTrouble", false).await;
    check(Faults { limited: 1.0, retry_after: 5..6, ..Faults::none() }, "RateLimited", false).await;
}

#[tokio::test(start_paused = true)]
async fn a_hanging_request_ends_after_a_while_carried_out_or_not() {
    let stage = Stage::with(Faults { hang: 1.0, ..Faults::none() }).await;
    let began = Instant::now();
    for number in 0..20 {
        stage.send("x", &format!("t{number}")).await.unwrap_err();
    }
    assert!(began.elapsed() >= Duration::from_secs(200));
    assert!((1..20).contains(&stage.bodies().len()), "{}", stage.bodies().len());
}

/// N4: an earlier life gets no answer; what it had asked for is carried out late, or never.
#[tokio::test(start_paused = true)]
async fn an_earlier_life_hears_nothing_more() {
    for (acts_late, expected) in [(1.0, 1), (0.0, 0)] {
        let latency = 50..51;
        let stage = Stage::with(Faults { acts_late, late: 100..101, latency, ..Faults::none() }).await;
        assert!(timeout(Duration::from_millis(10), stage.send("x", "t")).await.is_err());
        assert_eq!(stage.bodies().len(), 0, "not yet");
        let again = sign_in(&stage.world, &stage.book).await;
        assert!(timeout(LONG, stage.send("y", "u")).await.is_err(), "that life is over");
        assert!(timeout(LONG, stage.ada.sync(None, Duration::ZERO)).await.is_err());
        assert_eq!(stage.bodies(), vec!["x"; expected]);
        again.send(outgoing(&stage.room, "m.room.message", json!({ "body": "x" }), "t")).await.unwrap();
        assert_eq!(stage.bodies(), ["x"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_late_wakes_who_listens() {
    let stage = Stage::with(Faults { acts_late: 1.0, late: 3_000..3_001, ..Faults::none() }).await;
    let since = stage.caught_up().await;
    assert!(timeout(Duration::ZERO, stage.send("x", "t")).await.is_err());
    let began = Instant::now();
    let page = stage.ada.sync(Some(since), Duration::from_secs(20)).await.unwrap();
    assert!(page.rooms.len() == 1 && began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

/// What a loop gives up is lost by right, so that must not happen by bad luck alone.
#[tokio::test(start_paused = true)]
async fn the_past_can_be_read_in_the_end() {
    let stage = Stage::with(Faults { trouble: 1.0, ..Faults::none() }).await;
    let mut failures = 0;
    while stage.ada.latest(stage.room.clone()).await.is_err() {
        failures += 1;
    }
    assert_eq!(failures, 3);
}
