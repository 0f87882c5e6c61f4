//! Builds the content of the events that an answer consists of: the message, its edits, and what it ends with.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    markdown::{Rendered, render},
    mentions::Roster,
    split::{CONTENT_BYTES_MAX, open_fence_end, split},
};
use crate::model::{EventId, Missing, TURN_KEY, TurnId, UserId};

/// Stands where an answer will be.
const PLACEHOLDER: &str = "…";
/// Ends an answer that a person stopped.
const STOPPED: &str = "… (stopped)";
/// What it weighs, in all copies of the text, to say that there is more to come.
const CONTINUED_BYTES: usize = 64;
/// What a message's place and marks weigh.
const PLACE_BYTES: usize = 2 * 1024;
/// What an answer without a word says.
const WORDLESS: &str = "(no answer)";

/// Where something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The thread, or none for the main timeline, where it is a plain message.
    pub thread: Option<Thread>,
    /// What it is said to.
    pub reply_to: EventId,
}

/// A thread of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The event it grows from, which is itself in no thread.
    pub root: EventId,
}

/// What sort of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// An answer to people, `m.text`.
    Text,
    /// Something that no bot may answer, `m.notice`.
    Notice,
}

impl Tone {
    fn msgtype(self) -> &'static str {
        match self {
            Self::Text => "m.text",
            Self::Notice => "m.notice",
        }
    }
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It is whole.
    Done,
    /// A person stopped it.
    Stopped,
    /// It broke off, for the reason that this sentence gives.
    Failed(String),
}

impl Ending {
    /// What is shown of an answer that got as far as `text`.
    #[must_use]
    pub fn close(&self, text: &str) -> String {
        match self {
            Self::Done if text.trim().is_empty() => WORDLESS.to_owned(),
            Self::Done => text.to_owned(),
            Self::Stopped => below(text, STOPPED),
            Self::Failed(sentence) => below(text, &format!("⚠️ {sentence}")),
        }
    }
}

/// What all events of one answer have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The turn that gives it.
    pub turn: TurnId,
    /// How many entities the question went through since a person wrote.
    pub hops: u32,
    /// What that person wrote.
    pub root: EventId,
    /// Where it is given.
    pub place: Place,
    /// As what sort of message.
    pub tone: Tone,
    /// How old the question was when it was taken up, if that needs an excuse.
    pub late: Option<Duration>,
}

/// Whether an event of an answer is its last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Growing,
    Final,
}

impl Answer {
    /// The message that stands where the answer will be.
    #[must_use]
    pub fn placeholder(&self) -> Value {
        let mut content = json!({ "msgtype": self.tone.msgtype(), "body": PLACEHOLDER, "m.mentions": {} });
        self.mark(&mut content, 0, State::Growing);
        relate(&mut content, &self.place);
        content
    }

    /// The first message, with what there is of the answer. It mentions nobody yet.
    #[must_use]
    pub fn first(&self, text: &str, roster: &Roster) -> Value {
        let rendered = render(&self.visible(text, roster), roster);
        let mut content = message(self.tone, &rendered, &[]);
        self.mark(&mut content, 0, State::Growing);
        relate(&mut content, &self.place);
        content
    }

    /// An edit of the first message, with what there is of the answer by now. It mentions nobody yet.
    #[must_use]
    pub fn edit(&self, of: &EventId, text: &str, roster: &Roster) -> Value {
        let rendered = render(&self.visible(text, roster), roster);
        self.replacement(of, &rendered, (&[], &[]), (0, State::Growing))
    }

    /// The whole answer in its parts: edits of the messages that were `sent` so far, then new messages.
    ///
    /// Those who are in `pinged` heard of this answer before. Messages of an earlier answer beyond the last part are the
    /// caller's to remove.
    #[must_use]
    pub fn finals(&self, sent: &[EventId], pinged: &[UserId], text: &str, roster: &Roster) -> Vec<Value> {
        let text = self.dated(if text.trim().is_empty() { WORDLESS } else { text });
        let mut known = pinged.to_vec();
        let mut contents = Vec::new();
        for (index, part) in (0_u32..).zip(split(&text, CONTENT_BYTES_MAX, |text| self.weight(text, roster))) {
            let rendered = render(&part.text(), roster);
            let fresh: Vec<UserId> = rendered.mentions.iter().filter(|user| !known.contains(user)).cloned().collect();
            contents.push(match sent.get(contents.len()) {
                Some(of) => self.replacement(of, &rendered, (&fresh, &rendered.mentions), (index, State::Final)),
                None => self.part(&rendered, &fresh, index),
            });
            known.extend(fresh);
        }
        contents
    }

    fn part(&self, rendered: &Rendered, mentioned: &[UserId], index: u32) -> Value {
        let mut content = message(self.tone, rendered, mentioned);
        self.mark(&mut content, index, State::Final);
        relate(&mut content, &self.place);
        content
    }

    /// An edit. Of the mentions, the first ones are pinged now, the second ones belong to the message as it will be.
    fn replacement(
        &self,
        of: &EventId,
        rendered: &Rendered,
        (pinged, mentioned): (&[UserId], &[UserId]),
        (part, state): (u32, State),
    ) -> Value {
        let mut new = message(self.tone, rendered, mentioned);
        self.mark(&mut new, part, state);
        // What is outside is for clients that know no edits. For them the plain text will do, and there is more room.
        let mut content = json!({
            "msgtype": self.tone.msgtype(),
            "body": format!("* {}", rendered.body),
            "m.mentions": mentions(pinged),
            "m.new_content": new,
            "m.relates_to": { "rel_type": "m.replace", "event_id": of.as_str() },
        });
        self.mark(&mut content, part, state);
        content
    }

    fn mark(&self, content: &mut Value, part: u32, state: State) {
        content[TURN_KEY] = json!({
            "id": self.turn.as_str(),
            "part": part,
            "final": state == State::Final,
            "hops": self.hops,
            "root": self.root.as_str(),
        });
    }

    /// What fits into the first message of an answer that still grows.
    fn visible(&self, text: &str, roster: &Roster) -> String {
        let text = self.dated(text);
        let weigh = |text: &str| self.weight(text, roster) + CONTINUED_BYTES;
        match split(&text, CONTENT_BYTES_MAX, weigh).next() {
            None => PLACEHOLDER.to_owned(),
            Some(part) if part.is_last => part.text(),
            Some(part) => below(&part.text(), PLACEHOLDER),
        }
    }

    /// What the heaviest event with this text weighs: a final edit.
    fn weight(&self, text: &str, roster: &Roster) -> usize {
        let rendered = render(text, roster);
        let mentioned = &rendered.mentions;
        let heaviest = self.replacement(&self.root, &rendered, (mentioned, mentioned), (u32::MAX, State::Final));
        heaviest.to_string().len()
    }

    fn dated(&self, text: &str) -> String {
        match self.late {
            Some(age) => format!("*(late: asked {} ago)*\n\n{text}", in_words(age)),
            None => text.to_owned(),
        }
    }
}

/// Messages that belong to no turn, as many as the text needs, without their place.
pub(super) fn said(tone: Tone, text: &str, roster: &Roster) -> Vec<Value> {
    let said = |text: &str| {
        let rendered = render(text, roster);
        message(tone, &rendered, &rendered.mentions)
    };
    let budget = CONTENT_BYTES_MAX - PLACE_BYTES;
    // An edit has the plain text twice and all of the message in it.
    let weigh = |text: &str| {
        let content = said(text);
        content.to_string().len() + content["body"].to_string().len()
    };
    split(text, budget, weigh).map(|part| said(&part.text())).collect()
}

/// The text with everybody who was asked as well and can't answer, and why, unless it says so itself (W2).
pub(super) fn with_missing(text: &str, missing: &[Missing]) -> String {
    let sentences: Vec<String> = missing
        .iter()
        .map(|one| format!("{} {}", one.name, one.why.trim_end_matches('.')))
        .filter(|sentence| !text.contains(sentence))
        .map(|sentence| sentence + ".")
        .collect();
    if sentences.is_empty() { text.to_owned() } else { below(text, &format!("*({})*", sentences.join(" "))) }
}

/// A text with what a tool is doing below it.
pub(super) fn with_tool_line(text: &str, line: &str) -> String {
    if line.trim().is_empty() { text.to_owned() } else { below(text, line) }
}

/// A text and, in a paragraph of its own, a line below it, also when the text ends within code.
fn below(text: &str, line: &str) -> String {
    let text = text.trim_end();
    match open_fence_end(text) {
        _ if text.is_empty() => line.to_owned(),
        Some(fence) => format!("{text}\n{fence}\n\n{line}"),
        None => format!("{text}\n\n{line}"),
    }
}

fn message(tone: Tone, rendered: &Rendered, mentioned: &[UserId]) -> Value {
    json!({
        "msgtype": tone.msgtype(),
        "body": rendered.body,
        "format": "org.matrix.custom.html",
        "formatted_body": rendered.html,
        "m.mentions": mentions(mentioned),
    })
}

/// Always there, also when empty: without it, old rules look for names in the text.
fn mentions(users: &[UserId]) -> Value {
    let ids: Vec<&str> = users.iter().map(UserId::as_str).collect();
    if ids.is_empty() { Value::Object(Map::new()) } else { json!({ "user_ids": ids }) }
}

fn relate(content: &mut Value, place: &Place) {
    if let Some(thread) = &place.thread {
        content["m.relates_to"] = json!({
            "rel_type": "m.thread",
            "event_id": thread.root.as_str(),
            "is_falling_back": true,
            "m.in_reply_to": { "event_id": place.reply_to.as_str() },
        });
    }
}

fn in_words(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0..120 => format!("{} min", minutes.max(1)),
        120..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{mentions::Mentionable, split::EVENT_BYTES_MAX},
        *,
    };

    fn event(id: &str) -> EventId {
        EventId::parse(id).unwrap()
    }

    fn somebody(name: &str) -> Mentionable {
        let user = UserId::parse(format!("@{name}:home")).unwrap();
        Mentionable { user, display_name: name.to_uppercase(), handles: Vec::new() }
    }

    fn roster() -> Roster {
        Roster::new(&somebody("me"), vec![somebody("ada"), somebody("bob")])
    }

    fn in_thread() -> Place {
        Place { thread: Some(Thread { root: event("$root") }), reply_to: event("$question") }
    }

    fn answer() -> Answer {
        let turn = TurnId::parse("t1").unwrap();
        Answer { turn, hops: 1, root: event("$asked"), place: in_thread(), tone: Tone::Text, late: None }
    }

    fn mark(part: u32, last: bool) -> Value {
        json!({ "id": "t1", "part": part, "final": last, "hops": 1, "root": "$asked" })
    }

    fn thread() -> Value {
        json!({
            "rel_type": "m.thread", "event_id": "$root", "is_falling_back": true,
            "m.in_reply_to": { "event_id": "$question" },
        })
    }

    /// C3: the relation names the thread's root and the message answered. S2: nobody is mentioned before the end.
    #[test]
    fn a_first_message_stands_in_the_thread() {
        let expected = json!({
            "msgtype": "m.text", "body": "hi ADA", "format": "org.matrix.custom.html",
            "formatted_body": "<p>hi <a href=\"https://matrix.to/#/@ada:home\">ADA</a></p>", "m.mentions": {},
            "org.maitre.turn": mark(0, false), "m.relates_to": thread(),
        });
        assert_eq!(answer().first("hi @ada", &roster()), expected);
        let placeholder = json!({
            "msgtype": "m.text", "body": "…", "m.mentions": {}, "org.maitre.turn": mark(0, false),
            "m.relates_to": thread(),
        });
        assert_eq!(answer().placeholder(), placeholder);
    }

    /// C1: in `room` mode answers are plain: no thread, no quote.
    #[test]
    fn in_the_main_timeline_a_message_is_plain() {
        let place = Place { thread: None, reply_to: event("$question") };
        let answer = Answer { place: place.clone(), tone: Tone::Notice, ..answer() };
        for content in
            [answer.first("x", &roster()), answer.placeholder(), answer.finals(&[], &[], "x", &roster()).remove(0)]
        {
            assert_eq!(content.get("m.relates_to"), None);
            assert_eq!(content["msgtype"], "m.notice");
        }
        let told = said(Tone::Notice, "for @bob", &roster());
        assert_eq!(told[0]["m.mentions"], json!({ "user_ids": ["@bob:home"] }));
        assert_eq!(told[0].get(TURN_KEY), None);
    }

    /// W2: who was asked as well and can't answer is named, with the reason, once.
    #[test]
    fn who_is_missing_is_named() {
        let missing = |name: &str, why: &str| Missing {
            name: crate::model::EntityName::parse(name).unwrap(),
            why: why.to_owned(),
        };
        let two = [missing("critic", "is not online"), missing("writer", "is not in this room.")];
        let check = |text: &str, expected: &str| assert_eq!(with_missing(text, &two), expected);
        check("Yes.", "Yes.\n\n*(critic is not online. writer is not in this room.)*");
        check("(writer is not in this room)", "(writer is not in this room)\n\n*(critic is not online.)*");
        assert_eq!(with_missing("Yes.", &[]), "Yes.");
    }

    /// S2, S3: an intermediate edit mentions nobody, within and without; the form is repeated in `m.new_content`.
    #[test]
    fn an_edit_replaces_and_wakes_nobody() {
        let expected = json!({
            "msgtype": "m.text", "body": "* *x* ADA", "m.mentions": {}, "org.maitre.turn": mark(0, false),
            "m.new_content": {
                "msgtype": "m.text", "body": "*x* ADA", "format": "org.matrix.custom.html",
                "formatted_body": "<p><em>x</em> <a href=\"https://matrix.to/#/@ada:home\">ADA</a></p>",
                "m.mentions": {}, "org.maitre.turn": mark(0, false),
            },
            "m.relates_to": { "rel_type": "m.replace", "event_id": "$first" },
        });
        assert_eq!(answer().edit(&event("$first"), "*x* @ada", &roster()), expected);
    }

    /// S2: the final edit has the real mentions: one ping for everybody who didn't hear of it before.
    #[test]
    fn the_final_edit_mentions_once() {
        let bob = UserId::parse("@bob:home").unwrap();
        let contents = answer().finals(&[event("$first")], &[bob], "@ada @bob @me @room", &roster());
        let [content] = contents.as_slice() else { panic!("one part: {contents:?}") };
        assert_eq!(content["m.mentions"], json!({ "user_ids": ["@ada:home"] }));
        assert_eq!(content["m.new_content"]["m.mentions"], json!({ "user_ids": ["@ada:home", "@bob:home"] }));
        assert_eq!(content["m.new_content"]["body"], "ADA BOB @me @\u{200D}room");
        assert_eq!(content["m.relates_to"], json!({ "rel_type": "m.replace", "event_id": "$first" }));
        assert_eq!((&content[TURN_KEY], &content["m.new_content"][TURN_KEY]), (&mark(0, true), &mark(0, true)));
    }

    /// S3: a long answer is an edit of what is there and new messages for the rest; whoever is in two parts is pinged once.
    #[test]
    fn a_long_answer_has_parts() {
        let text = format!("@ada\n\n{}\n\n@ada @bob {}", "word ".repeat(2_000), "last ".repeat(1_500));
        let contents = answer().finals(&[event("$first")], &[], &text, &roster());
        let [first, second] = contents.as_slice() else { panic!("two parts: {}", contents.len()) };
        assert_eq!(first["m.mentions"], json!({ "user_ids": ["@ada:home"] }));
        assert_eq!(second["m.mentions"], json!({ "user_ids": ["@bob:home"] }));
        assert_eq!((&first[TURN_KEY], &second[TURN_KEY]), (&mark(0, true), &mark(1, true)));
        assert_eq!(second["m.relates_to"], thread());
        let growing = answer().edit(&event("$first"), &text, &roster());
        let body = growing["m.new_content"]["body"].as_str().unwrap();
        assert!(body.starts_with("ADA\n\nword") && body.ends_with("word\n\n…"), "{body}");
    }

    #[test]
    fn an_answer_always_has_a_last_word() {
        let wordless = answer().finals(&[], &[], " \n", &roster());
        assert_eq!((wordless.len(), &wordless[0]["body"]), (1, &json!(WORDLESS)));
        let definition = answer().finals(&[], &[], "[a]: https://b.c", &roster());
        assert_eq!(definition[0]["formatted_body"], "<p>[a]: https://b.c</p>");
    }

    /// S4: what was said is kept and marked as stopped. S6: a failure is one sentence at the end.
    #[test]
    fn an_ending_is_told_below_the_text() {
        let check = |ending: Ending, text: &str, expected: &str| assert_eq!(ending.close(text), expected);
        check(Ending::Done, "all", "all");
        check(Ending::Done, "", WORDLESS);
        check(Ending::Stopped, "half\n", "half\n\n… (stopped)");
        check(Ending::Stopped, "", "… (stopped)");
        check(Ending::Stopped, "```rust\nlet", "```rust\nlet\n```\n\n… (stopped)");
        check(Ending::Failed("No model.".to_owned()), "half", "half\n\n⚠️ No model.");
        assert_eq!(with_tool_line("text", "🔧 time"), "text\n\n🔧 time");
        assert_eq!(with_tool_line("text", " "), "text");
    }

    /// N7: what was answered late says so, in every event alike.
    #[test]
    fn a_late_answer_says_so() {
        let check = |secs: u64, expected: &str| {
            let answer = Answer { late: Some(Duration::from_secs(secs)), ..answer() };
            let body = format!("*(late: asked {expected} ago)*\n\nx");
            assert_eq!(answer.first("x", &roster())["body"], body);
            assert_eq!(answer.finals(&[], &[], "x", &roster())[0]["body"], body);
        };
        check(30, "1 min");
        check(12 * 60, "12 min");
        check(3 * 3_600, "3 h");
        check(3 * 86_400, "3 days");
    }

    fn on_the_wire(content: &Value) -> usize {
        content.to_string().len().div_ceil(3) * 4 + 8 * 1024
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        /// S3: every part of every answer fits into an event after encryption, however its text swells.
        #[test]
        fn every_event_fits(
            pieces in prop::collection::vec(("(@ada |@bob:home |[<>&\"`*_|#\\-a-zä👩\t]{1,40}|\n|\n```\n){1,8}", 1..80_usize), 1..6),
        ) {
            let text: String = pieces.iter().map(|(piece, times)| piece.repeat(*times)).collect();
            let (answer, roster) = (answer(), roster());
            let sent = [event("$first")];
            for content in answer.finals(&sent, &[], &text, &roster) {
                prop_assert!(on_the_wire(&content) <= EVENT_BYTES_MAX);
            }
            prop_assert!(on_the_wire(&answer.edit(&sent[0], &text, &roster)) <= EVENT_BYTES_MAX);
            for content in said(Tone::Notice, &text, &roster) {
                prop_assert!(on_the_wire(&content) <= EVENT_BYTES_MAX);
            }
        }
    }
}
