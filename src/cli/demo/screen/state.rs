//! What the person sees and does: every key and every piece of news changes it, and may want something done.

use super::{
    complete::{begun, candidates},
    draw::areas,
    keys::{Key, Removal},
    line::Line,
    rows::{Row, rows},
};
use crate::{
    cli::demo::{
        hall::{Hall, Happenings},
        harmless::harmless,
        input::{Input, input},
        room::{Message, News, Room},
        said::Manner,
        show,
    },
    matrix::{Page, Typing},
    model::{EventId, Millis, RoomId, UserId},
};

/// After how many milliseconds others are told again that the person is typing; they forget it a little later.
const TYPING_AGAIN_AFTER: u64 = 3_000;

/// The screen.
#[derive(Debug)]
pub(super) struct Screen {
    /// The rooms.
    pub(super) hall: Hall,
    /// What is being typed.
    pub(super) line: Line,
    /// The message that keys mean.
    pub(super) selected: Option<EventId>,
    /// What is shown over everything else.
    pub(super) overlay: Option<Overlay>,
    /// What the chat itself has to say.
    pub(super) note: Option<String>,
    /// The own message that is being changed.
    pub(super) editing: Option<EventId>,
    /// How many columns and lines there are.
    pub(super) size: (u16, u16),
    view: View,
    access: String,
    completion: Option<Completion>,
    /// Where others see the person typing, and when they were told.
    typing: Option<(RoomId, Millis)>,
    cut_off: bool,
}

/// A text over everything else, until a key is pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Overlay {
    /// What it is.
    pub(super) title: &'static str,
    /// What it says.
    pub(super) text: String,
}

/// What is to be seen of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// What changed last.
    Newest,
    /// From this row on.
    From(usize),
}

/// Names for what was typed, tried one after the other.
#[derive(Debug)]
struct Completion {
    names: Vec<String>,
    next: usize,
    /// How much before the cursor the next one replaces, in bytes.
    length: usize,
}

/// What happens to the screen.
#[derive(Debug)]
pub(super) enum Event {
    /// The person did something.
    Key(Key),
    /// The homeserver told something.
    Arrived(Page),
    /// Somebody looked at a room.
    Looked(Room),
    /// The homeserver can't be reached; it is tried again.
    CutOff(String),
    /// Something that the person wanted can't be done.
    Failed(String),
}

/// What is wanted of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Say something.
    Say {
        /// Where.
        room: RoomId,
        /// In which thread, and after which of its messages.
        thread: Option<(EventId, EventId)>,
        /// What.
        text: String,
    },
    /// Change what was said.
    Edit {
        /// Where.
        room: RoomId,
        /// The message.
        event: EventId,
        /// What it says from now on.
        text: String,
    },
    /// React to something.
    React {
        /// Where.
        room: RoomId,
        /// The message.
        event: EventId,
        /// With what.
        key: String,
    },
    /// Take a message or a reaction back.
    TakeBack {
        /// Where.
        room: RoomId,
        /// It.
        event: EventId,
    },
    /// Tell others whether the person is typing.
    Typing {
        /// Where.
        room: RoomId,
        /// Whether.
        typing: Typing,
    },
    /// Look at a room.
    Look(RoomId),
    /// Leave.
    Leave,
}

/// The part of a room that is to be seen.
pub(super) struct Window {
    /// All rows of the room.
    pub(super) rows: Vec<Row>,
    /// The first one to be seen.
    pub(super) start: usize,
    /// How many of them.
    pub(super) height: usize,
}

impl Screen {
    /// The screen as the person comes in: with a text that says where it is.
    pub(super) fn new(hall: Hall, access: String) -> Self {
        let overlay = Some(Overlay { title: "Welcome", text: access.clone() });
        Self {
            hall,
            line: Line::default(),
            selected: None,
            overlay,
            note: None,
            editing: None,
            size: (80, 24),
            view: View::Newest,
            access,
            completion: None,
            typing: None,
            cut_off: false,
        }
    }

    /// Takes in what happened.
    pub(super) fn on(&mut self, event: Event, now: Millis) -> Vec<Effect> {
        match event {
            Event::Key(key) => self.press(key, now),
            Event::Arrived(page) => self.arrived(page),
            Event::Looked(room) => {
                self.hall.see(room);
                Vec::new()
            }
            Event::CutOff(reason) => {
                self.cut_off = true;
                self.tell(format!("nothing comes at present: {reason}"))
            }
            Event::Failed(what) => self.tell(what),
        }
    }

    /// The part of the room that is to be seen.
    pub(super) fn window(&self) -> Window {
        let area = areas(self.size).messages;
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        let Some(room) = self.hall.here() else { return Window { rows: Vec::new(), start: 0, height } };
        let rows = rows(room, self.hall.me(), self.selected.as_ref(), width);
        let last = rows.len().saturating_sub(height);
        let start = match self.view {
            View::From(start) => start.min(last),
            View::Newest => {
                let shown = room.newest.as_ref().and_then(|newest| rows.iter().rposition(|row| row.event == *newest));
                shown.map_or(last, |end| (end + 1).saturating_sub(height).min(last))
            }
        };
        Window { rows, start, height }
    }

    /// The message that reactions mean: the selected one, else the answer that grows, else what others said last.
    pub(super) fn meant(&self) -> Option<&Message> {
        let room = self.hall.here()?;
        if let Some(selected) = &self.selected {
            return room.message(selected);
        }
        let others = || room.messages.iter().rev().filter(|message| message.sender != *self.hall.me());
        others().find(|message| message.words.growing).or_else(|| others().next())
    }

    fn arrived(&mut self, page: Page) -> Vec<Effect> {
        if std::mem::take(&mut self.cut_off) {
            self.note = Some("the homeserver is back".to_owned());
        }
        let Happenings { joined: _, left, gaps, heard, changed } = self.hall.take_in(page);
        for name in left {
            self.note = Some(format!("you are no longer in {name}"));
        }
        for room in gaps.iter().filter_map(|room| self.hall.room(room)) {
            self.note = Some(format!("more was said in {} than is shown here", room.name));
        }
        for (_, message, _) in heard.into_iter().filter(|(_, _, news)| *news == News::Gone) {
            self.selected.take_if(|selected| *selected == message);
            self.editing.take_if(|edited| *edited == message);
        }
        changed.into_iter().map(Effect::Look).collect()
    }

    fn press(&mut self, key: Key, now: Millis) -> Vec<Effect> {
        if let Key::Resize(columns, lines) = key {
            self.size = (columns, lines);
            return Vec::new();
        }
        let covered = self.overlay.take().is_some();
        self.note = None;
        let completion = self.completion.take();
        match key {
            Key::Leave => vec![Effect::Leave],
            Key::Enter | Key::Escape if covered => Vec::new(),
            Key::End if self.line.text().is_empty() => vec![Effect::Leave],
            Key::Char(c) => self.typed(now, |line| line.insert(c.encode_utf8(&mut [0; 4]))),
            Key::Paste(text) => self.typed(now, |line| line.insert(&text)),
            Key::Remove(removal) => self.typed(now, |line| line.remove(removal)),
            Key::End => self.typed(now, |line| line.remove(Removal::Under)),
            Key::Move(motion) => {
                self.line.go(motion);
                Vec::new()
            }
            Key::Enter => self.enter(),
            Key::Tab if self.line.text().is_empty() => self.elsewhere(Hall::go_on),
            Key::Tab => self.complete(completion),
            Key::BackTab => self.elsewhere(Hall::go_back),
            Key::Escape => self.let_go(),
            Key::Up | Key::Down | Key::PageUp | Key::PageDown => self.look_about(&key),
            Key::React(_) | Key::Join(_) | Key::Edit | Key::TakeBack => self.touch(&key),
            Key::Resize(..) => Vec::new(),
        }
    }

    fn typed(&mut self, now: Millis, change: impl FnOnce(&mut Line)) -> Vec<Effect> {
        change(&mut self.line);
        let Some(room) = self.hall.here().map(|room| room.id.clone()) else { return Vec::new() };
        if self.line.text().is_empty() || self.line.text().starts_with('/') {
            return self.typed_no_longer();
        }
        let told = self.typing.as_ref().is_some_and(|(_, at)| now.0.saturating_sub(at.0) < TYPING_AGAIN_AFTER);
        if told {
            return Vec::new();
        }
        self.typing = Some((room.clone(), now));
        vec![Effect::Typing { room, typing: Typing::On }]
    }

    fn typed_no_longer(&mut self) -> Vec<Effect> {
        let told = self.typing.take();
        told.map(|(room, _)| Effect::Typing { room, typing: Typing::Off }).into_iter().collect()
    }

    fn enter(&mut self) -> Vec<Effect> {
        let mut effects = self.typed_no_longer();
        let text = self.line.take();
        let here = self.hall.here().map(|room| room.id.clone());
        if let (Some(event), Some(room)) = (self.editing.take(), here) {
            if !text.trim().is_empty() {
                effects.push(Effect::Edit { room, event, text });
            }
            return effects;
        }
        effects.extend(match input(&text) {
            Input::Nothing => Vec::new(),
            Input::Say(text) => self.say(text),
            Input::Quit => vec![Effect::Leave],
            Input::Join(room) => self.join(&room),
            Input::Rooms => self.cover("Rooms", show::room_list(self.hall.rooms(), self.hall.here())),
            Input::Who => self.cover("Who is here", self.hall.here().map(show::who).unwrap_or_default()),
            Input::Access => self.cover("Welcome", self.access.clone()),
            Input::Help => self.cover("Help", show::KEYS.to_owned()),
            Input::Unknown(line) => self.tell(format!("{} is not something this chat knows; /help", harmless(&line))),
        });
        effects
    }

    fn say(&mut self, text: String) -> Vec<Effect> {
        let Some(room) = self.hall.here() else { return self.tell("not sent: you are in no room".to_owned()) };
        let effect = Effect::Say { room: room.id.clone(), thread: self.thread(), text };
        self.view = View::Newest;
        vec![effect]
    }

    /// The thread of the selected message and the last message in it.
    pub(super) fn thread(&self) -> Option<(EventId, EventId)> {
        let here = self.hall.here()?;
        let message = here.message(self.selected.as_ref()?)?;
        let root = message.thread.as_ref().unwrap_or(&message.event);
        let last = here.messages.iter().rev().find(|other| other.thread.as_ref() == Some(root));
        Some((root.clone(), last.map_or_else(|| root.clone(), |last| last.event.clone())))
    }

    fn join(&mut self, room: &str) -> Vec<Effect> {
        if self.hall.go(room) {
            self.let_go()
        } else {
            self.tell(format!("there is no room {}; /rooms lists them", harmless(room)))
        }
    }

    fn elsewhere(&mut self, go: fn(&mut Hall)) -> Vec<Effect> {
        let effects = self.typed_no_longer();
        go(&mut self.hall);
        self.let_go();
        effects
    }

    /// Lets go of what is being changed or selected, and looks at what is new.
    fn let_go(&mut self) -> Vec<Effect> {
        self.view = View::Newest;
        self.selected = None;
        if self.editing.take().is_some() {
            self.line.take();
            return self.typed_no_longer();
        }
        Vec::new()
    }

    fn complete(&mut self, earlier: Option<Completion>) -> Vec<Effect> {
        let fresh = || {
            let (room, word) = (self.hall.here()?, begun(self.line.before())?);
            let names = candidates(room, self.hall.me(), word);
            Some(Completion { names, next: 0, length: word.len() + 1 })
        };
        if let Some(mut completion) = earlier.or_else(fresh)
            && let Some(name) = completion.names.get(completion.next)
        {
            let text = format!("{name} ");
            self.line.replace_before(completion.length, &text);
            completion.length = text.len();
            completion.next = (completion.next + 1) % completion.names.len();
            self.completion = Some(completion);
        }
        Vec::new()
    }

    fn look_about(&mut self, key: &Key) -> Vec<Effect> {
        let window = self.window();
        let (page, last) = (window.height.saturating_sub(1).max(1), window.rows.len().saturating_sub(window.height));
        match key {
            Key::PageUp => self.view = View::From(window.start.saturating_sub(page)),
            Key::PageDown if window.start + page >= last => self.view = View::Newest,
            Key::PageDown => self.view = View::From(window.start + page),
            _ => self.select(*key == Key::Up, &window),
        }
        Vec::new()
    }

    /// Selects the message above or below, and sees to it that it is to be seen.
    fn select(&mut self, above: bool, window: &Window) {
        let Some(room) = self.hall.here() else { return };
        let order: Vec<EventId> = room.in_order().into_iter().map(|message| message.event.clone()).collect();
        let at = self.selected.as_ref().and_then(|selected| order.iter().position(|event| event == selected));
        let next = if above { at.unwrap_or(order.len()).checked_sub(1).or(at) } else { at.map(|at| at + 1) };
        self.selected = next.and_then(|next| order.get(next)).cloned();
        let Some(selected) = &self.selected else {
            self.view = View::Newest;
            return;
        };
        let first = window.rows.iter().position(|row| row.event == *selected).unwrap_or_default();
        let end = window.rows.iter().rposition(|row| row.event == *selected).map_or(first, |last| last + 1);
        let start = window.start.max(end.saturating_sub(window.height)).min(first);
        self.view = View::From(start);
    }

    fn touch(&mut self, key: &Key) -> Vec<Effect> {
        let Some(room) = self.hall.here().map(|room| room.id.clone()) else { return Vec::new() };
        let Some(message) = self.meant() else { return self.tell("there is no message yet".to_owned()) };
        let me = self.hall.me().clone();
        match key {
            Key::React(key) => react(room, message, &me, key),
            Key::Join(place) => match distinct(message).get(*place) {
                Some(key) => react(room, message, &me, key),
                None => self.tell("there is no such reaction on this message".to_owned()),
            },
            Key::Edit => self.begin_to_edit(),
            _ => match self.selected.clone() {
                Some(event) if message.sender == me => {
                    self.let_go();
                    vec![Effect::TakeBack { room, event }]
                }
                Some(_) | None => self.tell("select a message of yours first: ↑ and ↓".to_owned()),
            },
        }
    }

    /// Takes up the selected message, or the person's last one, to be changed.
    fn begin_to_edit(&mut self) -> Vec<Effect> {
        let me = self.hall.me();
        let own = |message: &&Message| message.sender == *me && message.words.manner == Manner::Speech;
        let found = self.hall.here().and_then(|room| match &self.selected {
            Some(selected) => room.message(selected).filter(own),
            None => room.messages.iter().rev().find(own),
        });
        let Some(message) = found.cloned() else {
            return self.tell("only your own messages can be changed: select one with ↑ and ↓".to_owned());
        };
        self.line.set(&message.words.text);
        self.selected = Some(message.event.clone());
        self.editing = Some(message.event);
        Vec::new()
    }

    fn cover(&mut self, title: &'static str, text: String) -> Vec<Effect> {
        self.overlay = Some(Overlay { title, text });
        Vec::new()
    }

    fn tell(&mut self, note: String) -> Vec<Effect> {
        self.note = Some(note);
        Vec::new()
    }
}

/// Reacts, or takes the same reaction back.
fn react(room: RoomId, message: &Message, me: &UserId, key: &str) -> Vec<Effect> {
    let own = message.reactions.iter().find(|reaction| reaction.sender == *me && reaction.key == key);
    vec![match own {
        Some(reaction) => Effect::TakeBack { room, event: reaction.event.clone() },
        None => Effect::React { room, event: message.event.clone(), key: key.to_owned() },
    }]
}

/// The different reactions to a message, in the order in which they came.
pub(super) fn distinct(message: &Message) -> Vec<&str> {
    let mut keys: Vec<&str> = Vec::new();
    for reaction in &message.reactions {
        if !keys.contains(&reaction.key.as_str()) {
            keys.push(&reaction.key);
        }
    }
    keys
}
