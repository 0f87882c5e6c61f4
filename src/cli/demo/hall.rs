//! All the rooms that the person is in, and which one the person looks at.

use std::collections::BTreeMap;

use super::room::{News, Room};
use crate::{
    matrix::{Page, RoomPage, Slip},
    model::{Change, EventId, RoomId, UserId},
};

/// All rooms.
#[derive(Debug)]
pub(super) struct Hall {
    me: UserId,
    rooms: Vec<Room>,
    here: Option<RoomId>,
}

/// What of a response is worth telling.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Happenings {
    /// Rooms that the person is in since now.
    pub(super) joined: Vec<RoomId>,
    /// Rooms that the person is no longer in, by name.
    pub(super) left: Vec<String>,
    /// Rooms of which the homeserver left something out.
    pub(super) gaps: Vec<RoomId>,
    /// What became of which message, and where.
    pub(super) heard: Vec<(RoomId, EventId, News)>,
    /// Rooms that look different now: somebody should look at them anew.
    pub(super) changed: Vec<RoomId>,
}

impl Hall {
    /// The hall that `me` walks through. It has no rooms yet.
    pub(super) fn new(me: UserId) -> Self {
        Self { me, rooms: Vec::new(), here: None }
    }

    /// Who the person is.
    pub(super) fn me(&self) -> &UserId {
        &self.me
    }

    /// The rooms, in the order of their numbers.
    pub(super) fn rooms(&self) -> &[Room] {
        &self.rooms
    }

    /// The room with this id.
    pub(super) fn room(&self, id: &RoomId) -> Option<&Room> {
        self.rooms.iter().find(|room| room.id == *id)
    }

    /// Whether the person is a member there.
    pub(super) fn knows(&self, room: &RoomId) -> bool {
        self.room(room).is_some()
    }

    /// The room that the person is looking at, unless there is none at all.
    pub(super) fn here(&self) -> Option<&Room> {
        let chosen = self.here.as_ref().and_then(|here| self.room(here));
        chosen.or_else(|| self.rooms.first())
    }

    /// Goes to the room with this number or name. Says whether there is one.
    pub(super) fn go(&mut self, wish: &str) -> bool {
        let by_number = wish.parse::<usize>().ok().and_then(|number| self.rooms.get(number.checked_sub(1)?));
        let by_name = || self.rooms.iter().find(|room| room.name.to_lowercase() == wish.to_lowercase());
        let found = by_number.or_else(by_name).map(|room| room.id.clone());
        let exists = found.is_some();
        self.here = found.or_else(|| self.here.take());
        self.all_read_here();
        exists
    }

    /// Goes to the next room, or back to the first.
    pub(super) fn go_on(&mut self) {
        self.go_by(1);
    }

    /// Goes to the room before, or on to the last.
    pub(super) fn go_back(&mut self) {
        self.go_by(self.rooms.len().saturating_sub(1));
    }

    fn go_by(&mut self, steps: usize) {
        let here = self.here().map(|room| room.id.clone());
        let Some(at) = self.rooms.iter().position(|room| Some(&room.id) == here.as_ref()) else { return };
        self.here = Some(self.rooms[(at + steps) % self.rooms.len()].id.clone());
        self.all_read_here();
    }

    fn all_read_here(&mut self) {
        let here = self.here().map(|room| room.id.clone());
        self.rooms.iter_mut().filter(|room| Some(&room.id) == here.as_ref()).for_each(|room| room.unread = 0);
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

    /// Takes a response in, and gives what is worth telling.
    pub(super) fn take_in(&mut self, page: Page) -> Happenings {
        let mut happenings = Happenings::default();
        for part in page.rooms {
            self.take_in_room(part, &mut happenings);
        }
        for change in page.changes {
            if let Change::Departed { room, .. } = change {
                happenings.left.extend(self.room(&room).map(|known| known.name.clone()));
                self.rooms.retain(|known| known.id != room);
            }
        }
        happenings
    }

    fn take_in_room(&mut self, part: RoomPage, happenings: &mut Happenings) {
        let known = self.knows(&part.room);
        if !known || part.timeline.iter().any(moves_people) || part.state.iter().any(changes_members) {
            happenings.changed.push(part.room.clone());
        }
        if !known {
            // By its id, until somebody has looked.
            self.see(Room::new(part.room.clone(), None, BTreeMap::new()));
            happenings.joined.push(part.room.clone());
        }
        if known && part.gap.is_some() {
            happenings.gaps.push(part.room.clone());
        }
        let elsewhere = self.here().is_none_or(|here| here.id != part.room);
        let Some(room) = self.rooms.iter_mut().find(|room| room.id == part.room) else { return };
        if let Some(typing) = part.typing {
            room.typing = typing;
            room.typing.remove(&self.me);
        }
        for slip in &part.timeline {
            let Slip::Event(event) = slip else { continue };
            let Some((message, news)) = room.hear(event) else { continue };
            if known && elsewhere && news == News::Said && event.sender != self.me {
                room.unread += 1;
            }
            happenings.heard.push((part.room.clone(), message, news));
        }
    }
}

fn moves_people(slip: &Slip) -> bool {
    match slip {
        Slip::OwnJoin | Slip::OwnLeave => true,
        Slip::Change(change) => changes_members(change),
        Slip::Event(_) => false,
    }
}

fn changes_members(change: &Change) -> bool {
    matches!(change, Change::MembersChanged { .. })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        cli::demo::fixtures::{hall, id, page, part, room, room_id, said, user},
        model::Departure,
    };

    #[test]
    fn rooms_are_found_by_number_and_by_name() {
        let mut hall = Hall::new(user("ada"));
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
        hall.go_on();
        assert_eq!(hall.here().unwrap().name, "Lobby");
        hall.go_back();
        assert_eq!(hall.here().unwrap().name, "Workshop");
        let left = Change::Departed { room: room_id("!b"), by: None, how: Departure::Left };
        let happenings = hall.take_in(Page { changes: vec![left], ..page(vec![]) });
        assert_eq!(happenings.left, ["Workshop"]);
        assert_eq!(hall.here().unwrap().name, "Lobby", "who is put out of a room stands in the first one");
    }

    #[test]
    fn what_is_said_elsewhere_is_unread_until_the_person_goes_there() {
        let mut hall = hall();
        let events =
            |from: u32| vec![said(&format!("${from}"), "bob", "hi"), said(&format!("${}", from + 1), "ada", "mine")];
        let happenings = hall.take_in(page(vec![part("!a", events(1)), part("!b", events(3))]));
        assert_eq!(happenings.heard.len(), 4);
        assert_eq!(happenings.heard[2], (room_id("!b"), id("$3"), News::Said));
        let unread = |hall: &Hall| hall.rooms().iter().map(|room| room.unread).collect::<Vec<_>>();
        assert_eq!(unread(&hall), [0, 1], "one's own words are read");
        hall.go("2");
        assert_eq!(unread(&hall), [0, 0]);
        hall.take_in(page(vec![part("!a", events(5)), part("!c", events(7))]));
        assert_eq!(unread(&hall), [1, 0, 0], "what a new room brings along is history");
    }

    #[test]
    fn new_rooms_and_moves_ask_for_a_look() {
        let mut hall = hall();
        let moved = Slip::Change(Change::MembersChanged { room: room_id("!a") });
        let parts = vec![
            RoomPage { timeline: vec![moved], gap: Some("g".to_owned()), ..part("!a", vec![]) },
            part("!b", vec![said("$1", "bob", "hi")]),
            RoomPage { gap: Some("g".to_owned()), ..part("!c", vec![]) },
        ];
        let happenings = hall.take_in(page(parts));
        assert_eq!(happenings.changed, [room_id("!a"), room_id("!c")]);
        assert_eq!((happenings.joined, happenings.gaps), (vec![room_id("!c")], vec![room_id("!a")]));
        assert_eq!(hall.rooms()[2].name, "!c", "by its id, until somebody has looked");
        hall.see(room("!c", "Den"));
        assert_eq!(hall.rooms()[2].name, "Den");
    }

    #[test]
    fn a_second_look_keeps_what_was_said() {
        let mut hall = hall();
        hall.take_in(page(vec![part("!a", vec![said("$1", "bob", "hi")])]));
        hall.see(room("!a", "Foyer"));
        let here = hall.here().unwrap();
        assert_eq!((here.name.as_str(), here.messages.len(), hall.rooms().len()), ("Foyer", 1, 2));
    }

    #[test]
    fn others_are_seen_typing() {
        let mut hall = hall();
        let typing = |users: &[&str]| RoomPage {
            typing: Some(users.iter().map(|name| user(name)).collect()),
            ..part("!a", vec![])
        };
        hall.take_in(page(vec![typing(&["ada", "bob"])]));
        assert_eq!(hall.here().unwrap().typing, BTreeSet::from([user("bob")]), "one knows it of oneself");
        hall.take_in(page(vec![part("!a", vec![])]));
        assert_eq!(hall.here().unwrap().typing.len(), 1, "no news");
        hall.take_in(page(vec![typing(&[])]));
        assert!(hall.here().unwrap().typing.is_empty());
    }
}
