//! Conformance: who listens to a room hears of what is committed there, and of nothing else.

use futures_util::{FutureExt as _, poll};

use super::{
    samples::{event_id, room, user},
    stage::Stage,
};
use crate::{
    model::{Conversation, Millis, Notice, Poll, PollAbout},
    store::{Projection, Settlement},
};

fn settlement(in_room: &str) -> Settlement {
    Settlement::of(room(in_room), event_id("one"), Projection::Nothing, Millis(1))
}

/// Nothing that waits for a room has to look again and again, and no moment is missed: not between two waits, and not
/// where the one who wrote has gone.
pub(super) async fn an_ear_hears_its_room(stage: &mut Stage) {
    let store = &stage.store;
    let mut ear = store.listen(&room("lobby"));
    store.settle(settlement("lab")).await.unwrap();
    assert!(ear.news().now_or_never().is_none(), "that is another room");
    store.settle(settlement("lobby")).await.unwrap();
    assert!(ear.news().now_or_never().is_some(), "before anybody waited for it");
    assert!(ear.news().now_or_never().is_none(), "once");
    {
        let mut unheard = Box::pin(store.settle(settlement("lobby")));
        drop(poll!(&mut unheard));
    }
    // Whoever writes next commits what waits.
    let poll = Poll { about: PollAbout::Route(event_id("asked")), options: Vec::new(), asker: None };
    let notice = Notice {
        id: "a".to_owned(),
        speaker: super::samples::entity("router"),
        conversation: Conversation { room: room("lobby"), thread: None },
        reply_to: None,
        text: "Who?".to_owned(),
        poll: Some(poll),
    };
    store.save_notice(&notice, Millis(2)).await.unwrap();
    assert!(ear.news().now_or_never().is_some(), "although nobody waited for its answer");
    store.record_answer("a", "ada", &user("ada")).await.unwrap();
    assert!(ear.news().now_or_never().is_some(), "somebody tapped");
}

/// Whoever is far behind looks once more than needed rather than never.
pub(super) async fn a_late_ear_hears_at_least_once(stage: &mut Stage) {
    let store = &stage.store;
    let mut ear = store.listen(&room("lobby"));
    store.settle(settlement("lobby")).await.unwrap();
    for _ in 0..400 {
        store.settle(settlement("lab")).await.unwrap();
    }
    assert!(ear.news().now_or_never().is_some());
}
