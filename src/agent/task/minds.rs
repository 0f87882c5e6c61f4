//! The handle that others hold: it gives an answer, or an agent's part of a team's answer.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};

use super::{
    job::{Failure, Job, Means},
    mouth::Mouth,
    run::{Done, Run},
    scene,
    skills::{self, Skills},
};
use crate::{
    agent::memory,
    broker::Halt,
    config::{Config, Skill},
    llm::{Models, Places},
    matrix::Lines,
    model::{EntityName, Reply, Subtask, SubtaskEnd, Turn},
    observe::{self, AnswerLessened, SkillsUnseen},
    store::{Memo, MemoSort, Store, StoreError},
};

/// What the log of a turn says of a tool call that was cut off.
const CUT_OFF: &str = "outcome unknown: it was cut off when the answer was";

/// All minds. Cloning gives the same ones, with the same places.
#[derive(Clone)]
pub struct Minds {
    means: Arc<Means>,
}

impl Minds {
    /// Minds by these means, that share `places` with everybody else who asks models.
    #[must_use]
    pub fn new(
        config: watch::Receiver<Arc<Config>>,
        models: Models,
        places: Places,
        store: Store,
        lines: Lines,
    ) -> Self {
        Self { means: Arc::new(Means { config, models, store, lines, places, skills: Skills::default() }) }
    }

    /// Whether any agent has skills.
    #[must_use]
    pub fn have_skills(&self) -> bool {
        !skills::named(&self.means.config.borrow()).is_empty()
    }

    /// Reads every agent's skills, so that whatever breaks later has a version before it that can be used.
    pub async fn read_skills(&self) {
        let config = Arc::clone(&self.means.config.borrow());
        if let Err(error) = self.means.skills.of(&config, &skills::named(&config)).await {
            SkillsUnseen { error: &error }.emit();
        }
    }

    /// Gives one agent's answer, as soon as there is a place, and keeps the turn in its memory.
    ///
    /// Returns when the answer is whole, has failed (both are said), nobody listens any more, or at once when it is halted;
    /// the model hears of that as a disconnect. Dropped, it may be called again with the next attempt.
    pub async fn answer(&self, turn: &Turn, halt: Halt, replies: mpsc::Sender<Reply>) {
        let job = Arc::new(self.job(turn.responder.speaker(), turn, None));
        let mut mouth = Mouth::to(replies);
        tokio::select! {
            biased;
            _halted = halt.halted() => self.close_calls(&job).await,
            () = self.give(&job, &mut mouth) => {}
        }
    }

    /// Gives one agent's part of a team's answer, within its time, and keeps it in the agent's memory.
    pub async fn subtask(&self, subtask: Subtask) -> SubtaskEnd {
        let Subtask { agent, turn, assignment, due_at } = subtask;
        let job = Arc::new(self.job(&agent, &turn, Some(assignment)));
        let time = due_at.since(observe::now()).min(job.config.conversation.turn_timeout);
        match self.run(&job, time, &mut Mouth::shut()).await {
            Ok(Done { text, question }) => {
                self.keep(&job, &question, &text).await;
                SubtaskEnd::Done(text)
            }
            Err(failure) => SubtaskEnd::Failed(failure.told(&job).unwrap_or_default()),
        }
    }

    fn job(&self, agent: &EntityName, turn: &Turn, assignment: Option<String>) -> Job {
        // H4: a running turn keeps the configuration it began with.
        let config = Arc::clone(&self.means.config.borrow());
        Job { agent: agent.clone(), turn: turn.clone(), config, assignment }
    }

    async fn give(&self, job: &Arc<Job>, mouth: &mut Mouth) {
        match self.run(job, job.config.conversation.turn_timeout, mouth).await {
            Ok(Done { text, question }) => {
                mouth.finish().await;
                self.keep(job, &question, &text).await;
            }
            Err(failure) => {
                if let Some(told) = failure.told(job) {
                    mouth.fail(told).await;
                }
            }
        }
    }

    async fn run(&self, job: &Arc<Job>, time: Duration, mouth: &mut Mouth) -> Result<Done, Failure> {
        let skills = self.skills(job).await?;
        Run::new(&self.means, job, skills, time)?.carry_out(mouth).await
    }

    /// H9: the skills as they are now; an answer ends with those that it began with.
    async fn skills(&self, job: &Job) -> Result<Vec<Arc<Skill>>, Failure> {
        let (_, agent) = scene::employed(job)?;
        match self.means.skills.of(&job.config, &agent.skills).await {
            Ok(skills) => Ok(skills),
            Err(error) => {
                AnswerLessened { turn: &job.turn.id, agent: &job.agent, what: "its skills", error: &error }.emit();
                Ok(Vec::new())
            }
        }
    }

    /// S11: the turn is kept as memory.
    async fn keep(&self, job: &Job, question: &str, answer: &str) {
        let memo = Memo {
            agent: job.agent.clone(),
            sort: MemoSort::Turn,
            conversation: job.turn.conversation.clone(),
            person: None,
            turn: job.turn.id.clone(),
            text: memory::of_turn(question, answer),
            sources: job.turn.messages.clone(),
            kept_at: observe::now(),
        };
        if let Err(error) = self.means.store.remember(memo).await {
            AnswerLessened { turn: &job.turn.id, agent: &job.agent, what: "its memory of the turn", error: &error }
                .emit();
        }
    }

    /// A turn that was halted is over: nothing of it is waited for again.
    async fn close_calls(&self, job: &Job) {
        if let Err(error) = self.try_to_close_calls(job).await {
            AnswerLessened { turn: &job.turn.id, agent: &job.agent, what: "the log of its tools", error: &error }
                .emit();
        }
    }

    async fn try_to_close_calls(&self, job: &Job) -> Result<(), StoreError> {
        let calls = self.means.store.tool_calls(&job.turn.id).await?;
        for call in calls.iter().filter(|call| call.outcome.is_none()) {
            self.means.store.tool_ended(&job.turn.id, call.seq, CUT_OFF).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for Minds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minds").field("places", &self.means.places).finish_non_exhaustive()
    }
}
