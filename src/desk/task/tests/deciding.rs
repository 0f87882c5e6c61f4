//! Who answers, from what came in to the order that is given.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::stage::{
    Answering, Stage, answer, asks, completed, deletion, edit, event, in_thread, incoming, main_timeline, message,
    name, person, replying, tap, thread, user,
};
use crate::{
    model::{Content, Incoming, Priority, Responder, Sealed, SealedCause, Standing},
    routing::Routed,
    store::DecisionAction,
};

const WHOLE: Answering<'static> = Answering { hops: 1, root: "1", last: true };
const GROWING: Answering<'static> = Answering { last: false, ..WHOLE };

/// W3, C1, W14: whoever is mentioned answers, in a new thread; the decision is kept with its candidates and reason.
#[tokio::test]
async fn who_is_mentioned_answers_in_a_new_thread() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["bob"])]).await;
            let turn = stage.order().await.turn;
            assert_eq!((turn.responder, turn.conversation), (Responder::One(name("bob")), thread("1")));
            assert_eq!((turn.hops, turn.root, turn.priority), (1, event("1"), Priority::Person));
            let decision = stage.decision("1").await.unwrap();
            assert_eq!((decision.rule.as_str(), decision.candidates), ("W3", vec![name("bob")]));
            assert_eq!((decision.action, decision.conversation), (DecisionAction::Answer, main_timeline()));
        })
        .await;
}

/// A1: a stranger gets nothing but a line in the audit. A2: whom an agent does not exist for is told so.
#[tokio::test]
async fn strangers_get_nothing() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![message("1", "nobody", "@ada !help", &["ada"], Value::Null)]).await;
            assert_eq!(stage.rule("1").await, "A1");
            stage.nobody_answers().await;
            assert!(stage.notices().await.is_empty());
            let log = stage.store.audit_log(9).await.unwrap();
            assert_eq!(log.iter().filter(|line| line.kind == "unauthorized").count(), 1);
            assert_eq!(log[0].who, Some(user("nobody")));
            stage.hear(vec![asks("2", &["eve"])]).await;
            assert_eq!(stage.rule("2").await, "W3a");
            let said = stage.notices().await.remove(0).notice;
            assert!(said.text.contains("Eve is not available to you"), "{}", said.text);
            assert_eq!((said.speaker, said.conversation), (name("router"), thread("2")));
            stage.hear(vec![message("3", "kim", "hm", &["eve"], Value::Null)]).await;
            assert_eq!(stage.answers("3").await, ["eve"]);
        })
        .await;
}

/// A1: another account of a person is that person.
#[tokio::test]
async fn an_alias_is_the_person() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![message("1", "al2", "hm", &["ada"], Value::Null)]).await;
            assert_eq!(stage.rule("1").await, "W3");
        })
        .await;
}

/// W2, W3a: agents answer as one, a team as itself; who can't is named in the first answer.
#[tokio::test]
async fn several_that_are_mentioned_answer_together() {
    let stage = Stage::lobby().await;
    stage.down("bob");
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["bob", "ada", "duo"])]).await;
            assert_eq!(
                (stage.rule("1").await.as_str(), stage.answers("1").await),
                ("W2", vec!["ada".into(), "duo".into()])
            );
            let turns = [stage.order().await.turn, stage.order().await.turn];
            let missing: Vec<_> = turns.iter().flat_map(|turn| &turn.missing).collect();
            assert_eq!((missing.len(), &missing[0].name), (1, &name("bob")));
            assert_eq!(missing[0].why, "is not online");
            let both = message("2", "kim", "@eve and @ada", &["ada", "eve"], Value::Null);
            stage.hear(vec![both]).await;
            assert_eq!(stage.answers("2").await, ["eve+ada"], "in the order of the text");
        })
        .await;
}

/// W4, W5, W1, W15: the router explains, a person is left to a person, a command is run; each by one line at most.
#[tokio::test]
async fn the_house_says_what_is_for_it_to_say() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage
                .hear(vec![asks("1", &["router"]), asks("2", &["kim"]), person("!help", "3"), person("!hepl", "4")])
                .await;
            let rules = [stage.rule("1").await, stage.rule("2").await, stage.rule("3").await, stage.rule("4").await];
            assert_eq!(rules, ["W4", "W5", "W1", "W1"]);
            stage.nobody_answers().await;
            let said: Vec<_> = stage.notices().await.into_iter().map(|stored| stored.notice).collect();
            assert_eq!(said.len(), 3);
            assert!(said.iter().all(|notice| notice.speaker == name("router")));
            assert_eq!((&said[0].reply_to, &said[1].reply_to), (&Some(event("1")), &Some(event("3"))));
        })
        .await;
}

/// W7, W6, W13, C2: a thread goes on with whom it began, also by a plain reply, until a second person joins; bots don't
/// count.
#[tokio::test]
async fn a_thread_goes_on() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"]), answer("a", "ada", "1", &[], &WHOLE)]).await;
            stage.hear(vec![message("2", "al", "and?", &[], in_thread("1"))]).await;
            assert_eq!((stage.rule("2").await.as_str(), stage.answers("2").await), ("W7", vec!["ada".into()]));
            stage.hear(vec![message("3", "al", "plain", &[], replying("a"))]).await;
            assert_eq!(stage.rule("3").await, "W7");
            stage.hear(vec![message("4", "al2", "chain", &[], replying("3"))]).await;
            assert_eq!(stage.rule("4").await, "W7", "the same person by another account");
            assert_eq!(stage.decision("4").await.unwrap().conversation, thread("1"));
            stage.hear(vec![message("5", "bridge", "beep", &[], in_thread("1"))]).await;
            assert_eq!(stage.rule("5").await, "W7", "a bridge is no second person");
            stage.hear(vec![message("6", "kim", "me too", &[], in_thread("1"))]).await;
            stage.hear(vec![message("7", "al", "hi kim", &[], in_thread("1"))]).await;
            assert_eq!((stage.rule("6").await.as_str(), stage.rule("7").await.as_str()), ("W6", "W6"));
            stage.hear(vec![message("8", "kim", "@bob", &["bob"], in_thread("1"))]).await;
            assert_eq!(stage.answers("8").await, ["bob"], "by name it always goes");
        })
        .await;
}

/// W8: those who were addressed or were to answer go on as a team; what agents mention doesn't count.
#[tokio::test]
async fn a_thread_of_several_goes_on_with_them() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![message("1", "kim", "@ada @bob", &["ada", "bob"], Value::Null)]).await;
            stage.hear(vec![answer("a", "ada", "1", &["eve"], &Answering { hops: 4, ..WHOLE })]).await;
            stage.hear(vec![message("2", "kim", "and?", &[], in_thread("1"))]).await;
            assert_eq!((stage.rule("2").await.as_str(), stage.answers("2").await), ("W8", vec!["ada+bob".into()]));
            stage.down("ada");
            stage.hear(vec![message("3", "kim", "and?", &[], in_thread("1"))]).await;
            assert_eq!((stage.rule("3").await.as_str(), stage.answers("3").await), ("W8", vec!["bob".into()]));
        })
        .await;
}

/// C1: what people set by command counts before the configuration.
#[tokio::test]
async fn people_set_where_answers_go() {
    let stage = Stage::lobby().await;
    stage.store.set_setting(&main_timeline(), "thread_mode", Some("room")).await.unwrap();
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"]), message("2", "al", "x", &["bob"], in_thread("1"))]).await;
            assert_eq!(stage.order().await.turn.conversation, main_timeline());
            assert_eq!(stage.order().await.turn.conversation, main_timeline());
        })
        .await;
}

/// W11, R1: the router is asked, and whom it picks answers; the decision tells.
#[tokio::test]
async fn the_router_picks() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![person("who?", "1")]).await;
            let asked = stage.routing().await;
            assert_eq!(asked.value.candidates, [name("ada"), name("bob"), name("duo")], "eve isn't there for al");
            assert_eq!((stage.rule("1").await.as_str(), asked.value.conversation), ("W11", main_timeline()));
            let (name, reason) = (name("bob"), "it writes".to_owned());
            let announcement = Some("@bob answers this".to_owned());
            asked.answer.send(Routed::Chosen { name, reason, rule: "R1", announcement }).unwrap();
            let turn = stage.order().await.turn;
            assert_eq!((turn.responder.to_string().as_str(), turn.conversation), ("bob", thread("1")));
            let decision = stage.decision("1").await.unwrap();
            assert_eq!((decision.rule.as_str(), decision.reason.as_str()), ("R1", "it writes"));
            assert_eq!(decision.candidates.len(), 3);
            assert_eq!(stage.notices().await[0].notice.text, "@bob answers this", "R3");
            stage.hear(vec![message("2", "al", "and?", &[], in_thread("1"))]).await;
            assert_eq!(stage.answers("2").await, ["bob"], "W7: it was to answer here");
        })
        .await;
}

/// C5: what is said about a file right after it belongs to the file, and both are answered in its thread.
#[tokio::test]
async fn a_caption_belongs_to_its_file() {
    let stage = Stage::lobby().await;
    let file = json!({"msgtype": "m.image", "body": "cat.png", "m.mentions": {"user_ids": ["@ada:s"]}});
    stage
        .run(async |stage| {
            stage
                .hear(vec![incoming("1", "al", "m.room.message", &file), asks("2", &["ada"]), asks("3", &["ada"])])
                .await;
            assert_eq!(stage.decision("2").await.unwrap().conversation, thread("1"));
            assert_eq!(
                stage.decision("3").await.unwrap().conversation,
                main_timeline(),
                "only what comes right after it"
            );
        })
        .await;
}

/// C5, R4: words that come after a file alone decide who answers both, and the router isn't asked about the file.
#[tokio::test(start_paused = true)]
async fn words_decide_who_looks_at_a_file() {
    let stage = Stage::lobby().await;
    let file = json!({"msgtype": "m.image", "body": "cat.png", "m.mentions": {}});
    stage
        .run(async |stage| {
            stage.hear(vec![incoming("1", "al", "m.room.message", &file)]).await;
            assert_eq!(stage.decision("1").await.unwrap().action, DecisionAction::Route);
            stage.hear(vec![asks("2", &["bob"])]).await;
            let turn = stage.order().await.turn;
            assert_eq!((turn.responder.to_string().as_str(), turn.conversation), ("bob", thread("1")));
            assert_eq!((stage.rule("1").await.as_str(), stage.rule("2").await.as_str()), ("C5", "W3"));
            stage.hear(vec![incoming("3", "al", "m.room.message", &file), person("And this?", "4")]).await;
            let asked = stage.routing().await;
            assert_eq!(
                (&asked.value.event, &asked.value.conversation),
                (&event("4"), &thread("3")),
                "about both at once"
            );
            sleep(Duration::from_secs(10)).await;
            assert!(stage.routes.lock().await.try_recv().is_err(), "and about neither file alone");
        })
        .await;
}

/// C5: without words the router picks somebody for the file after a moment; one with a caption doesn't wait.
#[tokio::test(start_paused = true)]
async fn a_file_alone_is_routed_after_a_moment() {
    let stage = Stage::lobby().await;
    let file = |more: Value| {
        let mut content = json!({"msgtype": "m.file", "body": "a.txt", "filename": "a.txt", "m.mentions": {}});
        content.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        content
    };
    stage
        .run(async |stage| {
            let began = Instant::now();
            let captioned = file(json!({"body": "What is in here?"}));
            stage.hear(vec![incoming("1", "al", "m.room.message", &captioned)]).await;
            let first = stage.routing().await;
            assert_eq!(first.value.event, event("1"));
            assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
            stage.hear(vec![incoming("2", "al", "m.room.message", &file(json!({})))]).await;
            let second = stage.routing().await;
            let waited = began.elapsed();
            assert_eq!(second.value.event, event("2"));
            assert!((Duration::from_secs(1)..=Duration::from_secs(2)).contains(&waited), "{waited:?}");
            drop(first);
        })
        .await;
}

/// R2: where it isn't clear the person is asked, and the asker's tap picks; only theirs, and once.
#[tokio::test]
async fn the_person_picks_by_tap() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![person("who?", "1")]).await;
            let asked = stage.routing().await;
            let candidates = vec![name("duo"), name("ada")];
            asked.answer.send(Routed::Unclear { candidates, reason: "hm".to_owned() }).unwrap();
            stage.until(async || !stage.notices().await.is_empty()).await;
            let notice = stage.notices().await.remove(0).notice;
            assert!(notice.text.contains("1️⃣ Duo") && notice.text.contains("2️⃣ Ada"), "{}", notice.text);
            assert_eq!(stage.decision("1").await.unwrap().action, DecisionAction::Ask);
            stage.store.notice_sent(&notice.id, 0, &event("poll")).await.unwrap();
            stage.hear(vec![tap("t1", "kim", "poll", "1️⃣"), tap("t2", "al", "poll", "9️⃣")]).await;
            stage.nobody_answers().await;
            stage.hear(vec![tap("t3", "al", "poll", "2\u{20e3}"), tap("t4", "al", "poll", "1️⃣")]).await;
            assert_eq!(stage.order().await.turn.responder, Responder::One(name("ada")));
            assert_eq!((stage.rule("1").await.as_str(), stage.answers("1").await), ("R2", vec!["ada".into()]));
        })
        .await;
}

/// S7, R2: whoever mentions somebody instead of tapping is answered by that one alone.
#[tokio::test]
async fn an_edit_picks_instead_of_the_router() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![person("who?", "1")]).await;
            let asked = stage.routing().await;
            stage.hear(vec![edit("e1", "al", "1", "ada?", &["ada"])]).await;
            assert_eq!(stage.order().await.turn.responder, Responder::One(name("ada")));
            let (name, reason) = (name("bob"), "it writes".to_owned());
            asked.answer.send(Routed::Chosen { name, reason, rule: "R1", announcement: None }).unwrap();
            stage.hear(vec![person("next", "2")]).await;
            let _next = stage.routing().await;
            stage.nobody_answers().await;
            assert_eq!((stage.rule("1").await.as_str(), stage.answers("1").await), ("W3", vec!["ada".into()]));
        })
        .await;
}

/// N1, R4: a message that the router was asked about in an earlier life is brought to it again.
#[tokio::test]
async fn an_unrouted_message_is_routed_after_a_crash() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![person("who?", "1"), person("gone", "2")]).await;
            let _first = stage.routing().await;
            stage.hear(vec![deletion("d", "al", "2")]).await;
        })
        .await;
    let stage = stage.restarted();
    stage
        .run(async |stage| {
            let asked = stage.routing().await;
            assert_eq!(asked.value.event, event("1"));
            let (name, reason) = (name("ada"), String::new());
            asked.answer.send(Routed::Chosen { name, reason, rule: "R1", announcement: None }).unwrap();
            assert_eq!(stage.order().await.turn.messages, [event("1")]);
            assert!(stage.routes.lock().await.try_recv().is_err(), "what is deleted is not routed");
        })
        .await;
}

/// N6, A1: a message that waited for the router is judged anew at the next start: its sender may be allowed no more.
#[tokio::test]
async fn an_unrouted_message_is_judged_anew() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![message("1", "kim", "who?", &[], Value::Null), person("who?", "2")]).await;
            let _first = stage.routing().await;
        })
        .await;
    let stage = stage.restarted();
    stage.dismiss("kim");
    stage
        .run(async |stage| {
            assert_eq!(stage.routing().await.value.event, event("2"));
            assert_eq!((stage.rule("1").await.as_str(), stage.rule("2").await.as_str()), ("A1", "W11"));
        })
        .await;
}

/// W12: an entity asks another by mention, once its answer is whole; the hops and the root go along.
#[tokio::test]
async fn an_entity_asks_another_when_it_is_done() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"])]).await;
            let _first = stage.order().await;
            stage.hear(vec![answer("a", "ada", "1", &["bob"], &GROWING)]).await;
            assert_eq!(stage.rule("a").await, "none", "not while it grows");
            stage
                .hear(vec![completed("e", "ada", "a", &["bob"], &WHOLE), completed("f", "ada", "a", &["bob"], &WHOLE)])
                .await;
            let turn = stage.order().await.turn;
            assert_eq!((turn.responder.to_string().as_str(), turn.hops, turn.root), ("bob", 2, event("1")));
            assert_eq!((turn.priority, turn.conversation), (Priority::Agent, thread("1")));
            assert_eq!(turn.messages, [event("a")]);
            stage.nobody_answers().await;
            stage.hear(vec![answer("b", "bob", "1", &[], &WHOLE), answer("c", "bob", "1", &["bob"], &WHOLE)]).await;
            assert_eq!((stage.rule("b").await.as_str(), stage.rule("c").await.as_str()), ("W12", "W12"));
            stage.nobody_answers().await;
        })
        .await;
}

/// W12: too many hops, or too many messages since a person spoke: said once, then nothing until a person speaks.
#[tokio::test]
async fn entities_stop_when_they_have_talked_enough() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"])]).await;
            let said = |id: &str, from: &str, to: &str| answer(id, from, "1", &[to], &WHOLE);
            stage
                .hear(vec![
                    said("a", "ada", "bob"),
                    said("b", "bob", "ada"),
                    said("c", "ada", "bob"),
                    said("d", "bob", "ada"),
                ])
                .await;
            let rules = [stage.rule("a").await, stage.rule("b").await, stage.rule("c").await, stage.rule("d").await];
            assert_eq!(rules, ["W3", "W3", "W12", "W12"]);
            let notice = json!({"msgtype": "m.notice", "body": "Enough.", "m.relates_to": in_thread("1")});
            stage.hear(vec![incoming("n", "router", "m.room.message", &notice), said("d2", "ada", "bob")]).await;
            assert_eq!(stage.notices().await.len(), 1, "said once, also after it was said");
            stage.hear(vec![message("2", "al", "go on", &["ada"], in_thread("1")), said("e", "ada", "bob")]).await;
            assert_eq!(stage.rule("e").await, "W3", "a person has spoken");
            stage.hear(vec![answer("f", "ada", "1", &["bob"], &Answering { hops: 4, ..WHOLE })]).await;
            assert_eq!(stage.decision("f").await.unwrap().action, DecisionAction::Say);
        })
        .await;
}

/// W12, W6: an entity of another house reaches ours by mention only, and is no second person.
#[tokio::test]
async fn another_houses_entity_is_an_entity() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"])]).await;
            stage.hear(vec![answer("g", "kim", "1", &[], &WHOLE), answer("h", "kim", "1", &["bob"], &WHOLE)]).await;
            assert_eq!((stage.rule("g").await.as_str(), stage.rule("h").await.as_str()), ("W12", "W3"));
            stage.hear(vec![message("2", "al", "so?", &[], in_thread("1"))]).await;
            assert_eq!(stage.rule("2").await, "W7");
        })
        .await;
}

/// A3, N8: history, notices and our own lines outside answers are shown and not answered.
#[tokio::test]
async fn some_things_are_only_shown() {
    let stage = Stage::lobby().await;
    let notice = json!({"msgtype": "m.notice", "body": "beep", "m.mentions": {"user_ids": ["@ada:s"]}});
    stage
        .run(async |stage| {
            let old = Incoming { standing: Standing::History, ..asks("1", &["ada"]) };
            let beep = incoming("2", "al", "m.room.message", &notice);
            let welcome = message("3", "router", "Hello @ada", &["ada"], Value::Null);
            stage.hear(vec![old, beep, welcome]).await;
            let rules = [stage.rule("1").await, stage.rule("2").await, stage.rule("3").await];
            assert_eq!(rules, ["none", "A3", "none"]);
            stage.nobody_answers().await;
            assert_eq!(stage.store.thread(&main_timeline(), 9).await.unwrap().len(), 3);
        })
        .await;
}

/// E2: what becomes readable late is answered then, once.
#[tokio::test]
async fn a_late_message_is_answered_once() {
    let stage = Stage::lobby().await;
    let sealed = Sealed { raw: "{}".to_owned(), session: None, cause: SealedCause::KeyMissing };
    stage
        .run(async |stage| {
            let unread = Incoming { content: Content::Sealed(sealed), ..asks("1", &["ada"]) };
            stage.hear(vec![unread, asks("2", &["bob"])]).await;
            assert_eq!((stage.rule("1").await.as_str(), stage.rule("2").await.as_str()), ("none", "W3"));
            stage.hear(vec![asks("1", &["ada"])]).await;
            stage.hear(vec![asks("1", &["ada"])]).await;
            assert_eq!(stage.rule("1").await, "W3");
            assert_eq!(
                [stage.order().await.turn.messages, stage.order().await.turn.messages],
                [[event("2")], [event("1")]]
            );
            stage.nobody_answers().await;
        })
        .await;
}

/// W3, W12: a person who forwards an answer of ours, mark and all, is still a person.
#[tokio::test]
async fn a_forwarded_answer_is_what_a_person_says() {
    let stage = Stage::lobby().await;
    stage
        .run(async |stage| {
            stage.hear(vec![asks("1", &["ada"])]).await;
            let order = stage.order().await;
            let mark = json!({"id": order.turn.id.as_str(), "part": 0, "final": true, "hops": 4, "root": "$1"});
            let forwarded = json!({"msgtype": "m.text", "body": "so", "m.mentions": {}, "org.maitre.turn": mark});
            stage.hear(vec![incoming("2", "al", "m.room.message", &forwarded)]).await;
            assert_eq!(stage.rule("2").await, "W11");
            let asked = json!({"msgtype": "m.text", "body": "so", "org.maitre.turn": mark,
                               "m.mentions": {"user_ids": ["@bob:s"]}});
            stage.hear(vec![incoming("3", "al", "m.room.message", &asked)]).await;
            assert_eq!((stage.rule("3").await.as_str(), stage.order().await.turn.hops), ("W3", 1));
        })
        .await;
}
