//! The private homeserver itself: it starts, stops, comes back, and never outlives the one who wanted it.

use std::{path::Path, process::Stdio};

use maitre::{
    homeserver::{
        AccountError, Data, Homeserver, InstallError, Installation, Options, Places, Registration, SYNAPSE, StartError,
    },
    model::Secret,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::house::{DEADLINE, installation, places, temporary, wait_for};

/// When set, the test process is the one that gets killed.
const HOLD: &str = "MAITRE_TEST_HOLDS_A_HOMESERVER";

fn is_running(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

async fn gone(pid: u32, folder: &Path) {
    wait_for("Synapse and its data to be gone", DEADLINE, async || {
        if is_running(pid) || folder.exists() { Err((is_running(pid), folder.exists())) } else { Ok(()) }
    })
    .await;
}

async fn get(url: &str) -> reqwest::Result<Value> {
    reqwest::Client::builder().no_proxy().build()?.get(url).send().await?.error_for_status()?.json().await
}

#[tokio::test]
async fn it_starts_answers_and_leaves_nothing() {
    let homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let versions = get(&format!("{}/_matrix/client/versions", homeserver.url())).await.unwrap();
    assert!(versions["versions"].as_array().unwrap().iter().any(|version| version == "v1.11"), "{versions}");
    let (pid, folder) = (homeserver.pid(), homeserver.folder().to_owned());
    assert!(is_running(pid) && folder.exists());
    homeserver.stop().await.unwrap();
    assert!(!is_running(pid) && !folder.exists(), "stop returns when everything is gone");
}

#[tokio::test]
async fn it_goes_when_it_is_dropped() {
    let homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let (pid, folder) = (homeserver.pid(), homeserver.folder().to_owned());
    drop(homeserver);
    gone(pid, &folder).await;
}

/// Runs in two processes: this test, and a copy of it that starts a homeserver and is killed.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the copy is told by its environment that it is the one")]
async fn it_goes_when_its_owner_is_killed() {
    if std::env::var_os(HOLD).is_some() {
        let homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
        println!("\nholding {} {}", homeserver.pid(), homeserver.folder().display());
        std::future::pending::<()>().await;
    }
    let mut copy = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "homeserver::it_goes_when_its_owner_is_killed", "--nocapture"])
        .env(HOLD, "yes")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(copy.stdout.take().unwrap()).lines();
    let (pid, folder) = loop {
        let line = lines.next_line().await.unwrap().expect("the copy says what it holds");
        if let Some((pid, folder)) = line.strip_prefix("holding ").and_then(|rest| rest.split_once(' ')) {
            break (pid.parse().unwrap(), folder.to_owned());
        }
    };
    assert!(is_running(pid) && Path::new(&folder).exists());
    copy.kill().await.unwrap();
    gone(pid, Path::new(&folder)).await;
}

#[tokio::test]
async fn it_goes_when_its_guard_is_killed() {
    let homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let (pid, folder) = (homeserver.pid(), homeserver.folder().to_owned());
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let guard = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(guard).unwrap(), Signal::KILL).unwrap();
    wait_for("Synapse to be gone", DEADLINE, async || if is_running(pid) { Err(pid) } else { Ok(()) }).await;
    // With nobody left to do it, the data stays behind.
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn killed_it_comes_back_with_what_it_knew() {
    let mut homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let (url, first) = (homeserver.url(), homeserver.pid());
    let ada = homeserver.registrar().register("ada", &Secret::new("pw")).await.unwrap();
    homeserver.kill().await.unwrap();
    assert!(!is_running(first));
    assert!(get(&format!("{url}/_matrix/client/versions")).await.is_err());
    homeserver.restart().await.unwrap();
    assert_eq!(homeserver.url(), url);
    assert_ne!(homeserver.pid(), first);
    let again = homeserver.registrar().register("ada", &Secret::new("pw")).await.unwrap_err();
    assert!(matches!(&again, AccountError::Refused { status: 400, body } if body.contains("M_USER_IN_USE")), "{again}");
    assert_eq!(ada.user.as_str(), "@ada:localhost");
    homeserver.stop().await.unwrap();
}

#[tokio::test]
async fn paused_it_hangs_and_resumed_it_answers() {
    let mut homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
    let versions = format!("{}/_matrix/client/versions", homeserver.url());
    homeserver.pause().await.unwrap();
    wait_for("the process to be stopped", DEADLINE, async || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", homeserver.pid())).unwrap();
        if status.contains("State:\tT") { Ok(()) } else { Err(status) }
    })
    .await;
    let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_millis(300)).build().unwrap();
    let error = client.get(&versions).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    homeserver.resume().await.unwrap();
    get(&versions).await.unwrap();
    homeserver.pause().await.unwrap();
    let pid = homeserver.pid();
    homeserver.stop().await.unwrap();
    assert!(!is_running(pid), "a hanging one can be stopped, too");
}

#[tokio::test]
async fn kept_data_is_the_same_homeserver_next_time() {
    let installation = installation().await;
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(Data::Kept(folder.path().join("deep").join("data")));
    let first = Homeserver::start(&installation, &options).await.unwrap();
    let (url, secret) = (first.url(), first.shared_secret().clone());
    first.registrar().register("ada", &Secret::new("pw")).await.unwrap();
    let error = Homeserver::start(&installation, &options).await.unwrap_err();
    assert!(matches!(error, StartError::InUse { .. }), "{error}");
    first.stop().await.unwrap();
    let second = Homeserver::start(&installation, &options).await.unwrap();
    assert_eq!((second.url(), second.shared_secret()), (url, &secret));
    assert!(second.registrar().register("ada", &Secret::new("pw")).await.is_err(), "she is still there");
    second.stop().await.unwrap();
    assert!(folder.path().join("deep/data/homeserver.db").exists());
}

#[tokio::test]
async fn a_homeserver_that_cannot_start_shows_its_log() {
    let mut options = temporary();
    options.extra.insert("database".to_owned(), serde_json::json!({ "name": "abacus" }));
    let error = Homeserver::start(&installation().await, &options).await.unwrap_err();
    assert!(matches!(&error, StartError::Exited { tail, .. } if tail.contains("abacus")), "{error}");
}

#[tokio::test]
async fn registration_can_be_left_to_those_with_a_token() {
    let options = Options { registration: Registration::Token, ..temporary() };
    let homeserver = Homeserver::start(&installation().await, &options).await.unwrap();
    let admin = homeserver.registrar().register_admin("root", &Secret::new("pw")).await.unwrap();
    let token = homeserver.registrar().new_token(&admin.access_token).await.unwrap();
    let valid = async |token: &str| {
        let path = "_matrix/client/v1/register/m.login.registration_token/validity";
        get(&format!("{}/{path}?token={token}", homeserver.url())).await.unwrap()["valid"].as_bool()
    };
    assert_eq!(valid(token.reveal()).await, Some(true));
    assert_eq!(valid("no-such-token").await, Some(false));
    let error = homeserver.registrar().new_token(&Secret::new("not an admin's")).await.unwrap_err();
    assert!(matches!(error, AccountError::Refused { status: 401, .. }), "{error}");
    homeserver.stop().await.unwrap();
}

#[tokio::test]
async fn an_installation_is_found_again_without_a_word() {
    installation().await;
    let told = std::sync::Mutex::new(Vec::new());
    let progress = |step| told.lock().unwrap().push(step);
    Installation::ready(&SYNAPSE, &places(), DEADLINE, &progress).await.unwrap();
    assert_eq!(*told.lock().unwrap(), Vec::new());
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the installer gets this test's environment but for the package index")]
async fn without_a_package_index_the_error_says_so() {
    let cache = tempfile::tempdir().unwrap();
    let nowhere = "https://127.0.0.1:9/simple";
    let changed = [
        ("XDG_CACHE_HOME", cache.path().to_str().unwrap()),
        ("PIP_INDEX_URL", nowhere),
        ("PIP_RETRIES", "0"),
        ("UV_DEFAULT_INDEX", nowhere),
        ("UV_HTTP_RETRIES", "0"),
    ];
    let kept = std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        !name.starts_with("PIP_") && !name.starts_with("UV_") && name != "XDG_CACHE_HOME"
    });
    let changed = changed.map(|(name, value)| (name.into(), value.into()));
    let places = Places::from_environment(kept.chain(changed)).unwrap();
    let error = Installation::ready(&SYNAPSE, &places, DEADLINE, &|_| ()).await.unwrap_err();
    let InstallError::Offline { log, .. } = &error else { panic!("{error}") };
    assert!(error.to_string().contains("out of reach") && log.exists(), "{error}");
    assert!(!places.cache.join("synapse-1.163.2").exists());
}
