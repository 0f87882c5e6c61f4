//! The course of one answer, as a machine: ask the model, do what it wants done, ask again, until it has only words.

use std::{collections::VecDeque, mem};

use super::guard::{Guard, Limits};
use crate::model::{Prompt, Speaker, ToolCall, ToolUse, Usage, Utterance};

/// How often a step is begun anew after its answer broke off.
const BROKEN_MAX: u32 = 1;
/// Ends what a model is told before its last step.
const LAST_STEP: &str = "\n\n(This was the last tool that you could use. Answer now.)";
/// Stands where a model had used a tool and has said nothing about it.
const GAP: &str = "\n\n";

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// It begins.
    Began,
    /// The model said these words.
    Said(String),
    /// The model wants a tool used.
    Wanted(ToolCall),
    /// The model has said and wanted everything.
    Complete(Usage),
    /// The model's answer ended too early.
    Broke(Breakage),
    /// The tool was used, with this outcome.
    Used(String),
    /// It has taken too long, for the reason that this sentence gives.
    TimeUp(String),
}

/// How a model's answer ended too early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breakage {
    /// What people are told if that is the end.
    pub(super) sentence: String,
    /// Whether the same question may well be answered.
    pub(super) passing: bool,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    /// Ask the model.
    Ask(Box<Prompt>),
    /// Show what is said so far: [`Course::text`].
    Show,
    /// Use this tool.
    Use(ToolCall),
    /// That was the answer.
    Finish,
    /// It ends here, with this sentence for people.
    Fail(String),
}

/// One answer on its way.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Course {
    prompt: Prompt,
    guard: Guard,
    state: State,
    /// What is said, all steps together.
    text: String,
    /// Where the words of the step at hand begin in it.
    step_at: usize,
    /// What the model wants done and isn't yet.
    wanted: VecDeque<ToolCall>,
    /// What was done of it.
    uses: Vec<ToolUse>,
    /// How often an answer broke off.
    broken: u32,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Fresh,
    Asking,
    Using(ToolCall),
    Over,
}

impl Course {
    /// The answer to `prompt`, within `limits`.
    pub(super) fn new(prompt: Prompt, limits: Limits) -> Self {
        Self {
            prompt,
            guard: Guard::new(limits),
            state: State::Fresh,
            text: String::new(),
            step_at: 0,
            wanted: VecDeque::new(),
            uses: Vec::new(),
            broken: 0,
        }
    }

    /// What is said so far.
    pub(super) fn text(&self) -> &str {
        self.text.trim_end()
    }

    /// Takes an event. One that comes too late, or twice, changes nothing.
    pub(super) fn on(&mut self, event: Event) -> Vec<Effect> {
        match (&self.state, event) {
            (State::Fresh, Event::Began) => self.ask(),
            (State::Asking, Event::Said(words)) => self.say(&words),
            (State::Asking, Event::Wanted(call)) => {
                self.wanted.push_back(call);
                Vec::new()
            }
            (State::Asking, Event::Complete(usage)) => self.complete(usage),
            (State::Asking, Event::Broke(breakage)) => self.broke(breakage),
            (State::Using(_), Event::Used(outcome)) => self.used(outcome),
            (State::Asking | State::Using(_), Event::TimeUp(sentence)) => self.fail(sentence),
            (
                State::Fresh | State::Asking | State::Using(_) | State::Over,
                Event::Began
                | Event::Said(_)
                | Event::Wanted(_)
                | Event::Complete(_)
                | Event::Broke(_)
                | Event::Used(_)
                | Event::TimeUp(_),
            ) => Vec::new(),
        }
    }

    fn say(&mut self, words: &str) -> Vec<Effect> {
        if self.text.len() == self.step_at && !self.text.is_empty() {
            self.text.push_str(GAP);
        }
        self.text.push_str(words);
        vec![Effect::Show]
    }

    fn complete(&mut self, usage: Usage) -> Vec<Effect> {
        self.guard.spend(usage.input_tokens.saturating_add(usage.output_tokens));
        if self.wanted.is_empty() {
            self.state = State::Over;
            return vec![Effect::Finish];
        }
        self.use_next()
    }

    /// Uses the next tool that may be used; when there is none, asks the model with what came of them.
    fn use_next(&mut self) -> Vec<Effect> {
        while let Some(call) = self.wanted.pop_front() {
            match self.guard.call(&call) {
                Ok(()) => {
                    self.state = State::Using(call.clone());
                    return vec![Effect::Use(call)];
                }
                Err(outcome) => self.uses.push(ToolUse { call, outcome }),
            }
        }
        if self.guard.next_is_last()
            && let Some(last) = self.uses.last_mut()
        {
            last.outcome.push_str(LAST_STEP);
        }
        let said = self.text[self.step_at..].trim().to_owned();
        let uses = mem::take(&mut self.uses);
        self.prompt.messages.push(Utterance { uses, ..Utterance::words(Speaker::Agent, "", said) });
        self.text.truncate(self.text.trim_end().len());
        self.step_at = self.text.len();
        self.ask()
    }

    fn used(&mut self, outcome: String) -> Vec<Effect> {
        if let State::Using(call) = mem::replace(&mut self.state, State::Over) {
            self.uses.push(ToolUse { call, outcome });
        }
        self.use_next()
    }

    /// What was said in the step at hand is taken back and the step begun anew, once.
    fn broke(&mut self, breakage: Breakage) -> Vec<Effect> {
        if !breakage.passing || self.broken >= BROKEN_MAX {
            return self.fail(breakage.sentence);
        }
        self.broken += 1;
        self.wanted.clear();
        self.text.truncate(self.step_at);
        self.ask()
    }

    fn ask(&mut self) -> Vec<Effect> {
        match self.guard.step() {
            Ok(()) => {
                self.state = State::Asking;
                vec![Effect::Ask(Box::new(self.prompt.clone()))]
            }
            Err(sentence) => self.fail(sentence),
        }
    }

    fn fail(&mut self, sentence: String) -> Vec<Effect> {
        self.state = State::Over;
        vec![Effect::Fail(sentence)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use serde_json::json;

    use super::*;

    const LIMITS: Limits = Limits { steps: 3, calls: 4, repeats: 2, tokens: 1_000 };

    fn course() -> Course {
        let messages = vec![Utterance::words(Speaker::Person, "Ada", "What time is it?")];
        Course::new(Prompt { messages, ..Prompt::default() }, LIMITS)
    }

    fn said(text: &str) -> Event {
        Event::Said(text.to_owned())
    }

    fn time(id: &str) -> ToolCall {
        ToolCall { id: id.to_owned(), name: "time".to_owned(), input: json!({}) }
    }

    fn complete() -> Event {
        Event::Complete(Usage { input_tokens: 10, output_tokens: 5 })
    }

    fn broke(passing: bool) -> Event {
        Event::Broke(Breakage { sentence: "It broke.".to_owned(), passing })
    }

    /// The prompt that is asked as the only effect.
    fn asked(effects: &[Effect]) -> &Prompt {
        match effects {
            [Effect::Ask(prompt)] => prompt,
            other => panic!("nothing else than a question was expected: {other:?}"),
        }
    }

    #[test]
    fn words_alone_are_an_answer() {
        let mut course = course();
        asked(&course.on(Event::Began));
        assert_eq!(course.on(said("It is ")), [Effect::Show]);
        assert_eq!(course.on(said("noon.\n")), [Effect::Show]);
        assert_eq!(course.text(), "It is noon.");
        assert_eq!(course.on(complete()), [Effect::Finish]);
        assert_eq!(course.on(said("More")), []);
        assert_eq!(course.text(), "It is noon.");
    }

    #[test]
    fn tools_are_used_one_after_the_other_and_told_to_the_model() {
        let mut course = course();
        course.on(Event::Began);
        course.on(said("Let me look."));
        assert_eq!(course.on(Event::Wanted(time("1"))), []);
        assert_eq!(course.on(Event::Wanted(time("2"))), []);
        assert_eq!(course.on(complete()), [Effect::Use(time("1"))]);
        assert_eq!(course.on(Event::Used("noon".to_owned())), [Effect::Use(time("2"))]);
        let effects = course.on(Event::Used("still noon".to_owned()));
        let last = asked(&effects).messages.last().unwrap();
        assert_eq!((last.speaker, last.text.as_str()), (Speaker::Agent, "Let me look."));
        let outcomes: Vec<&str> = last.uses.iter().map(|used| used.outcome.as_str()).collect();
        assert_eq!(outcomes, ["noon", "still noon"]);
        course.on(said("It is noon."));
        assert_eq!(course.text(), "Let me look.\n\nIt is noon.");
        assert_eq!(course.on(complete()), [Effect::Finish]);
    }

    #[test]
    fn a_refused_call_is_told_to_the_model_and_not_made() {
        let mut course = course();
        course.on(Event::Began);
        for id in ["1", "2", "3"] {
            course.on(Event::Wanted(time(id)));
        }
        course.on(complete());
        course.on(Event::Used("noon".to_owned()));
        let effects = course.on(Event::Used("noon".to_owned()));
        let uses = &asked(&effects).messages.last().unwrap().uses;
        assert!(uses[2].outcome.starts_with("Not done: you have made exactly this call 2 times"), "{uses:?}");
    }

    #[test]
    fn the_model_hears_before_its_last_step_and_then_it_ends() {
        let mut course = course();
        course.on(Event::Began);
        let mut heard = Vec::new();
        for step in 0..3 {
            let call = ToolCall { input: json!({ "n": step }), ..time("1") };
            course.on(Event::Wanted(call));
            course.on(complete());
            heard = course.on(Event::Used("noon".to_owned()));
            if step == 1 {
                let uses = &asked(&heard).messages.last().unwrap().uses;
                assert_eq!(uses[0].outcome, format!("noon{LAST_STEP}"));
            }
        }
        assert_eq!(heard, [Effect::Fail("This answer took more than 3 steps, so I stopped.".to_owned())]);
    }

    /// S6: what passes by itself is tried again first, and what was half said is taken back.
    #[test]
    fn a_broken_answer_begins_anew_once() {
        let mut course = course();
        course.on(Event::Began);
        course.on(said("It is nei"));
        asked(&course.on(broke(true)));
        assert_eq!(course.text(), "");
        course.on(said("It is no"));
        assert_eq!(course.on(broke(true)), [Effect::Fail("It broke.".to_owned())]);
        assert_eq!(course.text(), "It is no", "what was said stays");
    }

    #[test]
    fn what_does_not_pass_by_itself_is_not_tried_again() {
        let mut course = course();
        course.on(Event::Began);
        assert_eq!(course.on(broke(false)), [Effect::Fail("It broke.".to_owned())]);
    }

    #[test]
    fn time_runs_out_whatever_it_does() {
        let mut course = course();
        course.on(Event::Began);
        course.on(Event::Wanted(time("1")));
        course.on(complete());
        assert_eq!(course.on(Event::TimeUp("Too long.".to_owned())), [Effect::Fail("Too long.".to_owned())]);
        assert_eq!(course.on(Event::Used("late".to_owned())), []);
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Began),
            "[a-z ]{1,4}".prop_map(Event::Said),
            (0..3_u32).prop_map(|n| Event::Wanted(ToolCall { input: json!({ "n": n }), ..time("1") })),
            Just(complete()),
            any::<bool>().prop_map(broke),
            Just(Event::Used("noon".to_owned())),
            Just(Event::TimeUp("Too long.".to_owned())),
        ]
    }

    proptest! {
        /// Whatever happens in whatever order: bounded questions and calls, one end, and nothing after it.
        #[test]
        fn it_stays_within_its_bounds(events in vec(any_event(), 0..60)) {
            let mut course = course();
            let (mut asked, mut used, mut ended) = (0, 0, 0);
            for event in events {
                let effects = course.on(event);
                prop_assert!(ended == 0 || effects.is_empty(), "it goes on after its end: {effects:?}");
                for effect in effects {
                    match effect {
                        Effect::Ask(_) => asked += 1,
                        Effect::Use(_) => used += 1,
                        Effect::Finish | Effect::Fail(_) => ended += 1,
                        Effect::Show => {}
                    }
                }
            }
            prop_assert!(asked <= LIMITS.steps && used <= LIMITS.calls && ended <= 1);
        }
    }
}
