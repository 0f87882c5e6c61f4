//! What is known of a room when something is said in it, all in one look.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::{
    Membership, Store, StoreError,
    accounts::users,
    columns::{all, id},
    invites::is_direct,
    rooms::standings,
};
use crate::model::{EntityName, RoomId, RoomKey, UserId};

const KEYS: &str = "SELECT key FROM rooms WHERE room = ?1 ORDER BY key";
const SETTINGS: &str = "SELECT key, value FROM settings WHERE room = ?1 AND thread = ''";

/// A room and the house around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The room.
    pub room: RoomId,
    /// Under which keys the configuration names it.
    pub keys: Vec<RoomKey>,
    /// The users of our entities, also of those that were taken out of the configuration.
    pub own: BTreeMap<UserId, EntityName>,
    /// Where every account of ours stands towards it, if it ever had to do with it.
    pub standings: BTreeMap<EntityName, Membership>,
    /// Whether it is meant for a direct chat. None that the configuration names is.
    pub direct: bool,
    /// What people set for it as a whole.
    pub settings: BTreeMap<String, String>,
}

impl Store {
    /// What surrounds whatever is said in `room`.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub async fn surroundings(&self, room: &RoomId) -> Result<Surroundings, StoreError> {
        let room = room.clone();
        self.read(move |db| Ok(look(db, room)?)).await
    }
}

impl Surroundings {
    /// Who of ours stands towards the room in this way.
    #[must_use]
    pub fn those(&self, how: Membership) -> BTreeSet<EntityName> {
        let those = self.standings.iter().filter(|(_, membership)| **membership == how);
        those.map(|(entity, _)| entity.clone()).collect()
    }

    /// What the configuration may call the room: its id, its aliases with us, its keys.
    #[must_use]
    pub fn names(&self) -> Vec<RoomKey> {
        let server = self.own.keys().next().map(UserId::server);
        let alias = |key: &RoomKey| RoomKey::parse(format!("#{key}:{}", server?)).ok();
        let aliases = self.keys.iter().filter_map(alias);
        RoomKey::parse(self.room.as_str()).into_iter().chain(aliases).chain(self.keys.iter().cloned()).collect()
    }
}

fn look(db: &Connection, room: RoomId) -> rusqlite::Result<Surroundings> {
    let keys: Vec<RoomKey> = all(db, KEYS, [room.as_str()], |row| id(row, "key"))?;
    let mut own = users(db)?;
    own.retain(|_, entity| !entity.is_person());
    Ok(Surroundings {
        own,
        standings: standings(db, &room)?,
        direct: keys.is_empty() && is_direct(db, &room)?,
        settings: all(db, SETTINGS, [room.as_str()], |row| Ok((row.get("key")?, row.get("value")?)))?,
        keys,
        room,
    })
}
