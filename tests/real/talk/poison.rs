//! Conversations about something that breaks whoever answers it.

use crate::house::{Act, DEADLINE, Maitre, Shown, Sort, Stub, shared, wait_for};

use super::{
    crash::Standing,
    hall::config,
    stage::{STOP, Stage, topic},
};

/// What `!retry` takes, as the message that says so shows it.
fn id_in(message: &Shown) -> String {
    let (_, rest) = message.body.split_once("!retry ").expect("a command to type");
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// Conversation 62. N9, X4, X6: a message whose answer ends the program each time doesn't do so for ever. After three times it
/// is left alone, which is said in its thread and in the status; others are answered. By hand it is tried again.
#[tokio::test]
async fn a_message_that_kills_is_left_alone() {
    let stub = Stub::start().await;
    let mut maitre = Maitre::new(shared(), &config(&stub));
    maitre.start_ready().await;
    let house = Standing { stub, test: maitre.test.clone() };
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha", "beta"]).await;
    assert!(maitre.stop().await.success());
    let (poison, other) = (topic(), topic());
    stage.stub().when(&poison, Act::say("So it was harmless."));
    stage.stub().when(&other, Act::say("Here I am."));
    let root = stage.ask(&["alpha"], &poison).await;
    maitre.arm_faults("turn.begun.alpha");
    for _ in 0..3 {
        maitre.start();
        assert!(!maitre.exited().await.success());
    }
    maitre.start_ready().await;
    stage.ask(&["beta"], &other).await;
    let answer = stage.answer("beta", "Here I am.").await;
    let told = stage.notice("alpha", &["broke down 3 times", "!retry"]).await;
    assert_eq!(told.root.as_deref(), Some(&*root));
    let id = id_in(&told);
    let status = maitre.status().await;
    assert_eq!(status.parked.count, 1);
    assert!(status.parked.newest[0].as_str().starts_with(&id), "{status:#?}");
    stage.say_within(&root, "!status").await;
    let failed = stage.notice("router", &["failed", &format!("!retry {id}")]).await;
    // Somebody has mended what was wrong.
    assert!(maitre.stop().await.success());
    maitre.arm_faults("");
    maitre.start_ready().await;
    stage.say_within(&root, &format!("!retry {id}")).await;
    let begins = stage.notice("router", &["is tried again"]).await;
    let harmless = stage.answer("alpha", "So it was harmless.").await;
    assert_eq!(harmless.root.as_deref(), Some(&*root));
    stage.only_in_any_order(&[&answer, &told, &failed, &begins, &harmless]).await;
    assert_eq!(maitre.status().await.parked.count, 0);
    assert!(maitre.stop().await.success());
}

/// Conversation 72. N9, S1, S4: what stands of an answer that ended the program each time is closed when it is given up, without
/// an offer to stop it, and by hand it is given in the same message.
#[tokio::test]
async fn half_an_answer_that_kills_is_closed() {
    let stub = Stub::start().await;
    let mut maitre = Maitre::new(shared(), &config(&stub));
    maitre.start_ready().await;
    let house = Standing { stub, test: maitre.test.clone() };
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha"]).await;
    let poison = topic();
    let (halves, _gates): (Vec<Act>, Vec<_>) = (0..3).map(|_| Act::held("Half", " of it.")).unzip();
    let acts = halves.into_iter().chain([Act::say("The whole answer.")]).collect();
    stage.stub().when_in_turn(&poison, acts);
    let root = stage.say(&poison).await;
    let half = stage.growing("alpha", "Half").await;
    let alpha = stage.user("alpha");
    let is_offered = |message: &Shown| message.taps.contains(&(alpha.clone(), STOP.to_owned()));
    stage.see("a stop to be offered", |message| message.event == half.event && is_offered(message)).await;
    for tries in 1..=3 {
        wait_for("the model to be asked", DEADLINE, async || {
            let asked = stage.stub().asked(&poison).len();
            if asked == tries { Ok(()) } else { Err(asked) }
        })
        .await;
        maitre.kill().await;
        maitre.start_ready().await;
    }
    let closed = stage.answer("alpha", "Half\n\n⚠️ This answer broke off.").await;
    assert_eq!(closed.event, half.event, "in the same message");
    let told = stage.notice("alpha", &["broke down 3 times", "!retry"]).await;
    stage.see("the offer to be gone", |message| message.event == half.event && !is_offered(message)).await;
    stage.only_in_any_order(&[&closed, &told]).await;
    assert_eq!(maitre.status().await.parked.count, 1);
    stage.say_within(&root, &format!("!retry {}", id_in(&told))).await;
    let begins = stage.notice("router", &["is tried again"]).await;
    let whole = stage.answer("alpha", "The whole answer.").await;
    assert_eq!(whole.event, half.event, "in the same message");
    stage.only_in_any_order(&[&told, &begins, &whole]).await;
    assert!(maitre.stop().await.success());
}

/// Conversation 63. N9, S6, X6: a mind that breaks down is asked again, and says so in the end.
#[tokio::test]
async fn a_mind_that_breaks_down_thinks_again() {
    let stub = Stub::start().await;
    let mut maitre = Maitre::new(shared(), &config(&stub));
    maitre.arm_faults("turn.panic.alpha:1,turn.panic.alpha:3,turn.panic.alpha:4,turn.panic.alpha:5");
    maitre.start_ready().await;
    let house = Standing { stub, test: maitre.test.clone() };
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha"]).await;
    let (once, thrice) = (topic(), topic());
    stage.stub().when(&once, Act::say("At the second go."));
    stage.stub().when(&thrice, Act::say("At the fourth go."));
    stage.say(&once).await;
    let second = stage.answer("alpha", "At the second go.").await;
    let root = stage.say(&thrice).await;
    let broken = stage.answer_with("alpha", &["something broke inside", "id"]).await;
    // People see it a moment before it is written down.
    let parked = wait_for("the answer to be given up", DEADLINE, async || {
        let parked = maitre.status().await.parked;
        if parked.count == 1 { Ok(parked) } else { Err(parked.count) }
    })
    .await;
    let id = parked.newest[0].to_string();
    stage.say_within(&root, &format!("!retry {id}")).await;
    let begins = stage.notice("router", &["is tried again"]).await;
    let fourth = stage.answer("alpha", "At the fourth go.").await;
    assert_eq!(fourth.event, broken.event, "in the same message");
    stage.only_in_any_order(&[&second, &begins, &fourth]).await;
    assert!(maitre.stop().await.success());
}
