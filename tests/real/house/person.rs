//! A person with a simple client, without encryption and without a library in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use maitre::model::Secret;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Api, Site, View,
    api::{Refusal, part},
    unique,
};

/// How long one sync waits for news.
const POLL: Duration = Duration::from_secs(10);
/// Everything, also in a busy room.
const FILTER: &str = r#"{"room":{"timeline":{"limit":1000}}}"#;
const PASSWORD: &str = "correct horse";

/// One person on one device.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) api: Api,
    view: View,
    since: Option<String>,
    sent: u32,
}

impl Person {
    /// Somebody new, whose name begins with `name`.
    pub(crate) async fn new(site: &Site, name: &str) -> Self {
        let made = site.registrar().register(&unique(name), &Secret::new(PASSWORD)).await.unwrap();
        Self::with_token(site, made.user.as_str(), made.access_token.reveal())
    }

    /// Somebody new who may also ask the homeserver about everybody else.
    pub(crate) async fn new_admin(site: &Site, name: &str) -> Self {
        let made = site.registrar().register_admin(&unique(name), &Secret::new(PASSWORD)).await.unwrap();
        Self::with_token(site, made.user.as_str(), made.access_token.reveal())
    }

    /// Somebody who has an account, on a new device.
    pub(crate) async fn login(site: &Site, localpart: &str, password: &str) -> Result<Self, Refusal> {
        let login = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": localpart },
            "password": password,
        });
        let answer = Api::new(&site.url, None).post("/_matrix/client/v3/login", login).await?;
        let word = |name: &str| answer[name].as_str().unwrap().to_owned();
        let person = Self::with_token(site, &word("user_id"), &word("access_token"));
        Ok(Self { password: password.to_owned(), ..person })
    }

    fn with_token(site: &Site, user: &str, token: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: PASSWORD.to_owned(),
            api: Api::new(&site.url, Some(token)),
            view: View::default(),
            since: None,
            sent: 0,
        }
    }

    /// Everybody's keys, as the homeserver gives them for `user`.
    pub(crate) async fn keys_of(&self, user: &str) -> Value {
        let wanted = json!({ "device_keys": { user: [] } });
        self.api.post("/_matrix/client/v3/keys/query", wanted).await.unwrap()
    }

    /// Where somebody's picture is.
    pub(crate) async fn avatar_of(&self, user: &str) -> Option<String> {
        let profile = self.api.get(&format!("/_matrix/client/v3/profile/{}", part(user))).await.unwrap();
        profile["avatar_url"].as_str().map(str::to_owned)
    }

    // Rooms.

    /// Makes a room from a request's body, such as `{"name": …, "room_version": …, "invite": […]}`.
    pub(crate) async fn create_room(&self, request: Value) -> String {
        let answer = self.api.post("/_matrix/client/v3/createRoom", request).await.unwrap();
        answer["room_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn invite(&self, room: &str, user: &str) -> Result<(), Refusal> {
        self.membership(room, "invite", user).await
    }

    pub(crate) async fn kick(&self, room: &str, user: &str) -> Result<(), Refusal> {
        self.membership(room, "kick", user).await
    }

    pub(crate) async fn ban(&self, room: &str, user: &str) -> Result<(), Refusal> {
        self.membership(room, "ban", user).await
    }

    /// Joins by id or alias.
    pub(crate) async fn join(&self, room: &str) -> Result<String, Refusal> {
        let answer = self.api.post(&format!("/_matrix/client/v3/join/{}", part(room)), json!({})).await?;
        Ok(answer["room_id"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn leave(&self, room: &str) -> Result<(), Refusal> {
        self.api.post(&format!("{}/leave", path(room)), json!({})).await.map(drop)
    }

    /// Replaces a room by one of another version. Gives the new one.
    pub(crate) async fn upgrade(&self, room: &str, version: &str) -> String {
        let answer =
            self.api.post(&format!("{}/upgrade", path(room)), json!({ "new_version": version })).await.unwrap();
        answer["replacement_room"].as_str().unwrap().to_owned()
    }

    /// The room that an alias stands for.
    pub(crate) async fn resolve(&self, alias: &str) -> Result<String, Refusal> {
        let answer = self.api.get(&format!("/_matrix/client/v3/directory/room/{}", part(alias))).await?;
        Ok(answer["room_id"].as_str().unwrap().to_owned())
    }

    /// The membership of everybody who ever had to do with a room.
    pub(crate) async fn members(&self, room: &str) -> BTreeMap<String, String> {
        let answer = self.api.get(&format!("{}/members", path(room))).await.unwrap();
        let member = |event: &Value| {
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            (word(&event["state_key"]), word(&event["content"]["membership"]))
        };
        answer["chunk"].as_array().unwrap().iter().map(member).collect()
    }

    /// Who is in a room now.
    pub(crate) async fn joined(&self, room: &str) -> BTreeSet<String> {
        let members = self.members(room).await.into_iter();
        members.filter(|(_, membership)| membership == "join").map(|(user, _)| user).collect()
    }

    pub(crate) async fn state(&self, room: &str, kind: &str, key: &str) -> Result<Value, Refusal> {
        self.api.get(&format!("{}/state/{kind}/{}", path(room), part(key))).await
    }

    pub(crate) async fn set_state(&self, room: &str, kind: &str, key: &str, content: Value) -> Result<(), Refusal> {
        self.api.put(&format!("{}/state/{kind}/{}", path(room), part(key)), content).await.map(drop)
    }

    pub(crate) async fn power_levels(&self, room: &str) -> Value {
        self.state(room, "m.room.power_levels", "").await.unwrap()
    }

    // Messages.

    pub(crate) async fn send_text(&mut self, room: &str, body: &str) -> String {
        self.send(room, "m.room.message", json!({ "msgtype": "m.text", "body": body })).await.unwrap()
    }

    /// Sends any event. Gives its id.
    pub(crate) async fn send(&mut self, room: &str, kind: &str, content: Value) -> Result<String, Refusal> {
        self.sent += 1;
        let answer = self.api.put(&format!("{}/send/{kind}/{}", path(room), self.sent), content).await?;
        Ok(answer["event_id"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn redact(&mut self, room: &str, event: &str) -> Result<(), Refusal> {
        self.sent += 1;
        self.api.put(&format!("{}/redact/{}/{}", path(room), part(event), self.sent), json!({})).await.map(drop)
    }

    /// Puts a file where others can fetch it. Gives its address.
    pub(crate) async fn upload(&self, name: &str, mime: &str, bytes: &[u8]) -> String {
        let path = format!("/_matrix/media/v3/upload?filename={}", part(name));
        let answer = self.api.upload(&path, mime, bytes).await.unwrap();
        answer["content_uri"].as_str().unwrap().to_owned()
    }

    /// Shows to be typing, for at most 30 seconds.
    pub(crate) async fn begin_typing(&self, room: &str) {
        self.typing(room, json!({ "typing": true, "timeout": 30_000 })).await;
    }

    pub(crate) async fn end_typing(&self, room: &str) {
        self.typing(room, json!({ "typing": false })).await;
    }

    /// All that happened in a room, oldest first, as the homeserver remembers it.
    pub(crate) async fn history(&self, room: &str) -> Vec<Value> {
        let mut events = Vec::new();
        let mut from = String::new();
        loop {
            let page = format!("{}/messages?dir=f&limit=1000{from}", path(room));
            let answer = self.api.get(&page).await.unwrap();
            events.extend(answer["chunk"].as_array().unwrap().iter().cloned());
            let Some(end) = answer["end"].as_str() else { return events };
            from = format!("&from={}", part(end));
        }
    }

    // Watching.

    /// What the syncs have told so far.
    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// Syncs until `look` finds what it looks for.
    pub(crate) async fn wait_until<T>(
        &mut self,
        what: &str,
        deadline: Duration,
        look: impl Fn(&View) -> Option<T>,
    ) -> T {
        let end = Instant::now() + deadline;
        loop {
            if let Some(found) = look(&self.view) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} waited {deadline:?} in vain for {what}; saw {:#?}", self.user, self.view);
            self.sync(left.min(POLL)).await;
        }
    }

    /// Takes one step of the stream, and waits up to `wait` for it.
    pub(super) async fn sync(&mut self, wait: Duration) {
        let mut sync = format!("/_matrix/client/v3/sync?filter={}&timeout={}", part(FILTER), wait.as_millis());
        if let Some(since) = &self.since {
            write!(sync, "&since={}", part(since)).unwrap();
        }
        let response = self.api.get(&sync).await.unwrap();
        self.view.take(&response);
        self.since = Some(response["next_batch"].as_str().unwrap().to_owned());
    }

    async fn membership(&self, room: &str, verb: &str, user: &str) -> Result<(), Refusal> {
        self.api.post(&format!("{}/{verb}", path(room)), json!({ "user_id": user })).await.map(drop)
    }

    async fn typing(&self, room: &str, body: Value) {
        self.api.put(&format!("{}/typing/{}", path(room), part(&self.user)), body).await.unwrap();
    }
}

fn path(room: &str) -> String {
    format!("/_matrix/client/v3/rooms/{}", part(room))
}
