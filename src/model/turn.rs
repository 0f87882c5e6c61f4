//! Who answers what, where: an envelope on its way, the turn that answers it, and what is said meanwhile.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{EntityName, EventId, Millis, RoomId, TurnId, UserId};

/// Joins the names of those who answer together.
const TOGETHER: char = '+';

/// The key under which every event of an answer says which turn it belongs to.
pub const TURN_KEY: &str = "org.maitre.turn";

/// Where people talk: one thread, or a room's main timeline as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Conversation {
    /// The room.
    pub room: RoomId,
    /// The event that the thread grows from; none for the main timeline.
    pub thread: Option<EventId>,
}

/// Who answers as one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Responder {
    /// One agent, or one configured team.
    One(EntityName),
    /// These agents, gathered for one question. The first lends its account; there are at least two.
    Together(Vec<EntityName>),
}

impl Responder {
    /// The entity through whose account it speaks.
    #[must_use]
    pub fn speaker(&self) -> &EntityName {
        match self {
            Self::One(name) => name,
            Self::Together(names) => &names[0],
        }
    }

    /// Everybody named.
    #[must_use]
    pub fn names(&self) -> &[EntityName] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Together(names) => names,
        }
    }
}

impl fmt::Display for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().iter().map(EntityName::as_str).collect();
        f.write_str(&names.join(&TOGETHER.to_string()))
    }
}

impl From<Responder> for String {
    fn from(responder: Responder) -> Self {
        responder.to_string()
    }
}

impl TryFrom<String> for Responder {
    type Error = super::IdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let names: Result<Vec<EntityName>, _> = text.split(TOGETHER).map(EntityName::parse).collect();
        let mut names = names?;
        Ok(if names.len() == 1 { Self::One(names.remove(0)) } else { Self::Together(names) })
    }
}

/// Who waits for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A person asked: goes first.
    Person,
    /// An entity asked.
    Agent,
}

/// One message for one responder. Room, message and responder together are its unique key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where it was said and where it is answered.
    pub conversation: Conversation,
    /// The message.
    pub event: EventId,
    /// Who wrote it.
    pub sender: UserId,
    /// Who answers it.
    pub responder: Responder,
    /// Who waits for whom.
    pub priority: Priority,
    /// How many entities the question has gone through, the one that answers included: 1 for a person's own question.
    pub hops: u32,
    /// The person's message that all of this goes back to.
    pub root: EventId,
    /// Who was asked as well and can't answer, with the reason, for the answer to name.
    pub missing: Vec<Missing>,
    /// When it was admitted.
    pub received_at: Millis,
}

/// Somebody who was asked and can't answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Who.
    pub name: EntityName,
    /// Why, in words that follow the name: `is not online`.
    pub why: String,
}

/// One answer being given: to one message, or to several that came before it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Its id: a function of the responder and the first message.
    pub id: TurnId,
    /// Which try at it this is, from 1. Regenerating, an edit of the question and a crash each make another.
    pub attempt: u32,
    /// Where.
    pub conversation: Conversation,
    /// Who answers.
    pub responder: Responder,
    /// The messages that are answered together, in the order of arrival. At least one.
    pub messages: Vec<EventId>,
    /// Who wrote the last of them.
    pub asker: UserId,
    /// Who waits for whom.
    pub priority: Priority,
    /// How many entities the question has gone through, this one included.
    pub hops: u32,
    /// The person's message that all of this goes back to.
    pub root: EventId,
    /// Who was asked as well and can't answer.
    pub missing: Vec<Missing>,
    /// When the first of the messages was admitted.
    pub received_at: Millis,
    /// The messages of an earlier attempt that stand in the room, in order: the answer goes on in them.
    pub parts: Vec<EventId>,
    /// How often people took back all that stood of it. Each time it begins in a new message.
    pub withdrawals: u32,
}

impl Turn {
    /// The message that is answered: the last one.
    ///
    /// # Panics
    /// Never: a turn answers at least one message.
    #[must_use]
    pub fn reply_to(&self) -> &EventId {
        self.messages.last().expect("a turn answers at least one message")
    }
}

/// What a mind says while it thinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The whole answer so far, as Markdown.
    Text(String),
    /// What a tool is doing, shown below the text until there is more of it. Empty, it goes.
    ToolLine(String),
    /// The answer is whole.
    Finished,
    /// It ends here, with this sentence for people.
    Failed(String),
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEnd {
    /// Answered.
    Done,
    /// A person stopped it, or deleted the question.
    Stopped,
    /// It failed, and people were told so.
    Failed,
    /// The program stops; the next start goes on with it.
    Suspended,
}

/// A line that the house or an entity says outside any turn: a command's reply, an excuse, a question with taps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its unique key. The transaction ids of its events are made from it.
    pub id: String,
    /// Through whose account it is said.
    pub speaker: EntityName,
    /// Where.
    pub conversation: Conversation,
    /// What it is said to, if to anything.
    pub reply_to: Option<EventId>,
    /// What is said, as Markdown.
    pub text: String,
    /// What people may tap on it, if it asks something.
    pub poll: Option<Poll>,
}

/// A question that people answer by tapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// What it is about.
    pub about: PollAbout,
    /// The answers, each with the reaction that stands for it.
    pub options: Vec<PollOption>,
    /// Who may answer; nobody named means everybody who is authorized.
    pub asker: Option<UserId>,
}

/// What a poll is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PollAbout {
    /// Who should answer this message.
    Route(EventId),
    /// An agent asks in the middle of this turn.
    Turn(TurnId),
    /// Whether to switch on encryption in the room.
    Encrypt,
    /// Which messages of the room that were missed are answered.
    Missed,
    /// Whether to change a value in the configuration's files.
    Setting(Setting),
}

/// A change of one value in the configuration's files, and what the file comes to without and with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The way to the value.
    pub path: String,
    /// The value, as it is typed in the file.
    pub value: String,
    /// What the file's content comes to before the change.
    pub before: u64,
    /// What it comes to afterwards.
    pub after: u64,
}

/// One answer of a poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollOption {
    /// The reaction that stands for it.
    pub key: String,
    /// What it means.
    pub value: String,
}

/// A part of a team's work, given to one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtask {
    /// Who works on it.
    pub agent: EntityName,
    /// The turn that it is part of.
    pub turn: Turn,
    /// What to do, in words for the agent. Empty: answer the conversation as it stands.
    pub assignment: String,
    /// By when, by our clock.
    pub due_at: Millis,
}

/// What became of a subtask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubtaskEnd {
    /// The agent's answer.
    Done(String),
    /// It failed, for the reason that this sentence gives.
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EntityName {
        EntityName::parse(text).unwrap()
    }

    #[test]
    fn a_responder_is_written_and_read_back() {
        for (responder, text) in
            [(Responder::One(name("ada")), "ada"), (Responder::Together(vec![name("ada"), name("bob-2")]), "ada+bob-2")]
        {
            assert_eq!(responder.to_string(), text);
            assert_eq!(Responder::try_from(text.to_owned()).unwrap(), responder);
            assert_eq!(responder.speaker(), &name("ada"));
        }
        assert!(Responder::try_from("Ada+".to_owned()).is_err());
    }
}
