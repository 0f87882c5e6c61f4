//! Second attempts, models that stand by, and pauses, in paused time with sources that are made up.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tokio::time::Instant;

use super::talk::{cost, prompt, text};
use crate::{
    llm::{
        Driver as _, LlmError, Piece,
        patience::{Line, Patient, Source},
    },
    model::Prompt,
};

/// A whole stream.
type Pieces = Vec<Result<Piece, LlmError>>;

const LONG: Duration = Duration::from_mins(2);

/// Gives one of its answers at a time, and the last one forever. An answer that ends without an end hangs.
#[derive(Clone)]
struct Fake {
    answers: Arc<Mutex<VecDeque<Pieces>>>,
    calls: Arc<Mutex<usize>>,
}

impl Fake {
    fn new<const N: usize>(answers: [Pieces; N]) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into())), calls: Arc::default() }
    }

    fn failing(error: &LlmError) -> Self {
        Self::new([vec![Err(error.clone())]])
    }

    fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }

    fn line(&self, name: &str) -> Arc<Line> {
        Arc::new(Line::new(name, Box::new(self.clone())))
    }

    fn alone(&self) -> Patient {
        Patient { first: self.line("clever"), second: None }
    }

    fn with(&self, second: &Self) -> Patient {
        Patient { first: self.line("clever"), second: Some(second.line("dull")) }
    }
}

impl Source for Fake {
    fn begin(&self, _prompt: Prompt) -> BoxStream<'static, Result<Piece, LlmError>> {
        *self.calls.lock().unwrap() += 1;
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
        stream::iter(answer).chain(stream::pending()).boxed()
    }
}

fn good() -> Pieces {
    vec![text("Well."), cost(1, 2)]
}

/// The answer, and how long it took.
async fn answer(patient: &Patient, deadline: Duration) -> (Pieces, Duration) {
    let began = Instant::now();
    let pieces = patient.ask(prompt(), deadline).collect().await;
    (pieces, began.elapsed())
}

fn limited(seconds: u64) -> LlmError {
    LlmError::RateLimited { retry_after: Some(Duration::from_secs(seconds)) }
}

/// S6: transient failures are tried again, a few times, at growing intervals.
#[tokio::test(start_paused = true)]
async fn a_failure_that_may_pass_is_tried_again_a_few_times() {
    let fake = Fake::failing(&LlmError::Overloaded);
    let (pieces, took) = answer(&fake.alone(), LONG).await;
    assert_eq!((pieces, fake.calls()), (vec![Err(LlmError::Overloaded)], 4));
    assert!((2_800..5_700).contains(&took.as_millis()), "{took:?}");
}

/// S6: the provider's retry-after is honoured, unless the deadline comes first.
#[tokio::test(start_paused = true)]
async fn a_provider_s_wish_is_honoured_within_the_deadline() {
    let fake = Fake::new([vec![Err(limited(30))], good()]);
    let (pieces, took) = answer(&fake.alone(), LONG).await;
    assert_eq!((pieces, fake.calls()), (good(), 2));
    assert!((30..32).contains(&took.as_secs()), "{took:?}");
    let hurried = Fake::new([vec![Err(limited(30))], good()]);
    let (pieces, took) = answer(&hurried.alone(), Duration::from_secs(20)).await;
    assert_eq!((pieces, hurried.calls(), took.as_secs()), (vec![Err(limited(30))], 1, 0), "told at once");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_again_once_words_are_out() {
    let fake = Fake::new([vec![text("So"), Err(LlmError::Overloaded)], good()]);
    let (pieces, _) = answer(&fake.alone(), LONG).await;
    assert_eq!((pieces, fake.calls()), (vec![text("So"), Err(LlmError::Overloaded)], 1));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_at_its_end_and_at_its_deadline() {
    let late = LlmError::TimedOut { after: Duration::from_secs(9) };
    let (pieces, took) = answer(&Fake::new([vec![text("So")]]).alone(), Duration::from_secs(9)).await;
    assert_eq!((pieces, took.as_secs()), (vec![text("So"), Err(late)], 9));
    let chatty = Fake::new([[good(), vec![text("more")]].concat()]);
    assert_eq!(answer(&chatty.alone(), LONG).await.0, good());
}

#[tokio::test(start_paused = true)]
async fn the_one_that_stands_by_answers_where_the_first_does_not() {
    let check = async |first: Fake, expected: Pieces, calls: usize| {
        let second = Fake::new([good()]);
        let (pieces, took) = answer(&first.with(&second), Duration::from_mins(1)).await;
        assert_eq!((pieces, second.calls()), (expected, calls));
        assert!(took <= Duration::from_secs(31), "half of the time is for the second one");
    };
    check(Fake::failing(&LlmError::Auth), good(), 1).await;
    check(Fake::failing(&LlmError::Overloaded), good(), 1).await;
    check(Fake::failing(&LlmError::ContextTooLong), good(), 1).await;
    check(Fake::new([Vec::new()]), good(), 1).await;
    check(Fake::new([vec![text("mine"), cost(1, 1)]]), vec![text("mine"), cost(1, 1)], 0).await;
    check(Fake::failing(&LlmError::Refused), vec![Err(LlmError::Refused)], 0).await;
    let broken = vec![text("So"), Err(LlmError::Truncated)];
    check(Fake::new([broken.clone()]), broken, 0).await;
}

#[tokio::test(start_paused = true)]
async fn where_both_fail_the_first_one_s_failure_is_told() {
    let (first, second) = (Fake::failing(&LlmError::Auth), Fake::failing(&LlmError::NoSuchModel));
    assert_eq!(answer(&first.with(&second), LONG).await.0, [Err(LlmError::Auth)]);
    assert_eq!(second.calls(), 1);
}

/// A model that fails again and again is left alone, then tried with one request, and trusted again when that works.
#[tokio::test(start_paused = true)]
async fn a_model_that_keeps_failing_is_left_alone_for_a_while() {
    let fake = Fake::failing(&LlmError::Server { status: 500 });
    let patient = fake.alone();
    answer(&patient, LONG).await;
    let (pieces, _) = answer(&patient, LONG).await;
    assert_eq!((pieces, fake.calls()), (vec![Err(LlmError::Server { status: 500 })], 5), "no retry once it is paused");
    let (pieces, took) = answer(&patient, LONG).await;
    assert!(matches!(&pieces[..], [Err(LlmError::CircuitOpen { wait, .. })] if wait.as_secs() <= 10), "{pieces:?}");
    assert_eq!((fake.calls(), took), (5, Duration::ZERO), "nobody is asked, nobody waits");
    tokio::time::advance(Duration::from_secs(10)).await;
    *fake.answers.lock().unwrap() = VecDeque::from([good()]);
    assert_eq!(answer(&patient, LONG).await.0, good());
    assert_eq!(answer(&patient, LONG).await.0, good());
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_first_one_is_no_wait_for_the_second() {
    let (first, second) = (Fake::failing(&LlmError::Overloaded), Fake::new([good()]));
    let patient = first.with(&second);
    for _ in 0..3 {
        assert_eq!(answer(&patient, LONG).await.0, good());
    }
    assert_eq!((first.calls(), second.calls()), (5, 3));
}
