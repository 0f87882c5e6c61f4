//! The account of the person at the keyboard: made at boot, so that it can be put into rooms.

use std::sync::Arc;

use tokio::{sync::mpsc, time};

use super::{bot::QUIET_PAUSE, house::Report};
use crate::{
    config::{Credential, Person},
    matrix::{Applicant, Homeserver, MatrixError, Session},
    model::EntityName,
    nursery::Stop,
    observe::{self, EntityBackingOff},
    store::Store,
};

/// The name under which the person's account is kept. The configuration allows no entity of that name.
pub(super) fn person_name() -> EntityName {
    EntityName::parse("user").expect("a word of lower-case letters is a name")
}

/// Signs the person in, trying until it works, and reports the line; then only the rooms use it.
pub(super) async fn bring_person(
    person: Person,
    homeserver: Arc<dyn Homeserver>,
    store: Store,
    reports: mpsc::Sender<Report>,
    stop: Stop,
) {
    let mut attempt = 0;
    let session = loop {
        let tried = tokio::select! {
            biased;
            () = stop.soft() => return,
            tried = sign_in(&person, homeserver.as_ref(), &store) => tried,
        };
        match tried {
            Ok(session) => break session,
            Err(error) => {
                attempt += 1;
                let (entity, reason) = (&person_name(), error.to_string());
                EntityBackingOff { entity, attempt, delay: QUIET_PAUSE, reason: &reason }.emit();
            }
        }
        tokio::select! {
            biased;
            () = stop.soft() => return,
            () = time::sleep(QUIET_PAUSE) => {}
        }
    };
    // The house is gone only when everything ends.
    drop(reports.send(Report::Heard { entity: person_name(), session, at: observe::now() }).await);
}

async fn sign_in(person: &Person, homeserver: &dyn Homeserver, store: &Store) -> Result<Arc<dyn Session>, MatrixError> {
    let applicant = Applicant {
        entity: person_name(),
        localpart: person.localpart.clone(),
        credential: person.password.clone().map(Credential::Password),
    };
    let session = homeserver.sign_in(applicant).await?;
    session.open(None).await?;
    let book = |error| MatrixError::AccountBook(Box::new(error));
    if store.fact("profile.user").await.map_err(book)?.as_deref() != Some(person.display_name.as_str()) {
        session.set_display_name(person.display_name.clone()).await?;
        store.save_fact("profile.user", &person.display_name).await.map_err(book)?;
    }
    Ok(session)
}
