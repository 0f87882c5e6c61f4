//! What the person gets to read: plain text, with colours where they are seen.

use std::path::Path;

use super::{
    brain::Brain,
    harmless::harmless_line,
    room::{Message, Room},
    said::Manner,
};
use crate::{
    cli::terminal::painted,
    config::Colour,
    model::{EntityKind, Phase, Status},
};

const BOLD: &str = "1";
const DIM: &str = "2";
/// As wide as a time of day with the space after it.
const INDENT: &str = "      ";
/// How much of somebody's reason is shown, in characters.
const REASON_CHARS_MAX: usize = 300;

/// What can be typed.
pub(super) const HELP: &str = "\
Type a line to say it in the room. Beyond that there are:
  /rooms            the rooms and who is in them
  /join N  or  /N   go to room N
  /who              who is in this room
  /access           how to get in with another client
  /help             this
  /quit             leave (Ctrl-D and Ctrl-C do so, too)
";

/// What can be done on a full screen.
pub(super) const KEYS: &str = "\
Enter          send what is typed
@ and Tab      complete a name; Tab again: the next one
Tab            with nothing typed: the next room (Shift-Tab: the one before)
Up, Down       select a message: what is typed then goes into its thread
PgUp, PgDn     scroll
Esc            let go of what is selected; look at what is new
Ctrl-S         🛑 stop the answer that is selected, or that grows
Ctrl-Y         ✅ agree
Ctrl-R         🔁 ask for another answer
Alt-1 … Alt-9  give the reaction that stands there, as an answer to a question
Ctrl-E         change your last message, or the selected one
Ctrl-X         take back the selected message of yours
Ctrl-C         leave

/rooms  /join N  /who  /access  /help  /quit
!help is what the house itself understands.
";

/// Who answers, and how to get in with another client.
pub(super) fn greeting(url: &str, user: &str, password: &str, brain: &Brain) -> String {
    format!(
        "{brain}\n\nA private Matrix homeserver runs on this machine. Chat here or with any Matrix client:\n  \
         homeserver  {url}\n  user        {user}\n  password    {password}\n"
    )
}

/// What there is to try, with somebody who has just come in.
pub(super) const TRY: &str = "\
Some things to say:
  can you fix a bug in my script?       the router picks who answers
  @coder what is a mutex?               one of them by name
  @researcher @writer what is Matrix?   two of them together
  @paper why is the sky blue?           a team
";

/// The rooms with their numbers and who is in them; a star marks the one that the person is in.
pub(super) fn room_list(rooms: &[Room], here: Option<&Room>) -> String {
    let width = rooms.iter().map(|room| room.name.chars().count()).max().unwrap_or_default();
    let line = |(index, room): (usize, &Room)| {
        let star = if here.is_some_and(|here| here.id == room.id) { '*' } else { ' ' };
        let names: Vec<String> = sorted(room).into_iter().map(|(name, _)| name).collect();
        format!("{star} {}  {:<width$}  {}\n", index + 1, room.name, names.join(", "))
    };
    if rooms.is_empty() { "You are in no room.\n".to_owned() } else { rooms.iter().enumerate().map(line).collect() }
}

/// A room and who is in it, with their user ids.
pub(super) fn who(room: &Room) -> String {
    let members = sorted(room);
    let width = members.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let lines: Vec<String> = members.iter().map(|(name, user)| format!("  {name:<width$}  {user}\n")).collect();
    format!("{}\n{}", room.name, lines.concat())
}

/// Every room and who is in it: what `--once` is there to show.
pub(super) fn once(rooms: &[Room]) -> String {
    rooms.iter().map(who).collect::<Vec<_>>().join("\n")
}

/// What stands above a room's messages when the person comes in.
pub(super) fn room_heading(room: &Room, colour: Colour) -> String {
    format!("\n{}\n", painted(colour, BOLD, &format!("── {} ──", room.name)))
}

/// A message of `room`; `elsewhere` is the room's name, if it isn't the one that the person is in.
pub(super) fn message(room: &Room, message: &Message, clock: &str, elsewhere: Option<&str>, colour: Colour) -> String {
    let place = elsewhere.map(|room| painted(colour, DIM, &format!("[{room}] "))).unwrap_or_default();
    let name = room.name_of(&message.sender);
    let (head, more) = match &message.words.manner {
        Manner::Speech | Manner::Notice => (format!("{name}:"), String::new()),
        Manner::Emote => (format!("* {name}"), String::new()),
        Manner::Other(sort) => (format!("{name}:"), format!("({sort}) ")),
    };
    let head = painted(colour, BOLD, &head);
    let text = message.words.text.trim_end().replace('\n', &format!("\n{INDENT}"));
    let edited = if message.edited { painted(colour, DIM, " (edited)") } else { String::new() };
    format!("{} {place}{head} {more}{text}{edited}\n", painted(colour, DIM, clock))
}

/// Something that the chat itself has to say.
pub(super) fn note(text: &str, colour: Colour) -> String {
    format!("{}\n", painted(colour, DIM, &format!("-- {text}")))
}

/// Who is being waited for at the start, in a few words.
pub(super) fn cast(kinds: &[EntityKind]) -> String {
    let count = |kind: EntityKind| kinds.iter().filter(|other| **other == kind).count();
    let some = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    format!("the router, {} and {}", some(count(EntityKind::Agent), "agent"), some(count(EntityKind::Team), "team"))
}

/// What is left when everything has ended.
pub(super) fn farewell(keep: Option<&Path>) -> String {
    match keep {
        Some(folder) => format!("stopped; everything is kept in {}\n", folder.display()),
        None => "stopped; nothing is left\n".to_owned(),
    }
}

/// Everything that isn't up, a line each.
pub(super) fn unready(status: &Status) -> String {
    let reason = |reason: Option<&str>| {
        reason.map(|reason| format!(": {}", harmless_line(reason, REASON_CHARS_MAX))).unwrap_or_default()
    };
    let entities = status.entities.iter().filter(|entity| entity.phase != Phase::Ready).map(|entity| {
        let phase = entity.phase.as_str().replace('_', " ");
        format!("\n  {} is {phase}{}", entity.name, reason(entity.reason.as_deref()))
    });
    let rooms = status.rooms.iter().filter(|room| room.room.is_none() || room.trouble.is_some());
    let rooms = rooms.map(|room| format!("\n  the room {} isn't there{}", room.key, reason(room.trouble.as_deref())));
    let lines: String = entities.chain(rooms).collect();
    if lines.is_empty() { format!("\n  the house is {}", status.doing) } else { lines }
}

/// Names and user ids, by name.
fn sorted(room: &Room) -> Vec<(String, &str)> {
    let mut members: Vec<_> = room.members.iter().map(|(user, name)| (name.clone(), user.as_str())).collect();
    members.sort_by_key(|(name, user)| (name.to_lowercase(), *user));
    members
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        cli::demo::{brain::Why, said::Words},
        model::{Counts, EntityName, EntityStatus, EventId, Millis, RoomId, RoomStatus, UserId},
    };

    fn room(id: &str, name: &str, members: &[(&str, &str)]) -> Room {
        let members = members.iter().map(|(id, name)| (UserId::parse(*id).unwrap(), Some((*name).to_owned())));
        Room::new(RoomId::parse(id).unwrap(), Some(name), members.collect::<BTreeMap<_, _>>())
    }

    fn rooms() -> [Room; 2] {
        let lobby = [("@you:s", "You"), ("@router:s", "Router"), ("@ada:s", "ada"), ("@a2:s", "Paper Team")];
        [room("!l", "Lobby", &lobby), room("!w", "Workshop", &lobby[..2])]
    }

    #[test]
    fn the_rooms_are_listed_with_numbers_and_people() {
        let rooms = rooms();
        assert_eq!(
            room_list(&rooms, Some(&rooms[1])),
            "  1  Lobby     ada, Paper Team, Router, You\n* 2  Workshop  Router, You\n"
        );
        assert_eq!(room_list(&[], None), "You are in no room.\n");
    }

    #[test]
    fn the_report_has_every_room_with_names_and_ids() {
        let expected = "\
Lobby
  ada         @ada:s
  Paper Team  @a2:s
  Router      @router:s
  You         @you:s

Workshop
  Router  @router:s
  You     @you:s
";
        assert_eq!(once(&rooms()), expected);
    }

    #[test]
    fn a_message_has_time_name_and_text() {
        let room = &rooms()[0];
        let said = |manner: Manner, text: &str, edited: bool| Message {
            event: EventId::parse("$1").unwrap(),
            at: Millis(0),
            sender: UserId::parse("@ada:s").unwrap(),
            thread: None,
            words: Words { manner, text: text.to_owned(), growing: false },
            edited,
            reactions: vec![],
        };
        let check = |said: &Message, elsewhere: Option<&str>, expected: &str| {
            assert_eq!(message(room, said, "14:05", elsewhere, Colour::Never), expected);
        };
        let speech = |text: &str| said(Manner::Speech, text, false);
        check(&speech("hi"), None, "14:05 ada: hi\n");
        check(&speech("hi"), Some("Workshop"), "14:05 [Workshop] ada: hi\n");
        check(&speech("one\ntwo\n\n"), None, "14:05 ada: one\n      two\n");
        check(&said(Manner::Notice, "so it is", true), None, "14:05 ada: so it is (edited)\n");
        check(&said(Manner::Emote, "waves", false), None, "14:05 * ada waves\n");
        check(&said(Manner::Other("image".to_owned()), "cat.png", false), None, "14:05 ada: (image) cat.png\n");
        let mut coloured = message(room, &speech("hi"), "14:05", Some("Workshop"), Colour::Always);
        for code in [BOLD, DIM, "0"] {
            coloured = coloured.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(coloured, "14:05 [Workshop] ada: hi\n", "colours only add escapes");
    }

    #[test]
    fn the_greeting_says_who_answers_and_how_to_get_in() {
        let text = greeting("http://127.0.0.1:1", "@you:localhost", "pw", &Brain::Script(Why::NothingElse));
        for expected in ["from a script", "http://127.0.0.1:1\n", "@you:localhost\n", "pw\n"] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }

    #[test]
    fn who_comes_is_counted() {
        use EntityKind::{Agent, Router, Team};
        let check = |kinds: &[EntityKind], expected: &str| assert_eq!(cast(kinds), expected);
        check(&[Router, Agent, Agent, Agent, Team], "the router, 3 agents and 1 team");
        check(&[Router, Agent], "the router, 1 agent and 0 teams");
    }

    #[test]
    fn what_is_left_is_said() {
        assert_eq!(farewell(None), "stopped; nothing is left\n");
        assert_eq!(farewell(Some(Path::new("/d"))), "stopped; everything is kept in /d\n");
    }

    #[test]
    fn what_is_not_ready_is_named_with_its_reason() {
        let entity = |name: &str, phase: Phase, reason: Option<&str>| EntityStatus {
            name: EntityName::parse(name).unwrap(),
            kind: EntityKind::Agent,
            user: None,
            phase,
            reason: reason.map(str::to_owned),
            restarts: 0,
            next_try_at: None,
            synced_at: None,
        };
        let place = |key: &str, room: Option<&str>, trouble: Option<&str>| RoomStatus {
            key: key.to_owned(),
            room: room.map(|room| RoomId::parse(room).unwrap()),
            trouble: trouble.map(str::to_owned),
        };
        let status = |entities: Vec<EntityStatus>, rooms: Vec<RoomStatus>| Status {
            version: String::new(),
            started_at: Millis(0),
            taken_at: Millis(0),
            homeserver: String::new(),
            ready: false,
            doing: "starting".to_owned(),
            entities,
            rooms,
            counts: Counts::default(),
            parked: crate::model::Parked::default(),
            reloads: Vec::new(),
        };
        let check = |status: &Status, expected: &str| assert_eq!(unready(status), expected);
        check(&status(vec![], vec![]), "\n  the house is starting");
        let entities = vec![
            entity("router", Phase::Ready, None),
            entity("ada", Phase::BackingOff, Some("no\x1b[2J answer")),
            entity("bob", Phase::Starting, None),
        ];
        let rooms =
            vec![place("lobby", Some("!l"), None), place("attic", None, None), place("den", None, Some("full"))];
        check(
            &status(entities, rooms),
            "\n  ada is backing off: no answer\n  bob is starting\n  the room attic isn't there\n  the room den isn't there: full",
        );
    }
}
