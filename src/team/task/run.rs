//! Works on one answer with many: asks the leader, hands out the parts, shows who is done, and joins it by the deadline.

use std::{future::pending, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout_at},
};

use crate::{
    broker::Halt,
    config::Config,
    llm::{Driver, LlmError, Models, Piece, Places, object_in, whole},
    matrix::Lines,
    model::{Handoff, Millis, Reply, Subtask, SubtaskEnd, Turn, Usage},
    observe::{self, TeamTroubled},
    routing::{Hearing, Said},
    store::{Store, StoreError},
    team::{
        merge,
        panel::{Circle, circle},
        plan,
        question::{self, Finding, MESSAGES_MAX},
        work::{Effect, Event, Work},
    },
};

/// Which part of a turn's time members have, in hundredths. The rest is for joining what they did.
const MEMBERS_PERCENT: u32 = 80;
/// Which part of it the leader may take to plan, in hundredths.
const PLAN_PERCENT: u32 = 20;
/// What people call the choice of a model, for a thread or a room.
const MODEL_SETTING: &str = "model";
/// What became of a part that nobody worked on to its end.
const INTERRUPTED: &str = "it was interrupted";

/// Answers by several as one. Cloning gives another handle to the same means.
#[derive(Debug, Clone)]
pub struct Panel {
    config: watch::Receiver<Arc<Config>>,
    models: Models,
    places: Places,
    store: Store,
    hearing: Hearing,
    subtasks: mpsc::Sender<Handoff<Subtask, SubtaskEnd>>,
}

/// One answer in the making.
struct Session<'a> {
    panel: &'a Panel,
    config: Arc<Config>,
    circle: Circle,
    turn: &'a Turn,
    replies: mpsc::Sender<Reply>,
    began: Instant,
    said: Vec<Said>,
    leader: Option<Leader>,
}

/// The model that plans and joins.
struct Leader {
    driver: Arc<dyn Driver>,
    /// How many bytes of text it may be shown.
    room: usize,
}

/// Nobody listens any more.
struct Unheard;

impl Panel {
    /// A panel by these means, that shares `places` with everybody else who asks models, and hands parts of its work to agents
    /// through `subtasks`.
    #[must_use]
    pub fn new(
        config: watch::Receiver<Arc<Config>>,
        models: Models,
        places: Places,
        store: Store,
        lines: Lines,
        subtasks: mpsc::Sender<Handoff<Subtask, SubtaskEnd>>,
    ) -> Self {
        let hearing = Hearing::new(store.clone(), lines);
        Self { config, models, places, store, hearing, subtasks }
    }

    /// Gives `turn`'s answer into `replies`, by the members of its team or those gathered for it. On `halt` it returns at
    /// once; parts that members work on are dropped.
    pub async fn answer(&self, turn: &Turn, halt: Halt, replies: mpsc::Sender<Reply>) {
        tokio::select! {
            biased;
            _why = halt.halted() => {}
            _heard = self.give(turn, replies) => {}
        }
    }

    async fn give(&self, turn: &Turn, replies: mpsc::Sender<Reply>) -> Result<(), Unheard> {
        let config = Arc::clone(&self.config.borrow());
        let circle = circle(&config, turn);
        let began = Instant::now();
        let (said, leader) = match self.prepare(&config, &circle, turn).await {
            Ok(prepared) => prepared,
            Err(error) => {
                TeamTroubled { turn: turn.id.as_str(), step: "prepare", error: &error }.emit();
                // Members read the conversation themselves; only the leader goes without.
                (Vec::new(), None)
            }
        };
        let session = Session { panel: self, config, circle, turn, replies, began, said, leader };
        let work = session.work().await?;
        session.join(&work).await
    }

    /// What was said, and the model that leads.
    async fn prepare(
        &self,
        config: &Config,
        circle: &Circle,
        turn: &Turn,
    ) -> Result<(Vec<Said>, Option<Leader>), StoreError> {
        let there = turn.responder.names();
        let asked = (&turn.conversation, turn.reply_to());
        let said = self.hearing.said(config, asked, there, &turn.parts, MESSAGES_MAX).await?;
        let around = self.store.surroundings(&turn.conversation.room).await?;
        let thread = self.store.setting(&turn.conversation, MODEL_SETTING).await?;
        let of_room = around.settings.get(MODEL_SETTING).cloned();
        let configured = around.names().iter().find_map(|key| config.rooms.get(key)?.model.clone());
        let wishes = [thread, of_room, configured, circle.model.clone()];
        let leader = |name: String| {
            let room = question::room(self.models.context_tokens(&name)?);
            Some(Leader { driver: self.models.driver(&name)?, room })
        };
        Ok((said, wishes.into_iter().flatten().find_map(leader)))
    }
}

impl Session<'_> {
    /// Has the parts worked on until all are over or the time for it is up.
    async fn work(&self) -> Result<Work, Unheard> {
        let late_at = self.moment(MEMBERS_PERCENT);
        let (mut work, mut effects) = Work::begin(&self.circle);
        let mut running: FuturesUnordered<BoxFuture<'_, Event>> = FuturesUnordered::new();
        loop {
            for effect in effects {
                match effect {
                    Effect::Plan => running.push(self.plan().boxed()),
                    Effect::Run(place, assignment) => running.push(self.part(&work, place, assignment).boxed()),
                    Effect::Join => return Ok(work),
                }
            }
            self.say(Reply::Text(merge::progress(&self.circle, &work))).await?;
            let event = tokio::select! {
                biased;
                Some(event) = running.next() => event,
                () = sleep_until(late_at) => Event::Late,
            };
            effects = work.on(event, &self.circle);
        }
    }

    /// Gives one answer out of what was done.
    async fn join(&self, work: &Work) -> Result<(), Unheard> {
        let results = work.results();
        if results.is_empty() {
            return self.say(Reply::Failed(merge::failure(&self.circle, work, &self.turn.id))).await;
        }
        let joined = if results.len() > 1 { self.synthesis(work).await? } else { None };
        let answer = joined.unwrap_or_else(|| merge::side_by_side(work));
        self.say(Reply::Text(merge::whole(&self.circle, work, &answer))).await?;
        self.say(Reply::Finished).await
    }

    /// The leader's answer, shown as it grows; none if it gives none.
    async fn synthesis(&self, work: &Work) -> Result<Option<String>, Unheard> {
        let Some(Leader { driver, room }) = &self.leader else { return Ok(None) };
        let results = work.results();
        let findings: Vec<Finding<'_>> = results
            .iter()
            .map(|(part, text)| Finding { member: &part.member, assignment: &part.assignment, text })
            .collect();
        let until = self.moment(100);
        let Ok(_place) = timeout_at(until, self.panel.places.place(self.turn.priority)).await else {
            self.troubled("join", &LlmError::TimedOut { after: self.config.conversation.turn_timeout });
            return Ok(None);
        };
        let mut answer = driver.ask(question::join(&self.circle, &self.said, &findings, *room), left(until));
        let mut text = String::new();
        while let Ok(Some(piece)) = timeout_at(until, answer.next()).await {
            match piece {
                Ok(Piece::Text(more)) => {
                    text.push_str(&more);
                    self.say(Reply::Text(merge::growing(&self.circle, &text))).await?;
                }
                // It was offered no tools.
                Ok(Piece::Call(_)) => {}
                Ok(Piece::Done(usage)) => {
                    self.note(usage).await;
                    return Ok(Some(text));
                }
                Err(error) => {
                    self.troubled("join", &error);
                    return Ok(None);
                }
            }
        }
        self.troubled("join", &LlmError::Truncated);
        Ok(None)
    }

    async fn plan(&self) -> Event {
        let Some(Leader { driver, room }) = &self.leader else { return Event::Planned(None) };
        let until = self.moment(PLAN_PERCENT);
        let asked = async {
            // Given back before any member needs one.
            let _place = self.panel.places.place(self.turn.priority).await;
            whole(driver.ask(question::plan(&self.circle, &self.said, *room), left(until))).await
        };
        let answer = match timeout_at(until, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                self.troubled("plan", &error);
                return Event::Planned(None);
            }
            Err(_elapsed) => return Event::Planned(None),
        };
        self.note(answer.usage).await;
        let plan = object_in(&answer.text).and_then(|plan| plan::read(&plan, &self.circle.members, self.circle.mode));
        Event::Planned(plan)
    }

    /// Has an agent work on a part. Dropping this drops the agent's work.
    fn part(&self, work: &Work, place: usize, assignment: String) -> impl Future<Output = Event> + Send + use<> {
        let agent = work.parts()[place].0.member.name.clone();
        let subtask = Subtask { agent, turn: self.turn.clone(), assignment, due_at: self.due_at() };
        let subtasks = self.panel.subtasks.clone();
        async move {
            let (handoff, answer) = Handoff::new(subtask);
            let end = match subtasks.send(handoff).await {
                Ok(()) => answer.await.ok(),
                Err(_nobody_takes_it) => None,
            };
            if end.is_none() && subtasks.is_closed() {
                // The program stops; the next start begins this answer anew.
                pending::<()>().await;
            }
            Event::Ended(place, end.unwrap_or_else(|| SubtaskEnd::Failed(INTERRUPTED.to_owned())))
        }
    }

    async fn say(&self, reply: Reply) -> Result<(), Unheard> {
        self.replies.send(reply).await.map_err(|_| Unheard)
    }

    async fn note(&self, usage: Usage) {
        if let Err(error) = self.panel.store.note_usage(&self.turn.id, usage).await {
            TeamTroubled { turn: self.turn.id.as_str(), step: "note", error: &error }.emit();
        }
    }

    fn troubled(&self, step: &'static str, error: &LlmError) {
        TeamTroubled { turn: self.turn.id.as_str(), step, error }.emit();
    }

    /// The moment when this part of the turn's time is over, in hundredths.
    fn moment(&self, percent: u32) -> Instant {
        self.began + self.config.conversation.turn_timeout * percent / 100
    }

    /// By when members must be done, by the wall clock.
    fn due_at(&self) -> Millis {
        observe::now().after(left(self.moment(MEMBERS_PERCENT)))
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}
