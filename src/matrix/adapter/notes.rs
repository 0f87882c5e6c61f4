//! What is noted beside an account's key store, so that the store needn't be opened to tell it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use matrix_sdk::ruma::OwnedUserId;
use serde::{Deserialize, Serialize};

use crate::{matrix::locked::locked, model::RoomId};

/// Where it is noted.
const FILE: &str = "notes.json";
/// What the library keeps its keys in. Without it, what is noted of the keys counts no more.
const KEY_STORE: &str = "matrix-sdk-crypto.sqlite3";
/// How many followed users, and how many rooms, are noted. Whoever has more has the library loaded, as a rule.
const NOTED_MAX: usize = 200;

/// The notes of one account. A lock rather than a task: they are looked up in the middle of a request.
#[derive(Debug)]
pub(super) struct Notes {
    folder: PathBuf,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Noted {
    /// The public half of the device's own key.
    fingerprint: Option<String>,
    /// What the library knew when it was put away. Nothing while it is loaded, or after a crash: it may know other things by then.
    put_away: Option<PutAway>,
    /// What the homeserver calls the account's filters, each by its content.
    filters: BTreeMap<String, String>,
}

/// What the library knows as long as nobody works with it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PutAway {
    /// Whose devices it keeps up to date.
    pub(super) followed: BTreeSet<OwnedUserId>,
    /// The rooms that the account is in.
    pub(super) rooms: BTreeSet<RoomId>,
}

impl Notes {
    /// Those that stand in `folder`. What a crash cut short, or nobody can read, counts as never noted.
    pub(super) fn of(folder: PathBuf) -> Self {
        let noted = std::fs::read(folder.join(FILE)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self { folder, noted: Mutex::new(noted.unwrap_or_default()) }
    }

    /// The folder that they stand in, with the keys.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The fingerprint of the keys that are kept here.
    pub(super) fn fingerprint(&self) -> Option<String> {
        self.locked().fingerprint.clone().filter(|_| self.has_keys())
    }

    /// Notes it.
    pub(super) fn note_fingerprint(&self, fingerprint: String) {
        self.change(|noted| noted.fingerprint = Some(fingerprint));
    }

    /// Whether the library follows the devices of any of `users`, where that is noted.
    pub(super) fn follows_any(&self, users: &[OwnedUserId]) -> Option<bool> {
        self.put_away(|put_away| users.iter().any(|user| put_away.followed.contains(user)))
    }

    /// The rooms that the account is in, where that is noted.
    pub(super) fn rooms(&self) -> Option<BTreeSet<RoomId>> {
        self.put_away(|put_away| put_away.rooms.clone())
    }

    fn put_away<T>(&self, look: impl FnOnce(&PutAway) -> T) -> Option<T> {
        self.locked().put_away.as_ref().filter(|_| self.has_keys()).map(look)
    }

    /// Notes what the library knows, as long as nobody works with it.
    pub(super) fn note_put_away(&self, put_away: PutAway) {
        let is_short = |put_away: &PutAway| put_away.followed.len().max(put_away.rooms.len()) <= NOTED_MAX;
        self.change(|noted| noted.put_away = Some(put_away).filter(is_short));
    }

    /// The library may know other things from now on.
    ///
    /// # Errors
    /// When the note can't be taken back: the next start would believe it.
    pub(super) fn forget_put_away(&self) -> io::Result<()> {
        let mut noted = self.locked();
        if noted.put_away.is_none() {
            return Ok(());
        }
        let without = Noted { put_away: None, ..noted.clone() };
        // A power cut must not bring back what stood there before.
        write(&self.folder.join(FILE), &without)?.sync_data()?;
        *noted = without;
        Ok(())
    }

    fn has_keys(&self) -> bool {
        self.folder.join(KEY_STORE).try_exists().is_ok_and(|exists| exists)
    }

    /// What the homeserver calls the filter that says `content`.
    pub(super) fn filter(&self, content: &str) -> Option<String> {
        self.locked().filters.get(content).cloned()
    }

    /// Notes it.
    pub(super) fn note_filter(&self, content: String, name: String) {
        self.change(|noted| {
            noted.filters.insert(content, name);
        });
    }

    /// The homeserver may have lost them.
    pub(super) fn forget_filters(&self) {
        self.change(|noted| noted.filters.clear());
    }

    fn change(&self, change: impl FnOnce(&mut Noted)) {
        let mut noted = self.locked();
        let before = noted.clone();
        change(&mut noted);
        if *noted != before {
            // What can't be written down is asked for again at the next start.
            drop(write(&self.folder.join(FILE), &noted));
        }
    }

    fn locked(&self) -> MutexGuard<'_, Noted> {
        locked(&self.noted)
    }
}

fn write(file: &Path, noted: &Noted) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(&serde_json::to_vec(noted)?)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I1: what is noted of keys counts only beside them.
    #[test]
    fn a_fingerprint_stands_beside_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let notes = || Notes::of(folder.path().to_owned());
        notes().note_fingerprint("print".to_owned());
        assert_eq!(notes().fingerprint(), None, "the keys are gone");
        std::fs::write(folder.path().join(KEY_STORE), "keys").unwrap();
        assert_eq!(notes().fingerprint(), Some("print".to_owned()));
        std::fs::write(folder.path().join(FILE), "{\"fingerprint\": \"pri").unwrap();
        assert_eq!(notes().fingerprint(), None, "it was cut short");
    }

    /// E1: whoever is followed is known without the keys, unless they may follow others by now.
    #[test]
    fn the_followed_are_noted_as_long_as_nobody_works_with_the_keys() {
        let folder = tempfile::tempdir().unwrap();
        let notes = || Notes::of(folder.path().to_owned());
        let user = |name: &str| OwnedUserId::try_from(format!("@{name}:s")).unwrap();
        let (own, friend) = ([user("own")], [user("friend"), user("other")]);
        let rooms = BTreeSet::from([RoomId::parse("!a").unwrap()]);
        let put_away = PutAway { followed: BTreeSet::from(own.clone()), rooms: rooms.clone() };
        notes().note_put_away(put_away.clone());
        assert_eq!((notes().follows_any(&own), notes().rooms()), (None, None), "the keys are gone");
        std::fs::write(folder.path().join(KEY_STORE), "keys").unwrap();
        assert_eq!((notes().follows_any(&own), notes().follows_any(&friend)), (Some(true), Some(false)));
        assert_eq!(notes().rooms(), Some(rooms));
        notes().forget_put_away().unwrap();
        assert_eq!((notes().follows_any(&own), notes().rooms()), (None, None));
        let crowd = (0..=NOTED_MAX).map(|number| user(&number.to_string())).collect();
        notes().note_put_away(PutAway { followed: crowd, ..PutAway::default() });
        assert_eq!(notes().follows_any(&own), None, "they are too many");
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        std::fs::create_dir(folder.path().join(FILE)).unwrap();
        let stuck = notes();
        stuck.note_put_away(put_away);
        stuck.forget_put_away().expect_err("it can't be written down");
        stuck.forget_put_away().expect_err("nor the second time");
    }

    #[test]
    fn filters_are_known_by_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let notes = || Notes::of(folder.path().to_owned());
        notes().note_filter("{}".to_owned(), "1".to_owned());
        assert_eq!((notes().filter("{}"), notes().filter("{\"a\": 1}")), (Some("1".to_owned()), None));
        notes().forget_filters();
        assert_eq!(notes().filter("{}"), None);
    }
}
