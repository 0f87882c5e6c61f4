//! A house with teams, for tests.

use std::{collections::BTreeMap, path::Path};

use super::panel::{Member, circle};
use crate::{
    config::{Config, compile_text},
    model::{Conversation, EventId, Millis, Priority, Responder, RoomId, Turn, TurnId, UserId},
};

const CONFIG: &str = "
homeserver: { url: 'http://localhost' }
models:
  m: { provider: openai, id: gpt-4o }
  lead: { provider: openai, id: gpt-4o }
agents:
  cook: { role: Knows recipes., model: m, rooms: [lobby] }
  baker: { role: Bakes., model: m, rooms: [lobby] }
  poet: { role: Writes., model: m, rooms: [lobby] }
teams:
  kitchen: { role: Plans dinners., agents: [cook, baker], mode: coordinate, model: lead, rooms: [lobby] }
  club: { role: Talks., agents: [cook, poet], mode: collaborate, rooms: [lobby] }
";

pub(super) fn config() -> Config {
    compile_text(CONFIG, Path::new("/"), &BTreeMap::new()).unwrap().config
}

pub(super) fn event(text: &str) -> EventId {
    EventId::parse(format!("${text}")).unwrap()
}

/// A turn by this responder, written as in `cook+baker`.
pub(super) fn turn(responder: &str) -> Turn {
    Turn {
        id: TurnId::parse("0123456789abcdef").unwrap(),
        attempt: 1,
        conversation: Conversation { room: RoomId::parse("!r").unwrap(), thread: Some(event("asked")) },
        responder: Responder::try_from(responder.to_owned()).unwrap(),
        messages: vec![event("asked")],
        asker: UserId::parse("@ada:home").unwrap(),
        priority: Priority::Person,
        hops: 1,
        root: event("asked"),
        missing: Vec::new(),
        received_at: Millis(1),
        parts: Vec::new(),
        withdrawals: 0,
    }
}

pub(super) fn members(names: &[&str]) -> Vec<Member> {
    // One name alone would be a team's.
    let all = circle(&config(), &turn("cook+baker+poet")).members;
    names.iter().map(|name| all.iter().find(|member| member.name.as_str() == *name).unwrap().clone()).collect()
}
