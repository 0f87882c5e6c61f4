//! The end of an account: it is deactivated for good once its entity has gone, be it in another life of the program.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use super::crew::{Crew, Means};
use crate::{
    config::Config,
    matrix::{MatrixError, Retry},
    model::{Account, EntityName, Password},
    nursery::Stop,
    observe::{AccountDeactivated, ErrandFailed},
    orchestrator::retirement::{LeftOver, left_over},
    store::{Retirement, StoreError},
};

/// The first pause between two tries.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_mins(1);

impl Means {
    /// Deactivates the account of `entity`, which is gone, unless it is to stay before that is done.
    pub(super) async fn retire(&self, entity: &EntityName, stay: &Stop) {
        let outcome = tokio::select! {
            biased;
            () = stay.soft() => return,
            outcome = deactivate(entity, self) => outcome,
        };
        if let Err(error) = outcome {
            ErrandFailed { errand: "deactivate the account of an entity that is gone", error: &error }.emit();
        }
    }

    /// Notes that the account of an entity is to be deactivated once it is gone. The next life of the program goes on with that.
    pub(super) async fn note_retirement(&self, entity: &EntityName) {
        if let Err(error) = self.store.retire(entity, Retirement::Due).await {
            ErrandFailed { errand: "note that an account is to be deactivated", error: &error }.emit();
        }
    }

    /// Notes that it stays, unless its end has begun.
    pub(super) async fn note_stay(&self, entity: &EntityName) {
        if let Err(error) = self.store.stay(entity).await {
            ErrandFailed { errand: "note that an account stays", error: &error }.emit();
        }
    }
}

impl Crew {
    /// Goes on with what an earlier life of the program noted: accounts end whose entities are configured no longer.
    pub(super) async fn retire_left_over(&mut self, config: &Config) {
        let noted = match self.means.store.retirements().await {
            Ok(noted) => noted,
            Err(error) => {
                return ErrandFailed { errand: "see whose account is to be deactivated", error: &error }.emit();
            }
        };
        for (entity, state) in noted {
            match left_over(state, config.entity(&entity).is_some(), config.accounts.deactivate_removed) {
                LeftOver::Nothing => {}
                LeftOver::Stay => self.means.note_stay(&entity).await,
                LeftOver::End => self.part_with(entity),
            }
        }
    }
}

/// Why an account isn't deactivated.
#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Homeserver(#[from] MatrixError),
    #[error("the store failed")]
    Store(#[from] StoreError),
}

async fn deactivate(entity: &EntityName, means: &Means) -> Result<(), Cause> {
    let Means { store, homeserver, .. } = means;
    let account = store.account(entity).await?;
    let Some(account @ Account { user: Some(_), password: Some(Password { ours: true, .. }), .. }) = account else {
        // It was never made, or it is the operator's.
        return Ok(store.stay(entity).await?);
    };
    store.retire(entity, Retirement::Begun).await?;
    let pauses = ExponentialBuilder::default().with_min_delay(PAUSE_MIN).with_max_delay(PAUSE_MAX).without_max_times();
    let ask = || homeserver.deactivate(account.clone());
    match ask.retry(pauses).when(|error: &MatrixError| error.retry() != Retry::Never).await {
        Ok(()) => {
            store.retire(entity, Retirement::Done).await?;
            account.user.iter().for_each(|user| AccountDeactivated { entity, user }.emit());
            Ok(())
        }
        // Nobody else knew the password: it was done before the program ended, or the account isn't ours any more.
        Err(error @ MatrixError::WrongPassword { .. }) => {
            store.retire(entity, Retirement::Done).await?;
            Err(error.into())
        }
        Err(error) => Err(error.into()),
    }
}
