//! The picture of the house: who is up, who isn't and why.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::Config,
    model::{EntityName, EntityStatus, Millis, Phase, Reload, RoomId, RoomKey, RoomStatus, Status, UserId},
};

/// How many changes of the configuration's files are shown.
const RELOADS_SHOWN_MAX: usize = 20;

/// What happened to an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntityEvent {
    /// It is being started.
    Starting,
    /// It is logged in and has admitted a response.
    Up {
        /// As whom.
        user: UserId,
        /// When its loop made progress.
        at: Millis,
    },
    /// Its task has ended.
    Gone,
    /// It looked into its rooms.
    Housed {
        /// Those that it should be in and isn't.
        missing: Vec<RoomKey>,
    },
    /// It failed and will be tried again.
    Failed {
        /// In plain words.
        reason: String,
        /// When.
        next_try_at: Millis,
        /// Whether it needs somebody's help.
        down: bool,
    },
}

/// The picture. What it shows is derived; what it keeps is what happened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Board {
    status: Status,
    /// The rooms that entities should be in and aren't, once they have looked.
    missing: BTreeMap<EntityName, Vec<RoomKey>>,
    /// Who was heard of since its last start.
    arrived: BTreeSet<EntityName>,
}

impl Board {
    /// The picture before anything happened.
    pub(super) fn new(config: &Config, now: Millis) -> Self {
        let entities = config.entities.iter().map(|entity| EntityStatus {
            name: entity.name.clone(),
            kind: entity.kind(),
            user: None,
            phase: Phase::Starting,
            reason: Some("waiting for its turn".to_owned()),
            restarts: 0,
            next_try_at: None,
            synced_at: None,
        });
        let rooms = config.rooms.keys();
        let rooms = rooms.map(|key| RoomStatus { key: key.as_str().to_owned(), room: None, trouble: None });
        let status = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: now,
            taken_at: now,
            homeserver: config.homeserver.url.clone(),
            ready: false,
            doing: "starting".to_owned(),
            entities: entities.collect(),
            rooms: rooms.collect(),
            counts: crate::model::Counts::default(),
            parked: crate::model::Parked::default(),
            reloads: Vec::new(),
        };
        Self { status, missing: BTreeMap::new(), arrived: BTreeSet::new() }
    }

    /// Whether everything that is configured is up.
    pub(super) fn is_ready(&self) -> bool {
        self.status.entities.iter().all(|entity| entity.phase == Phase::Ready)
            && self.status.rooms.iter().all(|room| room.trouble.is_none() && room.room.is_some())
    }

    /// The picture at this moment.
    pub(super) fn picture(&self, now: Millis) -> Status {
        Status { taken_at: now, ready: self.is_ready(), ..self.status.clone() }
    }

    /// Shows what `config` names from now on, where it stands as it stood.
    pub(super) fn renew(&mut self, config: &Config) {
        let fresh = Self::new(config, self.status.started_at).status;
        let known = std::mem::take(&mut self.status.entities);
        let entity = |new: EntityStatus| match known.iter().find(|known| known.name == new.name) {
            Some(known) => EntityStatus { kind: new.kind, ..known.clone() },
            None => new,
        };
        self.status.entities = fresh.entities.into_iter().map(entity).collect();
        let known = std::mem::take(&mut self.status.rooms);
        let space = config.space.as_ref().map(|space| format!("space {}", space.name));
        let is_space = |room: &&RoomStatus| Some(&room.key) == space.as_ref();
        let room = |new: RoomStatus| known.iter().find(|known| known.key == new.key).cloned().unwrap_or(new);
        self.status.rooms = fresh.rooms.into_iter().map(room).chain(known.iter().filter(is_space).cloned()).collect();
        self.missing.retain(|name, _| config.entity(name).is_some());
    }

    /// Notes what became of the configuration's files.
    pub(super) fn reloaded(&mut self, reload: Reload) {
        self.status.reloads.insert(0, reload);
        self.status.reloads.truncate(RELOADS_SHOWN_MAX);
    }

    /// Says what the house as a whole is doing.
    pub(super) fn doing(&mut self, what: &str) {
        what.clone_into(&mut self.status.doing);
    }

    /// Everybody was told to stop.
    pub(super) fn stop(&mut self) {
        self.doing("stopping");
        for status in &mut self.status.entities {
            status.phase = Phase::Stopped;
            status.reason = Some("told to stop".to_owned());
            status.next_try_at = None;
        }
    }

    /// Notes where a room stands.
    pub(super) fn room(&mut self, key: &str, room: Option<RoomId>, trouble: Option<String>) {
        match self.status.rooms.iter_mut().find(|status| status.key == key) {
            Some(status) => {
                status.room = room.or_else(|| status.room.take());
                status.trouble = trouble;
            }
            // The space, which is no room that is configured by a key.
            None => self.status.rooms.push(RoomStatus { key: key.to_owned(), room, trouble }),
        }
    }

    /// Whether news of `name` is its first since it was started: it has arrived, and others may use its line.
    pub(super) fn arrives(&self, name: &EntityName) -> bool {
        !self.arrived.contains(name)
    }

    /// The user behind `name`, once known.
    pub(super) fn user_of(&self, name: &EntityName) -> Option<&UserId> {
        self.status.entities.iter().find(|status| status.name == *name)?.user.as_ref()
    }

    /// Notes what happened to `name`. Tells whether it became ready just now.
    pub(super) fn entity(&mut self, name: &EntityName, event: EntityEvent) -> bool {
        let Some(status) = self.status.entities.iter_mut().find(|status| status.name == *name) else {
            // It is configured no longer, and on its way out.
            if matches!(event, EntityEvent::Gone | EntityEvent::Starting | EntityEvent::Failed { .. }) {
                self.arrived.remove(name);
            }
            return false;
        };
        let was = status.phase;
        match event {
            EntityEvent::Gone => drop(self.arrived.remove(name)),
            EntityEvent::Starting => {
                self.arrived.remove(name);
                status.phase = Phase::Starting;
                status.reason = Some("logging in".to_owned());
                status.next_try_at = None;
            }
            EntityEvent::Up { user, at } => {
                self.arrived.insert(name.clone());
                status.user = Some(user);
                status.synced_at = Some(at);
                status.next_try_at = None;
                settle(status, self.missing.get(name));
            }
            EntityEvent::Housed { missing } => {
                self.missing.insert(name.clone(), missing);
                if self.arrived.contains(name) {
                    settle(status, self.missing.get(name));
                }
            }
            EntityEvent::Failed { reason, next_try_at, down } => {
                self.arrived.remove(name);
                status.phase = if down { Phase::Down } else { Phase::BackingOff };
                status.reason = Some(reason);
                status.next_try_at = Some(next_try_at);
                status.restarts += 1;
            }
        }
        was != Phase::Ready && status.phase == Phase::Ready
    }
}

/// An entity that is up is ready once it is in its rooms.
fn settle(status: &mut EntityStatus, missing: Option<&Vec<RoomKey>>) {
    let reason = match missing {
        Some(missing) if missing.is_empty() => None,
        Some(missing) => Some(format!("not in {} yet", listed(missing))),
        None => Some("joining its rooms".to_owned()),
    };
    status.phase = if reason.is_none() { Phase::Ready } else { Phase::Starting };
    status.reason = reason;
}

fn listed(keys: &[RoomKey]) -> String {
    keys.iter().map(RoomKey::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::config::compile_text;

    fn board() -> Board {
        let text = "
homeserver: {url: \"http://localhost:1\"}
agents: {ada: {role: Answers., rooms: [lobby]}}
";
        Board::new(&compile_text(text, Path::new("/"), &BTreeMap::new()).unwrap().config, Millis(1))
    }

    fn name(text: &str) -> EntityName {
        EntityName::parse(text).unwrap()
    }

    fn up() -> EntityEvent {
        EntityEvent::Up { user: UserId::parse("@ada:s").unwrap(), at: Millis(2) }
    }

    fn housed(missing: &[&str]) -> EntityEvent {
        EntityEvent::Housed { missing: missing.iter().map(|&key| RoomKey::parse(key).unwrap()).collect() }
    }

    fn phase(board: &Board, who: &str) -> Phase {
        board.picture(Millis(9)).entities.into_iter().find(|entity| entity.name == name(who)).unwrap().phase
    }

    /// I3: ready is per entity: up and in its rooms, in whatever order the two come.
    #[test]
    fn an_entity_is_ready_when_it_is_up_and_housed() {
        let mut board = board();
        assert!(!board.entity(&name("ada"), up()));
        assert_eq!(phase(&board, "ada"), Phase::Starting);
        assert!(board.entity(&name("ada"), housed(&[])));
        assert!(!board.entity(&name("ada"), up()), "it became ready before");
        assert_eq!((phase(&board, "ada"), phase(&board, "router")), (Phase::Ready, Phase::Starting));
    }

    #[test]
    fn an_entity_that_is_kept_out_says_where() {
        let mut board = board();
        board.entity(&name("ada"), up());
        board.entity(&name("ada"), housed(&["lobby", "attic"]));
        let ada = board.picture(Millis(3)).entities.into_iter().find(|entity| entity.name == name("ada")).unwrap();
        assert_eq!((ada.phase, ada.reason.as_deref()), (Phase::Starting, Some("not in lobby, attic yet")));
        assert!(board.entity(&name("ada"), housed(&[])));
    }

    #[test]
    fn a_failure_shows_the_next_try_and_news_ends_it() {
        let mut board = board();
        board.entity(&name("ada"), housed(&[]));
        board.entity(&name("ada"), up());
        let failed = EntityEvent::Failed { reason: "no answer".to_owned(), next_try_at: Millis(7), down: false };
        board.entity(&name("ada"), failed);
        let ada = board.picture(Millis(3)).entities.into_iter().find(|entity| entity.name == name("ada")).unwrap();
        assert_eq!((ada.phase, ada.next_try_at, ada.restarts), (Phase::BackingOff, Some(Millis(7)), 1));
        assert!(board.arrives(&name("ada")));
        assert!(board.entity(&name("ada"), up()), "news makes it ready again");
        assert!(!board.arrives(&name("ada")));
    }

    /// I1: who had to log in anew comes with another line, and whoever acts in its name must get it.
    #[test]
    fn a_new_login_is_a_new_arrival() {
        let mut board = board();
        board.entity(&name("ada"), up());
        let failed = EntityEvent::Failed { reason: "logged out".to_owned(), next_try_at: Millis(7), down: false };
        board.entity(&name("ada"), failed);
        board.entity(&name("ada"), EntityEvent::Starting);
        assert!(board.arrives(&name("ada")));
    }

    /// H3: a changed configuration shows who comes and no longer who goes; everybody else stands where they stood.
    #[test]
    fn another_configuration_shows_who_is_named_there() {
        let mut board = board();
        board.room("lobby", Some(RoomId::parse("!r").unwrap()), None);
        for who in ["router", "ada"] {
            board.entity(&name(who), housed(&[]));
            board.entity(&name(who), up());
        }
        let renew = |board: &mut Board, agents: &str| {
            let text =
                format!("homeserver: {{url: \"http://localhost:1\"}}\nagents: {{{agents}}}\nspace: {{name: Home}}\n");
            board.renew(&compile_text(&text, Path::new("/"), &BTreeMap::new()).unwrap().config);
        };
        renew(&mut board, "ada: {role: Answers., rooms: [lobby, attic]}, bob: {role: Asks.}");
        assert_eq!((phase(&board, "ada"), phase(&board, "bob")), (Phase::Ready, Phase::Starting));
        board.room("space Home", Some(RoomId::parse("!s").unwrap()), None);
        renew(&mut board, "bob: {role: Asks.}");
        let picture = board.picture(Millis(3));
        let names: Vec<&str> = picture.entities.iter().map(|entity| entity.name.as_str()).collect();
        let rooms: Vec<&str> = picture.rooms.iter().map(|room| room.key.as_str()).collect();
        assert_eq!((names, rooms), (vec!["router", "bob"], vec!["space Home"]));
        assert!(!board.arrives(&name("ada")), "its line is in use until it is gone");
        board.entity(&name("ada"), EntityEvent::Gone);
        assert!(board.arrives(&name("ada")));
    }

    #[test]
    fn the_house_is_ready_when_everybody_is_and_no_room_is_in_trouble() {
        let mut board = board();
        for who in ["router", "ada"] {
            board.entity(&name(who), housed(&[]));
            board.entity(&name(who), up());
        }
        assert!(!board.picture(Millis(3)).ready, "the room isn't known yet");
        board.room("lobby", Some(RoomId::parse("!r").unwrap()), None);
        assert!(board.picture(Millis(3)).ready);
        board.room("lobby", None, Some("closed".to_owned()));
        assert!(!board.picture(Millis(3)).ready);
    }
}
