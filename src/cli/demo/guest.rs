//! The person on the homeserver: signed in on a device of the chat's own, through the same door as everybody else.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    hall::{Hall, Message, Room},
    site::{PERSON, Site},
};
use crate::{
    config::Credential,
    matrix::{self, Applicant, Homeserver, MatrixError, Outgoing, Page, Presence, Retry, Section, Session, Slip},
    model::{Change, EntityName, EventId, Millis, RoomId, SyncToken, TransactionId},
    observe::now,
    orchestrator::Book,
    store::Store,
};

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one long-poll lasts.
const POLL: Duration = Duration::from_secs(30);
/// How long to wait before what failed is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// How many people of one room are looked up.
const MEMBERS_MAX: usize = 200;

/// The person's line to the homeserver.
pub(super) struct Guest {
    session: Arc<dyn Session>,
    /// Makes the ids of what is said in this run differ from those of any earlier run on the same device.
    began: Millis,
    said: u64,
}

/// What the line brings.
pub(super) enum News {
    /// A response to a sync.
    Page(Page),
    /// The homeserver can't be reached; it is tried again.
    CutOff(MatrixError),
    /// It is of no use to try again.
    Over(MatrixError),
}

/// What of a response is worth telling.
#[derive(Debug, Default)]
pub(super) struct Happenings {
    /// Rooms that the person is in since now.
    pub(super) joined: Vec<RoomId>,
    /// Rooms that the person is no longer in, by name.
    pub(super) left: Vec<String>,
    /// Rooms of which the homeserver left something out.
    pub(super) gaps: Vec<RoomId>,
    /// What was said, and where.
    pub(super) messages: Vec<(RoomId, Message)>,
}

impl Guest {
    /// Signs in and asks for everything there is, trying until `deadline`: the account is being made at the same time.
    pub(super) async fn arrive(site: &Site, book: Store, deadline: Instant) -> Result<(Self, Page), MatrixError> {
        let homeserver = matrix::open(Section {
            url: site.url.clone(),
            request_timeout: REQUEST_TIMEOUT,
            folder: site.chat().join("matrix"),
            device_name: "Maitre demo".to_owned(),
            registration: Vec::new(),
            accounts: Arc::new(Book(book)),
        })?;
        let mut logged_out = false;
        loop {
            let error = match enter(homeserver.as_ref(), site, logged_out).await {
                Ok((session, page)) => return Ok((Self { session, began: now(), said: 0 }, page)),
                Err(error) => error,
            };
            if Instant::now() + PAUSE > deadline {
                return Err(error);
            }
            logged_out = matches!(error, MatrixError::LoggedOut);
            sleep(PAUSE).await;
        }
    }

    /// Waits for what comes after `since`.
    pub(super) async fn sync(&self, since: SyncToken) -> Result<Page, MatrixError> {
        self.session.sync(Some(since), POLL).await
    }

    /// A task that brings everything after `since`, until it is of no use or nobody wants it.
    pub(super) fn listen(
        &self,
        since: SyncToken,
        news: mpsc::Sender<News>,
    ) -> impl Future<Output = ()> + Send + 'static {
        listen(Arc::clone(&self.session), since, news)
    }

    /// How a room looks now.
    pub(super) async fn look(&self, room: &RoomId) -> Result<Room, MatrixError> {
        let name = self.text(room, "m.room.name", "", "name").await?;
        let mut members = BTreeMap::new();
        let everybody = self.session.members(room.clone()).await?;
        let joined = everybody.into_iter().filter(|(_, presence)| *presence == Presence::Joined);
        for (user, _) in joined.take(MEMBERS_MAX) {
            let name = self.text(room, "m.room.member", user.as_str(), "displayname").await?;
            members.insert(user, name);
        }
        Ok(Room::new(room.clone(), name.as_deref(), members))
    }

    /// Says `text`. Without `m.mentions` an "@writer" in it counts as a mention, as it does from old clients.
    pub(super) async fn say(&mut self, room: &RoomId, text: &str) -> Result<EventId, MatrixError> {
        self.said += 1;
        let transaction = TransactionId::parse(format!("maitre-demo-{}-{}", self.began.0, self.said))
            .map_err(|error| MatrixError::Nonsense { cause: error.to_string() })?;
        let content = json!({ "msgtype": "m.text", "body": text });
        self.session.send(Outgoing { room: room.clone(), kind: "m.room.message", content, transaction }).await
    }

    /// Takes a response into the hall, and gives what is worth telling.
    pub(super) async fn take_in(&self, hall: &mut Hall, page: Page) -> Happenings {
        let mut happenings = Happenings::default();
        for part in page.rooms {
            let known = hall.knows(&part.room);
            let in_timeline = part.timeline.iter().any(moves_people);
            if !known || in_timeline || part.state.iter().any(changes_members) {
                // A look that fails shows the room as it was, or by its id.
                let seen = self.look(&part.room).await.ok();
                let nameless = (!known).then(|| Room::new(part.room.clone(), None, BTreeMap::new()));
                seen.or(nameless).into_iter().for_each(|room| hall.see(room));
            }
            if known && part.gap.is_some() {
                happenings.gaps.push(part.room.clone());
            }
            for slip in &part.timeline {
                if let Slip::Event(event) = slip
                    && let Some(message) = hall.hear(&part.room, event)
                {
                    happenings.messages.push((part.room.clone(), message.clone()));
                }
            }
            if !known {
                happenings.joined.push(part.room);
            }
        }
        for change in page.changes {
            if let Change::Departed { room, .. } = change {
                let lost = hall.rooms().iter().find(|known| known.id == room).map(|known| known.name.clone());
                happenings.left.extend(lost);
                hall.lose(&room);
            }
        }
        happenings
    }

    async fn text(
        &self,
        room: &RoomId,
        kind: &'static str,
        key: &str,
        field: &str,
    ) -> Result<Option<String>, MatrixError> {
        let state = self.session.state(room.clone(), kind, key.to_owned()).await?;
        Ok(state.and_then(|content| content[field].as_str().map(str::to_owned)))
    }
}

async fn enter(
    homeserver: &dyn Homeserver,
    site: &Site,
    logged_out: bool,
) -> Result<(Arc<dyn Session>, Page), MatrixError> {
    let applicant = Applicant {
        entity: EntityName::parse("you").expect("lower-case letters are a name"),
        localpart: PERSON.to_owned(),
        credential: Some(Credential::Password(site.password.clone())),
    };
    let session =
        if logged_out { homeserver.sign_in_again(applicant).await? } else { homeserver.sign_in(applicant).await? };
    // From the beginning each time, so that the last messages of every room come with it.
    session.open(None).await?;
    let page = session.sync(None, Duration::ZERO).await?;
    Ok((session, page))
}

async fn listen(session: Arc<dyn Session>, mut since: SyncToken, news: mpsc::Sender<News>) {
    loop {
        let told = match session.sync(Some(since.clone()), POLL).await {
            Ok(page) => {
                since = page.token.clone();
                news.send(News::Page(page)).await
            }
            Err(error) if error.retry() == Retry::Never => {
                // Whether or not anybody hears it, this is the end.
                drop(news.send(News::Over(error)).await);
                return;
            }
            Err(error) => {
                let told = news.send(News::CutOff(error)).await;
                sleep(PAUSE).await;
                // Where this fails the next sync fails, too, and both are tried again.
                drop(session.open(Some(since.clone())).await);
                told
            }
        };
        if told.is_err() {
            return;
        }
    }
}

fn moves_people(slip: &Slip) -> bool {
    match slip {
        Slip::OwnJoin | Slip::OwnLeave => true,
        Slip::Change(change) => changes_members(change),
        Slip::Event(_) => false,
    }
}

fn changes_members(change: &Change) -> bool {
    matches!(change, Change::MembersChanged { .. })
}
