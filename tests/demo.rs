//! The demo as people have it: the real binary, from nothing to a chat and back to nothing.
#![expect(clippy::unwrap_used, reason = "a fixture that breaks should end the test")]

#[path = "demo/terminal.rs"]
mod terminal;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};

use maitre::homeserver::{Installation, Places, SYNAPSE};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time::{Instant, sleep, timeout},
};

/// How long the first installation on a machine may take.
const INSTALL_WITHIN: Duration = Duration::from_mins(15);
/// How long anything may take that usually takes a few seconds.
const DEADLINE: Duration = Duration::from_mins(2);
/// How often a condition is looked at that nothing announces.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What everybody sees in the rooms.
const ROOMS: &str = "\
Lobby
  Coder       @coder:localhost
  Paper Team  @paper:localhost
  Researcher  @researcher:localhost
  Router      @router:localhost
  Writer      @writer:localhost
  You         @you:localhost

Workshop
  Coder       @coder:localhost
  Paper Team  @paper:localhost
  Researcher  @researcher:localhost
  Router      @router:localhost
  You         @you:localhost
";

/// A demo that runs, with its input and outputs in our hands.
struct Demo {
    child: Child,
    input: Option<ChildStdin>,
    shown: Lines<BufReader<ChildStdout>>,
    told: Lines<BufReader<ChildStderr>>,
}

impl Demo {
    /// Starts one on a machine where the homeserver is installed.
    async fn start(arguments: &[&OsStr]) -> Self {
        install().await;
        Self::spawn(command(arguments))
    }

    fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let shown = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, input, shown, told }
    }

    /// Types a line.
    async fn types(&mut self, line: &str) {
        self.input.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Waits for a line on standard output that ends so, and gives it.
    async fn shows(&mut self, end: &str) -> String {
        let line = wait_for_line(&mut self.shown, end, |line| line.ends_with(end)).await;
        assert!(!line.contains('\x1b'), "no colours off a terminal, no commands from others: {line:?}");
        line
    }

    /// Waits for a line on standard error that ends so.
    async fn tells(&mut self, end: &str) {
        wait_for_line(&mut self.told, end, |line| line.ends_with(end)).await;
    }

    /// How to get in with another client: address, user and password.
    async fn access(&mut self) -> [String; 3] {
        let mut found = ["homeserver", "user", "password"].map(str::to_owned);
        for word in &mut found {
            let start = format!("  {word} ");
            let line = wait_for_line(&mut self.shown, &start, |line| line.starts_with(&start)).await;
            line.split_whitespace().last().unwrap().clone_into(word);
        }
        found
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid_of(&self.child), signal).unwrap();
    }

    /// Waits for its end. What it still holds is looked at before, so that it can be seen to be gone after.
    async fn ends(&mut self) -> ExitStatus {
        timeout(DEADLINE, self.child.wait()).await.expect("the demo ends in time").unwrap()
    }
}

/// The processes of a demo and the folder that must go with it.
#[derive(Debug)]
struct Belongings {
    processes: Vec<u32>,
    folder: Option<PathBuf>,
}

impl Belongings {
    /// What `demo` holds, once its homeserver is being guarded.
    async fn of(demo: &Demo) -> Self {
        let root = demo.child.id().unwrap();
        wait_for("a guarded homeserver", || {
            let processes = descendants(root);
            let folder = processes.iter().find_map(|pid| guarded_folder(*pid));
            folder.map(|folder| Self { processes, folder: Some(folder).filter(|path| !path.as_os_str().is_empty()) })
        })
        .await
    }

    async fn are_gone(&self) {
        wait_for("every process and the folder to be gone", || {
            let gone = !self.processes.iter().any(|pid| is_running(*pid))
                && !self.folder.as_ref().is_some_and(|folder| folder.exists());
            gone.then_some(())
        })
        .await;
    }
}

async fn install() {
    #[expect(clippy::disallowed_methods, reason = "a test has nobody above it who could pass the environment down")]
    let places = Places::from_environment(std::env::vars_os()).unwrap();
    Installation::ready(&SYNAPSE, &places, INSTALL_WITHIN, &|_| ()).await.unwrap();
}

fn command(arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maitre"));
    command.arg("demo").args(arguments).kill_on_drop(true);
    without_models(&mut command);
    command
}

/// Takes away what would let agents think: tests ask no model that somebody pays for.
fn without_models(command: &mut Command) -> &mut Command {
    ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"].into_iter().fold(command, Command::env_remove)
}

async fn run(mut command: Command) -> Output {
    timeout(DEADLINE, command.stdin(Stdio::null()).output()).await.expect("the demo ends in time").unwrap()
}

async fn wait_for_line(
    lines: &mut Lines<BufReader<impl AsyncRead + Unpin>>,
    what: &str,
    fits: impl Fn(&str) -> bool,
) -> String {
    let mut seen = Vec::new();
    let found = timeout(DEADLINE, async {
        loop {
            let line = lines.next_line().await.unwrap()?;
            if fits(&line) {
                return Some(line);
            }
            seen.push(line);
        }
    });
    let found = found.await.unwrap_or_default();
    found.unwrap_or_else(|| panic!("waited in vain for {what:?}, and saw:\n{}", seen.join("\n")))
}

async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        sleep(LOOK_EVERY).await;
    }
}

fn pid_of(child: &Child) -> Pid {
    pid_of_number(child.id().unwrap())
}

fn pid_of_number(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed()).unwrap()
}

/// All processes below `root`, and their parents.
fn descendants(root: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let parents: Vec<(u32, u32)> = all.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(above) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == above).map(|(pid, _)| *pid));
        next += 1;
    }
    found.remove(0);
    found
}

fn parent(pid: u32) -> Option<u32> {
    status(pid).lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

fn is_running(pid: u32) -> bool {
    let status = status(pid);
    !status.is_empty() && !status.contains("State:\tZ")
}

fn status(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()
}

/// The folder that this process removes at its end, empty if none, if it is a guard.
fn guarded_folder(pid: u32) -> Option<PathBuf> {
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let mut words = line.split('\0').skip_while(|word| !word.ends_with("guard.py"));
    words.nth(2).map(PathBuf::from)
}

/// A machine on which `python3` is this script and nothing else is installed.
fn bare_machine(python: Option<&str>) -> (TempDir, Command) {
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    if let Some(script) = python {
        // Written by another process: a child that a neighbouring test starts must not hold it open.
        let mut write = std::process::Command::new("/bin/sh");
        write.args(["-c", "printf '#!/bin/sh\n%s\n' \"$1\" > \"$0\" && chmod 755 \"$0\""]);
        assert!(write.arg(bin.join("python3")).arg(script).status().unwrap().success());
    }
    let mut command = command(&["--once".as_ref()]);
    command.env_clear().env("HOME", home.path()).env("PATH", &bin);
    (home, command)
}

/// Answers as a Python 3.11 does that is asked for its version; anything else is left to `then`.
fn python(then: &str) -> String {
    format!("case \"$*\" in *version_info*) echo 3 11 7 True;; *) {then};; esac")
}

async fn post(url: &str, token: Option<&str>, body: Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    let request = client.post(url).bearer_auth(token.unwrap_or_default()).json(&body);
    request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

#[tokio::test]
async fn once_shows_who_is_where_and_leaves() {
    install().await;
    for _ in 0..2 {
        let output = run(command(&["--once".as_ref()])).await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), ROOMS, "{told}");
        assert!(told.ends_with("stopped; nothing is left\n"), "{told}");
    }
}

/// I6, I12: the router's welcome stands in the rooms, and the person at the keyboard is in them and can speak.
#[tokio::test]
async fn a_person_chats_and_leaves() {
    let mut demo = Demo::start(&["--scripted".as_ref()]).await;
    let [url, ..] = demo.access().await;
    let belongings = Belongings::of(&demo).await;
    demo.shows("* 1  Lobby     Coder, Paper Team, Researcher, Router, Writer, You").await;
    demo.shows("  2  Workshop  Coder, Paper Team, Researcher, Router, You").await;
    demo.shows("Router: Welcome! Here with you:").await;
    demo.types("hello everybody").await;
    demo.shows(" You: hello everybody").await;
    demo.types("@coder what is a mutex?").await;
    demo.shows("Coder: A **mutex** lets one thread at a time into a section of code:").await;
    demo.shows("*This answer is scripted; no model wrote it.*").await;
    demo.types("/dance").await;
    demo.shows("-- /dance is not something this chat knows").await;
    demo.types("/2").await;
    demo.shows("── Workshop ──").await;
    demo.shows("Router: Welcome! Here with you:").await;
    demo.types("/who").await;
    demo.shows("  You         @you:localhost").await;
    demo.types("//join is a command").await;
    demo.types("/quit").await;
    demo.shows(" You: /join is a command").await;
    assert_eq!(demo.ends().await.code(), Some(0));
    belongings.are_gone().await;
    let address = url.trim_start_matches("http://");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens at {address} any more");
}

#[tokio::test]
async fn any_client_can_be_used_and_none_can_harm_the_terminal() {
    let mut demo = Demo::start(&[]).await;
    let [url, user, password] = demo.access().await;
    demo.shows("── Lobby ──").await;
    let identifier = json!({ "type": "m.id.user", "user": user });
    let login = json!({ "type": "m.login.password", "identifier": identifier, "password": password });
    let login = post(&format!("{url}/_matrix/client/v3/login"), None, login).await;
    let token = login["access_token"].as_str();
    let den = json!({ "name": "\u{1b}[2JDen", "invite": ["@writer:localhost"] });
    let made = post(&format!("{url}/_matrix/client/v3/createRoom"), token, den).await;
    let room = format!("{url}/_matrix/client/v3/rooms/{}", made["room_id"].as_str().unwrap().replace('!', "%21"));
    demo.shows("-- you are now in Den as well: /3").await;
    let said = json!({ "msgtype": "m.text", "body": "\u{1b}]0;owned\u{7}\u{1b}[31mred\rding\u{7}" });
    post(&format!("{room}/send/m.room.message"), token, said).await;
    demo.shows(" [Den] You: redding").await;
    demo.types("/join den").await;
    demo.shows("── Den ──").await;
    demo.shows(" You: redding").await;
    post(&format!("{room}/leave"), token, json!({})).await;
    demo.shows("-- you are no longer in Den").await;
    drop(demo.input.take());
    assert_eq!(demo.ends().await.code(), Some(0), "the end of the input is the end of the chat");
}

/// I8: a signal ends everything in order, whatever is going on, and leaves nothing.
#[tokio::test]
async fn a_signal_ends_it_at_any_moment() {
    let moments = [
        ("starting a private homeserver", Signal::TERM),
        ("bringing the router, 3 agents and 1 team online", Signal::INT),
    ];
    for (moment, signal) in moments {
        let mut demo = Demo::start(&[]).await;
        demo.tells(moment).await;
        let belongings = Belongings::of(&demo).await;
        assert!(belongings.folder.as_ref().is_some_and(|folder| folder.exists()), "{belongings:?}");
        demo.signal(signal);
        assert_eq!(demo.ends().await.code(), Some(0), "{moment}");
        belongings.are_gone().await;
    }
    let mut demo = Demo::start(&[]).await;
    demo.shows("── Lobby ──").await;
    let belongings = Belongings::of(&demo).await;
    demo.signal(Signal::INT);
    demo.tells("stopped; nothing is left").await;
    assert_eq!(demo.ends().await.code(), Some(0));
    belongings.are_gone().await;
}

#[tokio::test]
async fn killed_it_leaves_nothing_either() {
    let mut demo = Demo::start(&[]).await;
    demo.shows("── Lobby ──").await;
    let belongings = Belongings::of(&demo).await;
    demo.child.kill().await.unwrap();
    belongings.are_gone().await;
}

#[tokio::test]
async fn what_is_kept_goes_on_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("demo");
    let keep: [&OsStr; 2] = ["--keep".as_ref(), kept.as_ref()];
    let mut first = Demo::start(&keep).await;
    let access = first.access().await;
    first.shows("── Lobby ──").await;
    first.types("see you").await;
    first.shows(" You: see you").await;
    let other = run(command(&keep)).await;
    let told = String::from_utf8_lossy(&other.stderr);
    assert_eq!(other.status.code(), Some(73), "two demos never share a folder: {told}");
    assert!(told.contains("another process runs a homeserver on "), "{told}");
    first.types("/quit").await;
    first.tells(&format!("stopped; everything is kept in {}", kept.display())).await;
    assert_eq!(first.ends().await.code(), Some(0));
    let rooms = managed_rooms(&kept);
    assert_eq!(rooms.len(), 2);
    let mut second = Demo::start(&keep).await;
    assert_eq!(second.access().await, access);
    second.shows("* 1  Lobby     Coder, Paper Team, Researcher, Router, Writer, You").await;
    second.shows("  2  Workshop  Coder, Paper Team, Researcher, Router, You").await;
    second.shows("Router: Welcome! Here with you:").await;
    second.shows(" You: see you").await;
    second.types("/quit").await;
    assert_eq!(second.ends().await.code(), Some(0));
    assert_eq!(managed_rooms(&kept), rooms);
    assert!(kept.join("maitre.log").exists(), "the log is kept, too, and disturbed nobody");
    let output = run(command(&[keep[0], keep[1], "--once".as_ref()])).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), ROOMS);
}

/// The rooms that a demo, which isn't running, keeps in `folder`: key and id.
fn managed_rooms(folder: &Path) -> Vec<(String, String)> {
    let store = rusqlite::Connection::open(folder.join("state/maitre.db")).unwrap();
    let mut query = store.prepare("SELECT key, room FROM rooms ORDER BY key").unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn an_installation_can_be_left_at_any_moment() {
    let (home, command) = bare_machine(Some(&python("exec /bin/sleep 1000")));
    let mut demo = Demo::spawn(command);
    demo.tells("installing synapse 1.163.2 with pip and Python 3.11.7 (this is done once)").await;
    let installer =
        wait_for("the installer", || Some(descendants(demo.child.id().unwrap())).filter(|all| !all.is_empty()));
    let installer = Belongings { processes: installer.await, folder: None };
    demo.signal(Signal::INT);
    assert_eq!(demo.ends().await.code(), Some(0));
    installer.are_gone().await;
    assert!(!home.path().join(".cache/maitre/synapse-1.163.2").exists(), "nothing half-made is left to be used");
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let check = async |script: Option<&str>, expected: &str| {
        let (_home, command) = bare_machine(script);
        let output = run(command).await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(expected), "{told}");
        assert_eq!(output.status.code(), Some(69), "{told}");
        assert_eq!(output.stdout, b"");
    };
    check(None, "error: Python 3.10 or later is needed and was not found (no python3 in PATH)").await;
    check(Some("echo 3 9 2 True"), "Python 3.10 or later is needed and was not found (found only ").await;
    let offline = python("echo 'Temporary failure in name resolution'; exit 1");
    check(Some(&offline), "error: synapse 1.163.2 can't be downloaded: the Python package index is out of reach").await;
}

#[tokio::test]
async fn a_log_filter_that_is_none_is_a_wrong_line() {
    let output = run(command(&["--once".as_ref(), "--log".as_ref(), "maitre=loud".as_ref()])).await;
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the log filter \"maitre=loud\" is not one"));
}
