//! The homeserver goes away and comes back; one entity's loop fails and is restarted; nothing else stirs.

use maitre::{
    homeserver::Homeserver,
    model::{Phase, Status},
};

use crate::house::{Maitre, Site, installation, shared, temporary};

const CONFIG: &str = r#"
agents:
  alpha: {role: "Begins.", rooms: ["lobby-{test}"]}
  beta: {role: "Goes on.", rooms: ["lobby-{test}"]}
"#;

fn all(status: &Status, phase: Phase) -> bool {
    status.entities.len() == 3 && status.entities.iter().all(|entity| entity.phase == phase)
}

/// How often everybody has failed by the time the homeserver returns: at once, after 5 and after 15 to 18 seconds.
const FAILURES: u64 = 3;

/// I3: the homeserver is killed and stays away for many seconds; everybody backs off, visibly, and comes back by itself, in
/// the same process.
#[tokio::test]
async fn everybody_comes_back_when_the_homeserver_does() {
    let mut homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let mut maitre = Maitre::new(&Site::of(&homeserver), CONFIG);
    maitre.start_ready().await;
    let (before, pid) = (maitre.status().await, maitre.pid());
    homeserver.kill().await.unwrap();
    let away = maitre
        .wait_status("everybody to have tried in vain", |status| {
            let tried = all(status, Phase::BackingOff) && status.entities.iter().all(|e| e.restarts >= FAILURES);
            tried.then(|| status.clone())
        })
        .await;
    for entity in &away.entities {
        assert!(entity.next_try_at.is_some_and(|next| next > away.taken_at), "{entity:#?}");
        assert!(entity.reason.as_ref().is_some_and(|reason| reason.contains("can't be reached")), "{entity:#?}");
    }
    homeserver.restart().await.unwrap();
    let after =
        maitre.wait_status("everybody to be back", |status| all(status, Phase::Ready).then(|| status.clone())).await;
    assert_eq!((after.started_at, maitre.pid()), (before.started_at, pid), "the process is the same");
    assert_eq!(after.rooms, before.rooms, "the rooms are the same");
    assert!(
        after.ready && after.entities.iter().all(|e| e.restarts <= FAILURES + 1 && e.reason.is_none()),
        "{after:#?}"
    );
    let said = maitre.said();
    for name in ["router", "alpha", "beta"] {
        let lines = said.lines().filter(|line| line.contains(name) && line.contains("attempt")).count();
        assert!(lines >= 3, "{name} says each try:\n{said}");
    }
    assert!(maitre.stop().await.success());
    homeserver.stop().await.unwrap();
}

/// I3: a homeserver that takes connections and answers nothing is noticed within two long-polls; the loops begin again in
/// place and go on when it does.
#[tokio::test]
async fn everybody_comes_back_when_the_homeserver_hangs() {
    let mut homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let accounts = "{open_registration: true, localpart: \"{name}-{test}\"}";
    let mut maitre = Maitre::with_polls(&Site::of(&homeserver), "2s", accounts, CONFIG);
    maitre.start_ready().await;
    homeserver.pause().await.unwrap();
    let stalled = maitre
        .wait_status("the silence to be noticed", |status| all(status, Phase::BackingOff).then(|| status.clone()))
        .await;
    let named = |reason: &Option<String>| reason.as_ref().is_some_and(|reason| reason.contains("no answer"));
    assert!(stalled.entities.iter().all(|entity| named(&entity.reason)), "{stalled:#?}");
    homeserver.resume().await.unwrap();
    let after =
        maitre.wait_status("everybody to be back", |status| all(status, Phase::Ready).then(|| status.clone())).await;
    assert!(after.ready && after.started_at == stalled.started_at, "{after:#?}");
    assert!(maitre.stop().await.success());
    homeserver.stop().await.unwrap();
}

/// One entity's loop fails at its fifth round: only it is restarted.
#[tokio::test]
async fn one_loop_is_restarted_alone() {
    let mut maitre = Maitre::new(shared(), CONFIG);
    maitre.arm_faults("sync.fail.alpha:2");
    maitre.start();
    let restarts = |status: &Status, name: &str| {
        status.entities.iter().find(|entity| entity.name.as_str() == name).map(|entity| entity.restarts)
    };
    let status = maitre
        .wait_status("alpha to be back", |status| {
            (all(status, Phase::Ready) && restarts(status, "alpha") == Some(1)).then(|| status.clone())
        })
        .await;
    assert_eq!((restarts(&status, "router"), restarts(&status, "beta")), (Some(0), Some(0)), "{status:#?}");
    assert!(maitre.stop().await.success());
}
