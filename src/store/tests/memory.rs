//! What only the memory adapter promises: commits at moments that a test can choose.

use std::{
    pin::pin,
    sync::mpsc::sync_channel,
    task::{Context, Poll, Waker},
};

use super::samples::{batch, entity, event};
use crate::store::{Pull, Store, StoreError};

/// N1: what was queued but not committed is lost, with its position, and its caller hears so.
#[tokio::test]
async fn a_crash_loses_what_was_not_committed() {
    let (store, memory) = Store::memory();
    store.save_fact("kept", "").await.unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut admission = pin!(store.admit(vec![batch("writer", 1, vec![event("lobby", "a")], vec![])]));
    assert!(admission.as_mut().poll(&mut context).is_pending());
    memory.crash();
    assert!(matches!(admission.poll(&mut context), Poll::Ready(Err(StoreError::Closed))));
    assert!(matches!(store.save_fact("dead", "").await, Err(StoreError::Closed)), "old handles are closed");
    assert!(matches!(store.fact("kept").await, Err(StoreError::Closed)));

    let store = memory.reopen();
    assert!(store.fact("kept").await.unwrap().is_some());
    assert_eq!(store.fact("dead").await.unwrap(), None);
    assert_eq!(store.position(&entity("writer")).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().live, 0);
}

/// N1: pulled out around a commit, the disk holds it whole or not at all, and whoever made it does nothing any more.
#[tokio::test]
async fn a_planned_crash_falls_before_or_after_a_commit() {
    for (pull, kept) in [(Pull::Before, false), (Pull::After, true)] {
        let (store, memory) = Store::memory();
        let (told, heard) = sync_channel(1);
        memory.crash_at(1, pull, move || told.send(()).unwrap());
        store.save_fact("peace", "").await.unwrap();
        assert!(heard.try_recv().is_err());
        let mut context = Context::from_waker(Waker::noop());
        let mut last = pin!(store.save_fact("last", ""));
        assert!(last.as_mut().poll(&mut context).is_pending());
        assert!(last.as_mut().poll(&mut context).is_pending(), "it is gone with the disk");
        heard.try_recv().unwrap();
        let store = memory.reopen();
        assert!(store.fact("peace").await.unwrap().is_some());
        assert_eq!(store.fact("last").await.unwrap().is_some(), kept, "{pull:?}");
        store.save_fact("next", "").await.expect("one plan is one crash");
    }
}

#[tokio::test]
async fn everybody_who_waits_is_in_the_next_commit() {
    let (store, _memory) = Store::memory();
    let mut context = Context::from_waker(Waker::noop());
    let mut first = pin!(store.save_fact("first", ""));
    let mut second = pin!(store.save_fact("second", ""));
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    assert_eq!(store.fact("first").await.unwrap(), None, "not before somebody is polled again");
    assert!(matches!(second.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
    assert!(store.fact("first").await.unwrap().is_some());
    assert!(matches!(first.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
}

#[tokio::test]
async fn a_blocking_caller_takes_the_others_along() {
    let (store, _memory) = Store::memory();
    let mut context = Context::from_waker(Waker::noop());
    let mut first = pin!(store.save_fact("first", ""));
    assert!(first.as_mut().poll(&mut context).is_pending());
    store.write_blocking(|_| Ok(())).unwrap();
    assert!(store.fact("first").await.unwrap().is_some());
}
