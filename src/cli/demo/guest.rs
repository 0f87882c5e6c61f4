//! The person on the homeserver: signed in on a device of the chat's own, through the same door as everybody else.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    hall::{Hall, Happenings},
    room::Room,
    site::{PERSON, Site},
};
use crate::{
    config::Credential,
    matrix::{self, Applicant, Homeserver, MatrixError, Outgoing, Page, Retry, Section, Session, Typing},
    model::{EntityName, EventId, Millis, RoomId, SyncToken, TransactionId, UserId},
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

    /// Who the person is.
    pub(super) fn user(&self) -> &UserId {
        self.session.user()
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
        let names = self.session.names(room.clone()).await?;
        let members = names.into_iter().take(MEMBERS_MAX).map(|(user, name)| (user, Some(name))).collect();
        Ok(Room::new(room.clone(), name.as_deref(), members))
    }

    /// Says `text`, in a thread and after the last message of it, if one is named. Without `m.mentions` an "@writer" in it
    /// counts as a mention, as it does from old clients.
    pub(super) async fn say(
        &mut self,
        room: &RoomId,
        thread: Option<(EventId, EventId)>,
        text: &str,
    ) -> Result<EventId, MatrixError> {
        let mut content = json!({ "msgtype": "m.text", "body": text });
        if let Some((root, last)) = thread {
            content["m.relates_to"] = json!({
                "rel_type": "m.thread", "event_id": root.as_str(), "is_falling_back": true,
                "m.in_reply_to": { "event_id": last.as_str() },
            });
        }
        self.send(room, "m.room.message", content).await
    }

    /// Changes what an own message says.
    pub(super) async fn edit(&mut self, room: &RoomId, of: &EventId, text: &str) -> Result<EventId, MatrixError> {
        let content = json!({
            "msgtype": "m.text", "body": format!("* {text}"),
            "m.new_content": { "msgtype": "m.text", "body": text },
            "m.relates_to": { "rel_type": "m.replace", "event_id": of.as_str() },
        });
        self.send(room, "m.room.message", content).await
    }

    /// Reacts to a message.
    pub(super) async fn react(&mut self, room: &RoomId, to: &EventId, key: &str) -> Result<EventId, MatrixError> {
        let relation = json!({ "rel_type": "m.annotation", "event_id": to.as_str(), "key": key });
        self.send(room, "m.reaction", json!({ "m.relates_to": relation })).await
    }

    /// Takes a message or a reaction back.
    pub(super) async fn take_back(&mut self, room: &RoomId, event: &EventId) -> Result<EventId, MatrixError> {
        let transaction = self.transaction()?;
        self.session.redact(room.clone(), event.clone(), None, transaction).await
    }

    /// Tells others whether the person is typing.
    pub(super) async fn typing(&self, room: &RoomId, typing: Typing) -> Result<(), MatrixError> {
        self.session.typing(room.clone(), typing).await
    }

    /// Takes a response into the hall and looks at what changed. Gives what is worth telling.
    pub(super) async fn take_in(&self, hall: &mut Hall, page: Page) -> Happenings {
        let happenings = hall.take_in(page);
        for room in &happenings.changed {
            // A look that fails shows the room as it was, or by its id.
            self.look(room).await.into_iter().for_each(|room| hall.see(room));
        }
        happenings
    }

    async fn send(&mut self, room: &RoomId, kind: &'static str, content: Value) -> Result<EventId, MatrixError> {
        let transaction = self.transaction()?;
        self.session.send(Outgoing { room: room.clone(), kind, content, transaction }).await
    }

    fn transaction(&mut self) -> Result<TransactionId, MatrixError> {
        self.said += 1;
        TransactionId::parse(format!("maitre-demo-{}-{}", self.began.0, self.said))
            .map_err(|error| MatrixError::Nonsense { cause: error.to_string() })
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
    session.hear_typing();
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
