//! Conversations that outlive what the program remembers of them.

use std::fs;

use maitre::model::Phase;

use crate::house::{Act, Maitre, Sort, Stub, entity_of, shared};

use super::{
    crash::Standing,
    stage::{Stage, topic},
};

/// The journal as it lies in the state folder, and the keys of all entities.
const JOURNAL: [&str; 3] = ["maitre.db", "maitre.db-wal", "maitre.db-shm"];
const KEYS: &str = "matrix";

/// A house of one agent, whose accounts have passwords that the operator knows.
async fn house() -> (Maitre, Standing) {
    let stub = Stub::start().await;
    let accounts = format!(
        "{{registration_shared_secret: {}, localpart: \"{{name}}-{{test}}\", \
         passwords: {{router: given for the router, alpha: given for alpha}}}}",
        shared().secret.reveal()
    );
    let config = format!(
        "models:\n{}agents: {{alpha: {{role: Answers., model: alpha}}}}\nrouter: {{model: alpha}}\n\
         authorization: {{global_users: [\"@friend-*:localhost\"]}}\n",
        stub.model("alpha")
    );
    let mut maitre = Maitre::with_accounts(shared(), &accounts, &config);
    maitre.start_ready().await;
    let house = Standing { stub, test: maitre.test.clone() };
    (maitre, house)
}

/// N8: what stood in the room when these were lost is context alone: nothing of it is answered, neither what was answered
/// before nor what came meanwhile, and what is said afterwards is.
async fn begins_anew_without(lost: &[&str]) -> Maitre {
    let (mut maitre, house) = house().await;
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha"]).await;
    let (before, meanwhile, after) = (topic(), topic(), topic());
    stage.stub().when(&before, Act::say("Yes."));
    stage.stub().when(&after, Act::say("Still here."));
    let root = stage.say(&before).await;
    let answer = stage.answer("alpha", "Yes.").await;
    assert!(maitre.stop().await.success());
    stage.say(&meanwhile).await;
    for name in lost {
        let path = maitre.state().join(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
    maitre.start_ready().await;
    stage.say_within(&root, &after).await;
    let later = stage.answer("alpha", "Still here.").await;
    stage.only_in_any_order(&[&answer, &later]).await;
    assert_eq!((stage.stub().asked(&before).len(), stage.stub().asked(&meanwhile).len()), (1, 0));
    assert!(stage.stub().asked(&after)[0].holds("Yes."), "what was said before is known");
    maitre
}

/// Conversation 68. N8, I1: the journal is lost, the keys are not: nobody can open them any more, so they are kept aside, which
/// is said.
#[tokio::test]
async fn a_lost_journal_answers_nothing_twice() {
    let mut maitre = begins_anew_without(&JOURNAL).await;
    assert!(maitre.state().join(KEYS).join("alpha.lost-1").is_dir());
    assert!(maitre.said().contains("keys of an earlier journal set aside"), "{}", maitre.said());
    assert!(maitre.stop().await.success());
}

/// Conversation 69. N8: everything is lost: an old account with a fresh state.
#[tokio::test]
async fn a_lost_state_answers_nothing_twice() {
    let lost: Vec<&str> = JOURNAL.into_iter().chain([KEYS]).collect();
    let mut maitre = begins_anew_without(&lost).await;
    assert!(!maitre.state().join(KEYS).join("alpha.lost-1").exists());
    assert!(maitre.stop().await.success());
}

/// Conversation 70. E6, I3: an entity's keys are lost, the journal is not: it doesn't go on with others in their place, and says
/// why; the others serve. With the keys back it answers what came meanwhile, and nothing twice.
#[tokio::test]
async fn lost_keys_keep_one_entity_down() {
    let (mut maitre, house) = house().await;
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha"]).await;
    let (before, meanwhile) = (topic(), topic());
    stage.stub().when(&before, Act::say("Yes."));
    stage.stub().when(&meanwhile, Act::say("Back again."));
    let root = stage.say(&before).await;
    let answer = stage.answer("alpha", "Yes.").await;
    assert!(maitre.stop().await.success());
    let (keys, backup) = (maitre.state().join(KEYS).join("alpha"), maitre.state().join("backup"));
    fs::rename(&keys, &backup).unwrap();
    maitre.start();
    let is_down = |status: &maitre::model::Status| {
        let (alpha, router) = (entity_of(status, "alpha"), entity_of(status, "router"));
        let said = alpha.reason.as_deref().is_some_and(|reason| reason.contains("other keys for this device"));
        (alpha.phase == Phase::Down && said && router.phase == Phase::Ready).then_some(())
    };
    maitre.wait_status("alpha to say what is wrong", is_down).await;
    stage.say_within(&root, "!status").await;
    let told = stage.notice("router", &["nothing is being answered here"]).await;
    assert!(maitre.stop().await.success());
    fs::remove_dir_all(&keys).unwrap();
    fs::rename(&backup, &keys).unwrap();
    stage.say_within(&root, &meanwhile).await;
    maitre.start_ready().await;
    let later = stage.answer("alpha", "Back again.").await;
    stage.only_in_any_order(&[&answer, &told, &later]).await;
    assert_eq!(stage.stub().asked(&before).len(), 1);
    assert!(maitre.stop().await.success());
}
