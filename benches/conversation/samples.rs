//! What was measured of several answers, and where most of it lies.

use std::time::Duration;

use super::watcher::Latency;

/// How long several answers took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<Latency>);

impl Samples {
    pub(crate) fn add(&mut self, latency: Latency) {
        self.0.push(latency);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// What half of them stay below, and what nineteen of twenty do.
    pub(crate) fn middle_and_high(&self, figure: impl Fn(&Latency) -> Duration) -> [Duration; 2] {
        let mut figures: Vec<Duration> = self.0.iter().map(figure).collect();
        figures.sort_unstable();
        [50, 95].map(|percent| {
            // The nearest rank.
            let rank = (figures.len() * percent).div_ceil(100).max(1);
            figures.get(rank - 1).copied().unwrap_or_default()
        })
    }
}
