//! What may be asked of the homeserver, and what not.

use super::*;

#[tokio::test(start_paused = true)]
async fn synapse_refuses_what_it_refuses() {
    let stage = Stage::new().await;
    let question = stage.say("?");
    let reaction = |event: &EventId| json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": event.as_str(), "key": "x" } });
    let thread = |event: &EventId| json!({ "body": "!", "m.relates_to": { "rel_type": "m.thread", "event_id": event.as_str() } });
    let send = |kind, content, transaction: &str| stage.ada.send(outgoing(&stage.room, kind, content, transaction));
    let sign = send("m.reaction", reaction(&question), "r1").await.unwrap();
    let doubled = send("m.reaction", reaction(&question), "r2").await.unwrap_err();
    assert_eq!(code(&doubled), "M_DUPLICATE_ANNOTATION");
    stage.ada.redact(stage.room.clone(), sign, None, TransactionId::parse("d").unwrap()).await.unwrap();
    send("m.reaction", reaction(&question), "r3").await.unwrap();
    let answer = send("m.room.message", thread(&question), "m1").await.unwrap();
    assert_eq!(code(&send("m.room.message", thread(&answer), "m2").await.unwrap_err()), "M_UNKNOWN");
    let nowhere = EventId::parse("$nowhere").unwrap();
    assert_eq!(code(&send("m.room.message", thread(&nowhere), "m3").await.unwrap_err()), "M_UNKNOWN");
    let again = stage.ada.redact(stage.room.clone(), question, None, TransactionId::parse("e").unwrap()).await;
    assert_eq!(code(&again.unwrap_err()), "M_FORBIDDEN", "it is somebody else's");
    let found = stage.ada.find_own(stage.room.clone(), Some(stage.world.timeline(&stage.room)[0].event.clone())).await;
    assert_eq!(found.unwrap(), vec![]);
}

#[tokio::test(start_paused = true)]
async fn who_is_logged_out_comes_back_as_the_same_user() {
    let stage = Stage::new().await;
    stage.world.set_faults(Faults { token_unknown: 1.0, ..Faults::none() });
    assert!(matches!(stage.ada.check_login().await, Err(MatrixError::LoggedOut)));
    stage.world.set_faults(Faults::none());
    assert!(matches!(stage.send("x", "t").await, Err(MatrixError::LoggedOut)));
    assert!(matches!(stage.ada.sync(None, Duration::ZERO).await, Err(MatrixError::LoggedOut)));
    let again = stage.world.homeserver(Arc::clone(&stage.book) as _).sign_in_again(applicant()).await.unwrap();
    again.open(None).await.unwrap();
    assert_eq!(again.user(), stage.ada.user());
    again.send(outgoing(&stage.room, "m.room.message", json!({ "body": "x" }), "t")).await.unwrap();
    assert_eq!(stage.bodies(), ["x"]);
}

/// C7: who stops writing without saying so isn't shown as writing for ever.
#[tokio::test(start_paused = true)]
async fn writing_ends_by_itself() {
    let stage = Stage::new().await;
    stage.ada.typing(stage.room.clone(), Typing::On).await.unwrap();
    assert_eq!(stage.world.typing(&stage.room), [stage.ada.user().clone()]);
    advance(Duration::from_secs(16)).await;
    assert!(stage.world.typing(&stage.room).is_empty());
    assert_eq!(stage.world.requests()["typing"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_closed_line_says_so_and_rooms_are_found_by_alias() {
    let stage = Stage::new().await;
    let alias = maitre::model::AliasId::parse("#lobby:home").unwrap();
    assert_eq!(stage.ada.resolve(alias.clone()).await.unwrap(), Some(stage.room.clone()));
    assert_eq!(stage.ada.join_alias(alias.clone()).await.unwrap(), stage.room);
    stage.ada.close().await;
    assert!(matches!(stage.ada.resolve(alias).await, Err(MatrixError::NotOpen)));
}
