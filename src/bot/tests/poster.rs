//! What is said outside answers: in order, once, and with everything that people may tap.

use std::{sync::Arc, time::Duration};

use tokio::time;

use super::{
    homeserver::Fault,
    stage::{Deed, FINISHED, Stage, entity, event, room, text},
};
use crate::{
    bot::Poster,
    model::{Conversation, Millis, Notice, Poll, PollAbout, PollOption, TurnEnd},
    nursery::Stop,
    observe,
};

fn notice(id: &str, room_name: &str) -> Notice {
    let conversation = Conversation { room: room(room_name), thread: None };
    Notice {
        id: id.to_owned(),
        speaker: entity("writer"),
        conversation,
        reply_to: None,
        text: id.to_owned(),
        poll: None,
    }
}

fn question(id: &str) -> Notice {
    let option = |key: &str| PollOption { key: key.to_owned(), value: key.to_owned() };
    let poll = Poll { about: PollAbout::Encrypt, options: vec![option("✅"), option("❌")], asker: None };
    Notice { poll: Some(poll), ..notice(id, "lobby") }
}

impl Stage {
    async fn save(&self, notice: &Notice) {
        assert!(self.store.save_notice(notice, observe::now()).await.unwrap());
    }

    /// Posts while `deeds` happen, and for so long after them.
    async fn post(&self, time_max: Duration, deeds: impl Future<Output = ()>) {
        let poster = Poster::new(self.config.clone(), self.store.clone(), self.lines.clone());
        let stop = Stop::default();
        let stopping = async {
            deeds.await;
            time::sleep(time_max).await;
            stop.ask();
        };
        tokio::join!(poster.run(stop.clone()), stopping);
    }

    async fn post_for(&self, time_max: Duration) {
        self.post(time_max, async {}).await;
    }
}

/// N3: notices are said in order, once, also those of an earlier life.
#[tokio::test(start_paused = true)]
async fn notices_are_said_in_order_and_once() {
    let mut stage = Stage::new();
    for id in ["a", "b", "c"] {
        stage.save(&notice(id, "lobby")).await;
    }
    stage.homeserver.fail(&[Fault::Lost, Fault::Limited(Duration::from_secs(3))]);
    stage.post_for(Duration::from_mins(1)).await;
    stage.crash();
    stage.post_for(Duration::from_mins(1)).await;
    assert_eq!(stage.visible(), ["a", "b", "c"]);
    assert_eq!(stage.homeserver.messages()[0].content["msgtype"], "m.notice");
    let found = stage.store.notice_at(&room("lobby"), &event("$1")).await.unwrap().unwrap();
    assert_eq!((found.notice.id.as_str(), found.shown), ("b", 1));
}

/// R2: a question comes with its taps, in order, once, also when the power is cut in between.
#[tokio::test(start_paused = true)]
async fn a_question_comes_with_its_taps() {
    let mut stage = Stage::new();
    stage.save(&question("q")).await;
    drop(time::timeout(Duration::from_millis(45), stage.post_for(Duration::from_mins(1))).await);
    assert_eq!(stage.homeserver.sent().len(), 2, "one tap is missing");
    stage.crash();
    stage.post_for(Duration::from_mins(1)).await;
    let keys: Vec<_> =
        stage.homeserver.reactions().iter().map(|sent| sent.content["m.relates_to"]["key"].clone()).collect();
    assert_eq!(keys, ["✅", "❌"]);
    assert_eq!(stage.visible(), ["q"]);
    assert!(stage.store.pending_notices(9).await.unwrap().is_empty());
}

/// E1: what is worded anew is edited in place, at once.
#[tokio::test(start_paused = true)]
async fn a_new_wording_is_shown_in_place() {
    let stage = Stage::new();
    stage.save(&notice("a", "lobby")).await;
    let deeds = async {
        time::sleep(Duration::from_secs(1)).await;
        assert!(stage.store.reword_notice("a", "✓").await.unwrap());
    };
    stage.post(Duration::from_secs(1), deeds).await;
    assert_eq!(stage.visible(), ["✓"]);
    assert_eq!(stage.homeserver.messages().len(), 2);
}

/// S10: a room that is closed to us holds nobody else up, and what can't be said there is recorded and given up.
#[tokio::test(start_paused = true)]
async fn a_dead_room_holds_nobody_up() {
    let stage = Stage::new();
    for (id, room_name) in [("a", "dead"), ("b", "shut"), ("c", "lobby")] {
        stage.save(&notice(id, room_name)).await;
    }
    stage.homeserver.close_room(&room("dead"), Fault::Away);
    stage.homeserver.close_room(&room("shut"), Fault::Forbidden);
    stage.post_for(Duration::from_millis(100)).await;
    assert_eq!(stage.visible(), ["c"]);
    let audit = stage.store.audit_log(5).await.unwrap();
    assert_eq!((audit.len(), audit[0].room.clone()), (1, Some(room("shut"))));
    stage.homeserver.open_room(&room("dead"));
    stage.post_for(Duration::from_mins(1)).await;
    assert_eq!(stage.visible(), ["c", "a"]);
}

/// S10: a speaker who is away holds up nobody else in the room, and speaks as soon as it is back.
#[tokio::test(start_paused = true)]
async fn an_absent_speaker_holds_nobody_up() {
    let stage = Stage::new();
    stage.save(&Notice { speaker: entity("critic"), ..notice("a", "lobby") }).await;
    stage.save(&notice("b", "lobby")).await;
    let back = async {
        time::sleep(Duration::from_mins(10)).await;
        assert_eq!(stage.visible(), ["b"]);
        stage.switchboard.connect(entity("critic"), Arc::new(stage.homeserver.clone()));
    };
    stage.post(Duration::from_millis(100), back).await;
    assert_eq!(stage.visible(), ["b", "a"]);
}

/// N3: a notice that nobody noted before the homeserver forgot it is found in the room.
#[tokio::test(start_paused = true)]
async fn an_old_notice_is_looked_for() {
    let stage = Stage::new();
    stage.store.save_notice(&notice("a", "lobby"), Millis(1)).await.unwrap();
    stage.homeserver.fail(&[Fault::Lost]);
    let forget = async {
        time::sleep(Duration::from_millis(100)).await;
        stage.homeserver.forget();
    };
    stage.post(Duration::from_mins(1), forget).await;
    assert_eq!(stage.visible(), ["a"]);
    let messages = stage.homeserver.messages();
    assert!(messages[1..].iter().all(|sent| sent.edits() == Some("$0")), "{messages:?}");
}

/// N3, I8: what an answer left unsaid when the program stopped is said after the next start.
#[tokio::test(start_paused = true)]
async fn leftover_words_are_said() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let stop = async {
        time::sleep(Duration::from_millis(900)).await;
        stage.homeserver.fail(&[Fault::Away, Fault::Away, Fault::Away]);
        time::sleep(Duration::from_secs(1)).await;
    };
    let deeds = [text("Half"), Deed::Wait(1_000), text("Whole"), FINISHED];
    let (end, said) = stage.speak_until(&turn, &deeds, stop).await;
    assert_eq!((end, stage.visible()), (TurnEnd::Done, vec!["Half".to_owned()]));
    stage.store.end_turn(&turn.id, end, &said, observe::now()).await.unwrap();
    stage.post_for(Duration::from_mins(1)).await;
    assert_eq!(stage.visible(), ["Whole"]);
    stage.only_final();
}

/// N3: a further part that was sent before the program stopped, and that the homeserver forgot, isn't said twice.
#[tokio::test(start_paused = true)]
async fn a_leftover_part_is_looked_for() {
    let stage = Stage::new();
    let turn = stage.begin().await;
    let long = "word ".repeat(20_000);
    let stop = async {
        while stage.homeserver.messages().len() < 2 {
            time::sleep(Duration::from_millis(1)).await;
        }
        stage.homeserver.fail(&[Fault::Lost, Fault::Away, Fault::Away, Fault::Away]);
        time::sleep(Duration::from_millis(100)).await;
    };
    let (end, said) = stage.speak_until(&turn, &[text(&long), FINISHED], stop).await;
    stage.store.end_turn(&turn.id, end, &said, observe::now()).await.unwrap();
    assert!(!stage.store.outbox_pending(9).await.unwrap().is_empty());
    stage.homeserver.forget();
    stage.post_for(Duration::from_mins(1)).await;
    let shown = stage.visible().iter().map(|part| part.matches("word").count()).sum::<usize>();
    assert_eq!((end, shown), (TurnEnd::Done, 20_000));
}

/// S4: an offer to stop that an answer could not take back is taken back later, also after a crash; none is made anew.
#[tokio::test(start_paused = true)]
async fn a_leftover_sign_is_taken_back() {
    for crashes in [false, true] {
        let mut stage = Stage::new();
        let turn = stage.begin().await;
        let away = async {
            time::sleep(Duration::from_secs(4)).await;
            stage.homeserver.close_room(&room("lobby"), Fault::Away);
            time::sleep(Duration::from_mins(1)).await;
        };
        let deeds = [text("a"), Deed::Wait(3_990), FINISHED];
        let (end, said) = stage.speak_until(&turn, &deeds, away).await;
        stage.store.end_turn(&turn.id, end, &said, observe::now()).await.unwrap();
        if crashes {
            stage.crash();
        }
        stage.homeserver.open_room(&room("lobby"));
        stage.post_for(Duration::from_mins(2)).await;
        let [sign] = stage.homeserver.reactions().try_into().unwrap();
        assert_eq!(stage.homeserver.taken_back(), [sign.event], "crashes: {crashes}");
        assert_eq!((end, stage.visible()), (TurnEnd::Done, vec!["a".to_owned()]));
    }
}

/// A bug that one notice brings out is that notice's failure: it is given up in the end, and the others are said.
#[tokio::test(start_paused = true)]
async fn a_notice_that_breaks_harms_no_other() {
    let stage = Stage::new();
    stage.save(&Notice { text: "for @bob".to_owned(), ..notice("a", "lobby") }).await;
    stage.save(&notice("b", "elsewhere")).await;
    stage.homeserver.break_down();
    stage.post_for(Duration::from_mins(30)).await;
    assert_eq!(stage.visible(), ["b"]);
    assert!(stage.store.pending_notices(9).await.unwrap().is_empty());
    assert!(stage.store.audit_log(5).await.unwrap()[0].text.contains("broken on purpose"));
}
