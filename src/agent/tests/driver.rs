//! A model whose answers a test writes down, and that notes what it was asked.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    llm::{Driver, LlmError, Piece},
    model::{Prompt, ToolCall, Usage},
};

/// One thing that a model does.
#[derive(Debug, Clone)]
pub(super) enum Beat {
    /// It gives this.
    Give(Result<Piece, LlmError>),
    /// It thinks for so long.
    Think(Duration),
    /// It never does anything again.
    Hang,
}

/// A model with its answers.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Inner>);

#[derive(Default)]
struct Inner {
    answers: Mutex<VecDeque<Vec<Beat>>>,
    asked: Mutex<Vec<Prompt>>,
    /// How many answers are being given, and how many at most were at once.
    running: AtomicUsize,
    running_max: AtomicUsize,
}

/// Counts an answer while it is given.
struct Running(Arc<Inner>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Script {
    /// Answers that are given one after the other; then always `Yes.`
    pub(super) fn of(answers: Vec<Vec<Beat>>) -> Self {
        let script = Self::default();
        *script.0.answers.lock().unwrap() = answers.into();
        script
    }

    pub(super) fn asked(&self) -> Vec<Prompt> {
        self.0.asked.lock().unwrap().clone()
    }

    pub(super) fn running(&self) -> usize {
        self.0.running.load(Ordering::SeqCst)
    }

    pub(super) fn running_max(&self) -> usize {
        self.0.running_max.load(Ordering::SeqCst)
    }
}

impl Driver for Script {
    fn ask(&self, prompt: Prompt, _deadline: Duration) -> BoxStream<'static, Result<Piece, LlmError>> {
        self.0.asked.lock().unwrap().push(prompt);
        let beats = self.0.answers.lock().unwrap().pop_front().unwrap_or_else(|| says("Yes."));
        let running = self.0.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.running_max.fetch_max(running, Ordering::SeqCst);
        let state = (VecDeque::from(beats), Running(Arc::clone(&self.0)));
        stream::unfold(state, |(mut beats, running)| async move {
            loop {
                match beats.pop_front()? {
                    Beat::Give(piece) => return Some((piece, (beats, running))),
                    Beat::Think(time) => sleep(time).await,
                    Beat::Hang => std::future::pending().await,
                }
            }
        })
        .boxed()
    }
}

pub(super) fn text(words: &str) -> Beat {
    Beat::Give(Ok(Piece::Text(words.to_owned())))
}

pub(super) fn call(name: &str, input: Value) -> Beat {
    Beat::Give(Ok(Piece::Call(ToolCall { id: format!("call-{name}"), name: name.to_owned(), input })))
}

pub(super) fn done() -> Beat {
    Beat::Give(Ok(Piece::Done(Usage { input_tokens: 100, output_tokens: 10 })))
}

pub(super) fn fails(error: LlmError) -> Beat {
    Beat::Give(Err(error))
}

/// A plain answer.
pub(super) fn says(words: &str) -> Vec<Beat> {
    vec![text(words), done()]
}

/// An answer that wants one tool used.
pub(super) fn wants(name: &str, input: Value) -> Vec<Beat> {
    vec![call(name, input), done()]
}
