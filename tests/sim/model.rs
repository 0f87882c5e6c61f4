//! The model: it says back what it was asked, in pieces, and fails in every way that a provider does.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
    vec::IntoIter,
};

use futures_util::{
    Stream, StreamExt as _,
    stream::{self, BoxStream},
};
use maitre::{
    llm::{Driver, LlmError, Piece},
    model::{Prompt, Speaker, Usage},
};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{dice::Dice, trace::Trace};

/// What every question of people holds: this and a tag that no other wording has, with a semicolon at its end.
pub(crate) const ASK: &str = "ask-";
/// What a question begins with that is to be passed on, followed by to whom.
pub(crate) const PASS_ON: &str = "pass-on-to-";
/// What answers make of it.
pub(crate) const RE: &str = "re-";
/// What the persona of an agent says; the router's and a leader's questions don't.
const PERSONA: &str = "You are a member of ";

/// How often an answer is longer than a message can be.
const LONG: f64 = 0.02;

/// How models fail, in probabilities.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moods {
    /// It fails before the first word.
    pub(crate) error: f64,
    /// It never says anything.
    pub(crate) hang: f64,
    /// It breaks off in the middle.
    pub(crate) cut: f64,
    /// It takes ten times as long.
    pub(crate) slow: f64,
    /// Asked for a form, it talks nonsense.
    pub(crate) nonsense: f64,
}

impl Moods {
    /// Nothing of that kind.
    pub(crate) fn well() -> Self {
        Self::default()
    }

    /// As bad as `dice` want it to be in this run.
    pub(crate) fn rough(dice: &Dice) -> Self {
        if dice.chance(0.3) {
            return Self::well();
        }
        let some = |most: f64| if dice.chance(0.6) { most } else { 0.0 };
        Self { error: some(0.08), hang: some(0.03), cut: some(0.15), slow: some(0.2), nonsense: some(0.3) }
    }
}

/// The model. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Brain {
    dice: Dice,
    trace: Trace,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    moods: Moods,
    calls: u64,
    /// The agents' calls that are under way, each with who is asked and what about.
    open: BTreeMap<u64, Call>,
    counts: BTreeMap<&'static str, u64>,
    /// The most calls that were ever under way at once.
    open_most: usize,
    violations: Vec<String>,
    /// Tags of deleted messages: from this moment on nobody may be shown them, nor what was kept of them.
    gone: BTreeMap<String, Instant>,
    /// Tags of old wordings: nobody may be shown them as what somebody says.
    outdated: BTreeMap<String, Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    persona: String,
    /// The first question of the conversation: what tells it from others.
    about: Option<String>,
    in_team: bool,
}

/// How one call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Well,
    Error,
    Hang,
    Cut,
}

impl Brain {
    pub(crate) fn new(dice: Dice, trace: Trace, moods: Moods) -> Self {
        let state = State { moods, ..State::default() };
        Self { dice, trace, state: Arc::new(Mutex::new(state)) }
    }

    /// From now on it works well.
    pub(crate) fn calm(&self) {
        self.state().moods = Moods::well();
    }

    /// From now on nobody may be shown this tag: its message was deleted.
    pub(crate) fn forget(&self, tag: &str) {
        self.state().gone.insert(tag.to_owned(), Instant::now());
    }

    /// From now on nobody may be shown this tag as what somebody says: they say it in other words now.
    pub(crate) fn outdate(&self, tag: &str) {
        self.state().outdated.insert(tag.to_owned(), Instant::now());
    }

    /// How often it failed, by the way in which it did.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.state().counts.clone()
    }

    /// The most of the agents' calls that were ever under way at once.
    pub(crate) fn open_most(&self) -> usize {
        self.state().open_most
    }

    /// What it saw that must not be.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the next call goes, and how slow its pieces are.
    fn course(&self, name: &'static str) -> (Course, Duration) {
        let moods = self.state().moods.clone();
        let course = if self.dice.chance(moods.error) {
            Course::Error
        } else if self.dice.chance(moods.hang) {
            Course::Hang
        } else if self.dice.chance(moods.cut) {
            Course::Cut
        } else {
            Course::Well
        };
        let slow = self.dice.chance(moods.slow);
        let piece = if slow { self.dice.millis(1_000..8_000) } else { self.dice.millis(0..900) };
        let mut state = self.state();
        *state.counts.entry(name).or_default() += 1;
        match course {
            Course::Well => {}
            Course::Error => *state.counts.entry("model: error before the first word").or_default() += 1,
            Course::Hang => *state.counts.entry("model: silence until the deadline").or_default() += 1,
            Course::Cut => *state.counts.entry("model: stream cut in the middle").or_default() += 1,
        }
        if slow {
            *state.counts.entry("model: slow pieces").or_default() += 1;
        }
        (course, piece)
    }

    /// What it says to `prompt`, as pieces.
    fn answer(&self, prompt: &Prompt) -> Vec<String> {
        if let Some(shape) = &prompt.shape {
            return vec![self.choice(&shape.schema)];
        }
        let tags = tags(prompt);
        let words: Vec<String> = tags.iter().map(|tag| format!("{RE}{tag} ")).collect();
        let mut pieces: Vec<String> = vec!["Well: ".to_owned()];
        pieces.extend(words);
        for _ in 0..self.dice.below(4) {
            pieces.push("and so on ".to_owned());
        }
        if self.dice.chance(LONG) {
            *self.state().counts.entry("model: an answer of several messages").or_default() += 1;
            pieces.push("\n\n".to_owned());
            pieces.push("All of it, at length, and then some more of it.\n\n".repeat(600 + self.dice.below(600)));
        }
        let last = prompt.messages.iter().rfind(|utterance| utterance.speaker == Speaker::Person);
        let wish = last.and_then(|said| said.text.split_whitespace().find_map(|word| word.strip_prefix(PASS_ON)));
        if let Some(other) = wish.filter(|_| prompt.system.contains(PERSONA)) {
            pieces.push(format!("what do you think, @{other}?"));
        }
        pieces
    }

    /// The first or another of the names that a form allows.
    fn choice(&self, schema: &serde_json::Value) -> String {
        let nonsense = self.state().moods.nonsense;
        if self.dice.chance(nonsense) {
            *self.state().counts.entry("model: nonsense for a choice").or_default() += 1;
            return "I would rather not.".to_owned();
        }
        let names: Vec<&str> = schema["properties"]["name"]["enum"]
            .as_array()
            .map(|names| names.iter().filter_map(serde_json::Value::as_str).collect())
            .unwrap_or_default();
        if names.is_empty() {
            return "{}".to_owned();
        }
        format!(r#"{{"name": "{}", "reason": "dice"}}"#, self.dice.pick(&names))
    }

    /// Notes that a call begins, and whether it may.
    fn begin(&self, prompt: &Prompt) -> Open {
        let tags = tags(prompt);
        let persona = prompt.system.lines().next().unwrap_or_default().to_owned();
        let is_agent = prompt.system.contains(PERSONA);
        let mut state = self.state();
        state.calls += 1;
        let id = state.calls;
        let now = Instant::now();
        let told = |tag: &str| {
            let text = format!("{ASK}{tag}");
            prompt.system.contains(&text) || prompt.messages.iter().any(|utterance| utterance.text.contains(&text))
        };
        let due = |known: &BTreeMap<String, Instant>, tag: &String| known.get(tag).is_some_and(|at| *at <= now);
        let gone: Vec<String> = state.gone.keys().filter(|tag| due(&state.gone, tag) && told(tag)).cloned().collect();
        let outdated: Vec<String> = tags.iter().filter(|tag| due(&state.outdated, tag)).cloned().collect();
        let gone = gone.iter().map(|tag| format!("S8: a model was shown {ASK}{tag}, long after it was deleted"));
        let outdated = outdated.iter().map(|tag| format!("S7: a model was shown {ASK}{tag}, an old wording"));
        let shown: Vec<String> = gone.chain(outdated).collect();
        state.violations.extend(shown);
        if is_agent {
            let in_team = prompt.system.contains("You are working on a part of something");
            let call = Call { persona: persona.clone(), about: tags.first().cloned(), in_team };
            let is_same = |open: &&Call| **open == call && !call.in_team && call.about.is_some();
            if let Some(other) = state.open.values().find(is_same) {
                let line = format!("C4: two answers at once in one lane: {other:?}");
                state.violations.push(line);
            }
            state.open.insert(id, call);
            state.open_most = state.open_most.max(state.open.len());
        }
        drop(state);
        self.trace.say(format!("model {id} asked ({persona}) about {}", tags.join(" ")));
        Open { brain: self.clone(), id }
    }
}

/// The tags of people's questions in `prompt`, in order.
fn tags(prompt: &Prompt) -> Vec<String> {
    let said = prompt.messages.iter().filter(|utterance| utterance.speaker == Speaker::Person);
    let mut seen = BTreeSet::new();
    let tags = said.flat_map(|utterance| utterance.text.split_whitespace().filter_map(|word| word.strip_prefix(ASK)));
    tags.filter(|tag| seen.insert((*tag).to_owned())).map(str::to_owned).collect()
}

/// A call that is under way, until it is dropped.
struct Open {
    brain: Brain,
    id: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.brain.state().open.remove(&self.id);
    }
}

/// A stream with what must live as long as it.
struct Kept<S>(S, #[expect(dead_code, reason = "it is there to be dropped")] Open);

impl<S: Stream + Unpin> Stream for Kept<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl Driver for Brain {
    fn ask(&self, prompt: Prompt, deadline: Duration) -> BoxStream<'static, Result<Piece, LlmError>> {
        let (brain, until) = (self.clone(), Instant::now() + deadline);
        let answer = async move { brain.say(&prompt, until, deadline) };
        stream::once(answer).flatten().boxed()
    }
}

/// How fast an answer comes.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// What lies between two pieces.
    pause: Duration,
    until: Instant,
    given: Duration,
}

impl Brain {
    /// The answer to `prompt`, piece by piece.
    fn say(
        &self,
        prompt: &Prompt,
        until: Instant,
        given: Duration,
    ) -> Kept<BoxStream<'static, Result<Piece, LlmError>>> {
        let open = self.begin(prompt);
        let (course, pause) =
            self.course(if prompt.shape.is_some() { "model: asked to choose" } else { "model: asked" });
        let steps = steps(course, &self.answer(prompt), &self.dice);
        let pace = Pace { pause, until, given };
        Kept(stream::unfold(Some(steps.into_iter()), move |steps| give(steps, pace)).boxed(), open)
    }
}

/// The next piece, and what comes after it.
async fn give(steps: Option<IntoIter<Step>>, pace: Pace) -> Option<(Result<Piece, LlmError>, Option<IntoIter<Step>>)> {
    let mut steps = steps?;
    let in_time = Instant::now() + pace.pause < pace.until;
    let outcome = match steps.next()? {
        Step::Give(piece) if in_time => Ok(piece),
        Step::Fail(error) if in_time => Err(error),
        Step::Give(_) | Step::Fail(_) | Step::Hang => {
            sleep_until(pace.until).await;
            return Some((Err(LlmError::TimedOut { after: pace.given }), None));
        }
    };
    sleep(pace.pause).await;
    let rest = outcome.is_ok().then_some(steps);
    Some((outcome, rest))
}

/// One step of an answer.
enum Step {
    Give(Piece),
    Fail(LlmError),
    Hang,
}

fn steps(course: Course, pieces: &[String], dice: &Dice) -> Vec<Step> {
    let failures = [
        LlmError::Overloaded,
        LlmError::Server { status: 503 },
        LlmError::Network { cause: "connection reset".to_owned() },
        LlmError::Malformed,
        LlmError::Empty,
    ];
    let keep = 1 + dice.below(pieces.len());
    let all = pieces.len();
    let usage = Usage { input_tokens: 10, output_tokens: 10 };
    let given = |count: usize| -> Vec<Step> {
        pieces.iter().take(count).map(|text| Step::Give(Piece::Text(text.clone()))).collect()
    };
    match course {
        Course::Well => given(all).into_iter().chain([Step::Give(Piece::Done(usage))]).collect(),
        Course::Error => vec![Step::Fail(dice.pick(&failures).clone())],
        Course::Hang => vec![Step::Hang],
        Course::Cut => given(keep).into_iter().chain([Step::Fail(LlmError::Truncated)]).collect(),
    }
}
