//! A room as the homeserver keeps it: everything that happened, in order, and what follows from it.

use maitre::{
    matrix::{Slip, Unplaced},
    model::{Change, Content, EventId, Millis, RoomId, UserId},
};
use serde_json::{Value, json};

/// The power of who makes a room, and of its admins.
const ADMIN_POWER: i64 = 100;
/// The power that it takes to remove others, or what they said.
const MODERATOR_POWER: i64 = 50;

/// A room.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) id: RoomId,
    /// Which of the homeserver's writers keeps it: each has a stream of its own.
    pub(super) writer: usize,
    /// In the order of the stream. Only [`Self::push`] adds to them.
    pub(super) events: Vec<Seen>,
    /// Where its memberships stand among them: everybody's long-poll asks for its own again and again.
    memberships: Vec<usize>,
}

/// One event, as it stands now.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) event: EventId,
    pub(crate) sender: UserId,
    pub(crate) kind: String,
    /// What it says; of a deleted one, what is left.
    pub(crate) content: Value,
    /// Whether it was deleted.
    pub(crate) redacted: bool,
    /// When it came.
    pub(crate) at: Millis,
    /// Its place in the stream.
    pub(super) position: u64,
    /// Which state it sets, if it sets any.
    pub(super) state_key: Option<String>,
    /// Of a membership: what it was before.
    pub(super) was: Option<String>,
}

impl Seen {
    fn is_membership_of(&self, user: &UserId) -> bool {
        self.kind == "m.room.member" && self.state_key.as_deref() == Some(user.as_str())
    }

    /// What a membership event says.
    pub(super) fn membership(&self) -> &str {
        self.content["membership"].as_str().unwrap_or_default()
    }

    /// Which event it relates to, and how.
    pub(super) fn relation(&self) -> Option<(&str, &str)> {
        relation(&self.content)
    }

    /// What it means to the account `own`, as the adapter tells it.
    pub(super) fn slip(&self, own: &UserId, room: &RoomId) -> Option<Slip> {
        if self.state_key.is_some() {
            return self.state_slip(own, room);
        }
        let content = Content::Clear { kind: self.kind.clone(), json: self.content.to_string() };
        let (event, sender) = (self.event.clone(), self.sender.clone());
        Some(Slip::Event(Unplaced { event, sender, sent_at: self.at, content }))
    }

    fn state_slip(&self, own: &UserId, room: &RoomId) -> Option<Slip> {
        let room = room.clone();
        match self.kind.as_str() {
            "m.room.encryption" => Some(Slip::Change(Change::Encrypted { room })),
            "m.room.tombstone" => {
                let successor = RoomId::parse(self.content["replacement_room"].as_str()?).ok()?;
                Some(Slip::Change(Change::Upgraded { room, successor, by: self.sender.clone() }))
            }
            "m.room.member" if self.was.as_deref() == Some(self.membership()) => None,
            "m.room.member" => match (self.membership(), self.is_membership_of(own)) {
                ("join", true) => Some(Slip::OwnJoin),
                ("leave" | "ban", true) => Some(Slip::OwnLeave),
                _ => Some(Slip::Change(Change::MembersChanged { room })),
            },
            _ => None,
        }
    }

    /// What it means as state beside a timeline.
    pub(super) fn state_change(&self, own: &UserId, room: &RoomId) -> Option<Change> {
        match self.slip(own, room)? {
            Slip::Change(Change::MembersChanged { .. }) if self.membership() == "join" => None,
            Slip::Change(change) => Some(change),
            Slip::Event(_) | Slip::OwnJoin | Slip::OwnLeave => None,
        }
    }
}

impl Room {
    pub(super) fn new(id: RoomId, writer: usize) -> Self {
        Self { id, writer, events: Vec::new(), memberships: Vec::new() }
    }

    pub(super) fn push(&mut self, seen: Seen) {
        if seen.kind == "m.room.member" {
            self.memberships.push(self.events.len());
        }
        self.events.push(seen);
    }

    /// What came after one position and up to another, each with its place in the room.
    pub(super) fn between(&self, after: u64, up_to: u64) -> impl Iterator<Item = (usize, &Seen)> {
        let to = self.events.partition_point(|seen| seen.position <= up_to);
        let from = self.events[..to].partition_point(|seen| seen.position <= after);
        (from..to).zip(&self.events[from..to])
    }

    /// The newest own membership event up to `position`, if there is one.
    pub(super) fn membership_at(&self, user: &UserId, position: u64) -> Option<&Seen> {
        self.memberships(user).rev().find(|seen| seen.position <= position)
    }

    /// Whether `user`'s membership changed after one position and up to another.
    pub(super) fn moved(&self, user: &UserId, after: u64, up_to: u64) -> bool {
        self.memberships(user).any(|seen| {
            seen.position > after && seen.position <= up_to && seen.was.as_deref() != Some(seen.membership())
        })
    }

    fn memberships<'a>(&'a self, user: &UserId) -> impl DoubleEndedIterator<Item = &'a Seen> {
        self.memberships.iter().map(|at| &self.events[*at]).filter(move |seen| seen.is_membership_of(user))
    }

    /// How `user` stands to the room now; nothing, if they never had to do with it.
    pub(super) fn standing(&self, user: &UserId) -> Option<&str> {
        self.membership_at(user, u64::MAX).map(Seen::membership)
    }

    pub(super) fn is_in(&self, user: &UserId) -> bool {
        self.standing(user) == Some("join")
    }

    /// Everybody who ever had to do with the room, each once, with how they stand to it.
    pub(super) fn members(&self) -> impl Iterator<Item = (UserId, &str)> {
        let newest = |at: usize, seen: &Seen| {
            !self.events[at + 1..].iter().any(|later| later.kind == seen.kind && later.state_key == seen.state_key)
        };
        self.events.iter().enumerate().filter_map(move |(at, seen)| {
            let is_current = seen.kind == "m.room.member" && newest(at, seen);
            let user = UserId::parse(seen.state_key.as_deref().filter(|_| is_current)?).ok()?;
            Some((user, seen.membership()))
        })
    }

    /// The event that sets a state now.
    pub(super) fn state(&self, kind: &str, key: &str) -> Option<&Seen> {
        self.events.iter().rev().find(|seen| seen.kind == kind && seen.state_key.as_deref() == Some(key))
    }

    pub(super) fn event(&self, id: &str) -> Option<&Seen> {
        self.events.iter().find(|seen| seen.event.as_str() == id)
    }

    /// Whether `user` may remove others and what they said.
    pub(super) fn is_moderator(&self, user: &UserId) -> bool {
        self.power(user) >= MODERATOR_POWER
    }

    /// What `user` may do.
    pub(super) fn power(&self, user: &UserId) -> i64 {
        let is_creator = self.state("m.room.create", "").is_some_and(|create| create.sender == *user);
        let listed =
            self.state("m.room.power_levels", "").and_then(|seen| seen.content["users"][user.as_str()].as_i64());
        // Creators stand above everybody whom a room's powers list.
        if is_creator { ADMIN_POWER + 1 } else { listed.unwrap_or_default() }
    }

    /// Takes out what an event says. What a membership or a redaction is for stays.
    pub(super) fn prune(&mut self, id: &EventId) {
        if let Some(seen) = self.events.iter_mut().find(|seen| seen.event == *id) {
            seen.redacted = true;
            seen.content = match seen.kind.as_str() {
                "m.room.member" => json!({ "membership": seen.content["membership"] }),
                "m.room.redaction" => json!({ "redacts": seen.content["redacts"] }),
                _ => json!({}),
            };
        }
    }
}

/// Which event a content relates to, and how. A reply alone is no relation to the homeserver.
pub(super) fn relation(content: &Value) -> Option<(&str, &str)> {
    let relation = &content["m.relates_to"];
    Some((relation["rel_type"].as_str()?, relation["event_id"].as_str()?))
}
