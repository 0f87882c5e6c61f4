//! Which responses of the sync stream the library must take in, and which we read without it.
//!
//! Taking a response in costs the library several milliseconds, whatever is in it: it reads the account's keys anew from their
//! stored form and writes to both its databases. But most responses bring what somebody said in a room without encryption, and
//! of that it keeps nothing that anybody here asks it for. So a response is looked at first, and the library asks the homeserver
//! once more, from the same position, for those that hold anything for keys, rooms or members.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use matrix_sdk::ruma::{
    OneTimeKeyAlgorithm, UInt,
    api::client::sync::sync_events::v3::{JoinedRoom, Response, State},
    serde::Raw,
};
use serde::{Deserialize, de::IgnoredAny};
use tokio::time::Instant;

use crate::{
    matrix::{Page, RoomPage, Slip, locked::locked},
    model::UserId,
    observe::fault_switch,
};

/// How long the library may be left out. What it has to ask of the homeserver on its own goes along with its next response.
const LEFT_OUT_MAX: Duration = Duration::from_mins(1);
/// The same where a test can't wait so long.
const LEFT_OUT_MAX_IN_HASTE: Duration = Duration::from_millis(200);
/// How long the library gets everything after something came that it keeps: people come and go in swarms, and asking twice for
/// each of them would cost more than a look spares.
const STIRRED_FOR: Duration = Duration::from_secs(10);
/// As many keys the library keeps with the homeserver for others to begin with; where there are fewer it makes new ones.
const KEYS_KEPT: u32 = 50;
/// What people say and do in a room, and take back. Everything else in a timeline is the library's: ciphers, state, and what we
/// don't know.
const SAID: [&str; 4] = ["m.room.message", "m.reaction", "m.sticker", "m.room.redaction"];

/// Who reads a response of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// We do, and the library reads again what it must have.
    Us,
    /// The library: much of what comes now is for it.
    Library,
    /// The library, which nobody needed for long: when nothing in it is for the library, that may go.
    LibraryInTurn,
}

/// What one client was fed. A lock rather than a task: it is held for a look-up, by the one loop that syncs.
#[derive(Debug, Default)]
pub(super) struct Feed(Mutex<Fed>);

#[derive(Debug, Default)]
struct Fed {
    /// When the library took in a response last.
    at: Option<Instant>,
    /// When something came last that it keeps.
    stirred_at: Option<Instant>,
    /// What the homeserver held of the account's keys when it was looked last and the library had to have it.
    keys: Option<KeysHeld>,
}

/// What a homeserver holds of an account's keys, for others to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeysHeld {
    counts: BTreeMap<OneTimeKeyAlgorithm, UInt>,
    fallback: Option<Vec<OneTimeKeyAlgorithm>>,
}

impl Feed {
    /// The library begins, and knows what it wrote down.
    pub(super) fn begin(&self) {
        *self.locked() = Fed { at: Some(Instant::now()), ..Fed::default() };
    }

    /// Who reads the next response, where the library is loaded.
    pub(super) fn reader(&self) -> Reader {
        let fed = self.locked();
        if fed.stirred_at.is_some_and(|at| at.elapsed() < STIRRED_FOR) {
            Reader::Library
        } else if fed.at.is_some_and(|at| at.elapsed() < left_out_max()) {
            Reader::Us
        } else {
            Reader::LibraryInTurn
        }
    }

    /// Somebody needs the library, for something else than the stream.
    pub(super) fn needed(&self) {
        self.locked().at = Some(Instant::now());
    }

    /// Whether the library must take in a response that was looked at, whatever it tells of devices.
    pub(super) fn must_have(&self, response: &Response) -> bool {
        let held = KeysHeld::of(response);
        is_for_the_library(response) || !(held.is_full() || self.locked().keys.as_ref() == Some(&held))
    }

    /// The library took in a response, which brought this.
    pub(super) fn fed(&self, page: &Page) {
        let (mut fed, now) = (self.locked(), Instant::now());
        fed.at = Some(now);
        if stirs(page) {
            fed.stirred_at = Some(now);
        }
    }

    /// The library took in a response that we had looked at, and knows what the homeserver holds of its keys.
    pub(super) fn note_keys(&self, response: &Response) {
        self.locked().keys = Some(KeysHeld::of(response));
    }

    fn locked(&self) -> MutexGuard<'_, Fed> {
        locked(&self.0)
    }
}

impl KeysHeld {
    fn of(response: &Response) -> Self {
        Self {
            counts: response.device_one_time_keys_count.clone(),
            fallback: response.device_unused_fallback_key_types.clone(),
        }
    }

    /// Whether the library would add nothing. What a homeserver doesn't speak of is as it was.
    fn is_full(&self) -> bool {
        let kind = OneTimeKeyAlgorithm::SignedCurve25519;
        let enough = self.counts.get(&kind).is_none_or(|count| *count >= UInt::from(KEYS_KEPT));
        enough && self.fallback.as_ref().is_none_or(|unused| unused.contains(&kind))
    }
}

/// Whether there is anything in a response that the library keeps and somebody asks it for, but for devices and the number of keys.
fn is_for_the_library(response: &Response) -> bool {
    let rooms = &response.rooms;
    let elsewhere = !rooms.leave.is_empty() || !rooms.invite.is_empty() || !rooms.knock.is_empty();
    let keys = !response.to_device.is_empty();
    elsewhere || keys || !response.account_data.is_empty() || rooms.join.values().any(is_room_for_the_library)
}

fn is_room_for_the_library(room: &JoinedRoom) -> bool {
    let (State::Before(state) | State::After(state)) = &room.state else { return true };
    let words = !room.timeline.limited && room.timeline.events.iter().all(is_said);
    let nothing_else =
        room.summary.is_empty() && room.account_data.is_empty() && state.events.iter().all(is_introduction);
    !(words && nothing_else)
}

/// Whether a response says who `user` is, beside what happened.
pub(super) fn introduces(room: &JoinedRoom, user: &UserId) -> bool {
    let (State::Before(state) | State::After(state)) = &room.state else { return false };
    let is_of =
        |event: &Raw<_>| event.get_field::<String>("state_key").is_ok_and(|key| key.as_deref() == Some(user.as_str()));
    state.events.iter().any(|event| is_introduction(event) && is_of(event))
}

fn left_out_max() -> Duration {
    if fault_switch("library.hasty") { LEFT_OUT_MAX_IN_HASTE } else { LEFT_OUT_MAX }
}

/// Whether more was brought than words.
pub(super) fn stirs(page: &Page) -> bool {
    let is_stirred = |room: &RoomPage| {
        let is_more = |slip: &Slip| match slip {
            Slip::Event(_) => false,
            Slip::OwnJoin | Slip::OwnLeave | Slip::Change(_) => true,
        };
        !room.state.is_empty() || room.timeline.iter().any(is_more)
    };
    !page.changes.is_empty() || page.rooms.iter().any(is_stirred)
}

/// What tells an event's kind.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    state_key: Option<IgnoredAny>,
}

fn is_said<T>(event: &Raw<T>) -> bool {
    let outline = serde_json::from_str::<Outline<'_>>(event.json().get());
    outline.is_ok_and(|outline| outline.state_key.is_none() && SAID.contains(&outline.kind.as_ref()))
}

/// The membership of somebody who speaks. Where it is new, the timeline holds it as well.
#[derive(Deserialize)]
struct Introduction<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    content: Membership<'a>,
}

#[derive(Deserialize)]
struct Membership<'a> {
    #[serde(borrow)]
    membership: Cow<'a, str>,
}

fn is_introduction<T>(event: &Raw<T>) -> bool {
    let event = serde_json::from_str::<Introduction<'_>>(event.json().get());
    event.is_ok_and(|event| event.kind == "m.room.member" && event.content.membership == "join")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use matrix_sdk::ruma::{api::IncomingResponse as _, exports::http};
    use serde_json::{Value, json};
    use tokio::time::advance;

    use super::*;
    use crate::{
        matrix::Keys,
        model::{Change, Millis, RoomId, SyncToken},
    };

    fn response(mut body: Value) -> Response {
        body["next_batch"] = json!("s2");
        let answer = http::Response::builder().body(body.to_string().into_bytes()).unwrap();
        Response::try_from_http_response(answer).unwrap()
    }

    fn in_room(room: &Value) -> Value {
        json!({ "rooms": { "join": { "!r:s": room } } })
    }

    fn timeline(event: &Value) -> Value {
        in_room(&json!({ "timeline": { "events": [event], "limited": false, "prev_batch": "p" } }))
    }

    fn member(membership: &str) -> Value {
        json!({ "type": "m.room.member", "state_key": "@a:s", "sender": "@a:s", "event_id": "$m", "origin_server_ts": 1,
                "content": { "membership": membership } })
    }

    fn event(kind: &str) -> Value {
        json!({ "type": kind, "sender": "@a:s", "event_id": "$e", "origin_server_ts": 1, "content": {} })
    }

    /// N1, E1, E4: keys, ciphers, state and members are the library's; what is said where nothing is encrypted is not.
    #[test]
    fn the_library_gets_what_it_keeps() {
        let check = |body: Value, expected: bool| {
            assert_eq!(is_for_the_library(&response(body.clone())), expected, "{body}");
        };
        check(json!({}), false);
        for said in SAID {
            check(timeline(&event(said)), false);
        }
        let kinds = ["m.room.encrypted", "m.key.verification.start", "org.example.own"];
        for kind in kinds {
            check(timeline(&event(kind)), true);
        }
        check(timeline(&member("join")), true);
        let mut smuggled = event("m.room.message");
        smuggled["state_key"] = json!("");
        check(timeline(&smuggled), true);
        check(timeline(&json!("nonsense")), true);
        let typing = json!({ "ephemeral": { "events": [{ "type": "m.typing", "content": { "user_ids": [] } }] } });
        check(in_room(&typing), false);
        check(in_room(&json!({ "unread_notifications": { "notification_count": 3 } })), false);
        check(in_room(&json!({ "timeline": { "events": [], "limited": true } })), true);
        check(in_room(&json!({ "summary": { "m.joined_member_count": 3 } })), true);
        check(in_room(&json!({ "account_data": { "events": [{ "type": "m.tag", "content": {} }] } })), true);
        for place in ["state", "state_after"] {
            check(in_room(&json!({ place: { "events": [member("join")] } })), false);
            check(in_room(&json!({ place: { "events": [member("leave")] } })), true);
            let mut topic = event("m.room.topic");
            topic["state_key"] = json!("");
            check(in_room(&json!({ place: { "events": [member("join"), topic] } })), true);
        }
        for (list, room) in [("invite", json!({})), ("leave", json!({})), ("knock", json!({}))] {
            check(json!({ "rooms": { list: { "!r:s": room } } }), true);
        }
        let to_device = json!({ "type": "m.room_key", "sender": "@a:s", "content": {} });
        check(json!({ "to_device": { "events": [to_device] } }), true);
        check(json!({ "account_data": { "events": [{ "type": "m.direct", "content": {} }] } }), true);
    }

    #[test]
    fn whoever_speaks_is_introduced() {
        let me = UserId::parse("@a:s").unwrap();
        let check = |body: Value, expected: bool| {
            let introduced = response(body.clone()).rooms.join.values().any(|room| introduces(room, &me));
            assert_eq!(introduced, expected, "{body}");
        };
        let topic = event("m.room.topic");
        for place in ["state", "state_after"] {
            let event = |mut event: Value, key: &str| {
                event["state_key"] = json!(key);
                in_room(&json!({ place: { "events": [event] } }))
            };
            check(event(member("join"), "@a:s"), true);
            check(event(member("join"), "@b:s"), false);
            check(event(member("leave"), "@a:s"), false);
            check(event(topic.clone(), "@a:s"), false);
        }
        check(timeline(&member("join")), false);
    }

    /// E1: the library hears of keys that others took, once.
    #[test]
    fn the_library_hears_of_keys_that_were_taken() {
        let held = |count: u32, unused: &[&str]| {
            response(json!({ "device_one_time_keys_count": { "signed_curve25519": count },
                             "device_unused_fallback_key_types": unused }))
        };
        let feed = Feed::default();
        let full = held(50, &["signed_curve25519"]);
        let check = |response: &Response, expected: bool| assert_eq!(feed.must_have(response), expected);
        check(&full, false);
        check(&response(json!({})), false);
        for taken in [held(49, &["signed_curve25519"]), held(50, &[])] {
            check(&taken, true);
            feed.fed(&page(Vec::new()));
            feed.note_keys(&taken);
            check(&taken, false);
            check(&full, false);
        }
        // What it asks for by itself tells us nothing of keys.
        feed.fed(&page(Vec::new()));
        check(&held(50, &[]), false);
        check(&held(49, &[]), true);
    }

    #[tokio::test(start_paused = true)]
    async fn the_library_is_never_left_out_for_long() {
        let feed = Feed::default();
        let check = |expected: Reader| assert_eq!(feed.reader(), expected);
        feed.begin();
        check(Reader::Us);
        advance(LEFT_OUT_MAX).await;
        check(Reader::LibraryInTurn);
        feed.fed(&page(Vec::new()));
        check(Reader::Us);
        advance(LEFT_OUT_MAX).await;
        feed.needed();
        check(Reader::Us);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_swarms_is_not_asked_for_twice() {
        let feed = Feed::default();
        feed.begin();
        let check = async |what: &str| {
            assert_eq!(feed.reader(), Reader::Library, "{what}");
            advance(STIRRED_FOR).await;
            assert_eq!(feed.reader(), Reader::Us, "{what}");
        };
        feed.fed(&page(Vec::new()));
        assert_eq!(feed.reader(), Reader::Us, "a single key");
        let room = RoomId::parse("!r:s").unwrap();
        feed.fed(&page(vec![Change::MembersChanged { room: room.clone() }]));
        check("a change").await;
        let mut joined = page(Vec::new());
        let timeline = vec![Slip::OwnJoin];
        joined.rooms.push(RoomPage { room, timeline, state: Vec::new(), gap: None, typing: None });
        feed.fed(&joined);
        check("a change in a room").await;
    }

    fn page(changes: Vec<Change>) -> Page {
        let (token, keys) = (SyncToken::parse("s").unwrap(), Keys::Of(BTreeSet::new()));
        Page { token, received_at: Millis(1), rooms: Vec::new(), changes, keys }
    }
}
