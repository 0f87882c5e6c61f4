//! Our own door to the homeserver, without the program around it: for what the program has no reason to say yet.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use maitre::{
    config::Registration,
    matrix::{self, AccountBook, Answer, Applicant, Homeserver, MatrixError, Outgoing, Page, Section, Session, Slip},
    model::{Account, Change, Content, EntityName, RoomId, Secret, SyncToken, Tokens, TransactionId},
};
use serde_json::json;
use tempfile::TempDir;

use super::{DEADLINE, Site, unique};

/// How long one look at the stream may wait for news.
const LOOK: Duration = Duration::from_secs(2);

/// The door, with accounts kept in memory.
pub(crate) struct Door {
    homeserver: Arc<dyn Homeserver>,
    accounts: Arc<Book>,
    site: Site,
    /// Goes with the door, and the keys with it.
    _keys: TempDir,
}

/// One account at the door.
pub(crate) struct Line {
    pub(crate) user: String,
    pub(crate) session: Arc<dyn Session>,
    since: Option<SyncToken>,
    sent: u32,
}

impl Door {
    pub(crate) fn open(site: &Site) -> Self {
        Self::with_accounts(site, Arc::new(Book::default()))
    }

    /// The same accounts behind another door, which has none of their keys.
    pub(crate) fn without_keys(&self) -> Self {
        Self::with_accounts(&self.site, Arc::clone(&self.accounts))
    }

    fn with_accounts(site: &Site, accounts: Arc<Book>) -> Self {
        let keys = TempDir::new().unwrap();
        let book: Arc<dyn AccountBook> = accounts.clone();
        let section = Section {
            url: site.url.clone(),
            request_timeout: DEADLINE,
            folder: keys.path().to_owned(),
            device_name: "a test".to_owned(),
            registration: vec![Registration::SharedSecret(site.secret.clone())],
            accounts: book,
        };
        Self { homeserver: matrix::open(section).unwrap(), accounts, site: site.clone(), _keys: keys }
    }

    /// An account, made if it isn't known here, with its client built but nothing checked.
    pub(crate) async fn sign_in(&self, name: &str) -> Arc<dyn Session> {
        let entity = EntityName::parse(name).unwrap();
        let applicant = Applicant { entity, localpart: unique(name), credential: None };
        let session = self.homeserver.sign_in(applicant).await.unwrap();
        session.open(None).await.unwrap();
        session
    }

    /// A new account, ready to speak and listen.
    pub(crate) async fn line(&self, name: &str) -> Line {
        let session = self.sign_in(name).await;
        session.establish().await.unwrap();
        let mut line = Line { user: session.user().to_string(), session, since: None, sent: 0 };
        line.look(Duration::ZERO).await;
        line
    }
}

impl Line {
    /// Takes one step of the stream, and waits up to `wait` for it.
    pub(crate) async fn look(&mut self, wait: Duration) -> Page {
        let page = self.session.sync(self.since.clone(), wait).await.unwrap();
        self.since = Some(page.token.clone());
        page
    }

    /// Joins `room` once the invitation is there.
    pub(crate) async fn join(&mut self, room: &str) {
        let room = RoomId::parse(room).unwrap();
        self.wait("the invitation", |page| {
            let invited = |change: &Change| matches!(change, Change::Invited { room: into, .. } if *into == room);
            page.changes.iter().any(invited).then_some(())
        })
        .await;
        self.session.join(room.clone(), Vec::new()).await.unwrap();
        self.wait("the room", |page| page.rooms.iter().any(|page| page.room == room).then_some(())).await;
    }

    /// Says `body`, and tells how that went.
    pub(crate) async fn say(&mut self, room: &str, body: &str) -> Result<String, MatrixError> {
        self.sent += 1;
        let message = Outgoing {
            room: RoomId::parse(room).unwrap(),
            kind: "m.room.message",
            content: json!({"msgtype": "m.text", "body": body}),
            transaction: TransactionId::parse(format!("t{}", self.sent)).unwrap(),
        };
        Ok(self.session.send(message).await?.to_string())
    }

    /// Waits until somebody's message with this text can be read.
    pub(crate) async fn wait_text(&mut self, text: &str) {
        self.wait(text, |page| {
            let slips = page.rooms.iter().flat_map(|room| &room.timeline);
            let mut bodies = slips.filter_map(|slip| match slip {
                Slip::Event(event) => match &event.content {
                    Content::Clear { json, .. } => serde_json::from_str::<serde_json::Value>(json).ok(),
                    Content::Sealed(_) => None,
                },
                Slip::OwnJoin | Slip::OwnLeave | Slip::Change(_) => None,
            });
            bodies.any(|content| content["body"] == text).then_some(())
        })
        .await;
    }

    async fn wait<T>(&mut self, what: &str, look: impl Fn(&Page) -> Option<T>) -> T {
        let waiting = async {
            loop {
                if let Some(found) = look(&self.look(LOOK).await) {
                    return found;
                }
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }
}

/// Accounts in memory.
#[derive(Default)]
struct Book(Mutex<BTreeMap<EntityName, Account>>);

impl Book {
    fn change(&self, entity: &EntityName, change: impl FnOnce(&mut Account)) {
        change(self.0.lock().unwrap().get_mut(entity).unwrap());
    }
}

impl AccountBook for Book {
    fn load<'a>(&'a self, entity: &'a EntityName) -> Answer<'a, Option<Account>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().get(entity).cloned()) })
    }

    fn save(&self, account: Account) -> Answer<'_, ()> {
        Box::pin(async move {
            self.0.lock().unwrap().insert(account.entity.clone(), account);
            Ok(())
        })
    }

    fn save_recovery_key<'a>(&'a self, entity: &'a EntityName, key: Secret) -> Answer<'a, ()> {
        Box::pin(async move {
            self.change(entity, |account| account.recovery_key = Some(key));
            Ok(())
        })
    }

    fn save_tokens(&self, entity: &EntityName, tokens: Tokens) -> Result<(), MatrixError> {
        self.change(entity, |account| account.tokens = Some(tokens));
        Ok(())
    }
}
