//! Decides when an answer is sent and edited while it grows: a machine that never hurries the homeserver.

use std::time::Duration;

use super::compose::{Ending, with_tool_line};
use crate::{
    config::{Manners, Streaming},
    model::Millis,
};

/// How much longer each wait between edits is than the one before, in tenths.
const INTERVAL_GROWTH_TENTHS: u32 = 13;
/// The longest wait between edits that a homeserver's refusals can bring about.
const INTERVAL_MAX: Duration = Duration::from_secs(30);
/// From one event's delivery to the next one's start. Of two edits with one time stamp the newer isn't always shown.
const GAP: Duration = Duration::from_millis(2);

/// How an answer is shown while it grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Whether anything is shown before the end.
    pub streaming: Streaming,
    /// How long people look at nothing before they get a placeholder.
    pub placeholder_after: Duration,
    /// The wait before the first edit; from there it grows.
    pub interval_first: Duration,
    /// Where it stops growing.
    pub interval_last: Duration,
    /// How many edits an answer gets before the final one.
    pub edits_max: u32,
}

impl From<&Manners> for Pace {
    fn from(manners: &Manners) -> Self {
        Self {
            streaming: manners.streaming,
            placeholder_after: manners.placeholder_after,
            interval_first: Duration::from_millis(400),
            interval_last: Duration::from_secs(3),
            edits_max: manners.edits_max,
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::from(&Manners::default())
    }
}

/// What happens to an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CadenceEvent {
    /// This is its text so far.
    Text(String),
    /// A tool is at work: a line that stands below the text until there is more text. Empty, it goes.
    ToolLine(String),
    /// It is whole.
    Finished,
    /// It ends here, with this sentence for people.
    Failed(String),
    /// A person stopped it.
    Stopped,
    /// What was sent last is in the room.
    Delivered,
    /// What was sent last was refused, and nobody repeats it: the homeserver wants to hear nothing for this long.
    RateLimited(Duration),
    /// What was sent last isn't in the room, and nobody repeats it.
    Undelivered,
    /// The moment of the last [`CadenceEffect::WakeAt`] has come.
    Timer,
}

/// What to do for an answer. A [`Self::Final`] is the sender's to repeat until it is delivered; all else may get lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CadenceEffect {
    /// Send a first message with this text.
    Send(String),
    /// Send a first message that says nothing yet.
    Placeholder,
    /// Edit the message into this text.
    Edit(String),
    /// Edit the message into this text for good, or send it if there is no message. Always comes, once, as the last.
    Final(String),
    /// Come back with a [`CadenceEvent::Timer`] then. The newest replaces the one before.
    WakeAt(Millis),
}

/// What people see of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    Nothing,
    Placeholder,
    Text(String),
}

/// How far an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Growing,
    /// The end is known and waits until nothing is under way.
    Ending(Ending),
    Over,
}

/// The machine for one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cadence {
    pace: Pace,
    stage: Stage,
    text: String,
    tool_line: String,
    shown: Shown,
    /// What people will see once it is delivered; at most one at a time is under way.
    under_way: Option<Shown>,
    began: Millis,
    sent: Option<Millis>,
    settled: Option<Millis>,
    /// Since when and for how long the homeserver wants to hear nothing.
    hushed: Option<(Millis, Duration)>,
    interval: Duration,
    edits: u32,
    wake_at: Option<Millis>,
}

impl Cadence {
    /// An answer that nobody sees yet, and what to do first.
    #[must_use]
    pub fn begin(pace: Pace, now: Millis) -> (Self, Vec<CadenceEffect>) {
        Self::with(pace, Shown::Nothing, now)
    }

    /// An answer whose message is in the room already: it goes on in there.
    #[must_use]
    pub fn resume(pace: Pace, now: Millis) -> (Self, Vec<CadenceEffect>) {
        Self::with(pace, Shown::Placeholder, now)
    }

    /// Takes in what happened, and says what to do.
    pub fn on(&mut self, event: CadenceEvent, now: Millis) -> Vec<CadenceEffect> {
        self.forget_the_future(now);
        match event {
            CadenceEvent::Text(text) => self.grow(text),
            CadenceEvent::ToolLine(line) => self.tool_line = line,
            CadenceEvent::Finished => self.end(Ending::Done),
            CadenceEvent::Failed(sentence) => self.end(Ending::Failed(sentence)),
            CadenceEvent::Stopped => self.end(Ending::Stopped),
            CadenceEvent::Delivered => self.delivered(now),
            CadenceEvent::RateLimited(pause) => self.rate_limited(pause, now),
            CadenceEvent::Undelivered => self.settle(now),
            CadenceEvent::Timer => self.wake_at = None,
        }
        self.decide(now)
    }

    /// Whether the final text was given out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    fn with(pace: Pace, shown: Shown, now: Millis) -> (Self, Vec<CadenceEffect>) {
        let mut cadence = Self {
            interval: pace.interval_first,
            pace,
            stage: Stage::Growing,
            text: String::new(),
            tool_line: String::new(),
            shown,
            under_way: None,
            began: now,
            sent: None,
            settled: None,
            hushed: None,
            edits: 0,
            wake_at: None,
        };
        let effects = cadence.decide(now);
        (cadence, effects)
    }

    fn grow(&mut self, text: String) {
        if self.stage == Stage::Growing {
            self.text = text;
            self.tool_line.clear();
        }
    }

    /// The first end counts.
    fn end(&mut self, ending: Ending) {
        if self.stage == Stage::Growing {
            self.stage = Stage::Ending(ending);
        }
    }

    fn delivered(&mut self, now: Millis) {
        if let Some(shown) = self.under_way.take() {
            self.shown = shown;
            self.settled = Some(now);
        }
    }

    fn settle(&mut self, now: Millis) {
        if self.under_way.take().is_some() {
            self.settled = Some(now);
        }
    }

    fn rate_limited(&mut self, pause: Duration, now: Millis) {
        if self.under_way.is_some() {
            self.settle(now);
            self.hushed = Some((now, pause));
            self.interval = (self.interval * 2).min(INTERVAL_MAX.max(self.pace.interval_last));
        }
    }

    /// A clock that jumped back must not make people wait until it is where it was.
    fn forget_the_future(&mut self, now: Millis) {
        self.began = self.began.min(now);
        self.sent = self.sent.map(|sent| sent.min(now));
        self.settled = self.settled.map(|settled| settled.min(now));
        self.hushed = self.hushed.map(|(since, pause)| (since.min(now), pause));
    }

    fn decide(&mut self, now: Millis) -> Vec<CadenceEffect> {
        if self.under_way.is_some() {
            return Vec::new();
        }
        match &self.stage {
            Stage::Over => Vec::new(),
            Stage::Ending(ending) => {
                let text = ending.close(&self.text);
                self.at(self.gap_end(), now, |cadence| cadence.finish(text))
            }
            Stage::Growing => match self.pace.streaming {
                Streaming::Final => Vec::new(),
                Streaming::Edits => self.decide_growing(now),
            },
        }
    }

    fn decide_growing(&mut self, now: Millis) -> Vec<CadenceEffect> {
        let text = with_tool_line(&self.text, &self.tool_line);
        let is_empty = text.trim().is_empty();
        let quiet_end = self.gap_end().max(self.hush_end());
        match &self.shown {
            Shown::Nothing if is_empty => {
                let due = self.began.after(self.pace.placeholder_after).max(quiet_end);
                self.at(due, now, |cadence| cadence.send(Shown::Placeholder, CadenceEffect::Placeholder, now))
            }
            Shown::Nothing => self
                .at(quiet_end, now, |cadence| cadence.send(Shown::Text(text.clone()), CadenceEffect::Send(text), now)),
            Shown::Placeholder if is_empty => Vec::new(),
            Shown::Placeholder => self.edit_at(quiet_end, text, now),
            Shown::Text(shown) if is_empty || *shown == text => Vec::new(),
            Shown::Text(_) => self.edit_at(quiet_end.max(self.interval_end()), text, now),
        }
    }

    fn edit_at(&mut self, due: Millis, text: String, now: Millis) -> Vec<CadenceEffect> {
        if self.edits >= self.pace.edits_max {
            return Vec::new();
        }
        self.at(due, now, |cadence| {
            cadence.edits += 1;
            let grown = (cadence.interval * INTERVAL_GROWTH_TENTHS / 10).min(cadence.pace.interval_last);
            let effect = cadence.send(Shown::Text(text.clone()), CadenceEffect::Edit(text), now);
            cadence.interval = cadence.interval.max(grown);
            effect
        })
    }

    /// Acts if it is time, else asks to be woken when it is.
    fn at(&mut self, due: Millis, now: Millis, act: impl FnOnce(&mut Self) -> CadenceEffect) -> Vec<CadenceEffect> {
        if due <= now {
            self.wake_at = None;
            return vec![act(self)];
        }
        if self.wake_at == Some(due) {
            return Vec::new();
        }
        self.wake_at = Some(due);
        vec![CadenceEffect::WakeAt(due)]
    }

    fn send(&mut self, shown: Shown, effect: CadenceEffect, now: Millis) -> CadenceEffect {
        debug_assert!(self.under_way.is_none(), "one event at a time");
        self.under_way = Some(shown);
        self.sent = Some(now);
        effect
    }

    fn finish(&mut self, text: String) -> CadenceEffect {
        self.stage = Stage::Over;
        CadenceEffect::Final(text)
    }

    fn gap_end(&self) -> Millis {
        self.settled.map_or(self.began, |settled| settled.after(GAP))
    }

    fn interval_end(&self) -> Millis {
        self.sent.map_or(self.began, |sent| sent.after(self.interval))
    }

    fn hush_end(&self) -> Millis {
        self.hushed.map_or(self.began, |(since, pause)| since.after(pause))
    }
}

#[cfg(test)]
mod tests {
    use super::{CadenceEffect as Effect, CadenceEvent as Event, *};

    fn text(text: &str) -> Event {
        Event::Text(text.to_owned())
    }

    fn edit(text: &str) -> Effect {
        Effect::Edit(text.to_owned())
    }

    fn wake_at(millis: u64) -> Effect {
        Effect::WakeAt(Millis(millis))
    }

    /// Plays events at moments and compares what each brings about.
    #[track_caller]
    fn check(pace: Pace, steps: &[(u64, Event, &[Effect])]) -> Cadence {
        let (mut cadence, _) = Cadence::begin(pace, Millis(0));
        for (at, event, expected) in steps {
            assert_eq!(cadence.on(event.clone(), Millis(*at)), *expected, "{event:?} at {at}");
        }
        cadence
    }

    /// S1: first content as soon as there is any; then edits, at growing intervals, never in parallel.
    #[test]
    fn content_comes_at_once_and_then_by_edits() {
        let cadence = check(
            Pace::default(),
            &[
                (100, text("a"), &[Effect::Send("a".to_owned())]),
                (150, text("ab"), &[]),
                (200, Event::Delivered, &[wake_at(500)]),
                (300, text("abc"), &[]),
                (500, Event::Timer, &[edit("abc")]),
                (520, Event::Delivered, &[]),
                (600, text("abcd"), &[wake_at(1_020)]),
                (1_020, Event::Timer, &[edit("abcd")]),
                (5_000, text("abcde"), &[]),
                (6_000, Event::Delivered, &[wake_at(6_002)]),
                (6_002, Event::Timer, &[edit("abcde")]),
                (6_003, Event::Finished, &[]),
                (6_050, Event::Delivered, &[wake_at(6_052)]),
                (6_052, Event::Timer, &[Effect::Final("abcde".to_owned())]),
                (6_060, Event::Delivered, &[]),
                (6_070, Event::Finished, &[]),
            ],
        );
        assert!(cadence.is_over());
    }

    /// S1: a placeholder after 1.5 s without content, and content in its place as soon as there is any.
    #[test]
    fn without_content_there_is_a_placeholder() {
        let (_, effects) = Cadence::begin(Pace::default(), Millis(7));
        assert_eq!(effects, [wake_at(1_507)]);
        check(
            Pace::default(),
            &[
                (10, text("  "), &[]),
                (1_500, Event::Timer, &[Effect::Placeholder]),
                (1_510, text("a"), &[]),
                (1_520, Event::Delivered, &[wake_at(1_522)]),
                (1_522, Event::Timer, &[edit("a")]),
            ],
        );
    }

    /// S5: a tool's line stands below the text while it runs, and never in the end.
    #[test]
    fn a_tool_line_comes_and_goes() {
        check(
            Pace::default(),
            &[
                (10, Event::ToolLine("🔧 time".to_owned()), &[Effect::Send("🔧 time".to_owned())]),
                (20, Event::Delivered, &[]),
                (500, text("noon"), &[edit("noon")]),
                (510, Event::Delivered, &[]),
                (2_000, Event::ToolLine("🔧 date".to_owned()), &[edit("noon\n\n🔧 date")]),
                (2_010, Event::Delivered, &[]),
                (2_020, Event::Finished, &[Effect::Final("noon".to_owned())]),
            ],
        );
    }

    /// S1: `streaming: final` shows the whole answer only.
    #[test]
    fn an_answer_may_come_as_a_whole() {
        let pace = Pace { streaming: Streaming::Final, ..Pace::default() };
        let whole = Effect::Final("ab".to_owned());
        check(pace, &[(5, text("a"), &[]), (2_000, text("ab"), &[]), (3_000, Event::Finished, &[whole])]);
    }

    /// S1: on 429 edits slow down, the final one doesn't.
    #[test]
    fn a_refusal_slows_edits_but_not_the_end() {
        let second = Duration::from_secs(1);
        check(
            Pace::default(),
            &[
                (0, text("a"), &[Effect::Send("a".to_owned())]),
                (10, Event::RateLimited(second), &[wake_at(1_010)]),
                (20, text("ab"), &[]),
                (1_010, Event::Timer, &[Effect::Send("ab".to_owned())]),
                (1_020, Event::Delivered, &[]),
                (1_030, text("abc"), &[wake_at(1_810)]),
                (1_810, Event::Timer, &[edit("abc")]),
                (1_820, Event::RateLimited(second * 3_600), &[wake_at(3_601_820)]),
                (1_900, Event::Finished, &[Effect::Final("abc".to_owned())]),
                (1_910, Event::RateLimited(second), &[]),
            ],
        );
    }

    /// S1: at most `edits_max` edits, and a final one.
    #[test]
    fn edits_are_counted() {
        let pace = Pace { edits_max: 1, ..Pace::default() };
        check(
            pace,
            &[
                (0, text("a"), &[Effect::Send("a".to_owned())]),
                (10, Event::Delivered, &[]),
                (1_000, text("b"), &[edit("b")]),
                (1_010, Event::Delivered, &[]),
                (9_000, text("c"), &[]),
                (9_500, Event::Finished, &[Effect::Final("c".to_owned())]),
            ],
        );
    }

    /// S4: a stop keeps what was said. S6: a failure is told. The first end counts.
    #[test]
    fn an_answer_ends_once() {
        let stopped = Effect::Final("a\n\n… (stopped)".to_owned());
        let failed = Effect::Final("⚠️ No model.".to_owned());
        check(
            Pace::default(),
            &[
                (0, text("a"), &[Effect::Send("a".to_owned())]),
                (5, Event::Stopped, &[]),
                (6, text("ab"), &[]),
                (7, Event::Finished, &[]),
                (8, Event::Undelivered, &[wake_at(10)]),
                (10, Event::Timer, &[stopped]),
                (20, Event::Failed("No.".to_owned()), &[]),
            ],
        );
        check(Pace::default(), &[(3, Event::Failed("No model.".to_owned()), &[failed])]);
    }

    /// N4: after a restart an answer goes on in the message that is there: no second one, no placeholder.
    #[test]
    fn an_answer_goes_on_in_its_message() {
        let (mut cadence, effects) = Cadence::resume(Pace::default(), Millis(0));
        assert_eq!(effects, []);
        assert_eq!(cadence.on(text("again"), Millis(5)), [edit("again")]);
    }

    #[test]
    fn a_clock_that_jumps_back_holds_nothing_up() {
        check(
            Pace::default(),
            &[
                (1_000_000, text("a"), &[Effect::Send("a".to_owned())]),
                (1_000_010, Event::Delivered, &[]),
                (500, text("b"), &[wake_at(900)]),
                (900, Event::Timer, &[edit("b")]),
            ],
        );
    }
}
