//! What an account is shown: everything, in order, however it comes.

use super::*;

/// N1: whatever an answer leaves out is found in the past, each event once and in order.
#[tokio::test(start_paused = true)]
async fn a_gap_is_filled_from_the_past() {
    for (timeline_max, history_max) in [(1, 1), (3, 4), (5, 100), (50, 2)] {
        let stage = Stage::with(Faults { timeline_max, history_max, ..Faults::none() }).await;
        stage.say("before");
        let since = stage.caught_up().await;
        let said: Vec<String> = (0..20).map(|number| format!("m{number}")).collect();
        for text in &said {
            stage.say(text);
        }
        let batch = stage.batch(&since).await;
        assert_eq!(texts(&batch), said, "{timeline_max}, {history_max}");
        assert!(batch.events.iter().all(|event| event.standing == Standing::Live));
        assert_eq!(texts(&stage.batch(&batch.token.unwrap()).await), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_past_goes_backwards_from_one_token_to_another() {
    let stage = Stage::with(Faults { history_max: 2, ..Faults::none() }).await;
    stage.say("old");
    let until = stage.caught_up().await;
    let said = ["a", "b", "c"].map(|text| stage.say(text));
    let newest = stage.ada.latest(stage.room.clone()).await.unwrap();
    let ids = |slips: &[Slip]| -> Vec<EventId> {
        let id = |slip: &Slip| match slip {
            Slip::Event(event) => Some(event.event.clone()),
            Slip::Change(_) | Slip::OwnJoin | Slip::OwnLeave => None,
        };
        slips.iter().filter_map(id).collect()
    };
    assert_eq!(ids(&newest.slips), [said[2].clone(), said[1].clone()]);
    let second = stage.ada.history(stage.room.clone(), newest.older.unwrap(), Some(until.clone())).await.unwrap();
    assert_eq!(ids(&second.slips), [said[0].clone()]);
    let third = stage.ada.history(stage.room.clone(), second.older.unwrap(), Some(until)).await.unwrap();
    assert_eq!((third.slips, third.older), (vec![], None), "only an empty page says that nothing is left");
}

/// N1, N2: what comes again, and what comes in pieces, lacks nothing and keeps its order in each room.
#[tokio::test(start_paused = true)]
async fn what_is_repeated_or_held_back_is_never_lost() {
    let stage = Stage::with(Faults { repeat: 0.5, apart: 0.7, timeline_max: 3, ..Faults::none() }).await;
    let other = stage.world.create_room(&stage.al, "other", &[stage.ada.user().clone()]);
    stage.ada.join(other.clone(), Vec::new()).await.unwrap();
    let mut since = stage.caught_up().await;
    let mut heard: BTreeMap<RoomId, Vec<EventId>> = BTreeMap::new();
    let mut said: BTreeMap<RoomId, Vec<EventId>> = BTreeMap::new();
    for round in 0..60 {
        for room in [&stage.room, &other].into_iter().take(usize::from(round < 40) * 2) {
            let event = stage.world.say(room, &stage.al, json!({ "body": round.to_string() }));
            said.entry(room.clone()).or_default().push(event);
        }
        let batch = stage.batch(&since).await;
        since = batch.token.unwrap();
        for event in batch.events {
            let known = heard.entry(event.room).or_default();
            if !known.contains(&event.event) {
                known.push(event.event);
            }
        }
    }
    assert_eq!(heard, said);
    let counts = stage.world.counts();
    for fault in ["sync: news held back, by room", "sync: brought something once more"] {
        assert!(counts.get(fault).is_some_and(|count| *count > 3), "{counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_waits_for_news_and_no_longer() {
    let stage = Stage::new().await;
    let since = stage.caught_up().await;
    let began = Instant::now();
    let page = stage.ada.sync(Some(since.clone()), Duration::from_secs(20)).await.unwrap();
    assert!(page.rooms.is_empty() && began.elapsed() >= Duration::from_secs(20));
    let began = Instant::now();
    let later = async {
        sleep(Duration::from_secs(3)).await;
        stage.say("news")
    };
    let (page, _) = tokio::join!(stage.ada.sync(Some(since), Duration::from_secs(20)), later);
    assert_eq!(page.unwrap().rooms.len(), 1);
    assert!((3..5).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

/// S8: of what was deleted before it is shown, nothing is shown.
#[tokio::test(start_paused = true)]
async fn a_deleted_message_is_empty() {
    let stage = Stage::new().await;
    let since = stage.caught_up().await;
    let secret = stage.say("secret");
    stage.world.redact(&stage.room, &stage.al, &secret);
    let batch = stage.batch(&since).await;
    let kinds: Vec<&str> = batch
        .events
        .iter()
        .filter_map(|event| match &event.content {
            Content::Clear { kind, json } => {
                assert!(!json.contains("secret"), "{json}");
                Some(kind.as_str())
            }
            Content::Sealed(_) => None,
        })
        .collect();
    assert_eq!(kinds, ["m.room.message", "m.room.redaction"]);
    let Content::Clear { json, .. } = &batch.events[1].content else { panic!("it is readable") };
    assert_eq!(serde_json::from_str::<Value>(json).unwrap(), json!({ "redacts": secret.as_str() }));
}

/// I11: a stream tells how the account comes and goes, and the client refuses what it doesn't know of.
#[tokio::test(start_paused = true)]
async fn coming_and_going_is_told() {
    let stage = Stage::new().await;
    let (ada, world) = (&stage.ada, &stage.world);
    let since = stage.caught_up().await;
    let room = world.create_room(&stage.al, "other", &[ada.user().clone()]);
    world.say(&room, &stage.al, json!({ "body": "before" }));
    let page = ada.sync(Some(since.clone()), Duration::ZERO).await.unwrap();
    assert_eq!(page.changes, [Change::Invited { room: room.clone(), by: stage.al.clone(), direct: false }]);
    let too_early = ada.send(outgoing(&room, "m.room.message", json!({}), "t")).await.unwrap_err();
    assert!(matches!(too_early, MatrixError::NotJoined { .. }), "{too_early:?}");
    ada.join(room.clone(), Vec::new()).await.unwrap();
    world.say(&room, &stage.al, json!({ "body": "after" }));
    let page = ada.sync(Some(since), Duration::ZERO).await.unwrap();
    assert!(page.changes.is_empty(), "who is in isn't invited: {:?}", page.changes);
    let [shown] = page.rooms.as_slice() else { panic!("one room: {:?}", page.rooms) };
    assert!(shown.gap.is_some() && shown.timeline.contains(&Slip::OwnJoin), "{shown:?}");
    assert_eq!(ada.members(room.clone()).await.unwrap()[ada.user()], Presence::Joined);
    world.with(|server| server.remove(&stage.al, &room, ada.user())).unwrap();
    let refused = ada.send(outgoing(&room, "m.room.message", json!({}), "u")).await.unwrap_err();
    assert_eq!(code(&refused), "M_FORBIDDEN", "the client doesn't know yet");
    let page = ada.sync(Some(page.token), Duration::ZERO).await.unwrap();
    let by = Some(stage.al.clone());
    assert_eq!(page.changes, [Change::Departed { room, by, how: Departure::Kicked }]);
}
