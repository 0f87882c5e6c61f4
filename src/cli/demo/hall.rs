//! The rooms as the person sees them: who is in them, what was said last, and which one the person is in.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::harmless::{harmless, harmless_line, shortened};
use crate::{
    matrix::Unplaced,
    model::{Content, EventId, Millis, RoomId, UserId},
};

/// How many messages are kept of each room, to be shown when the person comes in.
const MESSAGES_MAX: usize = 20;
/// How much of a name is shown, in characters.
const NAME_CHARS_MAX: usize = 40;
/// How much of a message is shown, in characters.
const MESSAGE_CHARS_MAX: usize = 4_000;

/// All rooms.
#[derive(Debug, Default)]
pub(super) struct Hall {
    rooms: Vec<Room>,
    here: Option<RoomId>,
}

/// One room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    /// Which.
    pub(super) id: RoomId,
    /// Its name, harmless.
    pub(super) name: String,
    /// Who is in it, with their harmless names.
    pub(super) members: BTreeMap<UserId, String>,
    /// What was said last, oldest first.
    pub(super) messages: VecDeque<Message>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Its id.
    pub(super) event: EventId,
    /// When it was sent, as the sender's server says.
    pub(super) at: Millis,
    /// Who said it, as people see it.
    pub(super) name: String,
    /// What it says, harmless.
    pub(super) text: String,
}

impl Hall {
    /// The rooms, in the order of their numbers.
    pub(super) fn rooms(&self) -> &[Room] {
        &self.rooms
    }

    /// Whether the person is a member there.
    pub(super) fn knows(&self, room: &RoomId) -> bool {
        self.rooms.iter().any(|known| known.id == *room)
    }

    /// The room that the person is looking at, unless there is none at all.
    pub(super) fn here(&self) -> Option<&Room> {
        let chosen = self.rooms.iter().find(|room| Some(&room.id) == self.here.as_ref());
        chosen.or_else(|| self.rooms.first())
    }

    /// Goes to the room with this number or name. Says whether there is one.
    pub(super) fn go(&mut self, wish: &str) -> bool {
        let by_number = wish.parse::<usize>().ok().and_then(|number| self.rooms.get(number.checked_sub(1)?));
        let by_name = || self.rooms.iter().find(|room| room.name.to_lowercase() == wish.to_lowercase());
        let found = by_number.or_else(by_name).map(|room| room.id.clone());
        let exists = found.is_some();
        self.here = found.or_else(|| self.here.take());
        exists
    }

    /// Notes how a room looks now; a new one gets the next number.
    pub(super) fn see(&mut self, room: Room) {
        match self.rooms.iter_mut().find(|known| known.id == room.id) {
            Some(known) => (known.name, known.members) = (room.name, room.members),
            None => self.rooms.push(room),
        }
    }

    /// Puts the rooms in the order of their names.
    pub(super) fn sort(&mut self) {
        self.rooms.sort_by_key(|room| (room.name.to_lowercase(), room.id.clone()));
    }

    /// The person is no longer a member there.
    pub(super) fn lose(&mut self, room: &RoomId) {
        self.rooms.retain(|known| known.id != *room);
    }

    /// Takes in what was said in a known room. Gives it back as it is to be shown, if it is new and for people.
    pub(super) fn hear(&mut self, room: &RoomId, event: &Unplaced) -> Option<&Message> {
        let room = self.rooms.iter_mut().find(|known| known.id == *room)?;
        if room.has(&event.event) {
            return None;
        }
        let message = room.message(event)?;
        if room.messages.len() == MESSAGES_MAX {
            room.messages.pop_front();
        }
        room.messages.push_back(message);
        room.messages.back()
    }
}

impl Room {
    /// A room in which nothing was heard yet. Whatever others chose as names is made harmless.
    pub(super) fn new(id: RoomId, name: Option<&str>, members: BTreeMap<UserId, Option<String>>) -> Self {
        let name = readable(name, id.as_str());
        let members = members.into_iter().map(|(user, name)| {
            let name = readable(name.as_deref(), user.as_str());
            (user, name)
        });
        Self { name, members: members.collect(), id, messages: VecDeque::new() }
    }

    /// Whether this message is among the last ones.
    pub(super) fn has(&self, event: &EventId) -> bool {
        self.messages.iter().any(|message| message.event == *event)
    }

    /// What people see as somebody's name; with the user id where two share one.
    pub(super) fn name_of(&self, user: &UserId) -> String {
        let shown = harmless_line(user.as_str(), NAME_CHARS_MAX);
        match self.members.get(user) {
            None => shown,
            Some(name) if self.members.iter().any(|(other, theirs)| other != user && theirs == name) => {
                format!("{name} ({shown})")
            }
            Some(name) => name.clone(),
        }
    }

    fn message(&self, event: &Unplaced) -> Option<Message> {
        let name = self.name_of(&event.sender);
        let text = match &event.content {
            Content::Clear { kind, json } if kind == "m.room.message" => words(&name, json)?,
            Content::Clear { .. } => return None,
            Content::Sealed(_) => "(encrypted, and this chat has no key)".to_owned(),
        };
        Some(Message { event: event.event.clone(), at: event.sent_at, name, text: shortened(&text, MESSAGE_CHARS_MAX) })
    }
}

/// What a message says. One that was deleted says nothing.
fn words(name: &str, json: &str) -> Option<String> {
    let content: Value = serde_json::from_str(json).ok()?;
    let body = harmless(content["body"].as_str()?);
    Some(match content["msgtype"].as_str()? {
        "m.text" | "m.notice" => body,
        "m.emote" => format!("* {name} {body}"),
        other => format!("({}) {body}", harmless_line(other.trim_start_matches("m."), NAME_CHARS_MAX)),
    })
}

fn readable(name: Option<&str>, otherwise: &str) -> String {
    let name = harmless_line(name.unwrap_or_default(), NAME_CHARS_MAX);
    if name.is_empty() { harmless_line(otherwise, NAME_CHARS_MAX) } else { name }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(format!("@{name}:s")).unwrap()
    }

    fn room(id: &str, name: &str) -> Room {
        let members = [("ada", Some("Ada")), ("bob", Some("Bo\x1b[1mb")), ("eve", Some("Ada")), ("x", None)];
        let members = members.map(|(id, name)| (user(id), name.map(str::to_owned)));
        Room::new(RoomId::parse(id).unwrap(), Some(name), BTreeMap::from(members))
    }

    fn said(id: usize, sender: &str, content: &Value) -> Unplaced {
        Unplaced {
            event: EventId::parse(format!("${id}")).unwrap(),
            sender: user(sender),
            sent_at: Millis(7),
            content: Content::Clear { kind: "m.room.message".to_owned(), json: content.to_string() },
        }
    }

    #[test]
    fn rooms_are_found_by_number_and_by_name() {
        let mut hall = Hall::default();
        assert!(hall.here().is_none() && !hall.go("1"));
        hall.see(room("!b", "Workshop"));
        hall.see(room("!a", "Lobby"));
        hall.sort();
        let mut check = |wish: &str, found: bool, here: &str| {
            assert_eq!((hall.go(wish), hall.here().unwrap().name.as_str()), (found, here), "{wish}");
        };
        check("0", false, "Lobby");
        check("2", true, "Workshop");
        check("3", false, "Workshop");
        check("lobby", true, "Lobby");
        check("WORKSHOP", true, "Workshop");
        hall.lose(&RoomId::parse("!b").unwrap());
        assert_eq!(hall.here().unwrap().name, "Lobby", "who is put out of a room stands in the first one");
    }

    #[test]
    fn names_are_harmless_and_never_two_alike() {
        let room = room("!a", "\x1b[2J\n");
        assert_eq!(room.name, "!a");
        let names = ["ada", "bob", "eve", "x", "gone"].map(|name| room.name_of(&user(name)));
        assert_eq!(names, ["Ada (@ada:s)", "Bob", "Ada (@eve:s)", "@x:s", "@gone:s"]);
    }

    #[test]
    fn messages_are_for_people_and_come_once() {
        let mut hall = Hall::default();
        hall.see(room("!a", "Lobby"));
        let id = RoomId::parse("!a").unwrap();
        let mut number = 0;
        let mut check = |content: Value, expected: Option<&str>| {
            number += 1;
            let event = said(number, "bob", &content);
            assert_eq!(hall.hear(&id, &event).map(|message| message.text.as_str()), expected, "{content}");
            assert_eq!(hall.hear(&id, &event), None, "the same again");
        };
        check(json!({"msgtype": "m.text", "body": "hi\x1b[31m"}), Some("hi"));
        check(json!({"msgtype": "m.notice", "body": "so it is"}), Some("so it is"));
        check(json!({"msgtype": "m.emote", "body": "waves"}), Some("* Bob waves"));
        check(json!({"msgtype": "m.image", "body": "cat.png"}), Some("(image) cat.png"));
        check(json!({}), None);
        assert_eq!(hall.hear(&RoomId::parse("!z").unwrap(), &said(99, "bob", &json!({}))), None);
    }

    #[test]
    fn only_the_last_messages_are_kept_and_long_ones_are_cut() {
        let mut hall = Hall::default();
        hall.see(room("!a", "Lobby"));
        let id = RoomId::parse("!a").unwrap();
        for number in 0..=MESSAGES_MAX {
            let body = "x".repeat(2 * MESSAGE_CHARS_MAX);
            hall.hear(&id, &said(number, "bob", &json!({"msgtype": "m.text", "body": body}))).unwrap();
        }
        let messages = &hall.here().unwrap().messages;
        assert_eq!(messages.len(), MESSAGES_MAX);
        assert_eq!(messages[0].event.as_str(), "$1");
        assert_eq!(messages[0].text.chars().count(), MESSAGE_CHARS_MAX + 1);
    }

    #[test]
    fn a_second_look_keeps_what_was_said() {
        let mut hall = Hall::default();
        hall.see(room("!a", "Lobby"));
        let id = RoomId::parse("!a").unwrap();
        hall.hear(&id, &said(1, "bob", &json!({"msgtype": "m.text", "body": "hi"})));
        hall.see(room("!a", "Foyer"));
        let here = hall.here().unwrap();
        assert_eq!((here.name.as_str(), here.messages.len(), hall.rooms().len()), ("Foyer", 1, 1));
    }
}
