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

/// Takes back what another event says.
const REDACTION: &str = "m.room.redaction";

/// What every event has, as far as we need it.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(rename = "type")]
    kind: String,
    event_id: Option<String>,
    sender: String,
    state_key: Option<String>,
    #[serde(default)]
    origin_server_ts: serde_json::Value,
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(default)]
    unsigned: Unsigned,
    /// What a redaction takes back. In newer room versions it stands in the content, too.
    redacts: Option<String>,
}

/// What the homeserver adds to an event.
#[derive(Default, Deserialize)]
struct Unsigned {
    #[serde(default)]
    prev_content: serde_json::Value,
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
    // Only what the homeserver vouches for is state: the inside of an encrypted event is whatever its sender put there.
    if outline.state_key.is_some() && matches!(event.kind, TimelineEventKind::PlainText { .. }) {
        return state_slip(own, room, &outline);
    }
    let content = match &event.kind {
        TimelineEventKind::PlainText { .. } if outline.kind == "m.room.encrypted" => Content::Sealed(Sealed {
            raw: raw.json().get().to_owned(),
            session: session_of(&outline),
            cause: SealedCause::KeyMissing,
        }),
        TimelineEventKind::UnableToDecrypt { utd_info, .. } => Content::Sealed(Sealed {
            raw: raw.json().get().to_owned(),
            session: utd_info.session_id.clone(),
            cause: sealed_cause(&utd_info.reason),
        }),
        TimelineEventKind::Decrypted(_) => said(&outline),
        TimelineEventKind::PlainText { .. } => done(&outline),
    };
    Some(Slip::Event(Unplaced {
        event: EventId::parse(outline.event_id?).ok()?,
        sender: UserId::parse(outline.sender).ok()?,
        sent_at: Millis(outline.origin_server_ts.as_u64().unwrap_or_default()),
        content,
    }))
}

/// The session that an event is encrypted under. The library gives an event as it came when its key store fails while
/// reading history; that is no reason to take the cipher for the message. One that was redacted has none.
fn session_of(outline: &Outline<'_>) -> Option<String> {
    let content: serde_json::Value = serde_json::from_str(outline.content.get()).ok()?;
    content["session_id"].as_str().map(str::to_owned)
}

/// What a decrypted event says.
pub(super) fn clear_content(event: &TimelineEvent) -> Option<Content> {
    let outline: Outline<'_> = serde_json::from_str(event.raw().json().get()).ok()?;
    match event.kind {
        TimelineEventKind::UnableToDecrypt { .. } => None,
        TimelineEventKind::Decrypted(_) => Some(said(&outline)),
        TimelineEventKind::PlainText { .. } => Some(done(&outline)),
    }
}

/// What one state event, outside a timeline, means to the account `own`.
pub(super) fn state_change<T>(own: &UserId, room: &RoomId, event: &Raw<T>) -> Option<Change> {
    let outline: Outline<'_> = serde_json::from_str(event.json().get()).ok()?;
    match state_slip(own, room, &outline)? {
        // Who speaks is named along with what they say; that somebody is here is no news unless the timeline says so.
        Slip::Change(Change::MembersChanged { .. }) if is_join(&outline) => None,
        Slip::Change(change) => Some(change),
        Slip::OwnJoin | Slip::OwnLeave | Slip::Event(_) => None,
    }
}

fn is_join(outline: &Outline<'_>) -> bool {
    let member: Member = serde_json::from_str(outline.content.get()).unwrap_or_default();
    member.membership.as_deref() == Some("join")
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

/// What stands in an encrypted event. A redaction in there takes nothing back: no homeserver asked whether its sender may.
fn said(outline: &Outline<'_>) -> Content {
    let json = if outline.kind == REDACTION { "{}" } else { outline.content.get() };
    Content::Clear { kind: outline.kind.clone(), json: json.to_owned() }
}

/// What stands in an event that came in the clear. A redaction names its event in the content, whatever the room version.
fn done(outline: &Outline<'_>) -> Content {
    let mut json = outline.content.get().to_owned();
    if let (REDACTION, Some(redacted)) = (outline.kind.as_str(), &outline.redacts) {
        // Beside the content it stands by the homeserver's hand; inside, in older rooms, by the sender's.
        let mut content: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap_or_default();
        content.insert("redacts".to_owned(), redacted.as_str().into());
        json = serde_json::Value::Object(content).to_string();
    }
    Content::Clear { kind: outline.kind.clone(), json }
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
            let is_own = outline.state_key.as_deref() == Some(own.as_str());
            match (member.membership.as_deref(), outline.unsigned.prev_content["membership"].as_str()) {
                // A new name or picture is no news.
                (now, was) if now == was => None,
                (Some("join"), _) if is_own => Some(Slip::OwnJoin),
                (Some("leave" | "ban"), _) if is_own => Some(Slip::OwnLeave),
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
    use matrix_sdk::deserialized_responses::VerificationState;
    use serde_json::{Value, json};

    use super::{
        super::samples::{decrypted, plain},
        *,
    };

    fn own() -> UserId {
        UserId::parse("@me:s").unwrap()
    }

    fn room() -> RoomId {
        RoomId::parse("!r").unwrap()
    }

    fn read(event: &Value) -> Option<Slip> {
        slip(&own(), &room(), &plain(event))
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
        check(&member("@me:s", "leave", Some("join")), Some(Slip::OwnLeave));
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

    /// I10, E4: what stands inside an encrypted event is never state, whatever it says of itself.
    #[test]
    fn nobody_can_smuggle_state_into_a_message() {
        let inside = json!({"type": "m.room.tombstone", "event_id": "$e", "sender": "@eve:s", "state_key": "",
                            "origin_server_ts": 1, "room_id": "!r", "content": {"replacement_room": "!hers"}});
        let event = decrypted(&inside, VerificationState::Verified);
        let slip = slip(&own(), &room(), &event);
        assert!(matches!(slip, Some(Slip::Event(_))), "{slip:?}");
    }

    /// E2: a cipher that the library handed out undecrypted is kept sealed, and what people see may be malformed.
    #[test]
    fn a_cipher_is_never_taken_for_the_message() {
        let event = json!({"type": "m.room.encrypted", "event_id": "$e", "sender": "@a:s", "origin_server_ts": -5,
                           "content": {"session_id": "S", "ciphertext": "…"}});
        let Some(Slip::Event(message)) = read(&event) else { panic!("no event") };
        let Content::Sealed(sealed) = message.content else { panic!("taken for clear") };
        assert_eq!((sealed.session.as_deref(), message.sent_at), (Some("S"), Millis(0)));
    }

    fn read_decrypted(event: &Value) -> Option<Slip> {
        slip(&own(), &room(), &decrypted(event, VerificationState::Verified))
    }

    fn clear_parts(slip: Option<Slip>) -> (String, Value) {
        let Some(Slip::Event(Unplaced { content: Content::Clear { kind, json }, .. })) = slip else {
            panic!("{slip:?}")
        };
        (kind, serde_json::from_str(&json).unwrap())
    }

    /// S4, S8: taps and stickers come as they are, encrypted or not; a redaction always names its event in the content.
    #[test]
    fn what_is_no_message_comes_through_too() {
        let event =
            |kind: &str, content: Value| json!({"type": kind, "event_id": "$e", "sender": "@a:s", "content": content});
        let reaction = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": "🛑"}});
        for (kind, content) in [("m.reaction", reaction), ("m.sticker", json!({"body": "hi", "url": "mxc://s/x"}))] {
            let event = event(kind, content.clone());
            assert_eq!(clear_parts(read(&event)), (kind.to_owned(), content.clone()));
            assert_eq!(clear_parts(read_decrypted(&event)), (kind.to_owned(), content));
        }
        let mut old = event("m.room.redaction", json!({"reason": "typo", "redacts": "$forged"}));
        old["redacts"] = json!("$x");
        assert_eq!(clear_parts(read(&old)).1, json!({"reason": "typo", "redacts": "$x"}));
        let new = event("m.room.redaction", json!({"redacts": "$x"}));
        assert_eq!(clear_parts(read(&new)).1, json!({"redacts": "$x"}));
        assert_eq!(clear_parts(read_decrypted(&new)).1, json!({}), "no homeserver asked whether its sender may");
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
