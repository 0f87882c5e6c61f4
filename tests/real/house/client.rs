//! Somebody who talks with entities: through a simple client in the open, or through a foreign one under encryption.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{DEADLINE, Nio, Person, Post, Shown, Site, View, shown};

/// How long one look at the stream waits for news.
const POLL: Duration = Duration::from_secs(5);

/// What sort of client somebody has, and with it what sort of rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// The simple client, without encryption.
    Open,
    /// matrix-nio, in encrypted rooms.
    Sealed,
}

/// Somebody with a client.
#[derive(Debug)]
pub(crate) enum Client {
    Open(Person),
    Sealed(Box<Nio>),
}

impl Client {
    /// Somebody new, whose name begins with `name`.
    pub(crate) async fn new(site: &Site, name: &str, sort: Sort) -> Self {
        match sort {
            Sort::Open => Self::Open(Person::new(site, name).await),
            Sort::Sealed => Self::Sealed(Box::new(Nio::new(site, name).await)),
        }
    }

    pub(crate) fn user(&self) -> &str {
        match self {
            Self::Open(person) => &person.user,
            Self::Sealed(nio) => &nio.user,
        }
    }

    /// Makes a room and asks these into it.
    pub(crate) async fn create_room(&mut self, direct: bool, invite: &[String]) -> String {
        match self {
            Self::Open(person) => {
                let preset = if direct { "trusted_private_chat" } else { "private_chat" };
                person.create_room(json!({ "preset": preset, "is_direct": direct, "invite": invite })).await
            }
            Self::Sealed(nio) => nio.create_chat(direct, invite).await,
        }
    }

    pub(crate) async fn invite(&mut self, room: &str, user: &str) {
        match self {
            Self::Open(person) => person.invite(room, user).await.unwrap(),
            Self::Sealed(nio) => nio.invite(room, user).await,
        }
    }

    /// Follows an invite.
    pub(crate) async fn join(&mut self, room: &str) {
        match self {
            Self::Open(person) => {
                person.join(room).await.unwrap();
            }
            Self::Sealed(nio) => nio.join_when_invited(room).await,
        }
    }

    /// Waits until this client knows that exactly these are in the room.
    pub(crate) async fn wait_members(&mut self, room: &str, users: &[String]) {
        match self {
            Self::Open(person) => {
                let expected = users.iter().cloned().collect();
                let look = |view: &View| (view.joined(room) == expected).then_some(());
                person.wait_until("the members", DEADLINE, look).await;
            }
            Self::Sealed(nio) => {
                let users: Vec<&str> = users.iter().map(String::as_str).collect();
                nio.wait_members(room, &users).await;
            }
        }
    }

    // Talking.

    /// Says something. Gives the event.
    pub(crate) async fn post(&mut self, room: &str, post: &Post) -> String {
        self.send(room, "m.room.message", post.content()).await
    }

    /// Changes what was said.
    pub(crate) async fn edit(&mut self, room: &str, event: &str, post: &Post) {
        self.send(room, "m.room.message", post.as_edit_of(event)).await;
    }

    /// Taps on a message. Gives the event.
    pub(crate) async fn tap(&mut self, room: &str, event: &str, key: &str) -> String {
        let relation = json!({ "rel_type": "m.annotation", "event_id": event, "key": key });
        self.send(room, "m.reaction", json!({ "m.relates_to": relation })).await
    }

    /// Takes a message back.
    pub(crate) async fn delete(&mut self, room: &str, event: &str) {
        match self {
            Self::Open(person) => person.redact(room, event).await.unwrap(),
            Self::Sealed(nio) => nio.redact(room, event).await,
        }
    }

    /// Puts a file where others can fetch it, encrypted if the rooms are. Gives what a message needs to name it.
    pub(crate) async fn upload(&mut self, name: &str, mime: &str, bytes: &[u8]) -> Value {
        match self {
            Self::Open(person) => json!({ "url": person.upload(name, mime, bytes).await }),
            Self::Sealed(nio) => json!({ "file": nio.upload(name, mime, bytes).await }),
        }
    }

    async fn send(&mut self, room: &str, kind: &str, content: Value) -> String {
        match self {
            Self::Open(person) => person.send(room, kind, content).await.unwrap(),
            Self::Sealed(nio) => nio.send_content(room, kind, content).await,
        }
    }

    // Watching.

    /// Waits until the room is shown as wished.
    pub(crate) async fn see<T>(&mut self, room: &str, what: &str, look: impl Fn(&[Shown]) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        loop {
            let messages = shown(&self.events(room).await);
            if let Some(found) = look(&messages) {
                return found;
            }
            assert!(Instant::now() < end, "{} waited in vain for {what}; sees {messages:#?}", self.user());
            self.sync().await;
        }
    }

    /// The events of a room so far, in clear.
    async fn events(&mut self, room: &str) -> Vec<Value> {
        match self {
            Self::Open(person) => person.view().timeline(room).to_vec(),
            Self::Sealed(nio) => nio.events(room).await,
        }
    }

    async fn sync(&mut self) {
        match self {
            Self::Open(person) => person.sync(POLL).await,
            Self::Sealed(nio) => nio.sync().await,
        }
    }

    /// Waits until somebody is seen to have read up to this event, where the client shows that.
    pub(crate) async fn see_read(&mut self, room: &str, user: &str, event: &str) {
        if let Self::Open(person) = self {
            let look = |view: &View| view.has_read(room, user, event).then_some(());
            person.wait_until("a receipt", DEADLINE, look).await;
        }
    }

    /// Waits until somebody is shown to be typing, where the client shows that.
    pub(crate) async fn see_typing(&mut self, room: &str, user: &str) {
        if let Self::Open(person) = self {
            let look = |view: &View| view.typing(room).contains(user).then_some(());
            person.wait_until("somebody to type", DEADLINE, look).await;
        }
    }

    /// Waits until nobody is shown to be typing, where the client shows that.
    pub(crate) async fn see_nobody_typing(&mut self, room: &str) {
        if let Self::Open(person) = self {
            let look = |view: &View| view.typing(room).is_empty().then_some(());
            person.wait_until("an end of the typing", DEADLINE, look).await;
        }
    }
}
