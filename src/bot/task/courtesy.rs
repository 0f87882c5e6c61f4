//! C7: what others see of somebody at work beside the answer itself: that the question was read, and that one writes.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::time::Instant;

use super::{
    courier::Courier,
    typists::{Typists, Writing},
};
use crate::{
    matrix::{Session, Typing},
    model::{EntityName, EventId, RoomId, Turn},
};

/// From when on others see it. What is answered faster needs no typing, and is answered sooner while the homeserver has
/// nothing else to do for us.
const COURTESY_AFTER: Duration = Duration::from_millis(100);
/// How often it is repeated that somebody writes.
const TYPING_EVERY: Duration = Duration::from_secs(8);

/// A request that nothing depends on: what fails is repeated, or ends by itself.
pub(super) type Request = BoxFuture<'static, ()>;

/// The courtesies around one answer.
#[derive(Debug)]
pub(super) struct Courtesy {
    speaker: EntityName,
    room: RoomId,
    question: EventId,
    /// The thread that the question stands in; a thread's root stands outside.
    thread: Option<EventId>,
    due_at: Instant,
    /// As long as it grows.
    writing: Option<Writing>,
    has_read: bool,
}

impl Courtesy {
    /// Nothing was shown yet.
    pub(super) fn of(turn: &Turn, typists: &Typists) -> Self {
        let (speaker, room) = (turn.responder.speaker().clone(), turn.conversation.room.clone());
        let question = turn.reply_to().clone();
        Self {
            thread: turn.conversation.thread.clone().filter(|root| *root != question),
            due_at: Instant::now() + COURTESY_AFTER,
            writing: Some(typists.begin(&speaker, &room)),
            has_read: false,
            speaker,
            room,
            question,
        }
    }

    /// When there is something to be shown again.
    pub(super) fn due_at(&self) -> Instant {
        self.due_at
    }

    /// Shows that the question was read and that somebody writes.
    pub(super) fn show(&mut self, courier: &Courier) -> Vec<Request> {
        self.due_at = Instant::now() + TYPING_EVERY;
        let Some(line) = courier.lines.of(&self.speaker) else { return Vec::new() };
        self.read(&line).into_iter().chain(self.typing(&line)).collect()
    }

    /// Shows that the question was read, if that isn't known yet.
    pub(super) fn show_read(&mut self, courier: &Courier) -> Option<Request> {
        courier.lines.of(&self.speaker).and_then(|line| self.read(&line))
    }

    /// Nobody writes any more, unless another answer of the same account still grows in the room.
    pub(super) fn end_typing(&mut self, courier: &Courier) -> Option<Request> {
        let writing = self.writing.take()?;
        let requests = Arc::clone(&writing.requests);
        if !writing.end() {
            return None;
        }
        let (line, room) = (courier.lines.of(&self.speaker)?, self.room.clone());
        let request = async move {
            let _turn = requests.acquire_owned().await;
            drop(line.typing(room, Typing::Off).await);
        };
        Some(request.boxed())
    }

    /// Shows that somebody writes, unless that is being shown already.
    fn typing(&self, line: &Arc<dyn Session>) -> Option<Request> {
        let writing = self.writing.as_ref()?;
        let turn = Arc::clone(&writing.requests).try_acquire_owned().ok()?;
        writing.light();
        let (line, room) = (Arc::clone(line), self.room.clone());
        let request = async move {
            drop(line.typing(room, Typing::On).await);
            drop(turn);
        };
        Some(request.boxed())
    }

    fn read(&mut self, line: &Arc<dyn Session>) -> Option<Request> {
        if std::mem::replace(&mut self.has_read, true) {
            return None;
        }
        let (line, room, question) = (Arc::clone(line), self.room.clone(), self.question.clone());
        let thread = self.thread.clone();
        let request = async move {
            let shown = line.read_up_to(room.clone(), question.clone(), thread.clone()).await;
            // To a homeserver, a plain reply into a thread stands outside of it.
            if shown.is_err() && thread.is_some() {
                drop(line.read_up_to(room, question, None).await);
            }
        };
        Some(request.boxed())
    }
}
