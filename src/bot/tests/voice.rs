//! An answer, from its first word to its end.

use std::{future::pending, time::Duration};

use serde_json::json;
use tokio::time::{self, Instant};

use super::{
    homeserver::{Fault, LATENCY},
    stage::{Deed, FINISHED, Stage, entity, event, room, text},
};
use crate::{
    broker::Halted,
    matrix::Typing,
    model::{Missing, Reply, Turn, TurnEnd, TurnId},
};

/// S1, S2, C7: a quick answer is one message and one edit that pings; nothing flickers beside it.
#[tokio::test(start_paused = true)]
async fn a_quick_answer_is_one_message_and_its_end() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let (end, said) = stage.speak(&turn, &[text("Hi"), Deed::Wait(50), text("Hi @bob"), FINISHED]).await;
    assert_eq!((end, said.as_str()), (TurnEnd::Done, "Hi @bob"));
    let messages = stage.homeserver.messages();
    let shown: Vec<_> = messages.iter().map(|sent| (sent.text(), sent.edits(), sent.is_final())).collect();
    assert_eq!(shown, [("Hi", None, false), ("Hi Bob", Some("$0"), true)]);
    assert_eq!(messages[0].content["m.mentions"], json!({}));
    assert_eq!(messages[0].content["m.relates_to"]["event_id"], "$question");
    assert_eq!(messages[1].content["m.mentions"], json!({ "user_ids": ["@bob:home"] }));
    assert_eq!(messages[0].at, LATENCY, "nothing comes before the first word");
    assert!(stage.homeserver.reactions().is_empty() && stage.homeserver.typing().is_empty());
    assert_eq!(stage.homeserver.read(), [(event("$question"), None)], "a thread's root stands outside of it");
    assert_eq!(stage.parts(&turn).await, [event("$0")]);
}

/// S6: an answer that ends before its preparation does waits for it, and is said: neither holds the other up.
#[tokio::test(start_paused = true)]
async fn an_end_at_once_is_said() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    stage.homeserver.prepare_within(LATENCY);
    let deeds = [Deed::Say(Reply::Failed("It refused.".to_owned()))];
    let (end, _) =
        time::timeout(Duration::from_secs(30), stage.speak(&turn, &deeds)).await.expect("it comes to an end");
    assert_eq!(end, TurnEnd::Failed);
    assert_eq!(stage.visible(), ["⚠️ It refused."]);
}

/// N3: every event has a transaction id made from turn and part, and is written down before it is requested.
#[tokio::test(start_paused = true)]
async fn transactions_are_made_from_turn_and_part() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let deeds = [text("a"), Deed::Wait(600), text("ab"), Deed::Wait(100), FINISHED];
    stage.speak(&turn, &deeds).await;
    assert_eq!(stage.homeserver.tries(), ["t1.first", "t1.1.edit.1", "t1.1.final.0"]);
}

/// S4, S1, C7: who waits longer gets a placeholder, sees typing, and is offered to stop; all of it goes at the end.
#[tokio::test(start_paused = true)]
async fn a_slow_answer_shows_that_it_comes() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    stage.speak(&turn, &[Deed::Wait(20_000), text("Done."), FINISHED]).await;
    assert_eq!(stage.visible(), ["Done."]);
    let messages = stage.homeserver.messages();
    assert_eq!((messages[0].text(), messages[0].at), ("…", Duration::from_millis(1_500) + LATENCY));
    let [sign] = stage.homeserver.reactions().try_into().unwrap();
    let on = json!({ "rel_type": "m.annotation", "event_id": "$0", "key": "🛑" });
    assert_eq!(sign.content["m.relates_to"], on);
    assert_eq!(stage.homeserver.taken_back(), [sign.event]);
    let typing: Vec<Typing> = stage.homeserver.typing().into_iter().map(|(typing, _)| typing).collect();
    assert_eq!(typing, [Typing::On, Typing::On, Typing::On, Typing::Off]);
    assert_eq!(stage.homeserver.typing()[0].1, Duration::from_millis(100) + LATENCY);
    assert_eq!(stage.homeserver.read().len(), 1);
}

/// S1: on 429 edits rest as long as they are told to; the end is repeated until it is there, and comes once.
#[tokio::test(start_paused = true)]
async fn a_hurried_homeserver_gets_its_rest() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let pause = Duration::from_secs(4);
    let deeds = [text("a"), Deed::Wait(600), text("ab"), Deed::Wait(200), text("abc"), Deed::Wait(100), FINISHED];
    let failing = async {
        time::sleep(Duration::from_millis(500)).await;
        stage.homeserver.fail(&[Fault::Limited(pause), Fault::Limited(pause)]);
    };
    let (spoken, ()) = tokio::join!(stage.speak(&turn, &deeds), failing);
    assert_eq!(spoken.0, TurnEnd::Done);
    assert_eq!(stage.homeserver.tries(), ["t1.first", "t1.1.edit.1", "t1.1.final.0", "t1.1.final.0"]);
    assert_eq!(stage.only_final().at, Duration::from_millis(900) + LATENCY + pause + LATENCY);
    assert_eq!(stage.visible(), ["abc"]);
}

/// S4: an offer to stop that never arrived isn't taken back; one that may have arrived is.
#[tokio::test(start_paused = true)]
async fn only_a_sign_that_stands_is_taken_down() {
    for (fault, stands) in
        [(Fault::Limited(Duration::from_secs(1)), false), (Fault::Forbidden, false), (Fault::Lost, true)]
    {
        let stage = Stage::new();
        let turn = stage.begin().await;
        let failing = async {
            time::sleep(Duration::from_secs(1)).await;
            stage.homeserver.fail(std::slice::from_ref(&fault));
        };
        let deeds = [text("a"), Deed::Wait(5_000), FINISHED];
        let ((end, _), ()) = tokio::join!(stage.speak(&turn, &deeds), failing);
        assert_eq!(end, TurnEnd::Done);
        let signs = stage.homeserver.reactions().len();
        assert_eq!(
            (signs, stage.homeserver.taken_back().len()),
            (usize::from(stands), usize::from(stands)),
            "{fault:?}"
        );
    }
}

/// N3: a first message whose answer got lost isn't sent twice; the answer goes on in it.
#[tokio::test(start_paused = true)]
async fn a_lost_response_makes_no_second_message() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    stage.homeserver.fail(&[Fault::Lost, Fault::Away]);
    let deeds = [text("a"), Deed::Wait(10_000), text("ab"), Deed::Wait(50), FINISHED];
    assert_eq!(stage.speak(&turn, &deeds).await.0, TurnEnd::Done);
    assert_eq!(stage.visible(), ["ab"]);
    assert_eq!(stage.only_final().edits(), Some("$0"));
    assert_eq!(stage.parts(&turn).await, [event("$0")]);
}

/// N3: the same when the end comes before the first message was found again: it is found, not sent with other words.
#[tokio::test(start_paused = true)]
async fn an_end_finds_the_message_that_got_lost() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    stage.homeserver.fail(&[Fault::Lost]);
    assert_eq!(stage.speak(&turn, &[text("a"), Deed::Wait(100), text("whole"), FINISHED]).await.0, TurnEnd::Done);
    assert_eq!(stage.visible(), ["whole"]);
    stage.only_final();
}

/// N3: a final edit whose answer got lost is repeated under the same name, and is there once.
#[tokio::test(start_paused = true)]
async fn a_lost_end_is_repeated() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let deeds = [text("a"), Deed::Wait(100), Deed::Say(Reply::Finished)];
    let failing = async {
        time::sleep(Duration::from_millis(50)).await;
        stage.homeserver.fail(&[Fault::Lost, Fault::Away, Fault::Lost]);
    };
    let (spoken, ()) = tokio::join!(stage.speak(&turn, &deeds), failing);
    assert_eq!(spoken.0, TurnEnd::Done);
    stage.only_final();
    assert_eq!(stage.homeserver.tries().iter().filter(|name| *name == "t1.1.final.0").count(), 4);
}

/// S1: while the line is down edits are left out and the end waits.
#[tokio::test(start_paused = true)]
async fn the_end_waits_for_the_line() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let deeds = [text("a"), Deed::Wait(2_000), text("ab"), Deed::Wait(2_000), FINISHED];
    let line = async {
        time::sleep(Duration::from_secs(1)).await;
        stage.switchboard.disconnect(&entity("writer"));
        time::sleep(Duration::from_mins(10)).await;
        stage.switchboard.connect(entity("writer"), std::sync::Arc::new(stage.homeserver.clone()));
    };
    let (spoken, ()) = tokio::join!(stage.speak(&turn, &deeds), line);
    assert_eq!(spoken.0, TurnEnd::Done);
    assert_eq!(stage.homeserver.messages().len(), 2);
    assert_eq!(stage.only_final().at, Duration::from_secs(601) + LATENCY, "at once when it is back");
}

/// S4: a stop keeps what was said and marks it, at once.
#[tokio::test(start_paused = true)]
async fn a_stop_keeps_what_was_said() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let deeds = [text("One"), Deed::Wait(5_000), text("One two"), Deed::Wait(10), Deed::Halt(Halted::Stopped)];
    assert_eq!(stage.speak(&turn, &deeds).await, (TurnEnd::Stopped, "One two".to_owned()));
    assert_eq!(stage.visible(), ["One two\n\n… (stopped)"]);
    let last = stage.only_final();
    assert!(last.at <= Duration::from_millis(5_010) + 3 * LATENCY, "{last:?}");
    assert_eq!(stage.homeserver.taken_back(), [stage.homeserver.reactions()[0].event.clone()]);
    assert_eq!(stage.homeserver.typing().last().unwrap().0, Typing::Off);
}

/// S4, S8: what nobody saw leaves nothing behind.
#[tokio::test(start_paused = true)]
async fn a_stop_before_the_first_word_says_nothing() {
    for why in [Halted::Stopped, Halted::Deleted, Halted::Gone] {
        let stage = Stage::new();
        let turn = stage.begin().await;
        let spoken = stage.speak(&turn, &[Deed::Wait(1_000), Deed::Halt(why)]).await;
        assert_eq!(spoken, (TurnEnd::Stopped, String::new()), "{why:?}");
        assert!(stage.homeserver.messages().is_empty());
    }
}

/// I11: in a room that is closed to us nothing more is tried.
#[tokio::test(start_paused = true)]
async fn nothing_is_said_in_a_closed_room() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let spoken = stage.speak(&turn, &[text("a"), Deed::Wait(500), Deed::Halt(Halted::Gone)]).await;
    assert_eq!(spoken.0, TurnEnd::Stopped);
    assert_eq!(stage.homeserver.messages().len(), 1);
}

/// S6: a failure is told in the same message, below what was said.
#[tokio::test(start_paused = true)]
async fn a_failure_is_told() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let failed = Deed::Say(Reply::Failed("The model small is overloaded.".to_owned()));
    assert_eq!(stage.speak(&turn, &[text("So"), Deed::Wait(100), failed]).await.0, TurnEnd::Failed);
    assert_eq!(stage.visible(), ["So\n\n⚠️ The model small is overloaded."]);
}

/// S6: a mind that breaks without a word is told, too.
#[tokio::test(start_paused = true)]
async fn a_broken_mind_is_told() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    assert_eq!(stage.speak(&turn, &[]).await.0, TurnEnd::Failed);
    let [seen] = stage.visible().try_into().unwrap();
    assert!(seen.contains("broke") && seen.contains("t1"), "{seen}");
}

/// S10: what can't be said is recorded and given up.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_forbidden_is_recorded() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    stage.homeserver.close_room(&room("lobby"), Fault::Forbidden);
    assert_eq!(stage.speak(&turn, &[text("a"), Deed::Wait(60_000), FINISHED]).await.0, TurnEnd::Failed);
    assert_eq!(stage.homeserver.tries(), ["t1.first"], "not tried for ever");
    let audit = stage.store.audit_log(5).await.unwrap();
    assert_eq!((audit[0].kind.as_str(), audit[0].entity.clone()), ("undeliverable", Some(entity("writer"))));
    assert!(audit[0].text.contains("M_FORBIDDEN"), "{audit:?}");
}

/// W2: who was asked as well and can't answer is named at the end.
#[tokio::test(start_paused = true)]
async fn the_missing_are_named() {
    let stage = Stage::new();
    let mut turn = stage.begin().await;
    turn.missing = vec![Missing { name: entity("critic"), why: "is not online".to_owned() }];
    stage.speak(&turn, &[text("Fine."), FINISHED]).await;
    assert_eq!(stage.visible(), ["Fine.\n\n*(critic is not online.)*"]);
}

/// S1: `streaming: final` says nothing before the end; S3: what is too long for one event comes in parts, in order.
#[tokio::test(start_paused = true)]
async fn an_answer_may_come_as_a_whole_and_in_parts() {
    let stage = Stage::with("defaults: {streaming: final}\n");
    let turn = stage.begin().await;
    let long = "word ".repeat(9_000);
    stage.speak(&turn, &[text("word"), Deed::Wait(5_000), text(&long), FINISHED]).await;
    let messages = stage.homeserver.messages();
    assert!(messages.len() > 1 && messages.iter().all(|sent| sent.is_final() && sent.edits().is_none()));
    let said: Vec<String> = stage.visible();
    assert_eq!(said.join(" ").trim(), long.trim());
    assert_eq!(stage.homeserver.tries()[..2], ["t1.first", "t1.1.final.1"]);
    assert_eq!(stage.parts(&turn).await.len(), messages.len());
}

/// Performance: most answers mention nobody, and ask for nobody's name.
#[tokio::test(start_paused = true)]
async fn names_are_asked_only_for_mentions() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    stage.speak(&turn, &[text("Nobody."), FINISHED]).await;
    assert_eq!(stage.homeserver.names_asked(), 0);
}

/// C7: of two answers in a room the last one's end clears typing, also when the other one's was what people saw.
#[tokio::test(start_paused = true)]
async fn the_last_of_two_answers_clears_typing() {
    let stage = Stage::new();
    let slow = stage.begin().await;
    let quick = Turn { id: TurnId::parse("t2").unwrap(), ..slow.clone() };
    let voice = stage.voice();
    let first = [text("a"), Deed::Wait(1_000), FINISHED];
    let second = [Deed::Wait(40), text("b"), FINISHED];
    tokio::join!(stage.speak_by(&voice, &slow, &first, pending()), async {
        time::sleep(Duration::from_millis(990)).await;
        stage.speak_by(&voice, &quick, &second, pending()).await
    });
    let typing: Vec<Typing> = stage.homeserver.typing().into_iter().map(|(typing, _)| typing).collect();
    assert_eq!(typing, [Typing::On, Typing::Off]);
}

/// C7: the end of typing never overtakes a beginning that is still under way.
#[tokio::test(start_paused = true)]
async fn a_late_beginning_does_not_outlive_the_end() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    stage.homeserver.dawdle(&[Duration::from_millis(900); 2]);
    stage.speak(&turn, &[text("a"), Deed::Wait(200), FINISHED]).await;
    assert_eq!(stage.homeserver.typing().last().unwrap().0, Typing::Off, "{:?}", stage.homeserver.typing());
}

/// S6: when a bug breaks the voice in the middle of an answer, the answer ends with a plain sentence, and nothing beside
/// it stays behind.
#[tokio::test(start_paused = true)]
async fn a_broken_voice_ends_its_answer() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let breaking = async {
        time::sleep(Duration::from_secs(4)).await;
        stage.homeserver.break_down();
    };
    let deeds = [text("Half"), Deed::Wait(5_000), text("Half @bob"), Deed::Wait(5_000), FINISHED];
    let ((end, _), ()) = tokio::join!(stage.speak(&turn, &deeds), breaking);
    assert_eq!(end, TurnEnd::Failed);
    let [seen] = stage.visible().try_into().unwrap();
    assert!(seen.contains("broke") && seen.contains("t1"), "{seen}");
    stage.only_final();
    assert_eq!(stage.homeserver.taken_back(), [stage.homeserver.reactions()[0].event.clone()]);
    assert_eq!(stage.homeserver.typing().last().unwrap().0, Typing::Off);
}

/// I8: when the program stops, an answer takes less than a second of the grace, whatever hangs.
#[tokio::test(start_paused = true)]
async fn nothing_that_hangs_holds_up_the_programs_end() {
    let forever = [Duration::from_hours(1); 9];
    for deeds in [[text("a"), Deed::Wait(4_200), FINISHED], [text("a"), Deed::Wait(2_900), FINISHED]] {
        let stage = Stage::new();
        let turn = stage.begin().await;
        stage.homeserver.dawdle(&forever);
        let began = Instant::now();
        stage.speak_until(&turn, &deeds, time::sleep(Duration::from_secs(4))).await;
        let took = began.elapsed();
        assert!(took > Duration::from_secs(3) && took < Duration::from_secs(5), "{took:?}");
    }
}
