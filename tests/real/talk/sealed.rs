//! The same conversations in encrypted rooms, with matrix-nio on the person's side; and what only encryption brings.

use std::{fs, time::Duration};

use tokio::time::Instant;

use crate::house::{Act, Client, DEADLINE, Maitre, Nio, Post, Shown, Sort, Stub, shared, wait_for};

use super::{
    agents, alone, busy, content, deletes, direct, edits,
    hall::{Hall, config, hall},
    media, people, routed,
    stage::{House as _, Stage, topic},
    stops, together,
};

/// E1 waits about so long for a key before it says anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Conversation 1 under encryption. E4, W10.
#[tokio::test]
async fn one_agent_answers() {
    alone::one_agent(Sort::Sealed).await;
}

/// Conversation 2 under encryption. W7.
#[tokio::test]
async fn an_agent_goes_on_in_its_thread() {
    alone::going_on(Sort::Sealed).await;
}

/// Conversation 3 under encryption. C2.
#[tokio::test]
async fn a_client_without_threads_is_followed() {
    alone::plain_replies(Sort::Sealed).await;
}

/// Conversation 5 under encryption. R1.
#[tokio::test]
async fn the_router_picks() {
    routed::picked(Sort::Sealed).await;
}

/// Conversation 8 under encryption. W2.
#[tokio::test]
async fn two_mentioned_agents_answer_as_one() {
    together::two_mentions(Sort::Sealed).await;
}

/// Conversation 9 under encryption. W3.
#[tokio::test]
async fn a_team_answers_as_itself() {
    together::team(Sort::Sealed).await;
}

/// Conversation 13 under encryption. W6.
#[tokio::test]
async fn agents_keep_out_of_talk_between_people() {
    people::second_person(Sort::Sealed).await;
}

/// Conversation 15 under encryption. C4, C5.
#[tokio::test]
async fn messages_during_an_answer_wait() {
    busy::during(Sort::Sealed).await;
}

/// Conversation 19 under encryption. S7.
#[tokio::test]
async fn an_edit_during_the_answer_begins_it_again() {
    edits::edited_during(Sort::Sealed).await;
}

/// Conversation 24 under encryption. S8.
#[tokio::test]
async fn deleting_a_question_stops_its_answer() {
    deletes::deleted_during(Sort::Sealed).await;
}

/// Conversation 25 under encryption. S4.
#[tokio::test]
async fn a_tap_stops() {
    stops::stopped_by_tap(Sort::Sealed).await;
}

/// Conversation 27 under encryption. C1.
#[tokio::test]
async fn an_agent_answers_in_a_direct_chat() {
    direct::one(Sort::Sealed).await;
}

/// Conversation 29 under encryption. S3.
#[tokio::test]
async fn a_long_answer_with_code_arrives_whole() {
    content::code(Sort::Sealed).await;
}

/// Conversation 30 under encryption. S3: what is split fits after encryption.
#[tokio::test]
async fn an_oversized_answer_comes_in_parts() {
    content::oversized(Sort::Sealed).await;
}

/// Conversation 34 under encryption. W12.
#[tokio::test]
async fn an_agent_asks_another_one() {
    agents::mention(Sort::Sealed).await;
}

/// Conversation 43 under encryption: encrypted files.
#[tokio::test]
async fn files_are_read() {
    media::files(Sort::Sealed).await;
}

/// The nio client behind a stage.
fn nio<'s>(stage: &'s mut Stage<'_>) -> &'s mut Nio {
    match &mut stage.asker {
        Client::Sealed(nio) => nio,
        Client::Open(_) => panic!("a stage under encryption"),
    }
}

/// Conversation 50. X12, E4: `!encrypt` in the middle of a conversation, which goes on, encrypted from then on.
#[tokio::test]
async fn a_conversation_goes_on_when_it_is_encrypted() {
    let (mut stage, question, one) = open_conversation(hall()).await;
    goes_on_encrypted(&mut stage, question, one).await;
}

/// Conversation 50 in a house whose keys are put away as soon as nobody needs them: they are there again when somebody does, in
/// an agent that lived on and in one that began anew. E4, N1.
#[tokio::test]
async fn keys_that_were_put_away_are_there_when_they_are_needed() {
    let stub = Stub::start().await;
    let secret = shared().secret.reveal();
    let accounts = format!("{{registration_shared_secret: {secret}, localpart: \"{{name}}-{{test}}\"}}");
    let mut maitre = Maitre::with_polls(shared(), "2s", &accounts, &config(&stub));
    maitre.arm_faults("library.hasty");
    maitre.start_ready().await;
    let mut house = Hall { stub, maitre };
    {
        let (mut stage, question, one) = open_conversation(&house).await;
        has_put_away_keys(&house.maitre, "alpha").await;
        goes_on_encrypted(&mut stage, question, one).await;
    }
    assert!(house.maitre.stop().await.success());
    house.maitre.start_ready().await;
    let (mut stage, question, one) = open_conversation(&house).await;
    goes_on_encrypted(&mut stage, question, one).await;
}

/// Waits until the program has none of the agent's keys open.
async fn has_put_away_keys(maitre: &Maitre, agent: &str) {
    let (files, keys) =
        (format!("/proc/{}/fd", maitre.pid().as_raw_nonzero()), maitre.state().join("matrix").join(agent));
    wait_for("the keys to be put away", DEADLINE, async || {
        let open = fs::read_dir(&files).unwrap().filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        let of_keys = open.filter(|file| file.starts_with(&keys)).count();
        if of_keys == 0 { Ok(()) } else { Err(of_keys) }
    })
    .await;
}

/// A room without encryption, and an answer in it: the question and the answer.
async fn open_conversation(house: &Hall) -> (Stage<'_>, String, Shown) {
    let mut friend = Nio::new(shared(), "friend").await;
    let room = friend.create_room("Open", false, None).await;
    let users = [friend.user.clone(), house.user("router"), house.user("alpha")];
    for user in &users[1..] {
        friend.invite(&room, user).await;
    }
    friend.wait_members(&room, &users.each_ref().map(String::as_str)).await;
    friend.promote(&room, &users[1]).await;
    let mut stage = Stage::around(house, Client::Sealed(Box::new(friend)), room, &["alpha"]);
    let open = topic();
    stage.stub().when(&open, Act::say("In the open."));
    let question = stage.say(&open).await;
    let one = stage.answer("alpha", "In the open.").await;
    (stage, question, one)
}

async fn goes_on_encrypted(stage: &mut Stage<'_>, question: String, one: Shown) {
    let (sealed, room) = (topic(), stage.room.clone());
    stage.stub().when(&sealed, Act::say("Under cover."));
    stage.say_within(&question, "!encrypt").await;
    stage.notice("router", &["encrypt"]).await;
    stage.say_within(&question, "!encrypt confirm").await;
    nio(stage).wait_encrypted(&room).await;
    stage.say_within(&question, &sealed).await;
    let two = stage.answer("alpha", "Under cover.").await;
    assert_eq!(two.root.as_deref(), Some(&*question));
    assert!(stage.stub().asked(&sealed)[0].holds("In the open."), "the conversation is the same");
    let before = nio(stage).shown(&room, &one.event).await;
    let after = nio(stage).shown(&room, &two.event).await;
    assert_eq!((before.encrypted, after.encrypted, after.readable), (false, true, true));
}

/// Conversation 51. E1, E2: a message that nobody of ours can read holds up nothing; after a while one notice says so; once the
/// key is there the message is answered, late and once, and the notice says that it's well.
#[tokio::test]
async fn a_message_without_its_key_is_answered_when_it_comes() {
    let mut stage = Stage::open(Sort::Sealed, &["alpha"]).await;
    let (lost, next) = (topic(), topic());
    stage.stub().when(&lost, Act::say("At last."));
    stage.stub().when(&next, Act::say("At once."));
    let room = stage.room.clone();
    let since = Instant::now();
    let question = nio(&mut stage).send_sealed(&room, &lost).await;
    stage.say(&next).await;
    let at_once = stage.answer("alpha", "At once.").await;
    assert!(since.elapsed() < PATIENCE, "it waited for the key: {:?}", since.elapsed());
    let ours = [stage.user("alpha"), stage.user("router")];
    let is_notice = |message: &Shown| {
        ours.contains(&message.sender) && message.kind == "m.notice" && message.answers.as_deref() == Some(&*question)
    };
    let notice = stage.see("a notice about the key", is_notice).await;
    assert!(since.elapsed() >= PATIENCE, "it said so too early: {:?}", since.elapsed());
    for user in &ours {
        nio(&mut stage).share_late(&room, user).await;
    }
    let at_last = stage.answer("alpha", "At last.").await;
    assert_eq!(at_last.root.as_deref(), Some(&*question));
    stage.see("the notice to be edited", |message| message.event == notice.event && message.body.contains('✓')).await;
    let notice = stage.now(&notice).await;
    stage.only_in_any_order(&[&at_once, &notice, &at_last]).await;
    assert_eq!(stage.stub().asked(&lost).len(), 1);
}

/// Conversation 52. E4, W1: commands are understood and answered under encryption as well.
#[tokio::test]
async fn commands_work_under_encryption() {
    let mut stage = Stage::open(Sort::Sealed, &["alpha"]).await;
    stage.post(&Post::text("!e2ee")).await;
    let told = stage.notice("router", &["encrypted"]).await;
    stage.only(&[&told]).await;
}

/// Conversation 71. A4: where verified devices are required, a command from one that its owner hasn't signed changes nothing in
/// an encrypted room, and the answer says why. Whoever made the room has power over it all the same.
#[tokio::test]
async fn an_unverified_device_changes_nothing() {
    let stub = Stub::start().await;
    let config = config(&stub).replace("authorization: {", "authorization: {require_verified: true, ");
    let house = Hall::open(shared(), stub, &config).await;
    let mut stage = Stage::open_in(&house, Sort::Sealed, &["alpha"]).await;
    stage.say("!thread_mode room").await;
    stage.notice("router", &["was not taken", "verify yours"]).await;
    stage.say("!thread_mode").await;
    stage.notice("router", &["answers go into threads"]).await;
}
