//! Our program as its users have it: the real binary, a configuration, and a state folder that outlives each run.

use std::{
    fs::{self, OpenOptions},
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use maitre::homeserver::Homeserver;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::process::Process;

/// How often the program is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// How long a start may take.
const READY_WITHIN: Duration = Duration::from_mins(10);
/// How much of its log an error shows, in lines.
const TAIL_LINES: usize = 20;
/// Where ports are looked for: below those that outgoing connections get.
const FIRST_PORT: u16 = 16_000;

/// The program, with its folder.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) folder: TempDir,
    port: u16,
    http: reqwest::Client,
}

/// A process that has become ready, and what that took.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) process: Process,
    pub(crate) cost: Cost,
}

/// What a start took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// By the clock on the wall.
    pub(crate) wall: Duration,
    /// Of a processor's time, all threads together.
    pub(crate) cpu: Duration,
}

impl Started {
    /// Notes what it took until now.
    pub(crate) fn now(process: Process, began: Instant) -> Result<Self> {
        let cost = Cost { wall: began.elapsed(), cpu: process.cpu()? };
        Ok(Self { process, cost })
    }
}

impl Program {
    /// On this homeserver, with `rest` as what else its configuration says.
    pub(crate) fn new(homeserver: &Homeserver, rest: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let config = format!(
            "homeserver: {{url: \"{}\"}}\n\
             accounts: {{registration_shared_secret: \"{}\"}}\n\
             state: {{folder: state}}\n\
             http: {{bind: \"127.0.0.1:{port}\"}}\n{rest}",
            homeserver.url(),
            homeserver.shared_secret().reveal(),
        );
        fs::write(folder.path().join("config.yaml"), config)?;
        let http = reqwest::Client::builder().no_proxy().timeout(READY_WITHIN).build()?;
        Ok(Self { folder, port, http })
    }

    /// Starts it and waits until everything that is configured is up.
    pub(crate) async fn start(&self) -> Result<Started> {
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_maitre"));
        command.args(["run", "--config", "config.yaml"]).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let began = Instant::now();
        let mut process = Process::spawn(&mut command)?;
        self.ready(&mut process).await.with_context(|| self.tail())?;
        Started::now(process, began)
    }

    async fn ready(&self, process: &mut Process) -> Result<()> {
        let end = Instant::now() + READY_WITHIN;
        let url = format!("http://127.0.0.1:{}/ready", self.port);
        while Instant::now() < end {
            process.check_running()?;
            // Until it listens there is no answer.
            if self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            sleep(ASK_EVERY).await;
        }
        bail!("it was not ready within {} s", READY_WITHIN.as_secs())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("output.log")
    }

    fn tail(&self) -> String {
        let said = fs::read(self.log()).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<_> = said.lines().collect();
        format!("the program said last:\n{}", lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
    }
}

fn free_port() -> Result<u16> {
    let mut ports = FIRST_PORT..FIRST_PORT + 1000;
    ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).context("every port is taken")
}
