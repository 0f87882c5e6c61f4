//! Conformance: rooms, upgrades, the audit and facts.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    accounts::bare,
    samples::{batch, entity, invited, joined, room, see, user},
    stage::Stage,
};
use crate::{
    model::{Change, Conversation, Departure, Millis, RoomKey},
    store::{AuditEntry, ManagedRoom, Membership, Upgrade, columns::run},
};

fn key(text: &str) -> RoomKey {
    RoomKey::parse(text).unwrap()
}

fn managed(key_text: &str, room_name: &str, made_by_us: bool) -> ManagedRoom {
    ManagedRoom { key: key(key_text), room: room(room_name), made_by_us }
}

/// I4: a room is found again after a restart, never made twice.
pub(super) async fn a_room_behind_a_key_is_kept(stage: &mut Stage) {
    stage.store.save_room(managed("lobby", "one", true)).await.unwrap();
    stage.store.save_room(managed("#attic:home.org", "two", false)).await.unwrap();
    stage.crash().await;
    let store = &stage.store;
    assert_eq!(store.room(&key("lobby")).await.unwrap(), Some(room("one")));
    assert_eq!(store.rooms().await.unwrap(), [managed("#attic:home.org", "two", false), managed("lobby", "one", true)]);
    assert_eq!(store.room(&key("attic")).await.unwrap(), None);
    store.forget_room(&key("lobby")).await.unwrap();
    assert_eq!(store.rooms().await.unwrap(), [managed("#attic:home.org", "two", false)]);
}

pub(super) async fn a_room_that_was_made_stays_made_by_us(stage: &mut Stage) {
    let store = &stage.store;
    store.save_room(managed("lobby", "one", true)).await.unwrap();
    store.save_room(managed("lobby", "one", false)).await.unwrap();
    assert_eq!(store.rooms().await.unwrap(), [managed("lobby", "one", true)]);
    store.save_room(managed("lobby", "other", false)).await.unwrap();
    assert_eq!(store.rooms().await.unwrap(), [managed("lobby", "other", false)], "another room is another matter");
}

/// I10: key, welcome, history and what was set by command go to the successor.
pub(super) async fn a_successor_takes_over(stage: &mut Stage) {
    let store = &stage.store;
    let place = |name: &str| Conversation { room: room(name), thread: None };
    for (name, key, value) in [("one", "thread_mode", "room"), ("one", "model", "fast"), ("two", "model", "deep")] {
        store.set_setting(&place(name), key, Some(value)).await.unwrap();
    }
    store.save_room(managed("lobby", "one", true)).await.unwrap();
    store.save_room(managed("#lobby:home.org", "one", false)).await.unwrap();
    store.save_welcome(&room("one")).await.unwrap();
    store.rebind(&room("one"), &room("two")).await.unwrap();
    // After a crash in between, it is done again.
    store.rebind(&room("one"), &room("two")).await.unwrap();
    store.rebind(&room("two"), &room("three")).await.unwrap();
    let set = async |name: &str, key: &str| store.setting(&place(name), key).await.unwrap();
    assert_eq!(set("three", "thread_mode").await.as_deref(), Some("room"));
    assert_eq!(set("three", "model").await.as_deref(), Some("deep"), "what was set there already counts");
    store.set_setting(&place("three"), "thread_mode", None).await.unwrap();
    store.rebind(&room("one"), &room("three")).await.unwrap();
    assert_eq!(set("three", "thread_mode").await, None, "what was taken back doesn't come again");
    assert_eq!(store.room(&key("lobby")).await.unwrap(), Some(room("three")));
    assert_eq!(store.room(&key("#lobby:home.org")).await.unwrap(), Some(room("three")));
    assert!(store.welcomed(&room("three")).await.unwrap());
    assert_eq!(store.lineage(&room("three")).await.unwrap(), ["three", "two", "one"].map(room));
    assert_eq!(store.lineage(&room("one")).await.unwrap(), [room("one")]);
}

/// I11: who was put out of a room is in the audit, once, however often the stream tells.
pub(super) async fn who_was_put_out_is_in_the_audit(stage: &mut Stage) {
    let put_out = |how: Departure| Change::Departed { room: room("one"), by: Some(user("ada")), how };
    for how in [Departure::Left, Departure::Kicked, Departure::Kicked, Departure::Banned] {
        see(&stage.store, "writer", vec![joined("two"), put_out(how)]).await;
    }
    stage.crash().await;
    let lines = stage.store.audit_log(10).await.unwrap();
    let kinds: Vec<_> = lines.iter().map(|line| line.kind.as_str()).collect();
    assert_eq!(kinds, ["banned", "kicked"]);
    let told = |line: &AuditEntry| (line.entity.clone(), line.room.clone(), line.who.clone());
    let expected = (Some(entity("writer")), Some(room("one")), Some(user("ada")));
    assert!(lines.iter().all(|line| told(line) == expected), "{lines:?}");
}

pub(super) async fn a_circle_of_successors_ends(stage: &mut Stage) {
    let store = &stage.store;
    store.rebind(&room("one"), &room("one")).await.unwrap();
    store.rebind(&room("one"), &room("two")).await.unwrap();
    store.rebind(&room("two"), &room("one")).await.unwrap();
    assert_eq!(store.lineage(&room("one")).await.unwrap(), ["one", "two"].map(room));
}

/// I10: however many loops bring the tombstone, it is followed once.
pub(super) async fn an_upgrade_comes_up_once(stage: &mut Stage) {
    let store = &stage.store;
    let upgraded = |successor| Change::Upgraded { room: room("one"), successor: room(successor), by: user("ada") };
    see(store, "writer", vec![upgraded("two")]).await;
    see(store, "critic", vec![upgraded("two")]).await;
    let upgrade = Upgrade { room: room("one"), successor: room("two"), by: user("ada") };
    assert_eq!(store.upgrades().await.unwrap(), std::slice::from_ref(&upgrade));
    store.settle_upgrade(&upgrade).await.unwrap();
    see(store, "judge", vec![upgraded("two")]).await;
    assert_eq!(store.upgrades().await.unwrap(), []);
    see(store, "judge", vec![upgraded("three")]).await;
    assert_eq!(store.upgrades().await.unwrap(), [Upgrade { successor: room("three"), ..upgrade }]);
}

/// E4: an encrypted room never becomes a plain one again, whatever is tried.
pub(super) async fn encryption_is_never_undone(stage: &mut Stage) {
    see(&stage.store, "writer", vec![Change::Encrypted { room: room("one") }]).await;
    stage.store.mark_encrypted(&room("two")).await.unwrap();
    stage.store.mark_encrypted(&room("two")).await.unwrap();
    stage.store.rebind(&room("zero"), &room("two")).await.unwrap();
    stage.store.rebind(&room("two"), &room("three")).await.unwrap();
    for sql in ["UPDATE room_facts SET encrypted = 0", "DELETE FROM room_facts"] {
        let undone = stage.store.write(move |db| Ok(run(db, sql, [])?)).await;
        assert!(undone.is_err(), "{sql}");
    }
    stage.crash().await;
    assert_eq!(stage.store.encrypted_rooms().await.unwrap(), BTreeSet::from(["one", "two"].map(room)));
}

/// I11: who was put out is known to be out.
pub(super) async fn memberships_follow_the_stream(stage: &mut Stage) {
    let departed = |name, how| Change::Departed { room: room(name), by: Some(user("ada")), how };
    let changes = vec![
        invited("one", "ada"),
        joined("two"),
        joined("three"),
        departed("three", Departure::Left),
        departed("four", Departure::Kicked),
        departed("five", Departure::Banned),
        Change::MembersChanged { room: room("two") },
    ];
    see(&stage.store, "writer", changes).await;
    see(&stage.store, "critic", vec![joined("one")]).await;
    stage.crash().await;
    let expected = BTreeMap::from([
        (room("one"), Membership::Invited),
        (room("two"), Membership::Joined),
        (room("three"), Membership::Left),
        (room("four"), Membership::Kicked),
        (room("five"), Membership::Banned),
    ]);
    assert_eq!(stage.store.memberships(&entity("writer")).await.unwrap(), expected);
    for name in ["writer", "critic", "reader"] {
        stage.store.save_account(bare(name)).await.unwrap();
    }
    let expected = [("critic", Membership::Joined), ("writer", Membership::Invited)];
    let expected = expected.map(|(name, membership)| (entity(name), membership));
    assert_eq!(stage.store.standings(&room("one")).await.unwrap(), BTreeMap::from(expected));
    see(&stage.store, "writer", vec![joined("three")]).await;
    assert_eq!(stage.store.memberships(&entity("writer")).await.unwrap()[&room("three")], Membership::Joined);
}

/// I6: once per room, also over crashes.
pub(super) async fn a_welcome_stands_once(stage: &mut Stage) {
    assert!(!stage.store.welcomed(&room("one")).await.unwrap());
    stage.store.save_welcome(&room("one")).await.unwrap();
    stage.store.save_welcome(&room("one")).await.unwrap();
    stage.crash().await;
    assert!(stage.store.welcomed(&room("one")).await.unwrap());
    assert!(!stage.store.welcomed(&room("two")).await.unwrap());
}

pub(super) async fn the_audit_shows_the_newest_first(stage: &mut Stage) {
    let entry = |at, full: bool| AuditEntry {
        at: Millis(at),
        kind: "kicked".to_owned(),
        entity: full.then(|| entity("writer")),
        room: full.then(|| room("one")),
        who: full.then(|| user("ada")),
        text: format!("number {at}"),
    };
    for (at, full) in [(3, true), (1, false), (2, true)] {
        stage.store.audit(entry(at, full)).await.unwrap();
    }
    stage.crash().await;
    assert_eq!(stage.store.audit_log(2).await.unwrap(), [entry(2, true), entry(1, false)]);
}

pub(super) async fn facts_are_replaced(stage: &mut Stage) {
    assert_eq!(stage.store.fact("space").await.unwrap(), None);
    stage.store.save_fact("space", "!a").await.unwrap();
    stage.store.save_fact("space", "!b").await.unwrap();
    stage.store.admit(vec![batch("writer", 1, vec![], vec![])]).await.unwrap();
    assert_eq!(stage.store.fact("space").await.unwrap().as_deref(), Some("!b"));
}
