//! What is said about messages that nobody of ours can read, and when.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use std::time::Duration;

use serde_json::Value;

use crate::model::{Conversation, EventId, Millis, RoomId, SealedCause, UserId};

/// How long a key may take before anything is said.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long nothing more is said about one device.
pub const PAUSE: Duration = Duration::from_hours(1);
/// Older messages than this are no news to anybody: they came while the program was down, or before it was this careful.
const AGE_MAX: Duration = Duration::from_hours(1);
/// What the id of such a notice begins with.
pub const NOTICES: &str = "sealed.";

/// A message that nobody of ours can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where it stands.
    pub room: RoomId,
    /// Its id.
    pub event: EventId,
    /// Who sent it.
    pub sender: UserId,
    /// The whole encrypted event, as JSON.
    pub raw: String,
    /// Why it could not be read.
    pub cause: SealedCause,
    /// When it was admitted.
    pub admitted_at: Millis,
}

/// What is to be done about an unread message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Its key may still come: look again at this moment.
    Until(Millis),
    /// People should be told now.
    Over,
    /// It is too old to say anything about it.
    Stale,
}

impl Unread {
    /// E1: whether it is time to say something.
    #[must_use]
    pub fn patience(&self, now: Millis) -> Patience {
        let due = self.admitted_at.after(PATIENCE);
        if now < due {
            Patience::Until(due)
        } else if now.since(self.admitted_at) > AGE_MAX {
            Patience::Stale
        } else {
            Patience::Over
        }
    }

    /// Which of the sender's devices it came from, as what all notices about that device begin with. Newer clients don't
    /// tell; then all of the sender's devices are one.
    #[must_use]
    pub fn device_prefix(&self) -> String {
        let raw: Value = serde_json::from_str(&self.raw).unwrap_or_default();
        let content = &raw["content"];
        let device = content["sender_key"].as_str().or_else(|| content["device_id"].as_str()).unwrap_or_default();
        format!("{NOTICES}{:016x}.", fingerprint(&format!("{} {device}", self.sender)))
    }

    /// The notice's id.
    #[must_use]
    pub fn notice_id(&self) -> String {
        format!("{}{}", self.device_prefix(), self.event)
    }

    /// Where the notice goes: relations are never encrypted.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        let raw: Value = serde_json::from_str(&self.raw).unwrap_or_default();
        let relation = &raw["content"]["m.relates_to"];
        let thread = relation["event_id"].as_str().filter(|_| relation["rel_type"] == "m.thread");
        Conversation { room: self.room.clone(), thread: thread.and_then(|root| EventId::parse(root).ok()) }
    }
}

/// E1: which cause it is, and what the person can do.
#[must_use]
pub fn complaint(cause: SealedCause) -> &'static str {
    match cause {
        SealedCause::KeyMissing => {
            "🔒 I can't read this message: its key hasn't reached me. I have asked for it. If this stays here, please send \
             the message again; if that doesn't help, restart your app and make sure that it has caught up."
        }
        SealedCause::KeyWithheld => {
            "🔒 I can't read this message: your app doesn't give its key to devices that you haven't verified. Verify us, or \
             switch that setting off for this room, and send the message again."
        }
        SealedCause::Broken => {
            "🔒 I can't read this message: its key is here, but doesn't fit. Please send it again; if that doesn't help, \
             type /discardsession in Element or sign in anew, and send it once more."
        }
    }
}

/// E1: what the notice says once the message could be read.
#[must_use]
pub fn relief() -> &'static str {
    "✓ The key came: I can read this message now."
}

/// FNV-1a: stable over releases, which a hash of the standard library's need not be. Two devices that share one only share
/// a pause.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(content: &str) -> Unread {
        Unread {
            room: RoomId::parse("!r").unwrap(),
            event: EventId::parse("$e.f:s").unwrap(),
            sender: UserId::parse("@bob:s").unwrap(),
            raw: format!("{{\"content\":{content}}}"),
            cause: SealedCause::KeyMissing,
            admitted_at: Millis(1_000),
        }
    }

    /// E1: nothing is said before about 25 seconds, and nothing about what is long past.
    #[test]
    fn a_key_gets_its_time() {
        let check = |now: u64, expected: Patience| assert_eq!(unread("{}").patience(Millis(now)), expected, "{now}");
        check(0, Patience::Until(Millis(26_000)));
        check(25_999, Patience::Until(Millis(26_000)));
        check(26_000, Patience::Over);
        check(3_601_000, Patience::Over);
        check(3_601_001, Patience::Stale);
    }

    /// E1: notices of one device share the beginning of their ids; where the event names no device, those of one sender.
    #[test]
    fn devices_are_told_apart() {
        let phone = unread(r#"{"sender_key":"a","device_id":"X"}"#);
        let laptop = unread(r#"{"device_id":"Y"}"#);
        assert_eq!(phone.device_prefix(), unread(r#"{"sender_key":"a"}"#).device_prefix());
        assert_ne!(phone.device_prefix(), laptop.device_prefix());
        assert_eq!(unread("{}").device_prefix(), unread(r#"{"session_id":"s"}"#).device_prefix());
        let other = Unread { sender: UserId::parse("@al:s").unwrap(), ..phone.clone() };
        assert_ne!(other.device_prefix(), phone.device_prefix());
        assert_eq!(phone.notice_id(), format!("{}$e.f:s", phone.device_prefix()));
    }

    /// E1: the notice stands where the message does.
    #[test]
    fn a_notice_follows_the_thread() {
        let thread = unread(r#"{"m.relates_to":{"rel_type":"m.thread","event_id":"$root"}}"#).conversation();
        assert_eq!(thread.thread, Some(EventId::parse("$root").unwrap()));
        assert_eq!(unread(r#"{"m.relates_to":{"m.in_reply_to":{"event_id":"$a"}}}"#).conversation().thread, None);
        assert_eq!(Unread { raw: "nonsense".to_owned(), ..unread("{}") }.conversation().thread, None);
    }

    /// E1: each cause comes with what the person can do.
    #[test]
    fn every_cause_has_a_remedy() {
        assert!(complaint(SealedCause::KeyMissing).contains("send the message again"));
        assert!(complaint(SealedCause::KeyWithheld).contains("Verify us"));
        assert!(complaint(SealedCause::Broken).contains("send it again"));
        assert!(relief().starts_with('✓'));
    }
}
