//! H2: takes a changed configuration over: everything that may fail is tried, then it is done, or nothing is.

use std::{error::Error, sync::Arc, time::Duration};

use backon::{ConstantBuilder, Retryable as _};
use futures_util::{FutureExt as _, StreamExt as _, stream};

use super::{
    bot::{LOGIN_WEIGHT, applicant},
    crew::Crew,
    lines::RoomError,
    profile::show_profile,
    report::{Report, Wish},
    room,
    secrets::hide_secrets,
};
use crate::{
    config::{self, Changes, Config, Reading, diff},
    llm::{LlmError, Renewal},
    matrix::{MatrixError, Retry, Session},
    model::{EntityName, Reload, ReloadOutcome, RoomId, RoomKey, RoomRef},
    observe::{self, ConfigReloaded, ErrandFailed},
    orchestrator::reload::{ReloadPlan, Step, Trial, reload_plan},
    store::{Membership, StoreError},
};

/// How often something is tried that may work the next time.
const TRIES_MAX: usize = 3;
/// The pause between two tries.
const TRY_PAUSE: Duration = Duration::from_secs(1);

/// Why a trial failed.
#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Models(#[from] LlmError),
    #[error(transparent)]
    Homeserver(#[from] MatrixError),
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// What trials made ready.
#[derive(Default)]
struct Ready {
    models: Option<Renewal>,
    /// Other people's rooms that the router was to come into, written down before it did.
    visited: Vec<Visited>,
}

/// Somebody else's room that the router was to come into.
struct Visited {
    key: RoomKey,
    /// Which one it is, where the router wasn't in it before.
    entered: Option<RoomId>,
}

impl Crew {
    /// Takes what was read: it is what runs from now on, or it is said why not.
    pub(super) async fn take(&mut self, reading: &Reading) {
        let at = observe::now();
        let problems = reading.outcome.as_ref().err().map_or(&[][..], Vec::as_slice);
        let (outcome, changes, reasons) = match &reading.outcome {
            Err(problems) => {
                let reasons = problems.iter().map(ToString::to_string).collect();
                (ReloadOutcome::Invalid, Vec::new(), reasons)
            }
            Ok(loaded) => self.adopt(&loaded.config).await,
        };
        ConfigReloaded { outcome, changes: &changes, reasons: &reasons }.emit();
        let reload = Reload { at, outcome, changes, reasons };
        self.announce(&reload, problems).await;
        self.answer(&reading.askers, &reload, problems).await;
        reading.told();
        self.tell(Report::Reloaded(reload)).await;
    }

    async fn adopt(&mut self, new: &Config) -> (ReloadOutcome, Vec<String>, Vec<String>) {
        hide_secrets(new);
        let old = Arc::clone(&self.current.borrow());
        let changes = diff(&old, new);
        let lines = config::tell(&changes);
        if changes.is_none() {
            return (ReloadOutcome::Unchanged, lines, Vec::new());
        }
        if !changes.refused.is_empty() {
            let refusals = changes.refused.iter();
            let reasons =
                refusals.map(|refusal| format!("{} can't change while Maitre runs: {}", refusal.key, refusal.remedy));
            return (ReloadOutcome::Refused, lines, reasons.collect());
        }
        match self.carry_out(&old, &Arc::new(new.clone()), &changes).await {
            Ok(()) => (ReloadOutcome::Applied, lines, Vec::new()),
            Err((trial, cause)) => {
                (ReloadOutcome::RolledBack, lines, vec![format!("{trial} failed: {}", observe::Causes(&cause))])
            }
        }
    }

    async fn carry_out(&mut self, old: &Config, new: &Arc<Config>, changes: &Changes) -> Result<(), (Trial, Cause)> {
        let ReloadPlan { trials, steps } = reload_plan(changes, new);
        let ready = self.prepare(new, trials).await?;
        let mut renewal = ready.models;
        for step in steps {
            match step {
                Step::Adopt => {
                    // Models first: whoever begins with the new settings finds what they name.
                    if let Some(renewal) = renewal.take() {
                        self.models.adopt(renewal);
                    }
                    self.current.send_replace(Arc::clone(new));
                    self.tell(Report::Renewed(Arc::clone(new))).await;
                    self.means.wish(Wish::Renew(Arc::clone(new))).await;
                }
                Step::Restart(entity) => self.restart(&entity).await,
                // Until the router is up nobody else is; then all come.
                Step::Start(entity) if self.is_complete => {
                    self.start(&entity).await;
                    // Who was about to leave is still here, and doesn't arrive once more.
                    for key in new.entity(&entity).into_iter().flat_map(|entity| &entity.rooms) {
                        self.means.wish(Wish::Visit(key.clone())).await;
                    }
                }
                Step::Start(_) => {}
                Step::Dismiss(entity) => self.dismiss(&entity, old).await,
                Step::Show(entity) => self.show(&entity, new).await,
                Step::Visit(key) => self.means.wish(Wish::Visit(key)).await,
                Step::Space => self.means.wish(Wish::Space).await,
                Step::Person(_) => self.person().await,
            }
        }
        Ok(())
    }

    /// H5: tries what may fail. Where something does, what was done for it is undone.
    async fn prepare(&mut self, new: &Config, trials: Vec<Trial>) -> Result<Ready, (Trial, Cause)> {
        let mut ready = Ready::default();
        let outcome = self.try_all(new, trials, &mut ready).await;
        if let Err(failed) = outcome {
            self.undo(ready.visited).await;
            return Err(failed);
        }
        Ok(ready)
    }

    async fn try_all(&self, new: &Config, trials: Vec<Trial>, ready: &mut Ready) -> Result<(), (Trial, Cause)> {
        let mut accounts = Vec::new();
        for trial in &trials {
            match trial {
                Trial::Models => {
                    let renewal = self.models.renewed(&new.models);
                    ready.models = Some(renewal.map_err(|error| (trial.clone(), error.into()))?);
                }
                // Who is still here needs no login; and until the router is up nobody is let in before it.
                Trial::Account(entity) if self.is_complete && !self.has(entity) => accounts.push(entity.clone()),
                Trial::Account(_) | Trial::Room(_) => {}
            }
        }
        let at_once = new.homeserver.logins_max.get();
        let logins = accounts.into_iter().map(|entity| {
            async move {
                let tried = self.try_account(&entity, new).await;
                tried.map_err(|cause| (Trial::Account(entity), cause))
            }
            .boxed()
        });
        let mut logins = stream::iter(logins).buffer_unordered(at_once);
        while let Some(tried) = logins.next().await {
            tried?;
        }
        for trial in trials {
            if let Trial::Room(key) = &trial {
                let visited = &mut ready.visited;
                self.try_room(key, new, visited).await.map_err(|cause| (trial.clone(), cause))?;
            }
        }
        Ok(())
    }

    /// Makes the account where it is missing, and logs in. The entity's own loop then finds it so.
    async fn try_account(&self, entity: &EntityName, new: &Config) -> Result<(), Cause> {
        let Some(configured) = new.entity(entity) else { return Ok(()) };
        let weight = u32::try_from(LOGIN_WEIGHT).unwrap_or(1);
        let _permit = self.means.logins.acquire_many(weight).await;
        let sign_in = || self.means.homeserver.sign_in(applicant(configured));
        let session = sign_in.retry(tries()).when(|error: &MatrixError| error.retry() != Retry::Never).await?;
        session.close().await;
        Ok(())
    }

    /// Has the router find, make or enter a room. Whatever fails then, `visited` says what is to be undone.
    async fn try_room(&self, key: &RoomKey, new: &Config, visited: &mut Vec<Visited>) -> Result<(), Cause> {
        let (Some(wanted), Some(router)) = (new.rooms.get(key), self.means.lines.of(&new.router().name)) else {
            return Ok(());
        };
        let store = &self.means.store;
        if store.room(key).await?.is_some() {
            return Ok(());
        }
        let may_pass = |error: &RoomError| error.retry() != Retry::Never;
        if !matches!(key.room_ref(), RoomRef::Ours(_)) {
            let entered = (|| self.not_entered_yet(key, new, &router)).retry(tries()).when(may_pass).await?;
            visited.push(Visited { key: key.clone(), entered });
        }
        let find = || room::find_or_make(new, store, &router, key, wanted);
        find.retry(tries()).when(may_pass).await?;
        Ok(())
    }

    /// The room behind `key`, where there is one and the router isn't in it.
    async fn not_entered_yet(
        &self,
        key: &RoomKey,
        new: &Config,
        router: &Arc<dyn Session>,
    ) -> Result<Option<RoomId>, RoomError> {
        let behind = match key.room_ref() {
            RoomRef::Id(room) => Some(room),
            RoomRef::Alias(alias) => router.resolve(alias).await?,
            RoomRef::Ours(_) => None,
        };
        let memberships = self.means.store.memberships(&new.router().name).await?;
        Ok(behind.filter(|room| memberships.get(room) != Some(&Membership::Joined)))
    }

    /// Has the router leave rooms that it entered for nothing. What was made stays, empty, and is found again by its alias; so
    /// do accounts.
    async fn undo(&self, visited: Vec<Visited>) {
        let router = self.current.borrow().router().name.clone();
        for Visited { key, entered } in visited.into_iter().rev() {
            if let Err(error) = self.means.store.forget_room(&key).await {
                ErrandFailed { errand: "forget a room that was tried", error: &error }.emit();
            }
            let (Some(room), Some(line)) = (entered, self.means.lines.of(&router)) else { continue };
            let leave = (|| line.leave(room.clone())).retry(tries());
            match leave.when(|error| error.retry() != Retry::Never).await {
                // What can't be left was never entered.
                Err(error) if error.retry() == Retry::Never => {}
                left => best_effort("leave a room that was tried", left),
            }
        }
    }

    async fn show(&self, entity: &EntityName, new: &Config) {
        let (Some(configured), Some(line)) = (new.entity(entity), self.means.lines.of(entity)) else { return };
        let show = (|| show_profile(configured, line.as_ref(), &self.means.store)).retry(tries());
        let shown = show.when(|error: &MatrixError| error.retry() != Retry::Never).await;
        best_effort("show a new name or picture", shown);
    }

    async fn tell(&self, report: Report) {
        // The house is gone only when everything ends.
        drop(self.means.reports.send(report).await);
    }
}

fn tries() -> ConstantBuilder {
    ConstantBuilder::default().with_delay(TRY_PAUSE).with_max_times(TRIES_MAX - 1)
}

/// What goes wrong here is said, and is no reason to take anything back: the next start does it.
fn best_effort(errand: &'static str, outcome: Result<(), impl Error + 'static>) {
    if let Err(error) = outcome {
        ErrandFailed { errand, error: &error }.emit();
    }
}
