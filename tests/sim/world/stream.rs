//! What an account is shown: the next piece of its stream, and pages of a room's past.

use maitre::{
    matrix::{HistoryPage, MatrixError, RoomPage, Slip, Unplaced},
    model::{Change, Departure, EventId, RoomId, SyncToken, UserId},
};

use super::{
    rooms::{Room, Seen},
    server::Server,
};

/// How many writers the homeserver has, each with a stream of its own. What one has written may be seen later than what
/// another one wrote after it.
pub(super) const WRITERS: usize = 2;

/// How many own events a look for them brings.
const OWN_EVENTS_MAX: usize = 100;

/// How far each writer's stream was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position(pub(super) [u64; WRITERS]);

/// What an account is to be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// What is older was shown before.
    pub(super) since: Option<Position>,
    /// What is newer is shown another time.
    pub(super) until: Position,
    /// From here on, what was shown before is shown once more.
    pub(super) again_from: Option<Position>,
}

impl Position {
    /// A token that stands for it.
    pub(super) fn token(self) -> SyncToken {
        let places: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        SyncToken::parse(format!("s{}", places.join("_"))).expect("it isn't empty")
    }

    /// What a token that this world gave stands for.
    pub(super) fn of(token: &SyncToken) -> Self {
        let text = token.as_str().strip_prefix('s').expect("a sync token of this world");
        let mut places = text.split('_').map(|place| place.parse().expect("a sync token of this world"));
        Self([(); WRITERS].map(|()| places.next().expect("a sync token of this world")))
    }
}

/// Where a room's timeline goes on backwards: before this event of the room.
fn gap_token(index: usize) -> String {
    format!("t{index}")
}

impl Server {
    /// How far the streams have come.
    pub(super) fn position(&self) -> Position {
        Position([self.last; WRITERS])
    }

    /// What `user` is shown. Rooms where nothing is new are left out.
    pub(super) fn news(&self, user: &UserId, wanted: &Wanted) -> (Vec<RoomPage>, Vec<Change>) {
        let (mut pages, mut changes) = (Vec::new(), Vec::new());
        for room in self.rooms.values() {
            let (since, until) = (wanted.since.map(|at| at.0[room.writer]), wanted.until.0[room.writer]);
            let Some(own) = room.membership_at(user, until) else { continue };
            let moved = room.moved(user, since.unwrap_or_default(), until);
            match own.membership() {
                "join" => {
                    let is_new = since.is_some() && moved;
                    let again =
                        wanted.again_from.map(|at| at.0[room.writer]).filter(|from| !room.moved(user, *from, until));
                    let from = if is_new || since.is_none() { 0 } else { again.or(since).unwrap_or_default() };
                    pages.extend(page(room, user, (from, until), is_new, self.faults.timeline_max));
                }
                "invite" if moved => {
                    changes.push(Change::Invited { room: room.id.clone(), by: own.sender.clone(), direct: false });
                }
                "leave" | "ban" if moved && since.is_some() => {
                    let how = match own.membership() {
                        "ban" => Departure::Banned,
                        _ if own.sender == *user => Departure::Left,
                        _ => Departure::Kicked,
                    };
                    changes.push(Change::Departed { room: room.id.clone(), by: Some(own.sender.clone()), how });
                }
                _ => {}
            }
        }
        (pages, changes)
    }

    /// A piece of a room's past, newest first: older than `from`, or the newest, and newer than `until`.
    pub(super) fn past(
        &self,
        user: &UserId,
        room: &RoomId,
        from: Option<&str>,
        until: Option<&SyncToken>,
    ) -> Result<HistoryPage, MatrixError> {
        let known = self.room_of(room, user)?;
        let end = from.map_or(known.events.len(), |token| {
            let index = token.strip_prefix('t').and_then(|index| index.parse().ok());
            index.expect("a history token of this world")
        });
        let floor = until.map_or(0, |token| Position::of(token).0[known.writer]);
        let older = known.events[..end].iter().enumerate().rev();
        let chunk: Vec<(usize, &Seen)> =
            older.take_while(|(_, seen)| seen.position > floor).take(self.faults.history_max).collect();
        // As Synapse does: only an empty page says that nothing is left.
        let older = chunk.last().map(|(index, _)| gap_token(*index));
        Ok(HistoryPage { slips: chunk.iter().filter_map(|(_, seen)| seen.slip(user, room)).collect(), older })
    }

    /// `user`'s own newest events in a thread or in the room, newest first.
    pub(super) fn own_events(
        &self,
        user: &UserId,
        room: &RoomId,
        thread: Option<&EventId>,
    ) -> Result<Vec<Unplaced>, MatrixError> {
        let known = self.room_of(room, user)?;
        let within = |seen: &&Seen| thread.is_none_or(|root| seen.relation() == Some(("m.thread", root.as_str())));
        // The limit counts what others said as well.
        let newest = known.events.iter().rev().filter(within).take(OWN_EVENTS_MAX);
        let own = newest.filter(|seen| seen.sender == *user).filter_map(|seen| match seen.slip(user, room)? {
            Slip::Event(event) => Some(event),
            Slip::Change(_) | Slip::OwnJoin | Slip::OwnLeave => None,
        });
        Ok(own.collect())
    }

    /// Whether `user`'s client knows that it is in `room`: it refuses to do anything there otherwise.
    pub(super) fn client_knows(&self, user: &UserId, room: &RoomId) -> Result<(), MatrixError> {
        if self.known.get(&(user.clone(), room.clone())) == Some(&true) {
            return Ok(());
        }
        Err(MatrixError::NotJoined { user: user.clone(), room: room.clone() })
    }

    /// Its client learns that `user` is in `room`, or no longer.
    pub(super) fn client_learns(&mut self, user: &UserId, room: &RoomId, is_in: bool) {
        self.known.insert((user.clone(), room.clone()), is_in);
    }
}

/// A room's part of an answer; nothing, where nothing is to be shown.
fn page(room: &Room, user: &UserId, (from, until): (u64, u64), is_new: bool, events_max: usize) -> Option<RoomPage> {
    let shown: Vec<(usize, &Seen)> = room.between(from, until).collect();
    let (first, _) = *shown.get(shown.len().saturating_sub(events_max))?;
    let (left_out, timeline) = shown.split_at(shown.len().saturating_sub(events_max));
    // To Synapse a room that was just joined always lacks something.
    let gap = (is_new || !left_out.is_empty()).then(|| gap_token(first));
    // Members are named as they speak: of those who are left out nothing is said beside the timeline.
    let speaks = |seen: &Seen| timeline.iter().any(|(_, said)| Some(said.sender.as_str()) == seen.state_key.as_deref());
    let state = left_out.iter().map(|(_, seen)| *seen).filter(|seen| match &seen.state_key {
        None => false,
        Some(_) => seen.kind != "m.room.member" || speaks(seen),
    });
    Some(RoomPage {
        room: room.id.clone(),
        timeline: timeline.iter().filter_map(|(_, seen)| seen.slip(user, &room.id)).collect(),
        state: state.filter_map(|seen| seen.state_change(user, &room.id)).collect(),
        gap,
        typing: None,
    })
}
