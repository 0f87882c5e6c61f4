//! The account of the person at the keyboard: made at boot, so that it can be put into rooms.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time};

use super::{chance::Chance, report::Report};
use crate::{
    config::{Credential, Person},
    matrix::{Applicant, Homeserver, MatrixError, Session},
    model::EntityName,
    nursery::Stop,
    observe::{self, ErrandFailed},
    orchestrator::restart::Restart,
    store::Store,
};

/// How often it is looked whether the person is still signed in.
const LOGIN_CHECK_PAUSE: Duration = Duration::from_mins(1);

/// The name under which the person's account is kept. The configuration allows no entity of that name.
pub(super) fn person_name() -> EntityName {
    EntityName::parse(EntityName::PERSON).expect("a word of lower-case letters is a name")
}

/// The task that keeps the person signed in, so that rooms can act in their name.
pub(super) struct PersonAtKeyboard {
    pub(super) person: Person,
    pub(super) homeserver: Arc<dyn Homeserver>,
    pub(super) store: Store,
    pub(super) reports: mpsc::Sender<Report>,
    /// The dice for the pauses.
    pub(super) chance: Chance,
}

impl PersonAtKeyboard {
    /// Works until told to stop.
    pub(super) async fn run(self, stop: Stop) {
        tokio::select! {
            biased;
            () = stop.soft() => {}
            () = self.stay() => {}
        }
    }

    /// Signs in, trying until it works, and again when somebody signed the account out everywhere.
    async fn stay(&self) {
        let mut restart = Restart::default();
        let mut logged_out = false;
        loop {
            match self.sign_in(logged_out).await {
                Ok(session) => {
                    restart.well(observe::now());
                    self.tell(Report::Person { trouble: None }).await;
                    let arrival =
                        Report::Heard { entity: person_name(), session: Arc::clone(&session), at: observe::now() };
                    self.tell(arrival).await;
                    wait_for_logout(session.as_ref()).await;
                    session.close().await;
                    logged_out = true;
                }
                Err(error) => {
                    logged_out |= matches!(error, MatrixError::LoggedOut);
                    let trouble = trouble(&error);
                    ErrandFailed { errand: "sign in the person at the keyboard", error: &error }.emit();
                    self.tell(Report::Person { trouble: Some(trouble) }).await;
                    time::sleep(restart.failed(observe::now(), error.retry(), self.chance.share()).delay).await;
                }
            }
        }
    }

    async fn sign_in(&self, logged_out: bool) -> Result<Arc<dyn Session>, MatrixError> {
        let applicant = Applicant {
            entity: person_name(),
            localpart: self.person.localpart.clone(),
            credential: self.person.password.clone().map(Credential::Password),
        };
        let session = if logged_out {
            self.homeserver.sign_in_again(applicant).await?
        } else {
            self.homeserver.sign_in(applicant).await?
        };
        if let Err(error) = self.prepare(session.as_ref()).await {
            session.close().await;
            return Err(error);
        }
        Ok(session)
    }

    async fn prepare(&self, session: &dyn Session) -> Result<(), MatrixError> {
        session.open(None).await?;
        session.check_login().await?;
        let book = |error| MatrixError::AccountBook(Box::new(error));
        let name = &self.person.display_name;
        if self.store.fact("profile.user").await.map_err(book)?.as_deref() != Some(name.as_str()) {
            session.set_display_name(name.clone()).await?;
            self.store.save_fact("profile.user", name).await.map_err(book)?;
        }
        Ok(())
    }

    async fn tell(&self, report: Report) {
        // The house is gone only when everything ends.
        drop(self.reports.send(report).await);
    }
}

/// Nobody listens on this line, so a look now and then has to find out that the person signed out everywhere.
async fn wait_for_logout(session: &dyn Session) {
    loop {
        time::sleep(LOGIN_CHECK_PAUSE).await;
        if matches!(session.check_login().await, Err(MatrixError::LoggedOut)) {
            return;
        }
    }
}

/// What keeps the person out, with the key that mends it.
fn trouble(error: &MatrixError) -> String {
    match error {
        MatrixError::WrongPassword { localpart } => {
            format!("the homeserver refused the password of {localpart:?}: check `user.password`")
        }
        MatrixError::NameTaken { localpart } => {
            format!(
                "the user name {localpart:?} is somebody else's: give its password in `user.password`, or choose another `user.username`"
            )
        }
        other => format!("the person at the keyboard can't be signed in: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I12: what is wrong with the person's account names the keys of the person, not those of entities.
    #[test]
    fn the_persons_trouble_names_the_persons_keys() {
        let localpart = "ada".to_owned();
        assert!(trouble(&MatrixError::WrongPassword { localpart: localpart.clone() }).contains("`user.password`"));
        assert!(trouble(&MatrixError::NameTaken { localpart }).contains("`user.username`"));
        assert!(trouble(&MatrixError::NotOpen).contains("not open"));
    }
}
