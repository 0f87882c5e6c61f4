//! Tells operators what a batch brought that they may want to know.

use std::collections::BTreeMap;

use crate::{
    model::{Batch, Change, Content, RoomId, Standing},
    observe::{EntityDeparted, EventHealed, EventSealed, GapBeyondBounds, GapClosed},
};

/// Tells what an admitted batch brought. `fetched` are the pages that were fetched for each room.
pub(super) fn tell_news(batch: &Batch, fetched: &BTreeMap<RoomId, usize>) {
    let entity = &batch.entity;
    for change in &batch.changes {
        match change {
            Change::Departed { room, by, how } => EntityDeparted { entity, room, by: by.as_ref(), how: *how }.emit(),
            Change::Missed { room, pages } => GapBeyondBounds { entity, room, pages: *pages }.emit(),
            Change::Invited { .. }
            | Change::Joined { .. }
            | Change::Encrypted { .. }
            | Change::MembersChanged { .. }
            | Change::Upgraded { .. } => {}
        }
    }
    let missed = |room: &RoomId| {
        batch.changes.iter().any(|change| matches!(change, Change::Missed { room: gap, .. } if gap == room))
    };
    for (room, pages) in fetched.iter().filter(|(room, _)| !missed(room)) {
        GapClosed { entity, room, pages: *pages }.emit();
    }
    for event in batch.events.iter().filter(|event| event.standing == Standing::Live) {
        if let Content::Sealed(sealed) = &event.content {
            EventSealed { entity, room: &event.room, event: &event.event, cause: sealed.cause }.emit();
        }
    }
}

/// Tells which sealed events became readable.
pub(super) fn tell_healed(batch: &Batch) {
    for event in &batch.events {
        EventHealed { entity: &batch.entity, room: &event.room, event: &event.event }.emit();
    }
}
