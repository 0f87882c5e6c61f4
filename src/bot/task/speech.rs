//! One answer while it grows: what the mind says goes in, one visible message comes out.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use serde_json::Value;
use tokio::{
    sync::mpsc,
    time::{self, Instant},
};

use super::{
    asides::{Aside, Asides},
    audience::Audience,
    courier::{Courier, outgoing},
    courtesy::Courtesy,
    ground::{Ground, answer, first_letter},
    leftovers::post_ahead,
    lookup::find_part,
    offer::Offer,
    sign,
    typists::Typists,
};
use crate::{
    bot::{
        Answer, Cadence, CadenceEffect, CadenceEvent, Ending, Pace,
        delivery::{Remedy, never_arrived, remedy},
        transactions,
    },
    broker::{Halt, Halted},
    config::{Config, Manners},
    matrix::{MatrixError, Outgoing},
    model::{EventId, Millis, Reply, Turn, TurnEnd},
    observe,
};

/// How long edits rest after one that was refused for good; the end tries once more.
const REFUSED_REST: Duration = Duration::from_secs(30);
/// How long what is under way may take when the program stops. With what is tidied up then it is less than the second that
/// is left of the grace.
const SUSPENSION_TIME_MAX: Duration = Duration::from_millis(400);
/// How long the names of a room's members are waited for before the end is worded.
const NAMES_TIME_MAX: Duration = Duration::from_secs(2);
/// What stands below an answer that is given up because giving it breaks the program.
const BROKE_DOWN: &str = "This answer broke off.";

/// How the growing ended.
#[derive(Debug)]
pub(super) enum Close {
    /// With these words, which are still to be said for good.
    Words(String, TurnEnd),
    /// Nothing more is to be said.
    Quiet(TurnEnd),
    /// The first word could not be said.
    Impossible(MatrixError),
}

/// What may happen to an answer while it grows.
#[derive(Debug)]
enum Heard {
    Halted(Halted),
    Suspended,
    Settled(Result<EventId, MatrixError>),
    Aside(Aside),
    Said(Option<Reply>),
    Alarm,
    Courtesy,
    Patience,
}

/// One answer.
pub(super) struct Speech<'a> {
    pub(super) courier: Courier,
    pub(super) turn: &'a Turn,
    pub(super) answer: Answer,
    pub(super) ground: Ground,
    /// The messages that the answer stands in.
    pub(super) parts: Vec<EventId>,
    /// Whether a first message may be in the room that nobody knows of.
    pub(super) lost: bool,
    /// What the mind said so far.
    pub(super) text: String,
    pub(super) audience: Audience,
    config: Arc<Config>,
    manners: Manners,
    cadence: Cadence,
    began: Instant,
    under_way: Option<BoxFuture<'static, Result<EventId, MatrixError>>>,
    asides: Asides,
    wake_at: Option<Instant>,
    courtesy: Courtesy,
    offer: Offer,
    tries: u32,
    edits: u32,
    /// Whether anything of this attempt is in the room, or may be.
    shown: bool,
    /// How it ends, once that is known; the first end counts.
    end: Option<TurnEnd>,
    /// Whether it ends without a word, as soon as nothing is under way.
    leaving: bool,
}

impl<'a> Speech<'a> {
    /// An answer of which nothing is said yet.
    pub(super) fn new(
        courier: Courier,
        config: Arc<Config>,
        typists: &Typists,
        turn: &'a Turn,
        ground: Ground,
    ) -> Self {
        let speaker = turn.responder.speaker();
        let manners = config.entity(speaker).map(|entity| entity.manners.clone()).unwrap_or_default();
        let (began, pace) = (Instant::now(), Pace::from(&manners));
        let start = if ground.parts.is_empty() { Cadence::begin } else { Cadence::resume };
        let (cadence, first) = start(pace, Millis(0));
        let late = (ground.age >= config.conversation.late_after).then_some(ground.age);
        let mut speech = Self {
            answer: answer(turn, late),
            parts: ground.parts.clone(),
            lost: ground.lost,
            text: String::new(),
            audience: Audience::of(speaker.clone()),
            offer: Offer::left(ground.sign.clone()),
            courtesy: Courtesy::of(turn, typists),
            courier,
            turn,
            ground,
            config,
            manners,
            cadence,
            began,
            under_way: None,
            asides: Asides::of(turn.id.clone()),
            wake_at: None,
            tries: 0,
            edits: 0,
            shown: false,
            end: None,
            leaving: false,
        };
        speech.prepare();
        let nothing_to_say = speech.perform(first);
        debug_assert!(nothing_to_say.is_none(), "an answer doesn't end before it begins");
        speech
    }

    /// Grows until there is a last word, or none.
    pub(super) async fn grow(
        &mut self,
        replies: &mut mpsc::Receiver<Reply>,
        halt: &Halt,
        mut suspended: Pin<&mut impl Future<Output = ()>>,
    ) -> Close {
        let mut halted = Box::pin(halt.halted());
        let (mut is_halted, mut is_said) = (false, false);
        loop {
            let (alarm, offer_at) = (self.wake_at, self.offer_at());
            let heard = tokio::select! {
                biased;
                why = &mut halted, if !is_halted => Heard::Halted(why),
                () = suspended.as_mut() => Heard::Suspended,
                outcome = settled(&mut self.under_way) => Heard::Settled(outcome),
                Some(aside) = self.asides.next() => Heard::Aside(aside),
                reply = replies.recv(), if !is_said => Heard::Said(reply),
                () = at(alarm) => Heard::Alarm,
                () = time::sleep_until(self.courtesy.due_at()) => Heard::Courtesy,
                () = at(offer_at) => Heard::Patience,
            };
            is_halted |= matches!(heard, Heard::Halted(_));
            is_said |= matches!(heard, Heard::Said(None | Some(Reply::Finished | Reply::Failed(_))));
            if let Some(close) = self.hear(heard, halt).await {
                return close;
            }
        }
    }

    async fn hear(&mut self, heard: Heard, halt: &Halt) -> Option<Close> {
        match heard {
            Heard::Halted(why) => self.halted(why, halt),
            Heard::Suspended => Some(self.suspend().await),
            Heard::Settled(Ok(event)) => self.delivered(event),
            Heard::Settled(Err(error)) => self.undelivered(error),
            Heard::Aside(aside) => {
                self.note(aside);
                None
            }
            Heard::Said(reply) => self.said(reply, halt),
            Heard::Alarm => {
                self.wake_at = None;
                self.tell(CadenceEvent::Timer)
            }
            Heard::Courtesy => {
                for request in self.courtesy.show(&self.courier) {
                    self.also(request);
                }
                None
            }
            Heard::Patience => {
                self.offer_to_stop();
                None
            }
        }
    }

    fn said(&mut self, reply: Option<Reply>, halt: &Halt) -> Option<Close> {
        match reply {
            Some(Reply::Text(text)) if self.end.is_none() => {
                self.learn_names_for(&text);
                self.text.clone_from(&text);
                self.tell(CadenceEvent::Text(text))
            }
            Some(Reply::ToolLine(line)) if self.manners.show_tool_calls => self.tell(CadenceEvent::ToolLine(line)),
            Some(Reply::Text(_) | Reply::ToolLine(_)) => None,
            Some(Reply::Finished) => self.end_with(TurnEnd::Done, CadenceEvent::Finished),
            Some(Reply::Failed(sentence)) => self.end_with(TurnEnd::Failed, CadenceEvent::Failed(sentence)),
            // A mind that was told to stop just ends; we were told, too.
            None if halt.now().is_some() => None,
            None => {
                let sentence =
                    format!("Something broke inside while answering. Please ask again. (id {})", self.turn.id);
                self.end_with(TurnEnd::Failed, CadenceEvent::Failed(sentence))
            }
        }
    }

    fn end_with(&mut self, end: TurnEnd, event: CadenceEvent) -> Option<Close> {
        self.end.get_or_insert(end);
        self.tell(event)
    }

    fn halted(&mut self, why: Halted, halt: &Halt) -> Option<Close> {
        match why {
            Halted::Gone => Some(Close::Quiet(TurnEnd::Stopped)),
            Halted::Edited => {
                self.leaving = true;
                self.under_way.is_none().then_some(Close::Quiet(TurnEnd::Stopped))
            }
            Halted::Broken => [Reply::Text(self.ground.said.clone()), Reply::Failed(BROKE_DOWN.to_owned())]
                .into_iter()
                .find_map(|reply| self.said(Some(reply), halt)),
            Halted::Stopped | Halted::Deleted => {
                let nothing_shown = self.under_way.is_none() && !self.shown;
                if nothing_shown && !self.lost && (self.parts.is_empty() || self.ground.was_whole) {
                    return Some(self.leave_as_it_was());
                }
                self.end_with(TurnEnd::Stopped, CadenceEvent::Stopped)
            }
        }
    }

    /// What nobody saw needs no end, and an earlier answer that is whole stays as it is. Where an attempt in between may have
    /// been cut off while it wrote over it, and the journal doesn't know yet, it is said once more.
    fn leave_as_it_was(&self) -> Close {
        let first_try_since = self.turn.attempt <= 2;
        if self.parts.is_empty() || first_try_since {
            return Close::Quiet(TurnEnd::Stopped);
        }
        Close::Words(self.ground.said.clone(), TurnEnd::Stopped)
    }

    /// The program stops: what is under way gets a moment, and everything stays as it is until the next start.
    async fn suspend(&mut self) -> Close {
        if let Some(under_way) = self.under_way.take()
            && let Ok(Ok(event)) = time::timeout(SUSPENSION_TIME_MAX, self.meanwhile(under_way)).await
            && self.parts.is_empty()
        {
            self.found_first(event);
        }
        Close::Quiet(TurnEnd::Suspended)
    }

    fn delivered(&mut self, event: EventId) -> Option<Close> {
        (self.tries, self.shown) = (0, true);
        if self.parts.is_empty() {
            self.found_first(event);
        }
        if self.leaving {
            return Some(Close::Quiet(TurnEnd::Stopped));
        }
        self.tell(CadenceEvent::Delivered)
    }

    fn undelivered(&mut self, error: MatrixError) -> Option<Close> {
        if !never_arrived(&error) {
            // It may be in the room: a first message is looked for, an edit is written over by the end.
            (self.lost, self.shown) = (self.lost || self.parts.is_empty(), self.shown || !self.parts.is_empty());
        }
        if self.leaving {
            return Some(Close::Quiet(TurnEnd::Stopped));
        }
        self.tries += 1;
        match remedy(&error, self.tries) {
            Remedy::Again(pause) => self.tell(CadenceEvent::RateLimited(pause)),
            Remedy::GiveUp if self.parts.is_empty() => Some(Close::Impossible(error)),
            Remedy::GiveUp => self.tell(CadenceEvent::RateLimited(REFUSED_REST)),
        }
    }

    /// The first message is in the room: the answer goes on in there.
    pub(super) fn found_first(&mut self, event: EventId) {
        self.lost = false;
        self.parts.push(event.clone());
        let (courier, letter) = (self.courier.clone(), first_letter(self.turn, observe::now()));
        self.also(async move {
            courier.note_sent(&letter, &event).await;
        });
    }

    fn tell(&mut self, event: CadenceEvent) -> Option<Close> {
        let now = Millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
        let effects = self.cadence.on(event, now);
        self.perform(effects)
    }

    fn perform(&mut self, effects: Vec<CadenceEffect>) -> Option<Close> {
        let mut close = None;
        for effect in effects {
            match effect {
                CadenceEffect::Send(text) => self.send_first(self.answer.first(&text, self.audience.roster())),
                CadenceEffect::Placeholder => self.send_first(self.answer.placeholder()),
                CadenceEffect::Edit(text) => self.send_edit(&text),
                CadenceEffect::Final(text) => {
                    let end = self.end.unwrap_or(TurnEnd::Done);
                    close = Some(Close::Words(self.last_words(text, end), end));
                }
                CadenceEffect::WakeAt(at) => self.wake_at = Some(self.began + Duration::from_millis(at.0)),
            }
        }
        close
    }

    /// A stopped attempt that had said nothing yet leaves what the earlier one had said.
    fn last_words(&self, text: String, end: TurnEnd) -> String {
        match end {
            TurnEnd::Stopped if self.text.trim().is_empty() => Ending::Stopped.close(&self.ground.said),
            TurnEnd::Stopped | TurnEnd::Done | TurnEnd::Failed | TurnEnd::Suspended => text,
        }
    }

    fn send_first(&mut self, content: Value) {
        let (was_lost, ahead) = (self.lost, self.ground.ahead.clone());
        let (courier, letter) = (self.courier.clone(), first_letter(self.turn, Millis(0)));
        self.under_way = Some(
            async move {
                if was_lost && let Some(event) = find_part(&courier, &letter, &content).await? {
                    return Ok(event);
                }
                post_ahead(&courier, &ahead).await?;
                courier.send(&letter.speaker, outgoing(&letter, content)).await
            }
            .boxed(),
        );
    }

    fn send_edit(&mut self, text: &str) {
        let Some(first) = self.parts.first() else {
            debug_assert!(false, "there is something to edit");
            return;
        };
        self.edits += 1;
        let transaction = transactions::growth(&self.turn.id, self.turn.attempt, self.edits);
        let content = self.answer.edit(first, text, self.audience.roster());
        let room = self.turn.conversation.room.clone();
        let outgoing = Outgoing { room, kind: "m.room.message", content, transaction };
        let (courier, speaker) = (self.courier.clone(), self.turn.responder.speaker().clone());
        self.under_way = Some(async move { courier.send(&speaker, outgoing).await }.boxed());
    }

    /// While the mind thinks, what a quick first word would have to wait for is asked.
    fn prepare(&mut self) {
        let Some(line) = self.courier.lines.of(self.turn.responder.speaker()) else { return };
        let room = self.turn.conversation.room.clone();
        // When it fails, the message asks by itself.
        self.also(async move { drop(line.prepare(room).await) });
    }

    /// A mention needs names.
    fn learn_names_for(&mut self, text: &str) {
        let Some(line) = self.audience.wanted_for(text, &self.courier, &self.config) else { return };
        let room = self.turn.conversation.room.clone();
        self.asides.begin(async move { Aside::Named(line.names(room).await.unwrap_or_default()) });
    }

    /// S4: whoever has to wait longer than for a placeholder is offered to stop it. Quick answers don't flicker.
    fn offer_at(&self) -> Option<Instant> {
        let wanted = self.offer.is_open() && self.end.is_none() && !self.parts.is_empty();
        wanted.then(|| self.began + self.manners.placeholder_after)
    }

    fn offer_to_stop(&mut self) {
        let Some(on) = self.parts.first().cloned() else { return };
        let offered = self.offer.make(self.courier.clone(), self.turn, on);
        self.asides.begin(offered.map(Aside::Offered));
    }

    fn note(&mut self, aside: Aside) {
        match aside {
            Aside::Named(names) => self.audience.learn(&self.courier, &self.config, &names),
            Aside::Offered(sign) => self.offer.settle(sign),
            Aside::Done => {}
        }
    }

    /// Waits a little for the names of those whom `text` mentions, if they were not known in time.
    pub(super) async fn know_names_for(&mut self, text: &str) {
        self.learn_names_for(text);
        let known = async {
            while self.audience.is_awaited() {
                match self.asides.next().await {
                    Some(aside) => self.note(aside),
                    None => return,
                }
            }
        };
        // Without them it is worded with what is known.
        drop(time::timeout(NAMES_TIME_MAX, known).await);
    }

    /// What the answer says, as far as people see it.
    pub(super) fn into_said(self, end: TurnEnd) -> String {
        match end {
            TurnEnd::Stopped | TurnEnd::Suspended if self.text.trim().is_empty() => self.ground.said,
            TurnEnd::Done | TurnEnd::Failed | TurnEnd::Stopped | TurnEnd::Suspended => self.text,
        }
    }

    /// Waits for `what` while everything beside the answer goes on: a request that nobody drives any more could hold the
    /// very thing that is waited for.
    pub(super) async fn meanwhile<T>(&mut self, what: impl Future<Output = T>) -> T {
        let mut what = pin!(what);
        loop {
            tokio::select! {
                biased;
                done = &mut what => return done,
                Some(aside) = self.asides.next() => self.note(aside),
            }
        }
    }

    /// Does something beside the end, that is over when the answer is.
    pub(super) fn also(&mut self, aside: impl Future<Output = ()> + Send + 'static) {
        self.asides.begin(aside.map(|()| Aside::Done));
    }

    /// Clears what shows that somebody works, and lets what is beside the answer come to its end.
    pub(super) async fn tidy_up(&mut self, end: TurnEnd, time_max: Duration) {
        if end != TurnEnd::Suspended
            && let Some(request) = self.courtesy.show_read(&self.courier)
        {
            self.also(request);
        }
        if let Some(request) = self.courtesy.end_typing(&self.courier) {
            self.also(request);
        }
        let goes_on = self.leaving || end == TurnEnd::Suspended;
        let tidied = async {
            loop {
                if !goes_on && let Some(sign) = self.offer.withdraw() {
                    self.also(sign::take_down(self.courier.clone(), sign));
                }
                match self.asides.next().await {
                    Some(aside) => self.note(aside),
                    None => return,
                }
            }
        };
        // Whatever hangs is best effort.
        drop(time::timeout(time_max, tidied).await);
    }
}

async fn settled(
    under_way: &mut Option<BoxFuture<'static, Result<EventId, MatrixError>>>,
) -> Result<EventId, MatrixError> {
    match under_way {
        Some(request) => {
            let outcome = request.await;
            *under_way = None;
            outcome
        }
        None => std::future::pending().await,
    }
}

async fn at(alarm: Option<Instant>) {
    match alarm {
        Some(alarm) => time::sleep_until(alarm).await,
        None => std::future::pending().await,
    }
}
