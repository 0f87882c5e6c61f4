//! A client of another implementation, with encryption: matrix-nio, in a Python environment of its own.

use std::{fs::File, path::Path, process::Stdio, time::Duration};

use maitre::{
    homeserver::{Installation, Recipe},
    model::Secret,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
    time::timeout,
};

use super::{DEADLINE, Site, places, unique};

const NIO: Recipe =
    Recipe { name: "nio", version: "0.26.0", packages: &["matrix-nio[e2e]==0.26.0"], imports: "nio.crypto" };
const INSTALL_WITHIN: Duration = Duration::from_mins(15);
const PASSWORD: &str = "battery staple";
/// The file with what the client complains about.
const COMPLAINTS: &str = "complaints.log";

/// One person with one such client.
#[derive(Debug)]
pub(crate) struct Nio {
    pub(crate) user: String,
    pub(crate) device: String,
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    store: TempDir,
}

/// An event as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Seen {
    /// Its id.
    pub(crate) event: String,
    /// Who sent it.
    pub(crate) sender: String,
    /// Its type, after decryption.
    pub(crate) kind: String,
    /// Its text, if it has one and could be read.
    pub(crate) body: Option<String>,
    /// Whether it travelled encrypted.
    pub(crate) encrypted: bool,
    /// Whether the client could read it.
    pub(crate) readable: bool,
}

#[derive(Deserialize)]
struct Login {
    user: String,
    device: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ok(Value),
    Error(String),
}

impl Nio {
    /// Somebody new, whose name begins with `name`, logged in.
    pub(crate) async fn new(site: &Site, name: &str) -> Self {
        let installation = Installation::ready(&NIO, &places(), INSTALL_WITHIN, &|_| ()).await.unwrap();
        let made = site.registrar().register(&unique(name), &Secret::new(PASSWORD)).await.unwrap();
        let store = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/foreign/nio_client.py");
        let mut command = installation.python();
        command.arg(script).arg(&site.url).arg(store.path());
        command.stderr(File::create(store.path().join(COMPLAINTS)).unwrap());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let user = made.user.as_str().to_owned();
        let mut nio = Self { user, device: String::new(), _child: child, orders, answers, store };
        let login: Login = nio.must(json!({ "do": "login", "user": nio.user, "password": PASSWORD })).await;
        assert_eq!(login.user, nio.user);
        nio.device = login.device;
        nio
    }

    /// Makes a room. Without a version it is the homeserver's default.
    pub(crate) async fn create_room(&mut self, name: &str, encrypted: bool, version: Option<&str>) -> String {
        self.must(json!({ "do": "create_room", "name": name, "encrypted": encrypted, "version": version })).await
    }

    /// Makes an encrypted room with everybody asked into it who should be there.
    pub(crate) async fn create_chat(&mut self, direct: bool, invite: &[String]) -> String {
        let order = json!({ "do": "create_room", "name": "", "encrypted": true, "direct": direct, "invite": invite });
        self.must(order).await
    }

    pub(crate) async fn enable_encryption(&mut self, room: &str) {
        self.must::<()>(json!({ "do": "enable_encryption", "room": room })).await;
    }

    /// Waits until the client itself knows that a room is encrypted.
    pub(crate) async fn wait_encrypted(&mut self, room: &str) {
        self.must::<()>(json!({ "do": "wait_encrypted", "room": room, "within": DEADLINE.as_secs() })).await;
    }

    /// Gives somebody the power to do everything in a room.
    pub(crate) async fn promote(&mut self, room: &str, user: &str) {
        self.must::<()>(json!({ "do": "promote", "room": room, "user": user })).await;
    }

    pub(crate) async fn invite(&mut self, room: &str, user: &str) {
        self.must::<()>(json!({ "do": "invite", "room": room, "user": user })).await;
    }

    pub(crate) async fn kick(&mut self, room: &str, user: &str) {
        self.must::<()>(json!({ "do": "kick", "room": room, "user": user })).await;
    }

    /// Waits for an invite and follows it.
    pub(crate) async fn join_when_invited(&mut self, room: &str) {
        self.must::<()>(json!({ "do": "wait_invite", "room": room, "within": DEADLINE.as_secs() })).await;
        self.must::<()>(json!({ "do": "join", "room": room, "within": DEADLINE.as_secs() })).await;
    }

    pub(crate) async fn leave(&mut self, room: &str) {
        self.must::<()>(json!({ "do": "leave", "room": room })).await;
    }

    /// Who is in a room, says the homeserver.
    pub(crate) async fn members(&mut self, room: &str) -> Vec<String> {
        self.must(json!({ "do": "members", "room": room })).await
    }

    /// Waits until the client itself knows that exactly these are in a room: what it sends then is meant for them.
    pub(crate) async fn wait_members(&mut self, room: &str, users: &[&str]) {
        self.must::<()>(json!({ "do": "wait_members", "room": room, "users": users, "within": DEADLINE.as_secs() }))
            .await;
    }

    /// Sends a text, encrypted where the room is. Gives the event's id.
    pub(crate) async fn send(&mut self, room: &str, body: &str) -> String {
        self.must(json!({ "do": "send", "room": room, "body": body })).await
    }

    /// Sends any event, messages encrypted where the room is. Gives its id.
    pub(crate) async fn send_content(&mut self, room: &str, kind: &str, content: Value) -> String {
        self.must(json!({ "do": "send_content", "room": room, "kind": kind, "content": content })).await
    }

    /// Sends a text whose key nobody gets, until [`Nio::share_late`].
    pub(crate) async fn send_sealed(&mut self, room: &str, body: &str) -> String {
        self.must(json!({ "do": "send_sealed", "room": room, "body": body })).await
    }

    /// Gives `user` the key to what was sent sealed.
    pub(crate) async fn share_late(&mut self, room: &str, user: &str) {
        self.must::<()>(json!({ "do": "share_late", "room": room, "user": user })).await;
    }

    pub(crate) async fn redact(&mut self, room: &str, event: &str) {
        self.must::<()>(json!({ "do": "redact", "room": room, "event": event })).await;
    }

    /// Puts a file, encrypted, where others can fetch it. Gives what a message needs to name it.
    pub(crate) async fn upload(&mut self, name: &str, mime: &str, bytes: &[u8]) -> Value {
        self.must(json!({ "do": "upload", "name": name, "mime": mime, "data": bytes })).await
    }

    /// Takes one step of the stream.
    pub(super) async fn sync(&mut self) {
        self.must::<()>(json!({ "do": "sync" })).await;
    }

    /// The events of a room's timeline in the order of arrival, in clear as far as they can be read.
    pub(crate) async fn events(&mut self, room: &str) -> Vec<Value> {
        self.must(json!({ "do": "events", "room": room })).await
    }

    /// Waits for a message with this text.
    pub(crate) async fn wait_message(&mut self, room: &str, body: &str) -> Seen {
        self.must(json!({ "do": "wait_message", "room": room, "body": body, "within": DEADLINE.as_secs() })).await
    }

    /// An event that came, as this client shows it since.
    pub(crate) async fn shown(&mut self, room: &str, event: &str) -> Seen {
        self.must(json!({ "do": "shown", "room": room, "event": event })).await
    }

    /// Asks the homeserver for an event, which may refuse.
    pub(crate) async fn fetch(&mut self, room: &str, event: &str) -> Result<Seen, String> {
        self.ask(json!({ "do": "fetch", "room": room, "event": event })).await
    }

    async fn must<T: DeserializeOwned>(&mut self, order: Value) -> T {
        let told = order.to_string();
        let answer = self.ask(order).await;
        answer.unwrap_or_else(|error| panic!("{} was told {told}: {error}\n{}", self.user, self.complaints()))
    }

    fn complaints(&self) -> String {
        std::fs::read_to_string(self.store.path().join(COMPLAINTS)).unwrap_or_default()
    }

    async fn ask<T: DeserializeOwned>(&mut self, order: Value) -> Result<T, String> {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        // The client has deadlines of its own and tells more when they pass.
        let line = timeout(DEADLINE * 2, self.answers.next_line()).await.expect("an answer").unwrap();
        let line = line.unwrap_or_else(|| panic!("the client ended: {}", self.complaints()));
        match serde_json::from_str(&line).unwrap() {
            Answer::Ok(value) => Ok(serde_json::from_value(value).unwrap()),
            Answer::Error(error) => Err(error),
        }
    }
}
