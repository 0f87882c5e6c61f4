//! One running Synapse.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{sleep, timeout};

use super::{
    Data, Installation, Options, Registrar, StartError,
    guard::{Afterwards, Guard, Signal},
    identity::{Identity, random_hex},
    installation::tail,
    lock::Lock,
    port,
    registrar::{client, signature},
    settings::{self, Layout, MARK, Running, SERVER_NAME},
};
use crate::model::Secret;

/// How often a starting Synapse is asked whether it answers.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How long one such question may take.
const ASK_WITHIN: Duration = Duration::from_secs(5);
/// How long Synapse may take to stop in order. It usually takes two seconds.
const STOP_GRACE: Duration = Duration::from_secs(15);
/// How often another port is tried when the first one was taken in the meantime.
const PORTS_MAX: usize = 5;
/// How much of Synapse's log an error shows, in lines.
const TAIL_LINES: usize = 40;
/// How many hexadecimal digits a password has: few enough to be typed.
const PASSWORD_DIGITS: usize = 16;
/// What Synapse says when its port is taken.
const PORT_TAKEN: &str = "Address already in use";

/// A running homeserver. It ends when this is dropped, or when our process ends in whatever way.
#[derive(Debug)]
pub struct Homeserver {
    guard: Guard,
    http: reqwest::Client,
    folder: PathBuf,
    port: u16,
    pid: u32,
    mark: String,
    secret: Secret,
    ready_within: Duration,
    _lock: Lock,
}

impl Homeserver {
    /// Starts a homeserver and waits until it answers.
    ///
    /// # Errors
    /// [`StartError`], with the end of Synapse's log where that tells more.
    pub async fn start(installation: &Installation, options: &Options) -> Result<Self, StartError> {
        let mut tried = 0;
        loop {
            tried += 1;
            let outcome = Self::start_once(installation, options).await;
            match &outcome {
                Err(StartError::Exited { tail, .. }) if tail.contains(PORT_TAKEN) && tried < PORTS_MAX => {}
                Ok(_) | Err(_) => return outcome,
            }
        }
    }

    async fn start_once(installation: &Installation, options: &Options) -> Result<Self, StartError> {
        let (folder, afterwards) = folder_for(&options.data)?;
        let prepared = Self::prepare(installation, options, &folder, afterwards);
        if prepared.is_err() && afterwards == Afterwards::Removed {
            // Without a guard nobody else would. What went wrong before is what the caller should hear.
            drop(std::fs::remove_dir_all(&folder));
        }
        let mut homeserver = prepared?;
        homeserver.run().await?;
        Ok(homeserver)
    }

    /// Everything up to the guard, which only waits for the word.
    fn prepare(
        installation: &Installation,
        options: &Options,
        folder: &Path,
        afterwards: Afterwards,
    ) -> Result<Self, StartError> {
        let layout = Layout(folder);
        let lock = Lock::try_take(&layout.lock()).map_err(|source| StartError::File { path: layout.lock(), source })?;
        let lock = lock.ok_or_else(|| StartError::InUse { folder: folder.to_owned() })?;
        let mut identity = Identity::of(folder)?;
        let port = port::free(options.port.or(identity.port)).ok_or(StartError::NoPort)?;
        identity.port = Some(port);
        identity.keep_in(folder)?;
        let mark = random_hex(16);
        settings::write_all(&layout, options, &identity, &Running { port, mark: &mark })?;
        settings::write(&layout.output(), "")?;
        let config = layout.config().to_string_lossy().into_owned();
        let arguments = ["-m", "synapse.app.homeserver", "-c", &config];
        Ok(Self {
            guard: Guard::new(installation, &layout, afterwards, &arguments).map_err(StartError::Guard)?,
            http: client(ASK_WITHIN),
            folder: folder.to_owned(),
            port,
            pid: 0,
            mark,
            secret: Secret::new(identity.registration_secret),
            ready_within: options.ready_within,
            _lock: lock,
        })
    }

    /// Its base address, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The part of its user ids after the colon.
    #[must_use]
    pub fn server_name(&self) -> &'static str {
        SERVER_NAME
    }

    /// Who knows this may register any account.
    #[must_use]
    pub fn shared_secret(&self) -> &Secret {
        &self.secret
    }

    /// A password for the account `localpart` that stays the same as long as the data does and can't be guessed.
    #[must_use]
    pub fn password_of(&self, localpart: &str) -> Secret {
        let digits = signature(self.secret.reveal(), &format!("password\0{localpart}"));
        Secret::new(&digits[..PASSWORD_DIGITS])
    }

    /// Synapse's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The folder with its data and its log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes accounts on it.
    #[must_use]
    pub fn registrar(&self) -> Registrar {
        Registrar::new(self.url(), self.secret.clone())
    }

    /// Ends it in order and leaves nothing running.
    ///
    /// # Errors
    /// [`StartError::Guard`] when the guard doesn't do as it is told.
    pub async fn stop(mut self) -> Result<(), StartError> {
        self.guard.end(STOP_GRACE).await.map_err(StartError::Guard)?;
        self.guard.dismiss().await.map_err(StartError::Guard)
    }

    /// Kills Synapse with its data as it is at this moment. [`Homeserver::restart`] brings it back.
    ///
    /// # Errors
    /// [`StartError::Guard`] when the guard doesn't do as it is told.
    pub async fn kill(&mut self) -> Result<(), StartError> {
        self.guard.kill().await.map_err(StartError::Guard)
    }

    /// Ends Synapse in order if it runs, and starts it again on the same port and data.
    ///
    /// # Errors
    /// As [`Homeserver::start`].
    pub async fn restart(&mut self) -> Result<(), StartError> {
        self.guard.end(STOP_GRACE).await.map_err(StartError::Guard)?;
        self.run().await
    }

    /// Makes it hang: connections are taken and nothing is ever answered, until [`Homeserver::resume`].
    ///
    /// # Errors
    /// [`StartError::Guard`] when the guard doesn't do as it is told.
    pub async fn pause(&mut self) -> Result<(), StartError> {
        self.guard.signal(Signal::Pause).await.map_err(StartError::Guard)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// [`StartError::Guard`] when the guard doesn't do as it is told.
    pub async fn resume(&mut self) -> Result<(), StartError> {
        self.guard.signal(Signal::Resume).await.map_err(StartError::Guard)
    }

    async fn run(&mut self) -> Result<(), StartError> {
        self.pid = self.guard.start().await.map_err(StartError::Guard)?;
        let question = Question { http: self.http.clone(), url: self.url(), mark: &self.mark };
        let ended = tokio::select! {
            biased;
            exited = self.guard.exited() => Some(exited.map_err(StartError::Guard)?),
            answered = timeout(self.ready_within, question.answered()) => match answered {
                Ok(()) => return Ok(()),
                Err(_) => None,
            },
        };
        let tail = self.tail();
        Err(match ended {
            Some(code) => StartError::Exited { code, tail },
            None => StartError::TooSlow { within: self.ready_within, tail },
        })
    }

    fn tail(&self) -> String {
        let log = std::fs::read(Layout(&self.folder).output()).unwrap_or_default();
        tail(&String::from_utf8_lossy(&log), TAIL_LINES)
    }
}

/// Whether it is our Synapse that answers, and not somebody who took the port just before.
struct Question<'a> {
    http: reqwest::Client,
    url: String,
    mark: &'a str,
}

impl Question<'_> {
    async fn answered(&self) {
        while !self.ask().await.unwrap_or(false) {
            sleep(ASK_EVERY).await;
        }
    }

    async fn ask(&self) -> reqwest::Result<bool> {
        let url = format!("{}/.well-known/matrix/client", self.url);
        let answer: serde_json::Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
        Ok(answer[MARK] == self.mark)
    }
}

/// The folder for the data, made if need be, and whether it goes with the homeserver.
fn folder_for(data: &Data) -> Result<(PathBuf, Afterwards), StartError> {
    let (folder, afterwards) = match data {
        Data::Temporary(parent) => (parent.join(format!("maitre-synapse-{}", random_hex(16))), Afterwards::Removed),
        Data::Kept(folder) => (folder.clone(), Afterwards::Kept),
    };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.map_err(|source| StartError::File { path: folder.clone(), source })?;
    Ok((folder, afterwards))
}
