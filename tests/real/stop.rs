//! Stopping, at whatever moment, once or twice.

use std::fs;

use maitre::homeserver::Homeserver;
use rustix::process::Signal;
use serde_json::Value;

use crate::house::{Maitre, Site, installation, shared, temporary};

const CONFIG: &str = r#"
agents:
  alpha: {role: "Begins.", rooms: ["lobby-{test}"]}
  beta: {role: "Goes on.", rooms: ["lobby-{test}"]}
"#;
/// The exit codes for "stopped as asked" and "stopped before everything had ended".
const IN_ORDER: i32 = 0;
const FORCED: i32 = 75;

/// I8: asked to stop while it is still starting, it stops in time, and the next start is clean.
#[tokio::test]
async fn it_can_be_stopped_while_it_starts() {
    let mut maitre = Maitre::new(shared(), CONFIG);
    maitre.start();
    maitre.wait_status("the first sign of life", |status| (!status.ready).then_some(())).await;
    assert!(maitre.stop().await.success());
    maitre.start();
    maitre
        .wait_status("the first entity", |status| status.entities.iter().any(|e| e.user.is_some()).then_some(()))
        .await;
    assert!(maitre.stop().await.success());
    maitre.start_ready().await;
    assert!(maitre.stop().await.success());
}

/// I8: either signal stops it in order, and two of them at once; the next start is clean each time.
#[tokio::test]
async fn one_signal_stops_it_and_two_stop_it_too() {
    let mut maitre = Maitre::new(shared(), CONFIG);
    for signals in [&[Signal::TERM][..], &[Signal::INT], &[Signal::TERM, Signal::TERM], &[Signal::INT, Signal::TERM]] {
        maitre.start_ready().await;
        for signal in signals {
            maitre.signal(*signal);
        }
        let code = maitre.exited().await.code().expect("it ends by itself");
        // Whether the second signal finds anything left to insist on is a matter of milliseconds.
        assert!(code == IN_ORDER || (signals.len() == 2 && code == FORCED), "{signals:?}: {code}");
    }
    maitre.start_ready().await;
    assert!(maitre.stop().await.success());
}

/// E1, I8: an account that is stopped in order notes whose devices it follows, so that the next start needn't open
/// its keys to tell.
#[tokio::test]
async fn keys_are_put_away_in_order() {
    let mut maitre = Maitre::new(shared(), CONFIG);
    maitre.start_ready().await;
    assert!(maitre.stop().await.success());
    for entity in ["router", "alpha", "beta"] {
        let notes = fs::read(maitre.state().join("matrix").join(entity).join("notes.json")).unwrap();
        let notes: Value = serde_json::from_slice(&notes).unwrap();
        let followed = notes["put_away"]["followed"].as_array().unwrap_or_else(|| panic!("{entity}: {notes}"));
        assert!(followed.contains(&maitre.user(entity).into()), "{entity}: {notes}");
    }
}

/// I3, I8: asked to stop while the homeserver hangs, before or after it was there, it is gone in time; and the next start
/// waits for the homeserver and is clean.
#[tokio::test]
async fn it_can_be_stopped_while_the_homeserver_hangs() {
    let mut homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let mut maitre = Maitre::new(&Site::of(&homeserver), CONFIG);
    maitre.start_ready().await;
    homeserver.pause().await.unwrap();
    assert!(maitre.stop().await.success(), "a long-poll in hand is no work to finish");
    maitre.start();
    maitre.wait_status("the first sign of life", |status| (!status.ready).then_some(())).await;
    assert!(maitre.stop().await.success());
    maitre.start();
    maitre.wait_status("the first sign of life", |status| (!status.ready).then_some(())).await;
    homeserver.resume().await.unwrap();
    maitre.wait_ready().await;
    assert!(maitre.stop().await.success());
    homeserver.stop().await.unwrap();
}
