//! Our program as its users have it: the real binary with a configuration in a folder of its own.

use std::{
    fs::{File, OpenOptions},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use maitre::model::{EntityStatus, Phase, RoomStatus, Status};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    time::timeout,
};

use super::{DEADLINE, Journal, Site, installation, unique, wait_for};

/// How much of what it said is shown when a test fails, in bytes.
const SAID_BYTES_MAX: usize = 20_000;

/// The program, running or not. Its folder stays as it is between one run and the next.
#[derive(Debug)]
pub(crate) struct Maitre {
    /// What makes this program's names its own on a shared homeserver: `{test}` in the configuration.
    pub(crate) test: String,
    folder: TempDir,
    port: u16,
    /// The sections that every configuration of it begins with.
    given: String,
    variables: Vec<(String, String)>,
    /// What it is started with, where it isn't started by itself.
    wrapper: Vec<String>,
    process: Option<Child>,
    http: reqwest::Client,
}

impl Maitre {
    /// The program with this configuration, not yet started.
    ///
    /// `{test}` in it stands for a text that no other test uses. The homeserver, accounts, state and http sections are
    /// given: accounts are called `{name}-{test}` and registered by the shared secret.
    pub(crate) fn new(site: &Site, config: &str) -> Self {
        let accounts =
            format!("{{registration_shared_secret: {}, localpart: \"{{name}}-{{test}}\"}}", site.secret.reveal());
        Self::with_accounts(site, &accounts, config)
    }

    /// The same with a section of its own about accounts.
    pub(crate) fn with_accounts(site: &Site, accounts: &str, config: &str) -> Self {
        Self::with_polls(site, "30s", accounts, config)
    }

    /// The same with long-polls that last this long, such as `2s`, for what only happens between two of them.
    pub(crate) fn with_polls(site: &Site, sync_timeout: &str, accounts: &str, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let homeserver = format!("{{url: \"{}\", sync_timeout: {sync_timeout}}}", site.url);
        let given = format!(
            "homeserver: {homeserver}\naccounts: {accounts}\nstate: {{folder: state}}\nhttp: {{bind: \"127.0.0.1:{port}\"}}\n"
        );
        let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        let maitre = Self {
            test: unique("t"),
            folder,
            port,
            given,
            variables: Vec::new(),
            wrapper: Vec::new(),
            process: None,
            http,
        };
        maitre.configure(config);
        maitre
    }

    /// Writes another configuration behind the given sections, for its next start.
    pub(crate) fn configure(&self, config: &str) {
        let whole = format!("{}{config}", self.given);
        std::fs::write(self.config(), whole.replace("{test}", &self.test)).unwrap();
    }

    /// Writes a file into the program's folder, in the way of careful editors: under another name first.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).unwrap();
        let beside = path.with_extension("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, &path).unwrap();
    }

    /// Gives the program a variable in its environment, from its next start on. Empty takes it away again.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(given, _)| given != name);
        if !value.is_empty() {
            self.variables.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Has the program started by this command from its next start on, which must become the program itself.
    pub(crate) fn wrap(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
    }

    /// Breaks the program at the points named, from its next start on.
    pub(crate) fn arm_faults(&mut self, faults: &str) {
        self.set("MAITRE_FAULT", faults);
    }

    /// The user id of one of its entities.
    pub(crate) fn user(&self, entity: &str) -> String {
        format!("@{entity}-{}:localhost", self.test)
    }

    // Running.

    /// Starts it, without waiting for anything.
    pub(crate) fn start(&mut self) {
        assert!(self.process.is_none(), "one process at a time");
        let output = OpenOptions::new().create(true).append(true).open(self.output()).unwrap();
        let mut command = self.command(&["run"]);
        command.stdout(clone(&output)).stderr(output).kill_on_drop(true);
        self.process = Some(command.spawn().unwrap());
    }

    /// Starts it so that it ends with this process, for a program that nobody drops.
    pub(crate) async fn start_guarded(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/homeserver/guard.py");
        let mut command = installation().await.python();
        command.arg(script).arg(self.output()).arg("").arg(program());
        command.args(["run", "--config"]).arg(self.config()).current_dir(self.folder.path());
        command.env_remove("MATRIX_HOMESERVER").env_remove("MAITRE_FAULT").envs(self.variables.iter().cloned());
        let mut guard = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        // Its input stays open as long as we are there.
        guard.stdin.as_mut().expect("a pipe").write_all(b"start\n").await.unwrap();
        self.process = Some(guard);
        self.wait_ready().await;
    }

    /// Starts it and waits until everything that is configured is up.
    pub(crate) async fn start_ready(&mut self) {
        self.start();
        self.wait_ready().await;
    }

    /// Waits until everything that is configured is up.
    pub(crate) async fn wait_ready(&mut self) {
        self.wait_ready_within(DEADLINE).await;
    }

    /// The same for a house that is larger than most.
    pub(crate) async fn wait_ready_within(&mut self, deadline: Duration) {
        let url = self.url("/ready");
        wait_for("everything to be ready", deadline, async || {
            self.assert_running();
            let response = self.http.get(&url).send().await.map_err(|error| error.to_string())?;
            if response.status().is_success() { Ok(()) } else { Err(response.text().await.unwrap_or_default()) }
        })
        .await;
    }

    /// Waits until the status is as wished.
    pub(crate) async fn wait_status<T>(&mut self, what: &str, look: impl Fn(&Status) -> Option<T>) -> T {
        wait_for(what, DEADLINE, async || {
            self.assert_running();
            let status = self.try_status().await?;
            // In its first instant it has a status, but nobody in it.
            if status.entities.is_empty() {
                return Err("nobody".to_owned());
            }
            look(&status).ok_or_else(|| format!("{status:#?}"))
        })
        .await
    }

    /// The state of the house.
    pub(crate) async fn status(&self) -> Status {
        self.try_status().await.unwrap()
    }

    /// Where an entity stands.
    pub(crate) async fn phase(&self, entity: &str) -> Phase {
        entity_of(&self.status().await, entity).phase
    }

    /// The room behind a key.
    pub(crate) async fn room(&self, key: &str) -> String {
        room_of(&self.status().await, key).room.as_ref().expect("a room that was found or made").to_string()
    }

    /// What one of its addresses answers: the HTTP status and the text.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.try_get(path).await.unwrap()
    }

    /// The same of a program that may not answer.
    pub(crate) async fn try_get(&self, path: &str) -> reqwest::Result<(u16, String)> {
        let response = self.http.get(self.url(path)).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    /// Starts another process on the same configuration and waits for its end.
    pub(crate) async fn run_another(&self) -> Output {
        self.say(&["run"]).await
    }

    /// What a command such as `status`, given this configuration, prints, and how it ends.
    pub(crate) async fn say(&self, words: &[&str]) -> Output {
        let mut command = self.command(words);
        timeout(DEADLINE, command.kill_on_drop(true).output()).await.expect("the process ends in time").unwrap()
    }

    // Stopping.

    /// Asks it to stop, once.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks it to read its configuration, as a service manager does.
    pub(crate) fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.exited().await
    }

    /// Kills it as `kill -9` does and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        self.process.as_mut().expect("a running process").start_kill().unwrap();
        self.exited().await;
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn exited(&mut self) -> ExitStatus {
        let process = self.process.as_mut().expect("a running process");
        let status = timeout(DEADLINE, process.wait()).await.expect("the process ends in time").unwrap();
        self.process = None;
        status
    }

    /// Resolves when it has ended by itself, whenever that is. May be dropped and repeated.
    pub(crate) async fn died(&mut self) -> ExitStatus {
        let status = self.process.as_mut().expect("a running process").wait().await.unwrap();
        self.process = None;
        status
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.pid();
        kill_process(pid, signal).unwrap();
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Pid {
        let id = self.process.as_ref().and_then(Child::id).expect("a running process");
        Pid::from_raw(id.cast_signed()).unwrap()
    }

    // What it leaves.

    /// What it has written down.
    pub(crate) fn journal(&self) -> Journal {
        Journal::open(&self.state().join("maitre.db"))
    }

    /// Its state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Its configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("config.yaml")
    }

    /// Everything it said, over all its runs.
    pub(crate) fn said(&self) -> String {
        let bytes = std::fs::read(self.output()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = match self.wrapper.split_first() {
            None => Command::new(program()),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program());
                command
            }
        };
        command.args(words).arg("--config").arg(self.config()).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("MATRIX_HOMESERVER").env_remove("MAITRE_FAULT").envs(self.variables.iter().cloned());
        command
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("output.log")
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    async fn try_status(&self) -> Result<Status, String> {
        let request = self.http.get(self.url("/api/status"));
        let response = request.send().await.map_err(|error| error.to_string())?;
        response.json().await.map_err(|error| error.to_string())
    }

    fn assert_running(&mut self) {
        let ended = self.process.as_mut().expect("a running process").try_wait().unwrap();
        assert!(ended.is_none(), "it ended: {ended:?}");
    }
}

impl Drop for Maitre {
    #[expect(clippy::print_stderr, reason = "a failing test shows what the program said")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said();
            let from = said.ceil_char_boundary(said.len().saturating_sub(SAID_BYTES_MAX));
            eprintln!("--- the program said ---\n{}\n--- (end) ---", &said[from..]);
        }
    }
}

/// What the status says of an entity.
pub(crate) fn entity_of<'a>(status: &'a Status, name: &str) -> &'a EntityStatus {
    status.entities.iter().find(|entity| entity.name.as_str() == name).expect("an entity of this name")
}

/// What the status says of a room.
pub(crate) fn room_of<'a>(status: &'a Status, key: &str) -> &'a RoomStatus {
    status.rooms.iter().find(|room| room.key == key).expect("a room of this key")
}

/// The program: the binary that was built beside a test, or the example that asks, which can be the program too.
fn program() -> PathBuf {
    option_env!("CARGO_BIN_EXE_maitre").map_or_else(|| std::env::current_exe().unwrap(), PathBuf::from)
}

fn clone(file: &File) -> File {
    file.try_clone().unwrap()
}

/// A port that nobody listens on, and that no outgoing connection can have.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 4000).unwrap();
    loop {
        let port = 12_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 4000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
