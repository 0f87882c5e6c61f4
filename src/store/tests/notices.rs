//! Conformance: notices. A crash comes where one would hurt.

use super::{
    samples::{entity, event_id, room, user},
    stage::Stage,
};
use crate::{
    model::{Conversation, Millis, Notice, Poll, PollAbout, PollOption},
    store::{PollAnswer, Store, StoredNotice},
};

pub(super) fn notice(id: &str) -> Notice {
    let conversation = Conversation { room: room("lobby"), thread: Some(event_id("root")) };
    let (speaker, reply_to) = (entity("router"), Some(event_id("asked")));
    Notice { id: id.to_owned(), speaker, conversation, reply_to, text: "Who?".to_owned(), poll: None }
}

fn question(id: &str) -> Notice {
    let option = |key: &str, value: &str| PollOption { key: key.to_owned(), value: value.to_owned() };
    let options = vec![option("1️⃣", "writer"), option("2️⃣", "coder")];
    let poll = Poll { about: PollAbout::Route(event_id("asked")), options, asker: Some(user("ada")) };
    Notice { poll: Some(poll), ..notice(id) }
}

async fn pending(store: &Store) -> Vec<String> {
    let notices = store.pending_notices(10).await.unwrap();
    notices.into_iter().map(|stored| stored.notice.id).collect()
}

async fn stored(store: &Store, id: &str) -> StoredNotice {
    store.notice(id).await.unwrap().unwrap()
}

/// N3: a notice is kept once, as it was, until people see it; also across a crash between its parts.
pub(super) async fn a_notice_waits_until_it_is_seen(stage: &mut Stage) {
    assert!(stage.store.save_notice(&question("a"), Millis(7)).await.unwrap());
    let bare =
        Notice { conversation: Conversation { room: room("lobby"), thread: None }, reply_to: None, ..notice("b") };
    assert!(stage.store.save_notice(&bare, Millis(8)).await.unwrap());
    assert!(!stage.store.save_notice(&notice("a"), Millis(9)).await.unwrap());
    stage.crash().await;
    let kept = stage.store.pending_notices(10).await.unwrap();
    let expected = |notice: Notice, at: u64| StoredNotice {
        notice,
        wording: 1,
        shown: 0,
        parts: Vec::new(),
        answer: None,
        created_at: Millis(at),
    };
    assert_eq!(kept, [expected(question("a"), 7), expected(bare, 8)]);
    assert_eq!(stage.store.pending_notices(1).await.unwrap().len(), 1);
    stage.store.notice_sent("a", 0, &event_id("one")).await.unwrap();
    stage.crash().await;
    assert_eq!(stored(&stage.store, "a").await.parts, [event_id("one")]);
    assert_eq!(pending(&stage.store).await, ["a", "b"], "what may be tapped isn't there yet");
    stage.store.notice_shown("a", 1).await.unwrap();
    stage.store.notice_failed("b").await.unwrap();
    stage.crash().await;
    assert!(pending(&stage.store).await.is_empty());
}

/// E1: what is worded anew is shown anew, also when the new wording came while the old one was on its way.
pub(super) async fn a_new_wording_waits_until_it_is_seen(stage: &mut Stage) {
    stage.store.save_notice(&notice("a"), Millis(7)).await.unwrap();
    assert!(!stage.store.reword_notice("a", "Who?").await.unwrap(), "it says so already");
    assert!(stage.store.reword_notice("a", "✓").await.unwrap());
    stage.store.notice_shown("a", 1).await.unwrap();
    stage.crash().await;
    let kept = stored(&stage.store, "a").await;
    assert_eq!((kept.notice.text.as_str(), kept.wording, kept.shown), ("✓", 2, 1));
    assert_eq!(pending(&stage.store).await, ["a"]);
    stage.store.notice_shown("a", 2).await.unwrap();
    assert!(pending(&stage.store).await.is_empty());
    assert!(!stage.store.reword_notice("nobody", "x").await.unwrap());
}

/// R2: a tap finds its question by the message, and the first answer counts.
pub(super) async fn a_question_is_answered_once(stage: &mut Stage) {
    stage.store.save_notice(&question("a"), Millis(7)).await.unwrap();
    stage.store.notice_sent("a", 0, &event_id("one")).await.unwrap();
    stage.store.notice_sent("a", 1, &event_id("two")).await.unwrap();
    for event in ["one", "two"] {
        let found = stage.store.notice_at(&room("lobby"), &event_id(event)).await.unwrap().unwrap();
        assert_eq!((found.notice, found.parts.len()), (question("a"), 2));
    }
    assert_eq!(stage.store.notice_at(&room("other"), &event_id("one")).await.unwrap(), None);
    assert_eq!(stage.store.answer_of("a").await.unwrap(), None);
    assert!(stage.store.record_answer("a", "coder", &user("ada")).await.unwrap());
    assert!(!stage.store.record_answer("a", "writer", &user("bob")).await.unwrap());
    stage.crash().await;
    let answer = PollAnswer { value: "coder".to_owned(), by: user("ada") };
    assert_eq!(stage.store.answer_of("a").await.unwrap(), Some(answer));
    assert_eq!(stage.store.answer_of("nobody").await.unwrap(), None);
}
