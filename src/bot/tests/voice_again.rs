//! An answer that is given again: after a crash, after a stop of the program, after an edit of the question.

use std::time::Duration;

use tokio::time;

use super::{
    homeserver::{Fault, Sent},
    stage::{Deed, FINISHED, Stage, event, text},
};
use crate::{
    broker::Halted,
    model::{Reply, TurnEnd},
    store::LetterSort,
};

/// N4: after a crash, an answer goes on in the message that is visible, and ends once; its 🛑 is taken back.
#[tokio::test(start_paused = true)]
async fn an_answer_goes_on_after_a_crash() {
    let mut stage = Stage::new();
    let turn = stage.begin().await;
    stage.speak_and_die(&turn, &[text("Half"), Deed::Wait(60_000)], Duration::from_secs(5)).await;
    let turn = stage.resume(&turn).await;
    assert_eq!((turn.attempt, turn.parts.len()), (2, 1));
    let spoken = stage.speak(&turn, &[text("Whole"), Deed::Wait(3_000), FINISHED]).await;
    assert_eq!(spoken, (TurnEnd::Done, "Whole".to_owned()));
    assert_eq!(stage.visible(), ["Whole"]);
    stage.only_final();
    let [sign] = stage.homeserver.reactions().try_into().unwrap();
    assert_eq!(stage.homeserver.taken_back(), [sign.event]);
}

/// N3, N4: a crash between the request and its answer makes no second message, even when the homeserver forgot it.
#[tokio::test(start_paused = true)]
async fn a_first_message_that_nobody_noted_is_found() {
    for forgets in [false, true] {
        let mut stage = Stage::new();
        let turn = stage.begin().await;
        stage.homeserver.fail(&[Fault::Lost]);
        stage.speak_and_die(&turn, &[text("Half"), Deed::Wait(60_000)], Duration::from_millis(30)).await;
        assert_eq!(stage.visible(), ["Half"]);
        if forgets {
            stage.homeserver.forget();
        }
        let turn = stage.resume(&turn).await;
        assert!(turn.parts.is_empty());
        stage.speak(&turn, &[text("Whole"), FINISHED]).await;
        assert_eq!(stage.visible(), ["Whole"], "forgets: {forgets}");
        stage.only_final();
        assert_eq!(stage.parts(&turn).await, [event("$0")]);
    }
}

/// N3, N4: at whatever moment the power is cut, and whatever the homeserver does meanwhile: people see one message, with
/// the whole answer, and nothing that offers to stop it.
#[tokio::test(start_paused = true)]
async fn an_answer_is_seen_once_whenever_the_power_is_cut() {
    let slow = Duration::from_millis(300);
    let weathers = [vec![], vec![Fault::Lost], vec![Fault::Away, Fault::Lost], vec![Fault::Limited(slow), Fault::Lost]];
    for (weather, faults) in weathers.iter().enumerate() {
        for cut_at in (0..4_000).step_by(61) {
            let mut stage = Stage::new();
            let turn = stage.begin().await;
            stage.homeserver.fail(faults);
            let deeds = [Deed::Wait(5), text("So"), Deed::Wait(1_800), text("So far"), Deed::Wait(1_900), FINISHED];
            stage.speak_and_die(&turn, &deeds, Duration::from_millis(cut_at)).await;
            let turn = stage.resume(&turn).await;
            let (end, _) = stage.speak(&turn, &[text("Who"), Deed::Wait(900), text("Whole"), FINISHED]).await;
            assert_eq!((end, stage.visible()), (TurnEnd::Done, vec!["Whole".to_owned()]), "{weather} cut at {cut_at}");
            let signs = stage.homeserver.reactions().len();
            assert_eq!(signs, stage.homeserver.taken_back().len(), "{weather} cut at {cut_at}");
        }
    }
}

/// I8: when the program stops, what was said stays as it is, and the next start goes on with it.
#[tokio::test(start_paused = true)]
async fn an_answer_is_put_aside() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let deeds = [text("Half"), Deed::Wait(60_000)];
    let spoken = stage.speak_until(&turn, &deeds, time::sleep(Duration::from_secs(5))).await;
    assert_eq!(spoken, (TurnEnd::Suspended, "Half".to_owned()));
    assert_eq!(stage.visible(), ["Half"]);
    assert!(stage.homeserver.taken_back().is_empty(), "it goes on");
}

/// N9, S1, S4: what stands of an answer that is given up is closed, and nothing offers to stop it.
#[tokio::test(start_paused = true)]
async fn a_broken_answer_is_closed() {
    let mut stage = Stage::new();
    let turn = stage.begin().await;
    stage.speak_and_die(&turn, &[text("Half"), Deed::Wait(60_000)], Duration::from_secs(5)).await;
    let turn = stage.resume(&turn).await;
    stage.hear_back(&turn, "Half", false).await;
    let spoken = stage.speak(&turn, &[Deed::Halt(Halted::Broken)]).await;
    assert_eq!(spoken, (TurnEnd::Failed, "Half".to_owned()));
    assert_eq!(stage.visible(), ["Half\n\n⚠️ This answer broke off."]);
    stage.only_final();
    let [sign] = stage.homeserver.reactions().try_into().unwrap();
    assert_eq!(stage.homeserver.taken_back(), [sign.event]);
}

/// S4: a 🛑 of which nobody knows, and that the homeserver knows only as a reaction that stands there, is found and taken back.
#[tokio::test(start_paused = true)]
async fn a_sign_that_nobody_noted_is_found() {
    let mut stage = Stage::new();
    let turn = stage.begin().await;
    let lose = async {
        while stage.homeserver.messages().is_empty() {
            time::sleep(Duration::from_millis(1)).await;
        }
        time::sleep(Duration::from_millis(100)).await;
        stage.homeserver.fail(&[Fault::Lost]);
        time::sleep(Duration::from_secs(5)).await;
    };
    let deeds = [text("Half"), Deed::Wait(60_000)];
    tokio::select! {
        biased;
        _ = stage.speak(&turn, &deeds) => {}
        () = lose => {}
    }
    assert_eq!(stage.homeserver.reactions().len(), 1);
    stage.crash();
    stage.homeserver.forget();
    let turn = stage.resume(&turn).await;
    stage.speak(&turn, &[text("Whole"), FINISHED]).await;
    let [sign] = stage.homeserver.reactions().try_into().unwrap();
    assert_eq!(stage.homeserver.taken_back(), [sign.event]);
}

/// S7: when the question is edited, the answer says no last word; the next attempt goes on in the same message.
#[tokio::test(start_paused = true)]
async fn an_edited_question_is_answered_in_place() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let deeds = [text("Old"), Deed::Wait(2_000), text("Old ideas"), Deed::Wait(1), Deed::Halt(Halted::Edited)];
    assert_eq!(stage.speak(&turn, &deeds).await.0, TurnEnd::Stopped);
    assert!(stage.homeserver.messages().iter().all(|sent| !sent.is_final()));
    let turn = stage.resume(&turn).await;
    stage.speak(&turn, &[text("New"), Deed::Wait(3_000), FINISHED]).await;
    assert_eq!(stage.visible(), ["New"]);
    let signs = stage.homeserver.reactions();
    assert_eq!((signs.len(), stage.homeserver.taken_back().len()), (1, 1));
}

/// N3, N4: a further message of a long answer that went out just before a crash is known again: the next attempt writes over
/// it, or takes it back, also when the homeserver has forgotten it.
#[tokio::test(start_paused = true)]
async fn further_messages_that_nobody_noted_are_found() {
    let long = "word ".repeat(20_000);
    for (next, forgets) in [(long.as_str(), false), (long.as_str(), true), ("Short.", false), ("Short.", true)] {
        for cut_at in (20..200).step_by(10) {
            let mut stage = Stage::new();
            let turn = stage.begin().await;
            stage.speak_and_die(&turn, &[text(&long), FINISHED], Duration::from_millis(cut_at)).await;
            if forgets {
                stage.homeserver.forget();
            }
            let turn = stage.resume(&turn).await;
            stage.speak(&turn, &[text(next), FINISHED]).await;
            let said: Vec<String> = stage.visible().iter().map(|part| part.trim().to_owned()).collect();
            assert_eq!(said.join(" "), next.trim(), "cut at {cut_at}, forgets: {forgets}");
            assert_eq!(stage.parts(&turn).await.len(), said.len());
        }
    }
}

/// S4, N3: an edit of which nobody knows whether it arrived may stand in the room: who is stopped then has a last word.
#[tokio::test(start_paused = true)]
async fn a_stop_writes_over_a_lost_edit() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    stage.speak(&turn, &[text("Whole"), FINISHED]).await;
    stage.store.end_turn(&turn.id, TurnEnd::Done, "Whole", crate::observe::now()).await.unwrap();
    let turn = stage.resume(&turn).await;
    stage.hear_back(&turn, "Whole", true).await;
    stage.homeserver.fail(&[Fault::Lost]);
    stage.speak(&turn, &[text("New"), Deed::Wait(100), Deed::Halt(Halted::Deleted)]).await;
    let messages = stage.homeserver.messages();
    assert!(messages.len() > 2 && messages.last().is_some_and(Sent::is_final), "{messages:?}");
}

/// S7: an answer that is given again and became shorter takes back what it no longer needs.
#[tokio::test(start_paused = true)]
async fn a_shorter_answer_takes_back_its_surplus() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    stage.speak(&turn, &[text(&"word ".repeat(20_000)), FINISHED]).await;
    let many = stage.visible().len();
    assert!(many > 2);
    stage.store.end_turn(&turn.id, TurnEnd::Done, "", crate::observe::now()).await.unwrap();
    let turn = stage.resume(&turn).await;
    assert_eq!(turn.parts.len(), many);
    stage.speak(&turn, &[text("Short."), FINISHED]).await;
    assert_eq!(stage.visible(), ["Short."]);
    assert_eq!(stage.parts(&turn).await, turn.parts[..1]);
}

/// S4, N4: what an attempt before a crash said is kept by a stop before the next one's first word.
#[tokio::test(start_paused = true)]
async fn a_stop_keeps_what_was_said_before_a_crash() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let deeds = [text("Half"), Deed::Wait(60_000)];
    let (end, said) = stage.speak_until(&turn, &deeds, time::sleep(Duration::from_secs(1))).await;
    stage.store.end_turn(&turn.id, end, &said, crate::observe::now()).await.unwrap();
    let turn = stage.resume(&turn).await;
    let spoken = stage.speak(&turn, &[Deed::Halt(Halted::Stopped)]).await;
    assert_eq!(spoken, (TurnEnd::Stopped, "Half".to_owned()));
    assert_eq!(stage.visible(), ["Half\n\n… (stopped)"]);
}

/// N3: when the program stops while the homeserver is away, the last words are written down and sent by the next start.
#[tokio::test(start_paused = true)]
async fn last_words_outlive_the_program() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let deeds = [text("Half"), Deed::Wait(1_000), text("Whole"), Deed::Wait(1_000), Deed::Say(Reply::Finished)];
    let stop = async {
        time::sleep(Duration::from_millis(1_900)).await;
        stage.homeserver.fail(&vec![Fault::Away; 100]);
        time::sleep(Duration::from_secs(10)).await;
    };
    let (end, said) = stage.speak_until(&turn, &deeds, stop).await;
    assert_eq!((end, said.as_str()), (TurnEnd::Done, "Whole"));
    assert!(stage.store.outbox_pending(9).await.unwrap().is_empty(), "as long as it runs, it is the turn's own");
    stage.store.end_turn(&turn.id, end, &said, crate::observe::now()).await.unwrap();
    let left = stage.store.outbox_pending(9).await.unwrap();
    assert_eq!((left.len(), left[0].transaction.as_str()), (1, "t1.1.final.0"));
}

/// S4: a 🛑 that can't be taken back while a gateway has nobody behind it is written down, and taken back later.
#[tokio::test(start_paused = true)]
async fn a_sign_that_a_gateway_keeps_up_is_not_forgotten() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let trouble = async {
        while !stage.homeserver.messages().iter().any(Sent::is_final) {
            time::sleep(Duration::from_millis(1)).await;
        }
        stage.homeserver.close_room(&turn.conversation.room, Fault::Trouble);
    };
    let deeds = [Deed::Wait(20_000), text("Done."), FINISHED];
    let ((end, said), ()) = tokio::join!(stage.speak(&turn, &deeds), trouble);
    stage.store.end_turn(&turn.id, end, &said, crate::observe::now()).await.unwrap();
    assert!(stage.homeserver.taken_back().is_empty());
    let left = stage.store.outbox_pending(9).await.unwrap();
    assert_eq!(left.iter().map(|letter| letter.sort).collect::<Vec<_>>(), [LetterSort::Reaction]);
}

/// S1, N4: an attempt that a crash cut off had begun to write over an answer that was whole, and the journal doesn't know yet.
/// Stopped before its first word, the next one says again what was whole.
#[tokio::test(start_paused = true)]
async fn what_was_written_over_is_said_again() {
    let mut stage = Stage::new();
    let turn = stage.begin().await;
    stage.speak(&turn, &[text("Whole."), FINISHED]).await;
    stage.store.end_turn(&turn.id, TurnEnd::Done, "Whole.", crate::observe::now()).await.unwrap();
    let turn = stage.resume(&turn).await;
    stage.hear_back(&turn, "Whole.", true).await;
    stage.speak_and_die(&turn, &[text("Well"), Deed::Wait(60_000)], Duration::from_secs(2)).await;
    assert_eq!(stage.visible(), ["Well"]);
    let turn = stage.resume(&turn).await;
    let spoken = stage.speak(&turn, &[Deed::Halt(Halted::Deleted)]).await;
    assert_eq!(spoken, (TurnEnd::Stopped, "Whole.".to_owned()));
    assert_eq!(stage.visible(), ["Whole."]);
    assert!(stage.homeserver.messages().last().unwrap().is_final());
}
