//! One entity: signs in, listens, and begins again when something fails.

use std::{convert::Infallible, error::Error, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::{
    sync::{Semaphore, mpsc},
    time,
};

use super::{house::Report, profile::show_profile};
use crate::{
    bot::{Listener, Silence},
    config::{Entity, Homeserver as Settings},
    desk::Inbox,
    matrix::{Applicant, Homeserver, MatrixError, Retry, Session},
    model::EntityName,
    nursery::{Stop, panic_message},
    observe::{self, EntityBackingOff, EntityDown, EntityStarting, EntityStopped, SyncFailed, SyncStalled, TaskDied},
    orchestrator::restart::Restart,
    store::Store,
};

/// How many signs of life may wait to be read.
const HEARD_WAITING_MAX: usize = 4;

/// One entity's task.
pub(super) struct Bot {
    pub(super) entity: Entity,
    pub(super) settings: Settings,
    pub(super) homeserver: Arc<dyn Homeserver>,
    pub(super) store: Store,
    pub(super) desk: Inbox,
    pub(super) reports: mpsc::Sender<Report>,
    /// One permit per login at a time.
    pub(super) logins: Arc<Semaphore>,
}

impl Bot {
    /// Lives until told to stop. A bug in one bot is one bot's failure: it begins again, with back-off like any other.
    pub(super) async fn run(self, stop: Stop) {
        let mut broken = Restart::default();
        let living = async {
            loop {
                let Err(panic) = AssertUnwindSafe(self.live()).catch_unwind().await;
                let message = panic_message(panic.as_ref());
                TaskDied { name: &format!("bot:{}", self.entity.name), panic: Some(&message) }.emit();
                self.pause(&mut broken, Retry::Soon, &MatrixError::Broken { message }).await;
            }
        };
        tokio::select! {
            biased;
            () = stop.soft() => {}
            () = living => {}
        }
        EntityStopped { entity: &self.entity.name }.emit();
    }

    async fn live(&self) -> Infallible {
        let mut restart = Restart::default();
        let mut logged_out = false;
        loop {
            match self.sign_in(logged_out).await {
                Ok(session) => {
                    self.serve(session, &mut restart).await;
                    logged_out = true;
                }
                Err(error) => {
                    logged_out = matches!(error, MatrixError::LoggedOut);
                    self.pause(&mut restart, error.retry(), &error).await;
                }
            }
        }
    }

    async fn sign_in(&self, logged_out: bool) -> Result<Arc<dyn Session>, MatrixError> {
        EntityStarting { entity: &self.entity.name }.emit();
        let permit = self.logins.acquire().await;
        self.tell(Report::Starting { entity: self.entity.name.clone() }).await;
        let applicant = applicant(&self.entity);
        let session = if logged_out {
            self.homeserver.sign_in_again(applicant).await?
        } else {
            self.homeserver.sign_in(applicant).await?
        };
        self.open(session.as_ref()).await?;
        session.establish().await?;
        drop(permit);
        show_profile(&self.entity, session.as_ref(), &self.store).await?;
        Ok(session)
    }

    /// Builds the client anew: its next response is the one after what was admitted last.
    async fn open(&self, session: &dyn Session) -> Result<(), MatrixError> {
        let position = self.store.position(&self.entity.name).await;
        session.open(position.map_err(|error| MatrixError::AccountBook(Box::new(error)))?).await
    }

    /// Listens on the open line, and restarts the loop in place, until the homeserver no longer knows us.
    async fn serve(&self, session: Arc<dyn Session>, restart: &mut Restart) {
        let mut opened = Ok(());
        loop {
            let silence = match opened {
                Ok(()) => self.listen(&session, restart).await,
                Err(error) => Silence::Homeserver(error),
            };
            session.close().await;
            silence_fact(&self.entity.name, &silence);
            self.pause(restart, after_silence(&silence), &silence).await;
            if matches!(silence, Silence::Homeserver(MatrixError::LoggedOut)) {
                return;
            }
            opened = self.open(session.as_ref()).await;
        }
    }

    async fn listen(&self, session: &Arc<dyn Session>, restart: &mut Restart) -> Silence {
        let (heard, mut signs) = mpsc::channel(HEARD_WAITING_MAX);
        let listener = Listener {
            entity: self.entity.name.clone(),
            session: Arc::clone(session),
            desk: self.desk.clone(),
            store: self.store.clone(),
            heard,
            sync_timeout: self.settings.sync_timeout,
            gap_pages_max: self.settings.gap_pages_max,
        };
        let listening = listener.run();
        tokio::pin!(listening);
        loop {
            tokio::select! {
                silence = &mut listening => return silence,
                Some(sign) = signs.recv() => {
                    restart.well(sign.at);
                    let (entity, session) = (sign.entity, Arc::clone(session));
                    self.tell(Report::Heard { entity, session, at: sign.at }).await;
                }
            }
        }
    }

    /// Says what failed and when the next try comes, and waits for it.
    async fn pause(&self, restart: &mut Restart, retry: Retry, error: &(dyn Error + Sync)) {
        let now = observe::now();
        let pause = restart.failed(now, retry, jitter());
        let (entity, reason) = (&self.entity.name, error.to_string());
        if pause.down {
            EntityDown { entity, reason: &reason, retry_in: pause.delay }.emit();
        } else {
            let attempt = u32::try_from(pause.attempt).unwrap_or(u32::MAX);
            EntityBackingOff { entity, attempt, delay: pause.delay, reason: &reason }.emit();
        }
        let next_try_at = now.after(pause.delay);
        self.tell(Report::Failed { entity: entity.clone(), reason, next_try_at, down: pause.down }).await;
        time::sleep(pause.delay).await;
    }

    pub(super) async fn tell(&self, report: Report) {
        // The house is gone only when everything ends.
        drop(self.reports.send(report).await);
    }
}

/// Whether waiting helps. A lost login does: the next step is to log in anew.
fn after_silence(silence: &Silence) -> Retry {
    match silence {
        Silence::Homeserver(MatrixError::LoggedOut)
        | Silence::Stalled { .. }
        | Silence::NotAdmitted
        | Silence::Store(_) => Retry::Soon,
        Silence::Homeserver(error) => error.retry(),
    }
}

fn silence_fact(entity: &EntityName, silence: &Silence) {
    match silence {
        Silence::Stalled { after } => SyncStalled { entity, silent_for: *after }.emit(),
        Silence::Homeserver(_) | Silence::NotAdmitted | Silence::Store(_) => {
            SyncFailed { entity, error: silence }.emit();
        }
    }
}

/// Who signs in for `entity`.
fn applicant(entity: &Entity) -> Applicant {
    Applicant {
        entity: entity.name.clone(),
        localpart: entity.localpart.clone(),
        credential: entity.credential.clone(),
    }
}

/// A share of the jitter that a pause may have.
#[expect(clippy::disallowed_methods, reason = "dice are rolled here, so that the decision about the pause need not")]
fn jitter() -> f64 {
    rand::random()
}

/// How long to wait before an attempt that failed is made again, where nobody needs to be told.
pub(super) const QUIET_PAUSE: Duration = Duration::from_secs(5);
