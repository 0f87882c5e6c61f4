//! The screen under keys and news, and as it is drawn.

use ratatui::{Terminal, backend::TestBackend};

use super::{
    draw::draw,
    keys::{AGAIN, Key, Motion, Removal, STOP, YES},
    state::{Effect, Event, Screen},
};
use crate::{
    cli::demo::{
        fixtures::{edit, growing, hall, id, in_thread, page, part, reaction, redaction, room, room_id, said, user},
        show,
    },
    matrix::{Page, RoomPage, Typing, Unplaced},
    model::{Change, Departure, Millis},
};

/// A screen without the welcome over it.
fn screen() -> Screen {
    let mut screen = Screen::new(hall(), "address and password".to_owned());
    screen.on(Event::Key(Key::Escape), Millis(0));
    screen
}

fn hear(screen: &mut Screen, room: &str, events: Vec<Unplaced>) {
    screen.on(Event::Arrived(page(vec![part(room, events)])), Millis(0));
}

fn press(screen: &mut Screen, key: Key) -> Vec<Effect> {
    screen.on(Event::Key(key), Millis(0))
}

fn types(screen: &mut Screen, text: &str) {
    text.chars().for_each(|c| drop(press(screen, Key::Char(c))));
}

/// Types a line and sends it; gives what that does beside telling that somebody is typing.
fn sends(screen: &mut Screen, text: &str) -> Vec<Effect> {
    types(screen, text);
    let mut effects = press(screen, Key::Enter);
    effects.retain(|effect| !matches!(effect, Effect::Typing { .. }));
    effects
}

fn say(room: &str, thread: Option<(&str, &str)>, text: &str) -> Effect {
    let thread = thread.map(|(root, last)| (id(root), id(last)));
    Effect::Say { room: room_id(room), thread, text: text.to_owned() }
}

fn react(event: &str, key: &str) -> Effect {
    Effect::React { room: room_id("!a"), event: id(event), key: key.to_owned() }
}

fn take_back(event: &str) -> Effect {
    Effect::TakeBack { room: room_id("!a"), event: id(event) }
}

/// What is drawn, line by line, without spaces at the ends.
fn drawn(screen: &mut Screen, columns: u16, lines: u16) -> Vec<String> {
    press(screen, Key::Resize(columns, lines));
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal.draw(|frame| draw(frame, screen)).unwrap();
    let text = terminal.backend().to_string();
    text.lines().map(|line| line.trim_matches('"').trim_end().to_owned()).collect()
}

#[test]
fn what_is_typed_is_said_in_the_room() {
    let mut screen = screen();
    assert_eq!(sends(&mut screen, "hello"), [say("!a", None, "hello")]);
    assert_eq!(sends(&mut screen, "//etc"), [say("!a", None, "/etc")]);
    assert_eq!(sends(&mut screen, "  "), []);
    assert_eq!(sends(&mut screen, "/2"), []);
    assert_eq!(sends(&mut screen, "!help"), [say("!b", None, "!help")]);
    assert_eq!(sends(&mut screen, "/quit"), [Effect::Leave]);
}

/// C1, C2: what is typed with a message selected goes into its thread.
#[test]
fn c1_a_selected_message_leads_into_its_thread() {
    let mut screen = screen();
    hear(
        &mut screen,
        "!a",
        vec![said("$1", "ada", "q"), in_thread("$2", "bob", "a", "$1"), said("$3", "bob", "other")],
    );
    let mut check = |key: Key, selected: Option<&str>, thread: Option<(&str, &str)>| {
        press(&mut screen, key.clone());
        assert_eq!(screen.selected, selected.map(id), "{key:?}");
        assert_eq!(screen.thread(), thread.map(|(root, last)| (id(root), id(last))), "{key:?}");
    };
    check(Key::Up, Some("$3"), Some(("$3", "$3")));
    check(Key::Up, Some("$2"), Some(("$1", "$2")));
    check(Key::Up, Some("$1"), Some(("$1", "$2")));
    check(Key::Up, Some("$1"), Some(("$1", "$2")));
    check(Key::Down, Some("$2"), Some(("$1", "$2")));
    assert_eq!(sends(&mut screen, "why?"), [say("!a", Some(("$1", "$2")), "why?")]);
    press(&mut screen, Key::Down);
    press(&mut screen, Key::Down);
    assert_eq!(screen.selected, None, "below the last one there is the room again");
    press(&mut screen, Key::Up);
    press(&mut screen, Key::Escape);
    assert_eq!(sends(&mut screen, "new"), [say("!a", None, "new")]);
}

/// S4, S9: reactions mean the selected message, else the answer that grows, else what others said last.
#[test]
fn s4_reactions_by_key() {
    let mut screen = screen();
    assert_eq!(press(&mut screen, Key::React(STOP)), [], "nothing was said yet");
    hear(&mut screen, "!a", vec![said("$1", "bob", "hi"), growing("$2", "bob", "so", "$1"), said("$3", "x", "other")]);
    assert_eq!(press(&mut screen, Key::React(STOP)), [react("$2", "🛑")]);
    hear(&mut screen, "!a", vec![edit("$4", "bob", "so it is", "$2", true), said("$5", "ada", "mine")]);
    assert_eq!(press(&mut screen, Key::React(YES)), [react("$3", "✅")]);
    (0..4).for_each(|_| drop(press(&mut screen, Key::Up)));
    assert_eq!(press(&mut screen, Key::React(AGAIN)), [react("$1", "🔁")]);
    hear(&mut screen, "!a", vec![reaction("$6", "bob", "1️⃣", "$1"), reaction("$7", "bob", "2️⃣", "$1")]);
    assert_eq!(press(&mut screen, Key::Join(1)), [react("$1", "2️⃣")]);
    assert_eq!(press(&mut screen, Key::Join(2)), []);
    assert!(screen.note.as_deref().unwrap().contains("no such reaction"));
    hear(&mut screen, "!a", vec![reaction("$8", "ada", "2️⃣", "$1")]);
    assert_eq!(press(&mut screen, Key::Join(1)), [take_back("$8")], "the same again takes it back");
}

/// S7, S8: one's own messages can be changed and taken back, nobody else's.
#[test]
fn s7_s8_own_messages_are_changed_and_taken_back() {
    let mut screen = screen();
    hear(&mut screen, "!a", vec![said("$1", "ada", "how old"), said("$2", "bob", "hi")]);
    press(&mut screen, Key::Edit);
    assert_eq!((screen.line.text(), screen.selected.clone()), ("how old", Some(id("$1"))));
    assert_eq!(
        sends(&mut screen, "?"),
        [Effect::Edit { room: room_id("!a"), event: id("$1"), text: "how old?".to_owned() }]
    );
    press(&mut screen, Key::Edit);
    press(&mut screen, Key::Escape);
    assert_eq!((screen.line.text(), screen.editing.clone()), ("", None), "left as it was");
    assert_eq!(press(&mut screen, Key::TakeBack), [], "only what is selected");
    press(&mut screen, Key::Up);
    assert_eq!((press(&mut screen, Key::TakeBack), press(&mut screen, Key::Edit)), (vec![], vec![]), "it is Bob's");
    assert!(screen.note.as_deref().unwrap().contains("your own"));
    press(&mut screen, Key::Up);
    assert_eq!(press(&mut screen, Key::TakeBack), [take_back("$1")]);
    press(&mut screen, Key::Up);
    hear(&mut screen, "!a", vec![redaction("$3", "bob", "$2")]);
    assert_eq!(screen.selected, None, "what is gone isn't selected");
}

#[test]
fn tab_completes_names_and_tries_the_next() {
    let mut screen = screen();
    types(&mut screen, "hey @");
    let mut check = |key: Key, line: &str| {
        press(&mut screen, key);
        assert_eq!(screen.line.text(), line);
    };
    check(Key::Tab, "hey @bob ");
    check(Key::Tab, "hey @eve ");
    check(Key::Tab, "hey @x ");
    check(Key::Tab, "hey @bob ");
    check(Key::Char('a'), "hey @bob a");
    check(Key::Tab, "hey @bob a");
    check(Key::Remove(Removal::All), "");
    check(Key::Paste("@E".to_owned()), "@E");
    check(Key::Tab, "@eve ");
    check(Key::Move(Motion::Home), "@eve ");
    check(Key::Tab, "@eve ");
}

#[test]
fn tab_goes_through_the_rooms_while_nothing_is_typed() {
    let mut screen = screen();
    hear(&mut screen, "!b", vec![said("$1", "bob", "hi")]);
    let unread = |screen: &Screen| screen.hall.rooms()[1].unread;
    assert_eq!(unread(&screen), 1);
    press(&mut screen, Key::Tab);
    assert_eq!((screen.hall.here().unwrap().name.as_str(), unread(&screen)), ("Workshop", 0));
    press(&mut screen, Key::Tab);
    assert_eq!(screen.hall.here().unwrap().name, "Lobby");
    press(&mut screen, Key::BackTab);
    assert_eq!(screen.hall.here().unwrap().name, "Workshop");
    sends(&mut screen, "/join lobby");
    assert_eq!(screen.hall.here().unwrap().name, "Lobby");
    sends(&mut screen, "/join attic");
    assert!(screen.note.as_deref().unwrap().contains("no room attic"));
}

#[test]
fn others_are_told_of_typing_now_and_then() {
    let mut screen = screen();
    let mut check = |key: Key, at: u64, expected: Option<Typing>| {
        let effects = screen.on(Event::Key(key.clone()), Millis(at));
        let told = effects.iter().find_map(|effect| match effect {
            Effect::Typing { typing, .. } => Some(*typing),
            _ => None,
        });
        assert_eq!(told, expected, "{key:?} at {at}");
    };
    check(Key::Char('/'), 0, None);
    check(Key::Remove(Removal::Before), 0, None);
    check(Key::Char('a'), 10, Some(Typing::On));
    check(Key::Char('b'), 3_009, None);
    check(Key::Char('c'), 3_010, Some(Typing::On));
    check(Key::Enter, 3_020, Some(Typing::Off));
    check(Key::Enter, 3_030, None);
    check(Key::Char('a'), 3_040, Some(Typing::On));
    check(Key::Remove(Removal::Before), 3_050, Some(Typing::Off));
}

#[test]
fn ctrl_c_leaves_and_ctrl_d_with_nothing_typed() {
    let mut screen = screen();
    types(&mut screen, "ab");
    press(&mut screen, Key::Move(Motion::Home));
    assert!(!press(&mut screen, Key::End).contains(&Effect::Leave));
    assert_eq!(screen.line.text(), "b");
    assert_eq!(press(&mut screen, Key::Leave), [Effect::Leave]);
    press(&mut screen, Key::Remove(Removal::All));
    assert_eq!(press(&mut screen, Key::End), [Effect::Leave]);
    sends(&mut screen, "/help");
    assert_eq!(press(&mut screen, Key::Leave), [Effect::Leave], "also with something over it");
}

#[test]
fn what_goes_wrong_is_noted_until_the_next_key() {
    let mut screen = screen();
    let note = |screen: &Screen| screen.note.clone().unwrap_or_default();
    screen.on(Event::CutOff("no answer".to_owned()), Millis(0));
    assert_eq!(note(&screen), "nothing comes at present: no answer");
    hear(&mut screen, "!a", vec![]);
    assert_eq!(note(&screen), "the homeserver is back");
    press(&mut screen, Key::Char('a'));
    assert_eq!(note(&screen), "");
    screen.on(Event::Failed("not done: no".to_owned()), Millis(0));
    assert_eq!(note(&screen), "not done: no");
    screen.on(Event::Arrived(page(vec![RoomPage { gap: Some("g".to_owned()), ..part("!a", vec![]) }])), Millis(0));
    assert_eq!(note(&screen), "more was said in Lobby than is shown here");
    let left = Change::Departed { room: room_id("!b"), by: None, how: Departure::Left };
    screen.on(Event::Arrived(Page { changes: vec![left], ..page(vec![]) }), Millis(0));
    assert_eq!(note(&screen), "you are no longer in Workshop");
    press(&mut screen, Key::Remove(Removal::All));
    sends(&mut screen, "/dance");
    assert!(note(&screen).contains("/dance is not something"));
}

#[test]
fn new_rooms_are_looked_at() {
    let mut screen = screen();
    let effects = screen.on(Event::Arrived(page(vec![part("!c", vec![])])), Millis(0));
    assert_eq!(effects, [Effect::Look(room_id("!c"))]);
    screen.on(Event::Looked(room("!c", "Den")), Millis(0));
    assert_eq!(screen.hall.rooms()[2].name, "Den");
}

#[test]
fn the_whole_screen_is_drawn() {
    let mut screen = screen();
    hear(&mut screen, "!a", vec![said("$1", "x", "how long?"), growing("$2", "bob", "As long as", "$1")]);
    hear(&mut screen, "!b", vec![said("$3", "bob", "hi")]);
    let typing = Some([user("bob"), user("x")].into());
    screen.on(Event::Arrived(page(vec![RoomPage { typing, ..part("!a", vec![]) }])), Millis(0));
    types(&mut screen, "so @b");
    let lines = drawn(&mut screen, 72, 12);
    let shown = lines.join("\n");
    for expected in ["›1 Lobby", " 2 Workshop ● 1", "Here", "  Bob", " Lobby", "> so @b", "/help"] {
        assert!(shown.contains(expected), "{expected:?} is missing:\n{shown}");
    }
    assert!(lines[1].ends_with("@x:s: how long?"), "{shown}");
    assert!(lines[2].contains("  ┆ ") && lines[2].ends_with("Bob: As long as ▍"), "{shown}");
    assert!(lines[8].ends_with("Bob and @x:s are typing…"), "{shown}");
    hear(&mut screen, "!a", vec![edit("$4", "bob", "As long as it takes.", "$2", true)]);
    assert!(drawn(&mut screen, 72, 12)[2].ends_with("Bob: As long as it takes."));
    let narrow = drawn(&mut screen, 40, 12);
    assert!(narrow[0].starts_with(" Lobby") && !narrow.join("").contains("Workshop"), "{narrow:?}");
}

#[test]
fn what_is_typed_too_long_is_shown_where_the_cursor_is() {
    let mut screen = screen();
    types(&mut screen, &format!("{}end", "x".repeat(100)));
    assert!(drawn(&mut screen, 40, 10)[8].ends_with("end"));
    press(&mut screen, Key::Move(Motion::Home));
    assert!(drawn(&mut screen, 40, 10)[8].starts_with("> xxx"));
    press(&mut screen, Key::Remove(Removal::All));
    press(&mut screen, Key::Paste("a\nb".to_owned()));
    assert_eq!(drawn(&mut screen, 40, 10)[8], "> a⏎b");
}

#[test]
fn the_newest_stays_in_view_unless_the_person_looks_elsewhere() {
    let mut screen = screen();
    let numbered = |from: usize, to: usize| {
        (from..=to).map(|number| said(&format!("${number}"), "bob", &format!("message {number}."))).collect()
    };
    hear(&mut screen, "!a", numbered(1, 40));
    let has = |lines: &[String], number: usize| lines.iter().any(|line| line.ends_with(&format!("message {number}.")));
    let lines = drawn(&mut screen, 60, 14);
    assert!(has(&lines, 40) && !has(&lines, 20), "{lines:?}");
    press(&mut screen, Key::PageUp);
    let lines = drawn(&mut screen, 60, 14);
    assert!(!has(&lines, 40) && has(&lines, 31), "{lines:?}");
    hear(&mut screen, "!a", numbered(41, 42));
    assert_eq!(drawn(&mut screen, 60, 14), lines, "what comes doesn't move what the person reads");
    (0..3).for_each(|_| drop(press(&mut screen, Key::PageDown)));
    assert!(has(&drawn(&mut screen, 60, 14), 42));
    (0..42).for_each(|_| drop(press(&mut screen, Key::Up)));
    assert!(has(&drawn(&mut screen, 60, 14), 1), "what is selected is in view");
    press(&mut screen, Key::Escape);
    assert!(has(&drawn(&mut screen, 60, 14), 42));
    hear(&mut screen, "!a", vec![in_thread("$t", "bob", "message 99.", "$1")]);
    assert!(has(&drawn(&mut screen, 60, 14), 99), "an answer far above is news, too");
}

#[test]
fn texts_come_over_everything_and_go_with_a_key() {
    let mut screen = Screen::new(hall(), "address and password".to_owned());
    let over = |screen: &mut Screen, text: &str| drawn(screen, 90, 30).join("\n").contains(text);
    assert!(over(&mut screen, "address and password"));
    types(&mut screen, "a");
    assert!(!over(&mut screen, "address and password"));
    assert_eq!(screen.line.text(), "a", "the key counts");
    press(&mut screen, Key::Remove(Removal::All));
    for (command, text) in
        [("/help", "Ctrl-S"), ("/who", "@bob:s"), ("/rooms", "2  Workshop"), ("/access", "address and")]
    {
        assert_eq!(sends(&mut screen, command), []);
        assert!(over(&mut screen, text), "{command}");
        press(&mut screen, Key::Enter);
        assert!(screen.overlay.is_none(), "{command}");
    }
    assert!(show::KEYS.lines().all(|line| line.chars().count() <= 84), "it fits");
}

/// However small the terminal is, there is something to see and nothing breaks.
#[test]
fn tiny_terminals_are_survived() {
    let mut screen = screen();
    hear(&mut screen, "!a", vec![said("$1", "bob", "hi"), in_thread("$2", "bob", "there", "$1")]);
    for (columns, lines) in [(0, 0), (1, 1), (3, 2), (10, 4), (64, 3), (200, 5)] {
        press(&mut screen, Key::Resize(columns, lines));
        let keys = [Key::Up, Key::PageUp, Key::PageDown, Key::Down, Key::Char('x'), Key::Enter];
        for key in keys {
            press(&mut screen, key);
        }
        drawn(&mut screen, columns.max(1), lines.max(1));
    }
    assert_eq!(screen.selected, None);
}
