//! One entity: signs in, listens, and begins again when something fails.

use std::{convert::Infallible, error::Error, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time,
};

use super::{chance::Chance, profile::show_profile, report::Report};
use crate::{
    bot::{Listener, Silence},
    config::{Config, Entity},
    desk::Inbox,
    matrix::{Applicant, Homeserver, MatrixError, Retry, Session},
    model::EntityName,
    nursery::{Stop, panic_message},
    observe::{self, EntityBackingOff, EntityDown, EntityStarting, EntityStopped, SyncFailed, SyncStalled, TaskDied},
    orchestrator::restart::{Restart, after_login},
    store::Store,
};

/// How many signs of life may wait to be read.
const HEARD_WAITING_MAX: usize = 4;

/// What a login weighs against coming back: making an account, its keys and its first sync are work for both sides, while
/// an account that was set up before only opens its store and asks for news.
pub(super) const LOGIN_WEIGHT: usize = 4;

/// One entity's task.
pub(super) struct Bot {
    /// As it was when the task began. Its name never changes; the rest may.
    pub(super) entity: Entity,
    pub(super) config: watch::Receiver<Arc<Config>>,
    pub(super) homeserver: Arc<dyn Homeserver>,
    pub(super) store: Store,
    pub(super) desk: Inbox,
    pub(super) reports: mpsc::Sender<Report>,
    /// [`LOGIN_WEIGHT`] permits per login at a time.
    pub(super) logins: Arc<Semaphore>,
    /// The dice for its pauses.
    pub(super) chance: Chance,
}

impl Bot {
    /// Lives until told to stop. A bug in one bot is one bot's failure: it begins again, with back-off like any other.
    pub(super) async fn run(self, stop: Stop) {
        let mut restart = Restart::default();
        let living = async {
            loop {
                let Err(panic) = AssertUnwindSafe(self.live(&mut restart)).catch_unwind().await;
                let message = panic_message(panic.as_ref());
                TaskDied { name: &format!("bot:{}", self.entity.name), panic: Some(&message) }.emit();
                self.pause(&mut restart, Retry::Soon, &MatrixError::Broken { message }).await;
            }
        };
        tokio::select! {
            biased;
            () = stop.soft() => {}
            () = living => {}
        }
        EntityStopped { entity: &self.entity.name }.emit();
    }

    async fn live(&self, restart: &mut Restart) -> Infallible {
        let mut logged_out = false;
        loop {
            match self.sign_in(logged_out).await {
                Ok(session) => {
                    self.serve(session, restart).await;
                    logged_out = true;
                }
                Err(error) => {
                    let retry = after_login(&error, logged_out);
                    logged_out |= matches!(error, MatrixError::LoggedOut);
                    self.pause(restart, retry, &error).await;
                }
            }
        }
    }

    async fn sign_in(&self, logged_out: bool) -> Result<Arc<dyn Session>, MatrixError> {
        EntityStarting { entity: &self.entity.name }.emit();
        let permit = self.logins.acquire_many(self.weight().await).await;
        self.tell(Report::Starting { entity: self.entity.name.clone() }).await;
        let applicant = applicant(&self.configured());
        let session = if logged_out {
            self.homeserver.sign_in_again(applicant).await?
        } else {
            self.homeserver.sign_in(applicant).await?
        };
        let prepared = self.prepare(session.as_ref()).await;
        drop(permit);
        if let Err(error) = prepared {
            // The next try has its own client, and two must not work on one key store.
            session.close().await;
            return Err(error);
        }
        Ok(session)
    }

    /// How much of what the homeserver is asked at once is ours. A store that can't be read fails the next step.
    async fn weight(&self) -> u32 {
        let account = self.store.account(&self.entity.name).await.ok().flatten();
        let is_set_up = account.is_some_and(|account| account.tokens.is_some() && account.recovery_key.is_some());
        if is_set_up { 1 } else { u32::try_from(LOGIN_WEIGHT).unwrap_or(1) }
    }

    async fn prepare(&self, session: &dyn Session) -> Result<(), MatrixError> {
        self.open(session).await?;
        session.establish().await?;
        show_profile(&self.configured(), session, &self.store).await
    }

    /// H3: what the configuration says of it now; of one that is on its way out, what it said last.
    fn configured(&self) -> Entity {
        self.config.borrow().entity(&self.entity.name).cloned().unwrap_or_else(|| self.entity.clone())
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
        let settings = self.config.borrow().homeserver.clone();
        let listener = Listener {
            entity: self.entity.name.clone(),
            session: Arc::clone(session),
            desk: self.desk.clone(),
            store: self.store.clone(),
            heard,
            sync_timeout: settings.sync_timeout,
            gap_pages_max: settings.gap_pages_max,
        };
        let listening = listener.run();
        tokio::pin!(listening);
        loop {
            tokio::select! {
                biased;
                Some(sign) = signs.recv() => {
                    restart.well(sign.at);
                    let (entity, session) = (sign.entity, Arc::clone(session));
                    self.tell(Report::Heard { entity, session, at: sign.at }).await;
                }
                silence = &mut listening => return silence,
            }
        }
    }

    /// Says what failed and when the next try comes, and waits for it.
    async fn pause(&self, restart: &mut Restart, retry: Retry, error: &(dyn Error + Sync)) {
        let now = observe::now();
        let pause = restart.failed(now, retry, self.chance.share());
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

    async fn tell(&self, report: Report) {
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
pub(super) fn applicant(entity: &Entity) -> Applicant {
    Applicant {
        entity: entity.name.clone(),
        localpart: entity.localpart.clone(),
        credential: entity.credential.clone(),
    }
}
