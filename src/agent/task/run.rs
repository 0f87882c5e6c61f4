//! Carries out one job: sets the scene, drives the course of the answer, and does what the model wants done.

use std::{mem, ops::ControlFlow, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::BoxStream};
use tokio::time::Instant;

use super::{
    attach::attach,
    hands::{TurnHands, recollection},
    job::{Failure, Job, Means},
    mouth::Mouth,
    scene::{self, Thinker},
    seat::Seat,
    summary::summary,
};
use crate::{
    agent::{
        guard::{Limits, took_too_long},
        memory,
        persona::{Scenery, persona},
        session::Line,
        skills::{Skillset, shown},
        turn::{Breakage, Course, Effect, Event},
        window::{budget, fit},
    },
    config::Skill,
    llm::{LlmError, Piece},
    model::{Prompt, Speaker, ToolCall, Usage, Utterance},
    observe::{AnswerLessened, ToolUsed, fault_around},
    store::{StoreError, ToolRecord},
    tools::{Hands, Toolbox, UseSkill},
};

/// The tool whose calls are waited for again after a restart: its question still stands in the room.
pub(super) const ASK: &str = "ask_person";
/// How many memos are looked at for those that may matter.
const MEMOS_LOOKED_AT: usize = 24;
/// How many earlier tool calls a model is told, and how much of each, in characters.
const DONE_BEFORE_MAX: usize = 30;
const DONE_CHARS_MAX: usize = 1_200;

/// One job being done.
pub(super) struct Run<'a> {
    means: &'a Arc<Means>,
    job: &'a Arc<Job>,
    seat: Arc<Seat>,
    tools: Toolbox,
    skills: Vec<Arc<Skill>>,
    /// How long it may take.
    time: Duration,
}

/// A job that is done.
pub(super) struct Done {
    /// The answer.
    pub(super) text: String,
    /// What was asked, in plain words.
    pub(super) question: String,
}

/// What is waited for.
enum Source<'a> {
    Nothing,
    Model(BoxStream<'static, Result<Piece, LlmError>>),
    Tool(BoxFuture<'a, String>),
}

/// What drives a course along, besides the course itself.
struct Drive<'a> {
    source: Source<'a>,
    /// Whether the model said anything since it was last asked.
    heard: bool,
    /// How it last failed.
    error: Option<LlmError>,
    spent: Usage,
}

impl<'a> Run<'a> {
    /// `job` with the skills for it and its time, within which it must be done.
    pub(super) fn new(
        means: &'a Arc<Means>,
        job: &'a Arc<Job>,
        skills: Vec<Arc<Skill>>,
        time: Duration,
    ) -> Result<Self, Failure> {
        let (_, agent) = scene::employed(job)?;
        let tools = Toolbox::of(&agent.tools);
        // Whoever works for a team speaks to nobody else meanwhile.
        let tools = if job.assignment.is_some() { tools.without(ASK) } else { tools };
        // Who has no tools at all may think with a model that knows none.
        let by_tool = !agent.tools.is_empty() && !skills.is_empty();
        let tools = if by_tool { tools.with(Arc::new(UseSkill::of(skills.clone()))) } else { tools };
        let seat = Arc::new(Seat::new(means.places.clone(), job.turn.priority, time));
        Ok(Self { means, job, seat, tools, skills, time })
    }

    /// Does it.
    pub(super) async fn carry_out(&self, mouth: &mut Mouth) -> Result<Done, Failure> {
        let before = self.done_before(mouth).await?;
        self.seat.sit().await;
        let around = self.means.store.surroundings(&self.job.turn.conversation.room).await?;
        let thinker = scene::thinker(self.means, self.job, &around).await?;
        let (lines, scenery) = scene::gather(self.means, self.job, &around).await?;
        let question = asked(&lines);
        let memories = self.memories(&question).await;
        let skills = self.skillset(&thinker, &lines);
        let scenery = Scenery { memories, skills, done_before: before, ..scenery };
        let (prompt, spent) = self.prompt(&thinker, lines, scenery).await?;
        let mut course = Course::new(prompt, Limits::from(&self.job.config.conversation));
        let mut drive = Drive { source: Source::Nothing, heard: false, error: None, spent };
        let outcome = self.drive(&mut course, &mut drive, &thinker, mouth).await;
        self.note(drive.spent).await;
        mouth.last_words(course.text());
        outcome.map(|()| Done { text: course.text().to_owned(), question })
    }

    /// What earlier attempts did. A question of theirs that still stands is waited for first. What they only looked at is left
    /// out: S8, it may hold what was deleted since.
    async fn done_before(&self, mouth: &mut Mouth) -> Result<Vec<String>, Failure> {
        if self.job.turn.attempt <= 1 {
            return Ok(Vec::new());
        }
        let mut records = self.means.store.tool_calls(&self.job.turn.id).await?;
        let is_told = |tool: &str| !self.tools.only_looks(tool);
        records.retain(|record| {
            record.attempt < self.job.turn.attempt && self.job.tool(&record.name).is_some_and(is_told)
        });
        for record in &mut records {
            if record.outcome.is_none() && record.name == ASK && self.job.assignment.is_none() {
                self.announce(ASK, mouth);
                if mouth.is_full() {
                    mouth.speak("").await.map_err(|_unheard| Failure::Unheard)?;
                }
                let call = ToolCall { id: String::new(), name: ASK.to_owned(), input: record.input.clone() };
                record.outcome = Some(self.make(&call, record.seq).await);
            }
        }
        let from = records.len().saturating_sub(DONE_BEFORE_MAX);
        Ok(records[from..].iter().map(|record| self.told(record)).collect())
    }

    /// N5: an earlier call in words for the model.
    fn told(&self, ToolRecord { name, input, outcome, .. }: &ToolRecord) -> String {
        let tool = self.job.tool(name).unwrap_or(name);
        let outcome = outcome.as_deref().unwrap_or("outcome unknown; it may or may not have taken effect");
        let outcome: String = outcome.chars().take(DONE_CHARS_MAX).collect();
        let input: String = input.to_string().chars().take(DONE_CHARS_MAX).collect();
        format!("{tool} {input} → {outcome}")
    }

    /// S12: what the model is told of the agent's skills.
    fn skillset(&self, thinker: &Thinker, lines: &[Line]) -> Skillset {
        let all = self.skills.clone();
        if self.tools.has(UseSkill::NAME) {
            return Skillset { all, ..Skillset::default() };
        }
        shown(all, lines, thinker.context_tokens)
    }

    async fn memories(&self, question: &str) -> Vec<String> {
        let words = memory::words(question);
        let about = recollection(self.means, self.job, words.clone()).await;
        match self.means.store.recall(about, MEMOS_LOOKED_AT).await {
            Ok(found) => memory::brought_back(&found, &words, &self.job.turn.conversation),
            Err(error) => {
                self.lessened("its memory", &error);
                Vec::new()
            }
        }
    }

    async fn prompt(
        &self,
        thinker: &Thinker,
        mut lines: Vec<Line>,
        scenery: Scenery,
    ) -> Result<(Prompt, Usage), Failure> {
        let (entity, agent) = scene::employed(self.job)?;
        let kept = self.means.store.summary(&self.job.agent, &self.job.turn.conversation).await?;
        let covered = |line: &Line| !line.asked && kept.as_ref().is_some_and(|kept| line.ordinal <= kept.until);
        lines.retain(|line| !covered(line));
        attach(self.means, self.job, thinker.sees, &mut lines).await;
        let assignment = self.job.assignment.as_deref().filter(|assignment| !assignment.is_empty());
        let assignment = assignment.map(|assignment| format!("Your part of the work: {assignment}"));
        let besides = persona(entity, agent, &scenery) + assignment.as_deref().unwrap_or_default();
        let room = budget(thinker.context_tokens, &besides);
        let window = fit(lines, kept.as_ref(), room);
        let (summary, spent) = summary(self.means, self.job, thinker, &self.seat, (&window, kept)).await?;
        let mut messages: Vec<Utterance> = window.recent.into_iter().map(|line| line.utterance).collect();
        messages.extend(assignment.map(|assignment| Utterance::words(Speaker::Person, "", assignment)));
        let system = persona(entity, agent, &Scenery { summary, ..scenery });
        Ok((Prompt { system, messages, tools: self.tools.specs(), shape: None }, spent))
    }

    /// The loop: an event, what the course makes of it, and on.
    async fn drive<'b>(
        &'b self,
        course: &mut Course,
        drive: &mut Drive<'b>,
        thinker: &Thinker,
        mouth: &mut Mouth,
    ) -> Result<(), Failure> {
        let mut event = Event::Began;
        loop {
            for effect in course.on(event) {
                if self.perform(effect, drive, thinker, mouth)?.is_break() {
                    return Ok(());
                }
            }
            event = loop {
                tokio::select! {
                    biased;
                    () = self.seat.time_up() => break Event::TimeUp(took_too_long(self.time)),
                    // A model that always has more to say must not keep it from being said; the mouth rests by itself.
                    spoken = mouth.speak(course.text()), if mouth.is_full() => spoken.map_err(|_unheard| Failure::Unheard)?,
                    event = drive.next(thinker) => break event,
                }
            };
        }
    }

    /// Carries out one effect; breaks off where that was the answer.
    fn perform<'b>(
        &'b self,
        effect: Effect,
        drive: &mut Drive<'b>,
        thinker: &Thinker,
        mouth: &mut Mouth,
    ) -> Result<ControlFlow<()>, Failure> {
        match effect {
            Effect::Ask(prompt) => {
                drive.heard = false;
                drive.source = Source::Model(thinker.driver.ask(*prompt, self.seat.left()));
            }
            Effect::Show => mouth.more(),
            Effect::Use(call) => drive.source = Source::Tool(self.using(call, mouth)),
            Effect::Finish => return Ok(ControlFlow::Break(())),
            Effect::Fail(sentence) => return Err(drive.failure(thinker, sentence)),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What a call comes to. One that does nothing is neither shown nor written down: the model has made it up, and nothing
    /// bounds what it says.
    fn using(&self, call: ToolCall, mouth: &mut Mouth) -> BoxFuture<'_, String> {
        if let Some(refusal) = self.tools.refusal(&call) {
            return std::future::ready(refusal).boxed();
        }
        self.announce(&call.name, mouth);
        self.use_tool(call).boxed()
    }

    /// S5: people see which tool is at work, where that is wanted.
    fn announce(&self, tool: &str, mouth: &mut Mouth) {
        let entity = self.job.config.entity(self.job.turn.responder.speaker());
        if entity.is_some_and(|entity| entity.manners.show_tool_calls) {
            mouth.show(format!("🔧 {tool}…"));
        }
    }

    /// N5: written down, done, written down again.
    async fn use_tool(&self, call: ToolCall) -> String {
        let logged = self.job.logged(&call.name);
        match fault_around("tool.began", self.means.store.tool_began(&self.job.turn.id, &logged, &call.input)).await {
            Ok(seq) => self.make(&call, seq).await,
            Err(error) => {
                self.lessened("a tool call that can't be written down", &error);
                "Not done: the house's memory does not answer.".to_owned()
            }
        }
    }

    /// Makes a call that is written down.
    async fn make(&self, call: &ToolCall, seq: u32) -> String {
        let (means, job, seat) = (Arc::clone(self.means), Arc::clone(self.job), Arc::clone(&self.seat));
        let hands: Arc<dyn Hands> = Arc::new(TurnHands { means, job, seat, seq });
        let began = Instant::now();
        let outcome = self.tools.call(call, hands).await;
        ToolUsed { turn: &self.job.turn.id, agent: &self.job.agent, tool: &call.name, took: began.elapsed() }.emit();
        if let Err(error) =
            fault_around("tool.ended", self.means.store.tool_ended(&self.job.turn.id, seq, &outcome)).await
        {
            self.lessened("what came of a tool call", &error);
        }
        outcome
    }

    async fn note(&self, spent: Usage) {
        if spent == Usage::default() {
            return;
        }
        if let Err(error) = self.means.store.note_usage(&self.job.turn.id, spent).await {
            self.lessened("what it cost", &error);
        }
    }

    fn lessened(&self, what: &'static str, error: &StoreError) {
        AnswerLessened { turn: &self.job.turn.id, agent: &self.job.agent, what, error }.emit();
    }
}

impl Drive<'_> {
    /// The next thing that happens at the source. May be dropped and repeated: nothing of it is lost.
    async fn next(&mut self, thinker: &Thinker) -> Event {
        match &mut self.source {
            Source::Nothing => std::future::pending().await,
            Source::Tool(call) => {
                let outcome = call.await;
                self.source = Source::Nothing;
                Event::Used(outcome)
            }
            Source::Model(answer) => match answer.next().await.unwrap_or(Err(LlmError::Truncated)) {
                Ok(Piece::Text(words)) => {
                    self.heard = true;
                    Event::Said(words)
                }
                Ok(Piece::Call(call)) => Event::Wanted(call),
                Ok(Piece::Done(usage)) => {
                    self.source = Source::Nothing;
                    self.spent.input_tokens += usage.input_tokens;
                    self.spent.output_tokens += usage.output_tokens;
                    Event::Complete(usage)
                }
                Err(error) => {
                    self.source = Source::Nothing;
                    Event::Broke(self.breakage(error, thinker))
                }
            },
        }
    }

    /// A failure before the first word was tried again behind the model's door already; one in the middle wasn't.
    fn breakage(&mut self, error: LlmError, thinker: &Thinker) -> Breakage {
        let in_the_middle = match &error {
            LlmError::Truncated
            | LlmError::Network { .. }
            | LlmError::Server { .. }
            | LlmError::Overloaded
            | LlmError::Stalled { .. }
            | LlmError::Malformed => mem::take(&mut self.heard),
            LlmError::Auth
            | LlmError::NoCredit
            | LlmError::RateLimited { .. }
            | LlmError::ContextTooLong
            | LlmError::Refused
            | LlmError::NoSuchModel
            | LlmError::BadRequest { .. }
            | LlmError::OutputLimit
            | LlmError::TimedOut { .. }
            | LlmError::Empty
            | LlmError::CircuitOpen { .. }
            | LlmError::NoClient => false,
        };
        let sentence = error.in_plain_words(&thinker.model);
        self.error = Some(error);
        Breakage { sentence, passing: in_the_middle }
    }

    /// What ended the answer: the model's failure, if the sentence is about that, else its bounds.
    fn failure(&mut self, thinker: &Thinker, sentence: String) -> Failure {
        let model = thinker.model.clone();
        match self.error.take() {
            Some(error) if error.in_plain_words(&model) == sentence => Failure::Model { model, error },
            Some(_) | None => Failure::Bounds { model, sentence },
        }
    }
}

/// What people wrote that is answered now.
fn asked(lines: &[Line]) -> String {
    let texts = lines.iter().filter(|line| line.asked).map(|line| line.utterance.text.as_str());
    texts.collect::<Vec<_>>().join("\n")
}
