//! Who is there to be asked: in a direct chat, at a start, and right after somebody came.

use super::stage::{Stage, asks, batch, main_timeline, name, person};
use crate::model::{Incoming, RoomId};

/// W9, W10, C1: in a direct chat everybody there answers, on the main timeline; alone, the one. It is asked once
/// who is there.
#[tokio::test]
async fn a_direct_chat_needs_no_names() {
    let several = Stage::chat(&["ada", "bob"]).await;
    several
        .run(async |stage| {
            stage.hear(vec![person("hi", "1"), person("hi", "2")]).await;
            assert_eq!((stage.rule("1").await.as_str(), stage.answers("2").await), ("W9", vec!["ada+bob".into()]));
            assert_eq!(stage.order().await.turn.conversation, main_timeline());
            assert_eq!(*stage.members_asked.lock().unwrap(), 1);
            stage.hear(vec![person("!hi", "3")]).await;
            assert_eq!(stage.notices().await[0].notice.speaker, name("ada"), "W15");
        })
        .await;
    let alone = Stage::chat(&["bob"]).await;
    alone
        .run(async |stage| {
            stage.hear(vec![person("hi", "1")]).await;
            assert_eq!(
                (stage.rule("1").await.as_str(), stage.order().await.turn.conversation),
                ("W10", main_timeline())
            );
            stage.down("bob");
            stage.hear(vec![person("still there?", "2")]).await;
            assert_eq!((stage.rule("2").await.as_str(), stage.notices().await.len()), ("W11", 1));
        })
        .await;
}

/// I4, W3, W10: whom the configuration has just brought in is asked as soon as others can see them there.
#[tokio::test]
async fn whoever_has_just_come_in_is_asked() {
    let stage = Stage::lobby_just_joined(&["router", "bob"], &["bob"]).await;
    stage
        .run(async |stage| {
            stage.hear(vec![person("hi", "1"), asks("2", &["bob"]), asks("3", &["ada"])]).await;
            assert_eq!((stage.rule("1").await.as_str(), stage.answers("1").await), ("W10", vec!["bob".into()]));
            assert_eq!((stage.rule("2").await.as_str(), stage.answers("2").await), ("W3", vec!["bob".into()]));
            assert_eq!(stage.rule("3").await, "W3a", "she isn't there");
            assert_eq!(*stage.members_asked.lock().unwrap(), 1);
        })
        .await;
}

/// W3, W3a, N1: whoever has yet to come at a start answers late; only who needs help doesn't.
#[tokio::test]
async fn whoever_is_about_to_come_is_asked() {
    let stage = Stage::lobby().await;
    for entity in ["router", "ada", "bob", "eve", "duo"] {
        stage.switchboard.disconnect(&name(entity));
    }
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"]), asks("2", &["bob", "duo"])]).await;
            assert_eq!((stage.rule("1").await.as_str(), stage.rule("2").await.as_str()), ("W3", "W2"));
            let order = stage.order().await;
            assert!(order.turn.missing.is_empty() && stage.notices().await.is_empty());
            stage.down("bob");
            stage.hear(vec![asks("3", &["bob"])]).await;
            assert_eq!(stage.rule("3").await, "W3a");
        })
        .await;
}

/// W9, C1, N1: a message in a direct chat waits at a start until somebody can tell that it is one.
#[tokio::test]
async fn a_direct_chat_is_one_also_at_a_start() {
    let stage = Stage::chat(&["ada", "bob"]).await;
    for entity in ["ada", "bob"] {
        stage.switchboard.disconnect(&name(entity));
    }
    let elsewhere = Incoming { room: RoomId::parse("!elsewhere").unwrap(), ..person("hi", "2") };
    stage
        .run(async |stage| {
            stage.bring(batch("ada", vec![person("hi", "1"), elsewhere])).await;
            stage.until(async || stage.store.due(9).await.unwrap().len() == 1).await;
            assert_eq!(stage.rule("1").await, "none");
            stage.connect("bob", &["ada", "bob"]);
            assert_eq!(stage.order().await.turn.conversation, main_timeline());
            assert_eq!((stage.rule("1").await.as_str(), stage.answers("1").await), ("W9", vec!["ada+bob".into()]));
        })
        .await;
}

/// W2, W9: whoever has joined is there, also before their own stream tells them.
#[tokio::test]
async fn whoever_has_just_joined_is_there() {
    let stage = Stage::chat_just_joined(&["ada", "bob"], &["bob"]).await;
    stage
        .run(async |stage| {
            stage.bring(batch("ada", vec![person("hi", "1"), asks("2", &["bob"])])).await;
            stage.settled().await;
            assert_eq!(
                (stage.answers("1").await, stage.answers("2").await),
                (vec!["ada+bob".into()], vec!["bob".into()])
            );
        })
        .await;
}
