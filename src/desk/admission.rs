//! What a batch means before it is written down.

use std::{collections::BTreeSet, time::Duration};

use crate::model::{Batch, Change, Departure, RoomId, Standing, UserId};

/// Whether judging `batch` needs to know who our own accounts are.
pub(super) fn needs_own(batch: &Batch) -> bool {
    batch.changes.iter().any(|change| matches!(change, Change::Departed { how: Departure::Kicked, .. }))
}

/// Puts `batch` right where our own accounts had a hand in it: an entity that our router took out of a room has left,
/// and may come back when the configuration says so. Only a kick by somebody else closes the door.
pub(super) fn judge(mut batch: Batch, own: &BTreeSet<UserId>) -> Batch {
    for change in &mut batch.changes {
        if let Change::Departed { by: Some(by), how, .. } = change
            && *how == Departure::Kicked
            && own.contains(by)
        {
            *how = Departure::Left;
        }
    }
    batch
}

/// N8, N10: what `batch` brings that is older than what is kept may have been answered and forgotten: it is history.
pub(super) fn date(mut batch: Batch, retention: Duration) -> Batch {
    let received_at = batch.received_at;
    for event in batch.events.iter_mut().filter(|event| received_at.since(event.sent_at) >= retention) {
        event.standing = Standing::History;
    }
    batch
}

/// Whether somebody has to act on what `batch` brings, beyond remembering it.
pub(super) fn calls_for_action(batch: &Batch) -> bool {
    batch.changes.iter().any(|change| match change {
        Change::Invited { .. } | Change::Upgraded { .. } | Change::Joined { .. } | Change::Departed { .. } => true,
        Change::Encrypted { .. } | Change::MembersChanged { .. } | Change::Missed { .. } => false,
    })
}

/// The rooms that the entity is out of, after `batch`.
pub(super) fn rooms_left(batch: &Batch) -> BTreeSet<RoomId> {
    let mut left = BTreeSet::new();
    for change in &batch.changes {
        match change {
            Change::Departed { room, .. } => drop(left.insert(room.clone())),
            Change::Joined { room } => drop(left.remove(room)),
            Change::Invited { .. }
            | Change::Upgraded { .. }
            | Change::Encrypted { .. }
            | Change::MembersChanged { .. }
            | Change::Missed { .. } => {}
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Content, EntityName, EventId, Incoming, Millis};

    fn departed(by: &str, how: Departure) -> Batch {
        let change = Change::Departed { room: RoomId::parse("!r").unwrap(), by: Some(UserId::parse(by).unwrap()), how };
        let entity = EntityName::parse("ada").unwrap();
        Batch {
            entity,
            token: None,
            received_at: Millis(0),
            after_absence: false,
            events: vec![],
            changes: vec![change],
        }
    }

    /// I11: a kick by somebody else closes the door; one by our own router does not.
    #[test]
    fn only_a_strangers_kick_counts_as_one() {
        let own = BTreeSet::from([UserId::parse("@router:s").unwrap()]);
        let check = |by: &str, how: Departure, expected: Departure| {
            assert_eq!(judge(departed(by, how), &own), departed(by, expected), "{by} {how:?}");
        };
        check("@router:s", Departure::Kicked, Departure::Left);
        check("@person:s", Departure::Kicked, Departure::Kicked);
        check("@router:s", Departure::Banned, Departure::Banned);
        check("@person:s", Departure::Left, Departure::Left);
    }

    /// N8, N10: what is older than what is kept is history, whoever says that it is news.
    #[test]
    fn what_could_be_forgotten_is_history() {
        let check = |sent_at: u64, expected: Standing| {
            let event = Incoming {
                room: RoomId::parse("!r").unwrap(),
                event: EventId::parse("$e").unwrap(),
                sender: UserId::parse("@person:s").unwrap(),
                sent_at: Millis(sent_at),
                standing: Standing::Live,
                content: Content::Clear { kind: "m.room.message".to_owned(), json: "{}".to_owned() },
            };
            let batch = Batch { received_at: Millis(10_000), events: vec![event], ..departed("@a:s", Departure::Left) };
            assert_eq!(date(batch, Duration::from_secs(4)).events[0].standing, expected, "{sent_at}");
        };
        check(6_000, Standing::History);
        check(6_001, Standing::Live);
        check(20_000, Standing::Live);
    }

    #[test]
    fn own_accounts_are_asked_for_only_when_it_matters() {
        assert!(needs_own(&departed("@a:s", Departure::Kicked)));
        assert!(!needs_own(&departed("@a:s", Departure::Banned)));
    }

    /// I11: whoever is back again is not out.
    #[test]
    fn a_room_is_left_unless_it_was_joined_again() {
        let mut batch = departed("@person:s", Departure::Kicked);
        let room = RoomId::parse("!r").unwrap();
        assert_eq!(rooms_left(&batch), BTreeSet::from([room.clone()]));
        batch.changes.push(Change::Joined { room });
        assert_eq!(rooms_left(&batch), BTreeSet::new());
    }
}
