//! Matrix by hand: the few requests that a person and a raw client make.

use std::{fmt, time::Duration};

use anyhow::{Context as _, Result};
use maitre::homeserver::Registered;
use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

/// How long a long-poll lasts.
const POLL: Duration = Duration::from_secs(30);
/// How much of a room's timeline one response may hold. A burst must fit.
const TIMELINE_EVENTS_MAX: usize = 5_000;

/// One account's way to the homeserver.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Wire {
    url: String,
    pub(crate) user: String,
    token: String,
    #[serde(skip)]
    http: Client,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.user)
    }
}

impl Wire {
    pub(crate) fn new(url: String, account: &Registered) -> Self {
        let token = account.access_token.reveal().to_owned();
        Self { url, user: account.user.to_string(), token, http: Client::default() }
    }

    /// The same by this HTTP client.
    pub(crate) fn with(self, http: Client) -> Self {
        Self { http, ..self }
    }

    /// What is new since `since`; without it, where the stream stands.
    pub(crate) async fn sync(&self, since: Option<&str>) -> Result<(String, Value)> {
        let filter = json!({
            "presence": { "types": [] },
            "account_data": { "types": [] },
            "room": {
                "state": { "lazy_load_members": true },
                "timeline": { "limit": if since.is_some() { TIMELINE_EVENTS_MAX } else { 0 } },
                "ephemeral": { "types": [] },
            },
        });
        let wait = if since.is_some() { POLL } else { Duration::ZERO };
        let (filter, wait) = (filter.to_string(), wait.as_millis().to_string());
        let mut query = vec![("filter", filter.as_str()), ("timeout", &wait), ("set_presence", "offline")];
        query.extend(since.map(|since| ("since", since)));
        let url = Url::parse_with_params(&format!("{}/_matrix/client/v3/sync", self.url), query)?;
        let news = self.answer(self.http.get(url)).await?;
        Ok((news["next_batch"].as_str().context("a sync response without a position")?.to_owned(), news))
    }

    /// Makes a room and gives its id.
    pub(crate) async fn create_room(&self, invite: &[String]) -> Result<String> {
        let request = self.http.post(format!("{}/_matrix/client/v3/createRoom", self.url));
        let made = self.answer(request.json(&json!({ "preset": "private_chat", "invite": invite }))).await?;
        room_in(&made)
    }

    /// Joins a room by its id or alias and gives its id.
    pub(crate) async fn join(&self, room: &str) -> Result<String> {
        let url = format!("{}/_matrix/client/v3/join/{}", self.url, escaped(room));
        room_in(&self.answer(self.http.post(url).json(&json!({}))).await?)
    }

    /// Sends a message and gives its id.
    pub(crate) async fn send(&self, room: &str, transaction: &str, content: &Value) -> Result<String> {
        let room = escaped(room);
        let url = format!("{}/_matrix/client/v3/rooms/{room}/send/m.room.message/{transaction}", self.url);
        let sent = self.answer(self.http.put(url).json(content)).await?;
        Ok(sent["event_id"].as_str().context("a message without an id")?.to_owned())
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value> {
        let answer = request.bearer_auth(&self.token).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }
}

/// Messages in a sync response: the room and the event.
pub(crate) fn messages(news: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let rooms = news.pointer("/rooms/join").and_then(Value::as_object).into_iter().flatten();
    rooms.flat_map(|(room, news)| {
        let events = news.pointer("/timeline/events").and_then(Value::as_array).into_iter().flatten();
        events.filter(|event| event["type"] == "m.room.message").map(move |event| (room.as_str(), event))
    })
}

fn room_in(answer: &Value) -> Result<String> {
    Ok(answer["room_id"].as_str().context("a room without an id")?.to_owned())
}

fn escaped(id: &str) -> String {
    id.replace('!', "%21").replace('#', "%23").replace(':', "%3A")
}
