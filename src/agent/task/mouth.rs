//! What a mind says, on its way to whoever listens: the newest words, never a queue of old ones.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::model::Reply;

/// How long it is silent after it said something: each time it says everything so far, and nobody reads faster.
const PAUSE: Duration = Duration::from_millis(50);

/// Says what a mind thinks. Without a listener it says nothing.
pub(super) struct Mouth {
    listener: Option<mpsc::Sender<Reply>>,
    /// Whether there are words that were not said yet.
    text: bool,
    /// What a tool is doing, if that was not said yet.
    line: Option<String>,
    /// The last words, if they were not said yet.
    unsaid: Option<String>,
    /// Until when it is silent.
    silent_until: Option<Instant>,
}

/// Nobody listens any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unheard;

impl Mouth {
    /// Speaks to `listener`.
    pub(super) fn to(listener: mpsc::Sender<Reply>) -> Self {
        Self { listener: Some(listener), ..Self::shut() }
    }

    /// Speaks to nobody.
    pub(super) fn shut() -> Self {
        Self { listener: None, text: false, line: None, unsaid: None, silent_until: None }
    }

    /// There are more words.
    pub(super) fn more(&mut self) {
        self.text = self.listener.is_some();
        self.line = None;
    }

    /// A tool is at work.
    pub(super) fn show(&mut self, line: String) {
        self.line = self.listener.is_some().then_some(line);
    }

    /// Whether there is something to say.
    pub(super) fn is_full(&self) -> bool {
        self.text || self.line.is_some()
    }

    /// Waits until the listener can take something, and says the newest there is. May be dropped and repeated.
    pub(super) async fn speak(&mut self, text: &str) -> Result<(), Unheard> {
        let Some(listener) = &self.listener else { return Ok(()) };
        if let Some(until) = self.silent_until {
            tokio::select! {
                biased;
                () = listener.closed() => return Err(Unheard),
                () = sleep_until(until) => {}
            }
        }
        let permit = listener.reserve().await.map_err(|_gone| Unheard)?;
        self.silent_until = Some(Instant::now() + PAUSE);
        if self.text {
            self.text = false;
            permit.send(Reply::Text(text.to_owned()));
        } else if let Some(line) = self.line.take() {
            permit.send(Reply::ToolLine(line));
        }
        Ok(())
    }

    /// These are its last words, said when it ends.
    pub(super) fn last_words(&mut self, text: &str) {
        self.unsaid = self.text.then(|| text.to_owned());
    }

    /// Says that the answer is whole.
    pub(super) async fn finish(&mut self) {
        self.end(Reply::Finished).await;
    }

    /// Says why there is no more.
    pub(super) async fn fail(&mut self, sentence: String) {
        self.end(Reply::Failed(sentence)).await;
    }

    async fn end(&mut self, last: Reply) {
        let Some(listener) = self.listener.take() else { return };
        for reply in self.unsaid.take().map(Reply::Text).into_iter().chain([last]) {
            if listener.send(reply).await.is_err() {
                // Whoever listened has ended the answer in their own way.
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_slow_listener_hears_the_newest_words() {
        let (sender, mut listener) = mpsc::channel(1);
        let mut mouth = Mouth::to(sender);
        mouth.more();
        mouth.speak("a").await.unwrap();
        for text in ["a b", "a b c"] {
            mouth.more();
            assert!(mouth.speak(text).now_or_never().is_none(), "the listener is busy");
        }
        assert_eq!(listener.recv().await, Some(Reply::Text("a".to_owned())));
        mouth.speak("a b c").await.unwrap();
        assert_eq!(listener.recv().await, Some(Reply::Text("a b c".to_owned())));
        assert!(!mouth.is_full());
    }

    #[tokio::test(start_paused = true)]
    async fn words_that_come_close_together_are_said_at_once() {
        let (sender, mut listener) = mpsc::channel(64);
        let mut mouth = Mouth::to(sender);
        let began = Instant::now();
        let mut text = String::new();
        for _ in 0..100 {
            text.push('a');
            mouth.more();
            // As in the loop that drives an answer: the next words come while these are waiting.
            drop(timeout(Duration::from_millis(1), mouth.speak(&text)).await);
        }
        mouth.last_words(&text);
        mouth.finish().await;
        drop(mouth);
        let mut lengths = Vec::new();
        while let Some(Reply::Text(text)) = listener.recv().await {
            lengths.push(text.len());
        }
        assert_eq!((lengths.first(), lengths.last()), (Some(&1), Some(&100)), "the first at once, and all in the end");
        assert!(lengths.len() <= 4 && began.elapsed() <= Duration::from_millis(101), "{lengths:?}");
    }

    #[tokio::test]
    async fn the_last_words_are_always_said() {
        let (sender, mut listener) = mpsc::channel(8);
        let mut mouth = Mouth::to(sender);
        mouth.more();
        mouth.show("🔧 time…".to_owned());
        mouth.speak("a").await.unwrap();
        mouth.speak("a").await.unwrap();
        mouth.more();
        mouth.last_words("a b");
        mouth.finish().await;
        drop(mouth);
        let mut heard = Vec::new();
        while let Some(reply) = listener.recv().await {
            heard.push(reply);
        }
        let text = |text: &str| Reply::Text(text.to_owned());
        assert_eq!(heard, [text("a"), Reply::ToolLine("🔧 time…".to_owned()), text("a b"), Reply::Finished]);
    }

    #[tokio::test]
    async fn it_notices_when_nobody_listens() {
        let (sender, listener) = mpsc::channel(1);
        let mut mouth = Mouth::to(sender);
        drop(listener);
        mouth.more();
        assert_eq!(mouth.speak("a").await, Err(Unheard));
        let mut mouth = Mouth::shut();
        mouth.more();
        assert!(!mouth.is_full(), "there is nobody to speak to");
    }
}
