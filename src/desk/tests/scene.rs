//! What is known becomes facts.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::{
    config::{Config, ThreadMode, compile_text},
    desk::{
        gate::{Budget, Mentioned, Place, Responder, Sender, Usable},
        scene::{Scene, facts},
    },
    model::{self, EntityName, EventId, Millis, RoomId, RoomKey, Standing, UserId},
    store::{Mark, Message, Ordinal, Sort, Wording},
};

const CONFIG: &str = "
homeserver: {url: \"http://localhost:1\"}
agents:
  ada: {role: Answers., rooms: [lobby], thread_mode: room}
  bob: {role: Writes., rooms: [lobby, lab]}
  eve: {role: Draws., rooms: [lobby], thread_mode: thread}
room_thread_modes: {lab: room}
bot_accounts: [\"@bridge*:s\"]
conversation: {hops_max: 4, agent_messages_max: 3}
authorization:
  global_users: [\"@al:s\"]
  room_permissions: {lab: [\"@kim:s\"], \"#lobby:s\": [\"@joe:s\"]}
  aliases: {\"@al:s\": [\"@al2:s\"]}
  agent_reply_permissions: {eve: [\"@kim:s\"]}
";

fn config() -> Config {
    compile_text(CONFIG, Path::new("/"), &BTreeMap::new()).unwrap().config
}

fn name(text: &str) -> EntityName {
    EntityName::parse(text).unwrap()
}

fn user(text: &str) -> UserId {
    UserId::parse(format!("@{text}:s")).unwrap()
}

fn event(text: &str) -> EventId {
    EventId::parse(format!("${text}")).unwrap()
}

fn scene(keys: &[&str]) -> Scene {
    let all = ["router", "ada", "bob", "eve"];
    Scene {
        own: all.iter().map(|text| (user(text), name(text))).chain([(user("gone"), name("gone"))]).collect(),
        up: all.iter().map(|text| name(text)).collect(),
        present: all.iter().map(|text| name(text)).collect(),
        keys: keys.iter().map(|&key| RoomKey::parse(key).unwrap()).collect(),
        ..Scene::default()
    }
}

fn chat(members: &[&str]) -> Scene {
    Scene { members: Arc::new(members.iter().map(|text| user(text)).collect()), ..scene(&[]) }
}

fn message(id: &str, sender: &str, mentions: &[&str]) -> Message {
    Message {
        ordinal: Ordinal(1),
        room: RoomId::parse("!r").unwrap(),
        event: event(id),
        sender: user(sender),
        sent_at: Millis(0),
        received_at: Millis(0),
        standing: Standing::Live,
        thread: Some(event("root")),
        in_reply_to: None,
        wording: Wording {
            sort: Sort::Text,
            body: "hm".to_owned(),
            content: "{}".to_owned(),
            mentions: mentions.iter().map(|text| user(text)).collect(),
            mark: None,
        },
        edited: false,
        deleted: false,
    }
}

fn answer(id: &str, sender: &str, mentions: &[&str], hops: u32) -> Message {
    let mark = Some(Mark { turn: None, last: true, hops, root: Some(event("1")) });
    let plain = message(id, sender, mentions);
    Message { wording: Wording { mark, ..plain.wording.clone() }, ..plain }
}

fn names_of(responders: &[Responder]) -> Vec<&str> {
    responders.iter().map(|responder| responder.name.as_str()).collect()
}

/// A1: own entities first, then whom the configuration lets in, by any of the room's names; a mark makes a guest.
#[test]
fn who_speaks_is_told_by_account_and_place() {
    let config = config();
    let check = |keys: &[&str], message: Message, expected: Sender| {
        assert_eq!(facts(&config, &scene(keys), &message).sender, expected, "{keys:?} {}", message.sender);
    };
    check(&["lab"], message("1", "ada", &[]), Sender::Entity(name("ada")));
    check(&["lab"], message("1", "gone", &[]), Sender::Entity(name("gone")));
    check(&["lab"], message("1", "al", &[]), Sender::Authorized);
    check(&["lab"], message("1", "al2", &[]), Sender::Authorized);
    check(&["lab"], message("1", "kim", &[]), Sender::Authorized);
    check(&["lab"], answer("1", "kim", &[], 1), Sender::Guest);
    check(&["lab"], message("1", "joe", &[]), Sender::Stranger);
    check(&["lobby"], message("1", "joe", &[]), Sender::Authorized);
    check(&[], message("1", "kim", &[]), Sender::Stranger);
}

/// A3: text and media of people, live; of entities, what is whole.
#[test]
fn not_everything_triggers() {
    let config = config();
    let check = |message: Message, expected: bool| {
        assert_eq!(facts(&config, &scene(&["lab"]), &message).triggers, expected, "{message:?}");
    };
    let plain = || message("1", "al", &[]);
    let of_sort = |sort: Sort| Message { wording: Wording { sort, ..plain().wording }, ..plain() };
    check(plain(), true);
    check(of_sort(Sort::Media), true);
    check(of_sort(Sort::Notice), false);
    for blank in ["", " \n\t "] {
        check(Message { wording: Wording { body: blank.to_owned(), ..plain().wording }, ..plain() }, false);
    }
    check(Message { standing: Standing::History, ..plain() }, false);
    check(Message { deleted: true, ..plain() }, false);
    check(message("1", "ada", &[]), false);
    check(answer("1", "ada", &[], 1), true);
    let mut growing = answer("1", "ada", &[], 1);
    growing.wording.mark = growing.wording.mark.map(|mark| Mark { last: false, ..mark });
    check(growing, false);
}

/// A2, W3a: each responder as this sender finds it; an entity asks on its asker's behalf.
#[test]
fn responders_are_as_the_sender_finds_them() {
    let config = config();
    let mut scene = scene(&["lab"]);
    scene.up.remove(&name("bob"));
    scene.present.remove(&name("ada"));
    let usable =
        |scene: &Scene, sender: &str, of: &str| scene.usable(&config, config.entity(&name(of)).unwrap(), &user(sender));
    assert_eq!(usable(&scene, "al", "ada"), Usable::Elsewhere);
    assert_eq!(usable(&scene, "al", "bob"), Usable::Down);
    assert_eq!(usable(&scene, "al", "eve"), Usable::Forbidden);
    assert_eq!(usable(&scene, "kim", "eve"), Usable::Yes);
    assert_eq!(usable(&scene, "ada", "eve"), Usable::Yes, "nobody is known to stand behind it");
    scene.asker = Some(user("al"));
    assert_eq!(usable(&scene, "ada", "eve"), Usable::Forbidden);
    let facts = facts(&config, &scene, &message("1", "kim", &[]));
    assert_eq!(names_of(&facts.room.usable), ["eve"]);
}

/// W3, W4, W5, W13: whom a mention means; the sender, bots and those who were taken out are nobody.
#[test]
fn mentions_mean_responders_the_router_or_people() {
    let config = config();
    let of = |mentions: &[&str]| facts(&config, &scene(&["lab"]), &message("1", "al", mentions)).mentioned;
    let all = of(&["bob", "router", "kim", "ada", "al"]);
    assert_eq!((names_of(&all.responders), all.router, all.people), (vec!["bob", "ada"], true, true));
    assert_eq!(of(&["al", "bridge1", "gone"]), Mentioned::default());
}

/// W6, W13: people are counted by their account that counts; bots, entities and what is deleted are not.
#[test]
fn people_in_a_thread_are_counted() {
    let config = config();
    let count = |thread: Vec<Message>, sender: &str| {
        let scene = Scene { thread, ..scene(&["lab"]) };
        match facts(&config, &scene, &message("9", sender, &[])).place {
            Place::Thread { people, .. } => people,
            Place::Main => 0,
        }
    };
    assert_eq!(count(vec![], "al"), 1);
    assert_eq!(count(vec![message("1", "al2", &[]), message("2", "ada", &[]), message("3", "bridge", &[])], "al"), 1);
    assert_eq!(count(vec![answer("2", "kim", &[], 1)], "al"), 1);
    assert_eq!(count(vec![message("1", "kim", &[])], "al"), 2);
    assert_eq!(count(vec![Message { deleted: true, ..message("1", "kim", &[]) }], "al"), 1);
    assert_eq!(count(vec![message("1", "kim", &[])], "bridge"), 1);
    let main = Message { thread: None, ..message("9", "al", &[]) };
    assert_eq!(facts(&config, &scene(&["lab"]), &main).place, Place::Main);
}

/// W7, W8: who answered, who was to answer, whom people addressed; not whom entities mention, nor who isn't there for
/// the sender.
#[test]
fn those_in_a_thread_are_found() {
    let config = config();
    let check = |thread: Vec<Message>, answering: &[&str], sender: &str, expected: &[&str]| {
        let answering = answering.iter().map(|text| model::Responder::One(name(text))).collect();
        let scene = Scene { thread, answering, ..scene(&["lab"]) };
        let Place::Thread { involved, .. } = facts(&config, &scene, &message("9", sender, &[])).place else {
            panic!("it is in a thread");
        };
        assert_eq!(names_of(&involved), expected);
    };
    check(vec![], &[], "kim", &[]);
    check(vec![message("1", "kim", &["eve"]), answer("2", "eve", &["bob"], 1)], &[], "kim", &["eve"]);
    check(vec![message("1", "kim", &["eve"]), answer("2", "bob", &[], 1)], &[], "al", &["bob"]);
    check(vec![message("1", "kim", &["bob", "router"])], &["ada"], "kim", &["bob", "ada"]);
    check(vec![message("1", "ada", &["bob"])], &[], "kim", &[]);
}

/// W9, W13: a chat is direct with one person, whatever bots are in it, and never where the room is configured.
#[test]
fn a_chat_is_direct_with_one_person() {
    let config = config();
    assert!(chat(&["al", "ada", "bob", "bridge"]).is_direct(&config));
    assert!(chat(&["al", "al2", "ada"]).is_direct(&config), "both accounts are one person");
    assert!(!chat(&["al", "kim", "ada"]).is_direct(&config));
    assert!(!chat(&[]).is_direct(&config), "nobody could be asked");
    assert!(!Scene { keys: scene(&["lab"]).keys, ..chat(&["al", "ada"]) }.is_direct(&config));
}

/// C1: what people set, then the room's mode, then the entity's own, then what is usual in the room or the chat.
#[test]
fn answers_go_where_they_are_wanted() {
    let config = config();
    let check = |scene: &Scene, entity: &str, thread: Option<&str>, expected: Option<&str>| {
        let asked = Message { thread: thread.map(event), ..message("1", "al", &[]) };
        assert_eq!(scene.place(&config, &name(entity), &asked).thread, expected.map(event), "{entity} {scene:?}");
    };
    let set = |mode: ThreadMode, scene: Scene| Scene { mode: Some(mode), ..scene };
    check(&scene(&["lobby"]), "bob", None, Some("1"));
    check(&scene(&["lobby"]), "bob", Some("root"), Some("root"));
    check(&scene(&["lobby"]), "ada", None, None);
    check(&scene(&["lobby"]), "ada", Some("root"), None);
    check(&scene(&["lab"]), "bob", None, None);
    check(&set(ThreadMode::Thread, scene(&["lab"])), "bob", None, Some("1"));
    check(&set(ThreadMode::Room, scene(&["lobby"])), "bob", None, None);
    check(&chat(&["al"]), "bob", None, None);
    check(&set(ThreadMode::Thread, chat(&["al"])), "bob", None, Some("1"));
    check(&chat(&["al", "kim"]), "bob", None, Some("1"));
    check(&chat(&["al"]), "eve", None, Some("1"));
    check(&set(ThreadMode::Room, chat(&["al"])), "eve", None, None);
}

/// W12: hops come with the message; messages are counted since a person spoke, this one included.
#[test]
fn a_budget_is_what_is_left() {
    let config = config();
    let left = |thread: Vec<Message>, hops: u32| {
        let scene = Scene { thread, ..scene(&["lab"]) };
        let Budget { allowed, hops_left, messages_left } =
            facts(&config, &scene, &answer("9", "ada", &[], hops)).budget;
        (allowed, hops_left, messages_left)
    };
    assert_eq!(left(vec![], 1), (true, 3, 2));
    assert_eq!(
        left(vec![answer("1", "bob", &[], 1), message("2", "kim", &[]), answer("3", "bob", &[], 1)], 4),
        (true, 0, 1)
    );
    assert_eq!(
        left(vec![answer("1", "bob", &[], 1), message("2", "router", &[]), answer("3", "bob", &[], 1)], 9),
        (true, 0, 0)
    );
    assert_eq!(left(vec![message("1", "al", &[]), answer("9", "ada", &[], 1)], 1), (true, 3, 2), "itself once");
}

/// W1: what somebody edits into a command is none.
#[test]
fn a_command_is_given_and_not_edited() {
    let config = config();
    let typed = |body: &str, sort: Sort, edited: bool| {
        let plain = message("1", "al", &[]);
        let wording = Wording { body: body.to_owned(), sort, ..plain.wording.clone() };
        facts(&config, &scene(&["lab"]), &Message { wording, edited, ..plain }).command.is_some()
    };
    assert!(typed("!help", Sort::Text, false));
    assert!(!typed("!help", Sort::Text, true) && !typed("!help", Sort::Media, false));
}
