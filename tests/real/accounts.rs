//! How entities come to their accounts, and keep them.

use std::{collections::BTreeSet, path::Path, time::Duration};

use maitre::{
    homeserver::{Homeserver, Options, Registration},
    model::{EntityName, Phase, ReloadOutcome, Secret},
    store::{Retirement, Store},
};
use serde_json::{Value, json};

use crate::house::{DEADLINE, Maitre, Person, Site, entity_of, installation, shared, temporary, wait_for};

const CONFIG: &str = r#"
agents:
  alpha: {role: "Begins.", rooms: ["lobby-{test}"]}
  beta: {role: "Goes on.", rooms: ["lobby-{test}"]}
"#;
const NAMES: [&str; 3] = ["router", "alpha", "beta"];
/// How long an access token lives where it is short-lived.
const LIFETIME: Duration = Duration::from_secs(2);

/// The one device that an entity has.
async fn only_device(admin: &Person, user: &str) -> String {
    let devices = admin.devices_of(user).await;
    assert_eq!(devices.len(), 1, "{user}: {devices:?}");
    devices.into_iter().next().unwrap()
}

/// I2: where anybody may register, that is how accounts are made.
#[tokio::test]
async fn accounts_are_made_by_open_registration() {
    let ada = Person::new_admin(shared(), "ada").await;
    let mut maitre = Maitre::with_accounts(shared(), "{open_registration: true, localpart: \"{name}-{test}\"}", CONFIG);
    maitre.start_ready().await;
    let users = ada.users_ending_with(&format!("-{}:localhost", maitre.test)).await;
    assert_eq!(users, NAMES.map(|name| maitre.user(name)).into());
    assert!(maitre.stop().await.success());
}

/// I2: a registration token opens both stages of a registration; a wrong one is said, for each entity.
#[tokio::test]
async fn accounts_are_made_with_a_registration_token() {
    let options = Options { registration: Registration::Token, ..temporary() };
    let homeserver = Homeserver::start(&installation().await, &options).await.unwrap();
    let site = Site::of(&homeserver);
    let mut maitre = Maitre::with_accounts(
        &site,
        "{registration_token: \"${REGISTRATION_TOKEN}\", localpart: \"{name}-{test}\"}",
        CONFIG,
    );
    maitre.set("REGISTRATION_TOKEN", "not.the.token");
    maitre.start();
    let status = maitre
        .wait_status("the router to be refused", |status| {
            (entity_of(status, "router").phase == Phase::Down).then(|| status.clone())
        })
        .await;
    let reason = entity_of(&status, "router").reason.clone().unwrap();
    assert!(reason.contains("token"), "{reason}");
    assert!(maitre.stop().await.success());

    let admin = site.registrar().register_admin("admin", &Secret::new("secret")).await.unwrap();
    let token = site.registrar().new_token(&admin.access_token).await.unwrap();
    maitre.set("REGISTRATION_TOKEN", token.reveal());
    maitre.start_ready().await;
    assert!(maitre.stop().await.success());
    assert!(!maitre.said().contains(token.reveal()), "the token is a secret");
    homeserver.stop().await.unwrap();
}

/// I2: a wrong shared secret, or access token, is named, with where it stands in the configuration.
#[tokio::test]
async fn a_wrong_secret_is_named() {
    wrong_secret("registration_shared_secret: not-the-secret", &["this shared secret", "`accounts`"]).await;
    wrong_secret("access_tokens: {router: not-the-secret}", &["token", "`accounts.access_tokens`"]).await;
}

async fn wrong_secret(means: &str, named: &[&str]) {
    let accounts = format!("{{{means}, localpart: \"{{name}}-{{test}}\"}}");
    let mut maitre = Maitre::with_accounts(shared(), &accounts, CONFIG);
    maitre.start();
    let status = maitre
        .wait_status("the router to be refused", |status| {
            (entity_of(status, "router").phase == Phase::Down).then(|| status.clone())
        })
        .await;
    let reason = entity_of(&status, "router").reason.clone().unwrap();
    assert!(named.iter().all(|part| reason.contains(part)), "{reason}");
    assert!(maitre.stop().await.success());
    assert!(!maitre.said().contains("not-the-secret"), "it is a secret nonetheless");
}

/// I1, I2: accounts that exist are entered by the password or the access token that the operator gave, and stay the same
/// devices over restarts.
#[tokio::test]
async fn existing_accounts_are_entered() {
    let ada = Person::new_admin(shared(), "ada").await;
    let accounts = format!(
        "{{registration_shared_secret: {}, localpart: \"{{name}}-{{test}}\", \
         passwords: {{alpha: \"${{ALPHA}}\"}}, access_tokens: {{beta: \"${{BETA}}\"}}}}",
        shared().secret.reveal()
    );
    let mut maitre = Maitre::with_accounts(shared(), &accounts, CONFIG);
    let registrar = shared().registrar();
    let alpha = registrar.register(&format!("alpha-{}", maitre.test), &Secret::new("open sesame")).await.unwrap();
    let beta = registrar.register(&format!("beta-{}", maitre.test), &Secret::new("hidden")).await.unwrap();
    maitre.set("ALPHA", "open sesame");
    maitre.set("BETA", beta.access_token.reveal());
    maitre.start_ready().await;
    let entered = ada.devices_of(alpha.user.as_str()).await;
    assert_eq!(entered.len(), 2, "the first device, and ours: {entered:?}");
    assert_eq!(only_device(&ada, beta.user.as_str()).await, beta.device.as_str());
    assert!(maitre.stop().await.success());
    maitre.start_ready().await;
    assert_eq!(ada.devices_of(alpha.user.as_str()).await, entered);
    assert_eq!(only_device(&ada, beta.user.as_str()).await, beta.device.as_str());
    assert!(maitre.stop().await.success());
}

/// Waits until all but the last one are up. Gives what keeps that one down.
async fn why_beta_is_down(maitre: &mut Maitre) -> String {
    let status = maitre
        .wait_status("all but one to be up", |status| {
            let phases = NAMES.map(|name| entity_of(status, name).phase);
            (phases == [Phase::Ready, Phase::Ready, Phase::Down]).then(|| status.clone())
        })
        .await;
    entity_of(&status, "beta").reason.clone().unwrap()
}

/// I1, I3: a name that belongs to somebody else keeps that one entity down, says so, and leaves the others alone.
#[tokio::test]
async fn a_name_that_is_taken_keeps_one_entity_down() {
    let mut maitre = Maitre::new(shared(), CONFIG);
    let beta = format!("beta-{}", maitre.test);
    shared().registrar().register(&beta, &Secret::new("somebody else's")).await.unwrap();
    maitre.start();
    let reason = why_beta_is_down(&mut maitre).await;
    assert!(reason.contains(&beta) && reason.contains("taken"), "{reason}");
    let (code, text) = maitre.get("/ready").await;
    assert!(code == 503 && text.contains("beta"), "{code} {text}");
    assert!(maitre.stop().await.success());
}

/// I1: short-lived tokens are renewed and written down while the house runs, so that after a kill the same devices go on.
#[tokio::test]
async fn tokens_are_renewed_and_survive_a_kill() {
    let options = Options { refreshable_token_lifetime: Some(LIFETIME), ..temporary() };
    let homeserver = Homeserver::start(&installation().await, &options).await.unwrap();
    let site = Site::of(&homeserver);
    let ada = Person::new_admin(&site, "ada").await;
    let mut maitre = Maitre::with_polls(&site, "3s", "{open_registration: true, localpart: \"{name}-{test}\"}", CONFIG);
    maitre.start_ready().await;
    let mut devices = Vec::new();
    for name in NAMES {
        devices.push(only_device(&ada, &maitre.user(name)).await);
    }
    for kill in 0..2 {
        let journal = maitre.journal();
        let mut seen = NAMES.map(|name| BTreeSet::from([journal.tokens(name)]));
        wait_for("three generations of tokens", DEADLINE, async || {
            for (name, seen) in NAMES.iter().zip(&mut seen) {
                seen.insert(journal.tokens(name));
            }
            let counts = seen.each_ref().map(BTreeSet::len);
            if counts.iter().all(|count| *count >= 3) { Ok(()) } else { Err(counts) }
        })
        .await;
        assert!(seen.iter().flatten().all(|(access, refresh)| access.is_some() && refresh.is_some()));
        let status = maitre.status().await;
        let calm = status.entities.iter().all(|entity| entity.phase == Phase::Ready && entity.restarts == 0);
        assert!(calm, "nobody had to begin again before kill {kill}: {status:#?}");
        maitre.kill().await;
        maitre.start_ready().await;
    }
    for (name, device) in NAMES.iter().zip(&devices) {
        assert_eq!(only_device(&ada, &maitre.user(name)).await, *device, "{name}");
        assert_eq!(entity_of(&maitre.status().await, name).restarts, 0, "{name}");
    }
    assert!(maitre.stop().await.success());
    homeserver.stop().await.unwrap();
}

/// The keys that the homeserver shows for a device, and how many have signed them.
async fn keys_of(person: &Person, user: &str, device: &str) -> Option<(Value, usize)> {
    let query = json!({ "device_keys": { user: [device] } });
    let answer = person.api.post("/_matrix/client/v3/keys/query", query).await.unwrap();
    let shown = &answer["device_keys"][user][device];
    let signatures = shown["signatures"][user].as_object()?.len();
    Some((shown["keys"].clone(), signatures))
}

/// I1, E6: an entity whose device somebody deletes logs in again on the same device, with the same keys, and can do all
/// that it could; nobody else restarts.
#[tokio::test]
async fn who_is_logged_out_comes_back_on_the_same_device() {
    let mut ada = Person::new_admin(shared(), "ada").await;
    let accounts =
        format!("{{registration_shared_secret: {}, localpart: \"{{name}}-{{test}}\"}}", shared().secret.reveal());
    let config = format!("{CONFIG}authorization: {{global_users: [\"{}\"]}}\n", ada.user);
    let mut maitre = Maitre::with_polls(shared(), "5s", &accounts, &config);
    maitre.start_ready().await;
    let gone = ["router", "alpha"].map(|name| maitre.user(name));
    let mut before = Vec::new();
    for user in &gone {
        let device = only_device(&ada, user).await;
        let keys = keys_of(&ada, user, &device).await.unwrap();
        assert_eq!(keys.1, 2, "{user} vouches for its device: {keys:?}");
        ada.delete_device_of(user, &device).await;
        before.push((device, keys));
    }
    let status = maitre
        .wait_status("both to be back", |status| {
            let back = ["router", "alpha"].map(|name| entity_of(status, name));
            back.iter().all(|e| e.phase == Phase::Ready && e.restarts == 1).then(|| status.clone())
        })
        .await;
    assert_eq!(entity_of(&status, "beta").restarts, 0, "{status:#?}");
    for (user, (device, keys)) in gone.iter().zip(before) {
        assert_eq!(only_device(&ada, user).await, device);
        assert_eq!(keys_of(&ada, user, &device).await, Some(keys), "{user}");
        let room = ada.create_room(json!({ "is_direct": true, "invite": [user] })).await;
        ada.wait_until("the guest", DEADLINE, |view| view.joined(&room).contains(user).then_some(())).await;
    }
    assert!(maitre.stop().await.success());
}

/// The name and the picture that everybody sees.
async fn profile(person: &Person, user: &str) -> (Value, Value) {
    let profile = person.api.get(&format!("/_matrix/client/v3/profile/{user}")).await.unwrap();
    (profile["displayname"].clone(), profile["avatar_url"].clone())
}

/// I7: name and picture follow the configuration, without a new account.
#[tokio::test]
async fn faces_follow_the_configuration() {
    let ada = Person::new_admin(shared(), "ada").await;
    let mut maitre = Maitre::new(
        shared(),
        "agents: {alpha: {role: \"Begins.\", display_name: \"First One\", avatar: faces/alpha.png}}\n",
    );
    let faces = maitre.config().with_file_name("faces");
    std::fs::create_dir(&faces).unwrap();
    std::fs::write(faces.join("alpha.png"), b"\x89PNG\r\n\x1a\n and so on").unwrap();
    maitre.start_ready().await;
    let alpha = maitre.user("alpha");
    let device = only_device(&ada, &alpha).await;
    let (name, picture) = profile(&ada, &alpha).await;
    assert_eq!(name, "First One");
    let picture = picture.as_str().unwrap().to_owned();
    assert!(picture.starts_with("mxc://localhost/"), "{picture}");

    std::fs::write(faces.join("alpha.png"), b"\x89PNG\r\n\x1a\n and something else").unwrap();
    maitre.configure("agents: {alpha: {role: \"Ends.\", display_name: \"Last One\", avatar: faces/alpha.png}}\n");
    assert!(maitre.stop().await.success());
    maitre.start_ready().await;
    let (name, other) = profile(&ada, &alpha).await;
    assert_eq!(name, "Last One");
    assert!(other.as_str().is_some_and(|other| other != picture), "{other}");

    maitre.configure("agents: {alpha: {role: \"Ends.\"}}\n");
    assert!(maitre.stop().await.success());
    maitre.start_ready().await;
    assert_eq!(profile(&ada, &alpha).await, (json!("Alpha"), Value::Null), "no picture any more");
    assert_eq!(only_device(&ada, &alpha).await, device);
    assert!(maitre.stop().await.success());
}

/// Whether the homeserver says that a user's account is no more.
async fn is_deactivated(admin: &Person, user: &str) -> bool {
    let account = admin.api.get(&format!("/_synapse/admin/v2/users/{user}")).await.unwrap();
    account["deactivated"].as_bool().unwrap()
}

async fn deactivated(admin: &Person, user: &str) {
    wait_for("the account to be deactivated", DEADLINE, async || {
        if is_deactivated(admin, user).await { Ok(()) } else { Err(user.to_owned()) }
    })
    .await;
}

/// The accounts of a house in which those who are removed don't stay.
fn for_good() -> String {
    format!(
        "{{registration_shared_secret: {}, localpart: \"{{name}}-{{test}}\", deactivate_removed: true}}",
        shared().secret.reveal()
    )
}

/// H10, H3: the account of who is taken out is deactivated for good, and nobody else's; who is configured once more under that name
/// isn't taken over, and at a start is down alone, with the reason.
#[tokio::test]
async fn who_is_gone_for_good_does_not_come_back() {
    let ada = Person::new_admin(shared(), "ada").await;
    let mut maitre = Maitre::with_accounts(shared(), &for_good(), CONFIG);
    maitre.start_ready().await;
    assert!(maitre.stop().await.success());
    let backups = tempfile::tempdir().unwrap();
    let backup = backups.path().join("state");
    copy(&maitre.state(), &backup);
    maitre.start_ready().await;
    let beta = maitre.user("beta");
    assert!(!is_deactivated(&ada, &beta).await);
    let without = CONFIG.lines().filter(|line| !line.contains("beta:")).collect::<Vec<_>>().join("\n");
    maitre.configure(&without);
    let told = maitre.wait_status("it to be taken over", |status| status.reloads.first().cloned()).await;
    let fate = told.changes.iter().any(|line| line.ends_with("stops; its account is deactivated for good"));
    assert!(told.outcome == ReloadOutcome::Applied && fate, "{told:?}");
    deactivated(&ada, &beta).await;
    assert!(!is_deactivated(&ada, &maitre.user("alpha")).await);

    maitre.configure(CONFIG);
    let told = maitre
        .wait_status("it to be refused", |status| status.reloads.first().filter(|newest| **newest != told).cloned())
        .await;
    assert_eq!(told.outcome, ReloadOutcome::RolledBack, "{told:?}");
    let reason = &told.reasons[0];
    assert!(reason.starts_with("signing beta in failed") && reason.contains("accounts.deactivate_removed"), "{reason}");
    assert!(maitre.stop().await.success());
    maitre.start();
    let reason = why_beta_is_down(&mut maitre).await;
    assert!(reason.contains("deactivated for good") && reason.contains("another name"), "{reason}");
    assert!(maitre.stop().await.success());

    // Nor where our book knows nothing of it, since it comes from a backup; homeservers don't tell why a name is taken.
    copy(&backup, &maitre.state());
    maitre.start();
    let reason = maitre
        .wait_status("it to be down", |status| {
            let beta = entity_of(status, "beta");
            beta.reason.clone().filter(|_| beta.phase == Phase::Down)
        })
        .await;
    assert!(reason.contains("is taken") && reason.contains("deactivated for good"), "{reason}");
    assert!(maitre.stop().await.success());
}

/// Puts a copy of one folder in the place of another.
fn copy(from: &Path, to: &Path) {
    drop(std::fs::remove_dir_all(to));
    let copied = std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(copied.success());
}

/// H10: who was taken out of the configuration while the program couldn't do it any more goes at the next start, and whoever came
/// back before then stays.
#[tokio::test]
async fn what_was_to_end_ends_at_the_next_start() {
    let ada = Person::new_admin(shared(), "ada").await;
    let mut maitre = Maitre::with_accounts(shared(), &for_good(), CONFIG);
    maitre.start_ready().await;
    assert!(maitre.stop().await.success());
    let store = Store::open(&maitre.state()).await.unwrap();
    for entity in ["alpha", "beta"] {
        store.retire(&EntityName::parse(entity).unwrap(), Retirement::Due).await.unwrap();
    }
    store.close().await;
    let without = CONFIG.lines().filter(|line| !line.contains("beta:")).collect::<Vec<_>>().join("\n");
    maitre.configure(&without);
    maitre.start_ready().await;
    deactivated(&ada, &maitre.user("beta")).await;
    assert!(maitre.stop().await.success());
    maitre.start_ready().await;
    assert!(!is_deactivated(&ada, &maitre.user("alpha")).await, "it came back");
    assert!(maitre.stop().await.success());
}
