//! Facts about language models that don't do what they should.

use std::{error::Error, time::Duration};

use metrics::counter;
use tracing::warn;

use super::{super::metric, cause::Causes};

/// A model failed before it said anything, and is asked again.
#[derive(Debug)]
pub struct ModelRetried<'a> {
    /// Its name in the configuration.
    pub model: &'a str,
    /// Why.
    pub error: &'a (dyn Error + 'a),
    /// How long we wait before that.
    pub pause: Duration,
}

impl ModelRetried<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(model = self.model, error = %Causes(self.error), pause_ms = millis(self.pause), "model retried");
        counter!(metric::MODEL_TROUBLES, "model" => self.model.to_owned(), "outcome" => "retried").increment(1);
    }
}

/// A model gave no answer, and the one that stands by is asked.
#[derive(Debug)]
pub struct ModelFellBack<'a> {
    /// Its name in the configuration.
    pub model: &'a str,
    /// The name of the one that stands by.
    pub to: &'a str,
    /// Why.
    pub error: &'a (dyn Error + 'a),
}

impl ModelFellBack<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(model = self.model, to = self.to, error = %Causes(self.error), "model fell back");
        counter!(metric::MODEL_TROUBLES, "model" => self.model.to_owned(), "outcome" => "fell_back").increment(1);
    }
}

/// A model failed so often in a row that it is left alone for a while.
#[derive(Debug)]
pub struct ModelPaused<'a> {
    /// Its name in the configuration.
    pub model: &'a str,
    /// For how long.
    pub pause: Duration,
}

impl ModelPaused<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(model = self.model, pause_ms = millis(self.pause), "model paused");
        counter!(metric::MODEL_TROUBLES, "model" => self.model.to_owned(), "outcome" => "paused").increment(1);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
