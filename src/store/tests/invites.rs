//! Conformance: invitations. A crash comes where one would hurt.

use super::{
    samples::{entity, invited, joined, room, see, user},
    stage::Stage,
};
use crate::{
    model::{Change, Departure, Millis},
    store::{Invite, InviteVerdict},
};

fn departed(room_name: &str, how: Departure) -> Change {
    Change::Departed { room: room(room_name), by: None, how }
}

async fn only(stage: &Stage) -> Invite {
    let invites = stage.store.invites().await.unwrap();
    assert_eq!(invites.len(), 1, "{invites:?}");
    invites.into_iter().next().unwrap()
}

async fn none_waits(stage: &Stage) -> bool {
    stage.store.invites().await.unwrap().is_empty()
}

/// I5: what waits for an answer is remembered across restarts.
pub(super) async fn an_invitation_waits_until_it_is_settled(stage: &mut Stage) {
    let direct = Change::Invited { room: room("two"), by: user("bob"), direct: true };
    see(&stage.store, "writer", vec![invited("one", "ada"), direct]).await;
    stage.crash().await;
    let invites = stage.store.invites().await.unwrap();
    let summary: Vec<_> = invites.iter().map(|invite| (&invite.room, &invite.by, invite.direct)).collect();
    assert_eq!(summary, [(&room("one"), &user("ada"), false), (&room("two"), &user("bob"), true)]);
    assert!(invites.iter().all(|invite| invite.entity == entity("writer") && invite.attempts == 0));
    stage.store.settle_invite(&invites[0], InviteVerdict::Accepted).await.unwrap();
    stage.store.settle_invite(&invites[1], InviteVerdict::Declined).await.unwrap();
    stage.crash().await;
    assert!(none_waits(stage).await);
}

/// C1: an invitation tells whether people mean a direct chat, also when it was followed long ago.
pub(super) async fn an_invitation_tells_of_a_direct_chat(stage: &mut Stage) {
    let direct = Change::Invited { room: room("two"), by: user("bob"), direct: true };
    see(&stage.store, "writer", vec![invited("one", "ada"), joined("one"), direct.clone(), joined("two")]).await;
    stage.crash().await;
    let is_direct = async |name: &str| stage.store.surroundings(&room(name)).await.unwrap().direct;
    assert_eq!((is_direct("one").await, is_direct("two").await, is_direct("three").await), (false, true, false));
    see(&stage.store, "critic", vec![direct]).await;
    let invite = only(stage).await;
    stage.store.settle_invite(&invite, InviteVerdict::Declined).await.unwrap();
    assert!(is_direct("two").await, "the other one is still there");
    stage.store.rebind(&room("two"), &room("four")).await.unwrap();
    see(&stage.store, "writer", vec![invited("four", "bob"), joined("four")]).await;
    assert!(is_direct("four").await, "I10: its successor is one as well");
}

/// I5: a stream that begins anew brings the same invitation again.
pub(super) async fn a_repeated_invitation_is_no_new_work(stage: &mut Stage) {
    see(&stage.store, "writer", vec![invited("one", "ada")]).await;
    let invite = only(stage).await;
    stage.store.defer_invite(&invite, 1, Millis(5)).await.unwrap();
    see(&stage.store, "writer", vec![invited("one", "ada")]).await;
    assert_eq!(only(stage).await.attempts, 1, "it goes on where it was");
    stage.store.settle_invite(&invite, InviteVerdict::Declined).await.unwrap();
    see(&stage.store, "writer", vec![invited("one", "ada")]).await;
    assert!(none_waits(stage).await);
    see(&stage.store, "critic", vec![invited("one", "ada")]).await;
    assert_eq!(only(stage).await.entity, entity("critic"), "another entity's invitation is another one");
}

pub(super) async fn an_invitation_after_a_departure_is_new_work(stage: &mut Stage) {
    for how in [Departure::Left, Departure::Kicked, Departure::Banned] {
        see(&stage.store, "writer", vec![invited("one", "ada")]).await;
        let invite = only(stage).await;
        assert_eq!((invite.attempts, invite.next_try_at), (0, None));
        stage.store.defer_invite(&invite, 3, Millis(5)).await.unwrap();
        stage.store.settle_invite(&invite, InviteVerdict::Declined).await.unwrap();
        see(&stage.store, "writer", vec![departed("one", how)]).await;
        assert!(none_waits(stage).await);
    }
}

pub(super) async fn an_invitation_by_somebody_else_is_new_work(stage: &mut Stage) {
    see(&stage.store, "writer", vec![invited("one", "mallory")]).await;
    let first = only(stage).await;
    stage.store.settle_invite(&first, InviteVerdict::Declined).await.unwrap();
    see(&stage.store, "writer", vec![invited("one", "ada")]).await;
    assert_eq!(only(stage).await.by, user("ada"));
}

pub(super) async fn joining_settles_the_invitation(stage: &mut Stage) {
    see(&stage.store, "writer", vec![invited("one", "ada")]).await;
    see(&stage.store, "critic", vec![joined("one")]).await;
    assert_eq!(only(stage).await.entity, entity("writer"), "somebody else's joining settles nothing");
    see(&stage.store, "writer", vec![joined("one")]).await;
    assert!(none_waits(stage).await);
}

pub(super) async fn a_withdrawn_invitation_is_gone(stage: &mut Stage) {
    see(&stage.store, "writer", vec![invited("one", "ada"), departed("one", Departure::Kicked)]).await;
    assert!(none_waits(stage).await);
}

pub(super) async fn a_late_answer_misses_the_newer_invitation(stage: &mut Stage) {
    see(&stage.store, "writer", vec![invited("one", "ada")]).await;
    let old = only(stage).await;
    see(&stage.store, "writer", vec![departed("one", Departure::Left), invited("one", "ada")]).await;
    stage.store.settle_invite(&old, InviteVerdict::Declined).await.unwrap();
    stage.store.defer_invite(&old, 9, Millis(9)).await.unwrap();
    let new = only(stage).await;
    assert!(new.serial > old.serial);
    assert_eq!((new.attempts, new.next_try_at), (0, None));
}

/// I5: the join is tried again, also after a crash.
pub(super) async fn a_deferred_invitation_says_when(stage: &mut Stage) {
    see(&stage.store, "writer", vec![invited("one", "ada")]).await;
    stage.store.defer_invite(&only(stage).await, 2, Millis(77)).await.unwrap();
    stage.crash().await;
    let invite = only(stage).await;
    assert_eq!((invite.attempts, invite.next_try_at), (2, Some(Millis(77))));
}
