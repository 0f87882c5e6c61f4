//! The SDK's events in our words.

use matrix_sdk::{
    deserialized_responses::{TimelineEvent, TimelineEventKind, UnableToDecryptReason},
    ruma::serde::Raw,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    matrix::{Slip, Unplaced},
    model::{Change, Content, Departure, EventId, Millis, RoomId, Sealed, SealedCause, UserId},
};

/// What every event has, as far as we need it.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(rename = "type")]
    kind: String,
    event_id: Option<String>,
    sender: String,
    state_key: Option<String>,
    #[serde(default)]
    origin_server_ts: u64,
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(default)]
    unsigned: Unsigned,
}

/// What the homeserver adds to an event.
#[derive(Default, Deserialize)]
struct Unsigned {
    prev_content: Option<Member>,
}

/// The content of a membership event.
#[derive(Default, Deserialize)]
struct Member {
    membership: Option<String>,
}

/// The content of a tombstone.
#[derive(Deserialize)]
struct Tombstone {
    replacement_room: String,
}

/// What one timeline event of `room` means to the account `own`. Nothing, when it is malformed: it can't concern anybody.
pub(super) fn slip(own: &UserId, room: &RoomId, event: &TimelineEvent) -> Option<Slip> {
    let raw = event.raw();
    let outline: Outline<'_> = serde_json::from_str(raw.json().get()).ok()?;
    if outline.state_key.is_some() {
        return state_slip(own, room, &outline);
    }
    let content = match &event.kind {
        TimelineEventKind::UnableToDecrypt { utd_info, .. } => Content::Sealed(Sealed {
            raw: raw.json().get().to_owned(),
            session: utd_info.session_id.clone(),
            cause: sealed_cause(&utd_info.reason),
        }),
        TimelineEventKind::Decrypted(_) | TimelineEventKind::PlainText { .. } => clear(&outline),
    };
    Some(Slip::Event(Unplaced {
        event: EventId::parse(outline.event_id?).ok()?,
        sender: UserId::parse(outline.sender).ok()?,
        sent_at: Millis(outline.origin_server_ts),
        content,
    }))
}

/// What a decrypted event says.
pub(super) fn clear_content(event: &TimelineEvent) -> Option<Content> {
    let outline: Outline<'_> = serde_json::from_str(event.raw().json().get()).ok()?;
    match event.kind {
        TimelineEventKind::UnableToDecrypt { .. } => None,
        TimelineEventKind::Decrypted(_) | TimelineEventKind::PlainText { .. } => Some(clear(&outline)),
    }
}

/// What one state event, outside a timeline, means to the account `own`.
pub(super) fn state_change<T>(own: &UserId, room: &RoomId, event: &Raw<T>) -> Option<Change> {
    let outline: Outline<'_> = serde_json::from_str(event.json().get()).ok()?;
    match state_slip(own, room, &outline)? {
        Slip::Change(change) => Some(change),
        Slip::OwnJoin | Slip::Event(_) => None,
    }
}

/// How the account's membership ended, from its own membership event.
pub(super) fn departure<T>(own: &UserId, event: &Raw<T>) -> Option<(UserId, Departure)> {
    let outline: Outline<'_> = serde_json::from_str(event.json().get()).ok()?;
    if outline.kind != "m.room.member" || outline.state_key.as_deref() != Some(own.as_str()) {
        return None;
    }
    let member: Member = serde_json::from_str(outline.content.get()).ok()?;
    let by = UserId::parse(outline.sender).ok()?;
    match member.membership.as_deref() {
        Some("ban") => Some((by, Departure::Banned)),
        Some("leave") if by == *own => Some((by, Departure::Left)),
        Some("leave") => Some((by, Departure::Kicked)),
        _ => None,
    }
}

fn clear(outline: &Outline<'_>) -> Content {
    Content::Clear { kind: outline.kind.clone(), json: outline.content.get().to_owned() }
}

fn state_slip(own: &UserId, room: &RoomId, outline: &Outline<'_>) -> Option<Slip> {
    let room = room.clone();
    match outline.kind.as_str() {
        "m.room.encryption" => Some(Slip::Change(Change::Encrypted { room })),
        "m.room.tombstone" => {
            let tombstone: Tombstone = serde_json::from_str(outline.content.get()).ok()?;
            let (successor, by) =
                (RoomId::parse(tombstone.replacement_room).ok()?, UserId::parse(&outline.sender).ok()?);
            Some(Slip::Change(Change::Upgraded { room, successor, by }))
        }
        "m.room.member" => {
            let member: Member = serde_json::from_str(outline.content.get()).ok()?;
            let was = outline.unsigned.prev_content.as_ref().and_then(|member| member.membership.as_deref());
            match (member.membership.as_deref(), was) {
                // A new name or picture is no news.
                (now, was) if now == was => None,
                (Some("join"), _) if outline.state_key.as_deref() == Some(own.as_str()) => Some(Slip::OwnJoin),
                _ => Some(Slip::Change(Change::MembersChanged { room })),
            }
        }
        _ => None,
    }
}

fn sealed_cause(reason: &UnableToDecryptReason) -> SealedCause {
    match reason {
        UnableToDecryptReason::MissingMegolmSession { withheld_code: Some(_) } => SealedCause::KeyWithheld,
        UnableToDecryptReason::MissingMegolmSession { withheld_code: None }
        | UnableToDecryptReason::UnknownMegolmMessageIndex => SealedCause::KeyMissing,
        _ => SealedCause::Broken,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn own() -> UserId {
        UserId::parse("@me:s").unwrap()
    }

    fn room() -> RoomId {
        RoomId::parse("!r").unwrap()
    }

    fn read(event: &Value) -> Option<Slip> {
        slip(&own(), &room(), &TimelineEvent::from_plaintext(Raw::from_json_string(event.to_string()).unwrap()))
    }

    fn member(who: &str, now: &str, was: Option<&str>) -> Value {
        let unsigned = was.map_or(json!({}), |was| json!({"prev_content": {"membership": was}}));
        json!({"type": "m.room.member", "event_id": "$e", "sender": "@a:s", "state_key": who,
               "content": {"membership": now}, "unsigned": unsigned, "origin_server_ts": 1})
    }

    #[test]
    fn events_become_slips() {
        let changed = Some(Slip::Change(Change::MembersChanged { room: room() }));
        let check = |event: &Value, expected: Option<Slip>| assert_eq!(read(event), expected, "{event}");
        check(&member("@me:s", "join", Some("invite")), Some(Slip::OwnJoin));
        check(&member("@me:s", "join", None), Some(Slip::OwnJoin));
        check(&member("@me:s", "join", Some("join")), None);
        check(&member("@b:s", "join", Some("invite")), changed.clone());
        check(&member("@b:s", "leave", Some("join")), changed);
        let encryption = json!({"type": "m.room.encryption", "event_id": "$e", "sender": "@a:s", "state_key": "",
                                "content": {"algorithm": "m.megolm.v1.aes-sha2"}});
        check(&encryption, Some(Slip::Change(Change::Encrypted { room: room() })));
        check(
            &json!({"type": "m.room.topic", "event_id": "$e", "sender": "@a:s", "state_key": "", "content": {}}),
            None,
        );
        check(&json!({"nonsense": true}), None);
    }

    #[test]
    fn a_message_keeps_its_content_as_it_came() {
        let event = json!({"type": "m.room.message", "event_id": "$e", "sender": "@a:s", "origin_server_ts": 7,
                           "content": {"msgtype": "m.text", "body": "hi"}});
        let Some(Slip::Event(message)) = read(&event) else { panic!("no event") };
        assert_eq!(message.sent_at, Millis(7));
        let Content::Clear { kind, json } = message.content else { panic!("sealed") };
        assert_eq!(kind, "m.room.message");
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), event["content"]);
    }

    /// I10: a tombstone names the successor and who says so.
    #[test]
    fn a_tombstone_is_an_upgrade() {
        let event = json!({"type": "m.room.tombstone", "event_id": "$e", "sender": "@a:s", "state_key": "",
                           "content": {"body": "moved", "replacement_room": "!new"}});
        let (successor, by) = (RoomId::parse("!new").unwrap(), UserId::parse("@a:s").unwrap());
        assert_eq!(read(&event), Some(Slip::Change(Change::Upgraded { room: room(), successor, by })));
    }

    /// I11: being kicked or banned is told from leaving.
    #[test]
    fn departures_are_told_apart() {
        let check = |sender: &str, membership: &str, expected: Option<Departure>| {
            let event = json!({"type": "m.room.member", "sender": sender, "state_key": "@me:s",
                               "content": {"membership": membership}});
            let raw: Raw<Value> = Raw::from_json_string(event.to_string()).unwrap();
            assert_eq!(departure(&own(), &raw).map(|(_, how)| how), expected, "{sender} {membership}");
        };
        check("@me:s", "leave", Some(Departure::Left));
        check("@a:s", "leave", Some(Departure::Kicked));
        check("@a:s", "ban", Some(Departure::Banned));
        check("@a:s", "invite", None);
    }
}
