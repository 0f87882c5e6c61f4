//! A value on its way to a neighbour, with the right to an answer.

use tokio::sync::oneshot;

/// A value that its receiver must answer. Neighbours on one floor meet in channels of these.
#[derive(Debug)]
pub struct Handoff<T, R> {
    /// What is handed over.
    pub value: T,
    /// Where the answer goes. Dropped unanswered, the sender takes the work as not done and repeats it.
    pub answer: oneshot::Sender<R>,
}

impl<T, R> Handoff<T, R> {
    /// Packs `value`; the receiver end tells what became of it.
    #[must_use]
    pub fn new(value: T) -> (Self, oneshot::Receiver<R>) {
        let (answer, receiver) = oneshot::channel();
        (Self { value, answer }, receiver)
    }
}
