//! One room as the person sees it: who is in it, what was said last, what became of it since.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    harmless::harmless_line,
    said::{Manner, Said, Words, read},
};
use crate::{
    matrix::Unplaced,
    model::{Content, EventId, Millis, RoomId, UserId},
};

/// How many messages are kept of each room.
pub(super) const MESSAGES_MAX: usize = 200;
/// How many reactions are kept of each message.
const REACTIONS_MAX: usize = 50;
/// How much of a name is shown, in characters.
const NAME_CHARS_MAX: usize = 40;

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
    /// Who is writing just now.
    pub(super) typing: BTreeSet<UserId>,
    /// How many messages came since the person was here.
    pub(super) unread: usize,
    /// The message that changed last, by what it says.
    pub(super) newest: Option<EventId>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Its id.
    pub(super) event: EventId,
    /// When it was sent, as the sender's server says.
    pub(super) at: Millis,
    /// Who said it.
    pub(super) sender: UserId,
    /// The thread that it stands in, by the message that it grows from.
    pub(super) thread: Option<EventId>,
    /// What it says by now.
    pub(super) words: Words,
    /// Whether its sender changed it after it was whole.
    pub(super) edited: bool,
    /// How people reacted to it, in order.
    pub(super) reactions: Vec<Reaction>,
}

/// A reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reaction {
    /// Its own id.
    pub(super) event: EventId,
    /// Which one.
    pub(super) key: String,
    /// Whose.
    pub(super) sender: UserId,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It was said.
    Said,
    /// There is more of it, and more to come.
    Grown,
    /// It is whole now.
    Whole,
    /// It says something else now.
    Edited,
    /// Somebody reacted to it, or took that back.
    Reacted,
    /// It was taken back, and is gone.
    Gone,
}

impl Room {
    /// A room in which nothing was heard yet. Whatever others chose as names is made harmless.
    pub(super) fn new(id: RoomId, name: Option<&str>, members: BTreeMap<UserId, Option<String>>) -> Self {
        let name = readable(name, id.as_str());
        let members = members.into_iter().map(|(user, name)| {
            let name = readable(name.as_deref(), user.as_str());
            (user, name)
        });
        let (messages, typing) = (VecDeque::new(), BTreeSet::new());
        Self { name, members: members.collect(), id, messages, typing, unread: 0, newest: None }
    }

    /// The message with this id, if it is among the last ones.
    pub(super) fn message(&self, event: &EventId) -> Option<&Message> {
        self.messages.iter().find(|message| message.event == *event)
    }

    /// The messages as they are read: each with its thread below it. A thread whose beginning is gone begins with its
    /// first message that is left.
    pub(super) fn in_order(&self) -> Vec<&Message> {
        let mut ordered = Vec::with_capacity(self.messages.len());
        let mut begun = BTreeSet::new();
        for message in &self.messages {
            let root = message.thread.as_ref().unwrap_or(&message.event);
            if begun.insert(root) {
                ordered.extend(self.messages.iter().filter(|other| other.event == *root));
                ordered.extend(self.messages.iter().filter(|other| other.thread.as_ref() == Some(root)));
            }
        }
        ordered
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

    /// Takes an event in. Gives the message that it made or changed, if any.
    pub(super) fn hear(&mut self, event: &Unplaced) -> Option<(EventId, News)> {
        let said = match &event.content {
            Content::Clear { kind, json } => read(kind, json)?,
            Content::Sealed(_) => {
                let text = "(encrypted, and this chat has no key)".to_owned();
                let words = Words { manner: Manner::Notice, text, growing: false };
                Said::Message { thread: None, reply_to: None, words }
            }
        };
        let heard = match said {
            Said::Message { thread, reply_to, words } => {
                self.said(event, thread.or(reply_to.as_ref().and_then(|to| self.thread_of(to))), words)
            }
            Said::Edit { of, words } => self.edited(event, &of, words),
            Said::Reaction { to, key } => self.reacted(event, &to, key),
            Said::TakenBack(gone) => self.taken_back(&gone),
        };
        if let Some((event, News::Said | News::Grown | News::Whole | News::Edited)) = &heard {
            self.newest = Some(event.clone());
        }
        heard
    }

    /// The thread that a message stands in: what answers it without naming a thread stands there, too.
    fn thread_of(&self, event: &EventId) -> Option<EventId> {
        self.message(event)?.thread.clone()
    }

    fn said(&mut self, event: &Unplaced, thread: Option<EventId>, words: Words) -> Option<(EventId, News)> {
        if self.message(&event.event).is_some() {
            return None;
        }
        if self.messages.len() == MESSAGES_MAX {
            self.messages.pop_front();
        }
        self.messages.push_back(Message {
            event: event.event.clone(),
            at: event.sent_at,
            sender: event.sender.clone(),
            thread,
            words,
            edited: false,
            reactions: Vec::new(),
        });
        Some((event.event.clone(), News::Said))
    }

    /// Only who said something may change it.
    fn edited(&mut self, event: &Unplaced, of: &EventId, words: Words) -> Option<(EventId, News)> {
        let message =
            self.messages.iter_mut().find(|message| message.event == *of && message.sender == event.sender)?;
        if message.words == words {
            return None;
        }
        let news = match (message.words.growing, words.growing) {
            (_, true) => News::Grown,
            (true, false) => News::Whole,
            (false, false) => News::Edited,
        };
        message.edited |= news == News::Edited;
        message.words = words;
        Some((of.clone(), news))
    }

    fn reacted(&mut self, event: &Unplaced, to: &EventId, key: String) -> Option<(EventId, News)> {
        let message = self.messages.iter_mut().find(|message| message.event == *to)?;
        let known = message.reactions.iter().any(|other| other.event == event.event);
        if known || message.reactions.len() == REACTIONS_MAX {
            return None;
        }
        message.reactions.push(Reaction { event: event.event.clone(), key, sender: event.sender.clone() });
        Some((to.clone(), News::Reacted))
    }

    fn taken_back(&mut self, gone: &EventId) -> Option<(EventId, News)> {
        if let Some(index) = self.messages.iter().position(|message| message.event == *gone) {
            self.messages.remove(index);
            return Some((gone.clone(), News::Gone));
        }
        let holder = |message: &&mut Message| message.reactions.iter().any(|reaction| reaction.event == *gone);
        let message = self.messages.iter_mut().find(holder)?;
        message.reactions.retain(|reaction| reaction.event != *gone);
        Some((message.event.clone(), News::Reacted))
    }
}

fn readable(name: Option<&str>, otherwise: &str) -> String {
    let name = harmless_line(name.unwrap_or_default(), NAME_CHARS_MAX);
    if name.is_empty() { harmless_line(otherwise, NAME_CHARS_MAX) } else { name }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::demo::fixtures::{edit, event, growing, id, in_thread, reaction, redaction, room, said, user};

    fn texts(room: &Room) -> Vec<&str> {
        room.in_order().into_iter().map(|message| message.words.text.as_str()).collect()
    }

    #[test]
    fn names_are_harmless_and_never_two_alike() {
        let room = room("!a", "\x1b[2J\n");
        assert_eq!(room.name, "!a");
        let names = ["ada", "bob", "eve", "x", "gone"].map(|name| room.name_of(&user(name)));
        assert_eq!(names, ["Ada (@ada:s)", "Bob", "Ada (@eve:s)", "@x:s", "@gone:s"]);
    }

    #[test]
    fn messages_come_once_and_only_the_last_are_kept() {
        let mut room = room("!a", "Lobby");
        for number in 0..=MESSAGES_MAX {
            let event = said(&format!("${number}"), "bob", "hi");
            assert_eq!(room.hear(&event), Some((event.event.clone(), News::Said)));
            assert_eq!(room.hear(&event), None, "the same again");
        }
        assert_eq!((room.messages.len(), room.messages[0].event.as_str()), (MESSAGES_MAX, "$1"));
        assert_eq!(room.hear(&event("$x", "bob", "m.room.message", &json!({}))), None, "one that was deleted");
    }

    /// C1, C2: a thread stands below the message that it grows from, a plain reply to it included.
    #[test]
    fn c2_threads_stand_together() {
        let mut room = room("!a", "Lobby");
        for event in [
            said("$1", "ada", "one"),
            said("$2", "ada", "two"),
            in_thread("$3", "bob", "to one", "$1"),
            in_thread("$4", "bob", "to two", "$2"),
            event(
                "$5",
                "ada",
                "m.room.message",
                &json!({"msgtype": "m.text", "body": "again", "m.relates_to": {"m.in_reply_to": {"event_id": "$3"}}}),
            ),
            in_thread("$6", "bob", "to what is gone", "$0"),
        ] {
            room.hear(&event);
        }
        assert_eq!(texts(&room), ["one", "to one", "again", "two", "to two", "to what is gone"]);
        assert_eq!(room.newest, Some(id("$6")));
    }

    /// S1: an answer grows in place until it is whole; only its sender can change it.
    #[test]
    fn s1_answers_grow_in_place() {
        let mut room = room("!a", "Lobby");
        let mut check = |event: &Unplaced, expected: Option<News>| {
            assert_eq!(room.hear(event).map(|(_, news)| news), expected, "{event:?}");
            (room.messages[0].words.text.clone(), room.messages[0].edited)
        };
        check(&growing("$1", "bob", "…", "$0"), Some(News::Said));
        let told = check(&edit("$2", "bob", "so", "$1", false), Some(News::Grown));
        assert_eq!(told, ("so".to_owned(), false));
        check(&edit("$2", "bob", "so", "$1", false), None);
        check(&edit("$3", "eve", "mine", "$1", true), None);
        let told = check(&edit("$4", "bob", "so it is", "$1", true), Some(News::Whole));
        assert_eq!(told, ("so it is".to_owned(), false));
        let told = check(&edit("$5", "bob", "so it was", "$1", true), Some(News::Edited));
        assert_eq!(told, ("so it was".to_owned(), true));
        check(&edit("$6", "bob", "x", "$9", true), None);
    }

    #[test]
    fn reactions_come_and_go() {
        let mut room = room("!a", "Lobby");
        room.hear(&said("$1", "bob", "hi"));
        assert_eq!(room.hear(&reaction("$2", "ada", "🛑", "$1")), Some((id("$1"), News::Reacted)));
        assert_eq!(room.hear(&reaction("$2", "ada", "🛑", "$1")), None, "the same again");
        assert_eq!(room.hear(&reaction("$3", "ada", "🛑", "$9")), None);
        assert_eq!(room.messages[0].reactions[0].key, "🛑");
        assert_eq!(room.hear(&redaction("$4", "ada", "$2")), Some((id("$1"), News::Reacted)));
        assert!(room.messages[0].reactions.is_empty());
        assert_eq!(room.hear(&redaction("$5", "bob", "$1")), Some((id("$1"), News::Gone)));
        assert!(room.messages.is_empty());
        for number in 0..=REACTIONS_MAX {
            room.hear(&said("$a", "bob", "hi"));
            room.hear(&reaction(&format!("$r{number}"), "ada", "x", "$a"));
        }
        assert_eq!(room.messages[0].reactions.len(), REACTIONS_MAX);
    }

    /// E1: what can't be read is said to be there.
    #[test]
    fn e1_what_is_sealed_is_shown_as_such() {
        use crate::model::{Sealed, SealedCause};
        let mut room = room("!a", "Lobby");
        let sealed = Sealed { raw: String::new(), session: None, cause: SealedCause::KeyMissing };
        room.hear(&Unplaced { content: Content::Sealed(sealed), ..said("$1", "bob", "") });
        assert!(texts(&room)[0].contains("no key"), "{room:?}");
    }
}
