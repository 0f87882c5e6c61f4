//! The dice: everything that happens by chance in a run follows from one seed.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How far the generator's state moves with each number: the odd constant of `SplitMix64`, so that every state is visited once.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of chance. Cloning gives another hand on the same stream; [`Dice::fork`] gives a stream of its own.
///
/// `SplitMix64`, written out: a seed that fails today must be the same run after every update of every crate.
#[derive(Clone)]
pub(crate) struct Dice {
    seed: u64,
    state: Arc<Mutex<u64>>,
}

impl Dice {
    /// The stream of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, state: Arc::new(Mutex::new(seed)) }
    }

    /// An independent stream. It depends on the seed and `name` alone, not on what was drawn before.
    pub(crate) fn fork(&self, name: &str) -> Self {
        let named = name.bytes().fold(self.seed, |mixed, byte| mix(mixed.wrapping_add(STEP) ^ u64::from(byte)));
        Self::new(mix(named.wrapping_add(STEP)))
    }

    /// Whether something happens that happens with `probability`.
    pub(crate) fn chance(&self, probability: f64) -> bool {
        /// The numbers that 53 bits can hold, as many as a float can tell apart.
        const FINE: f64 = 9_007_199_254_740_992.0;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
        let drawn = (self.next() >> 11) as f64;
        drawn / FINE < probability
    }

    /// A number below `n`; 0 when there is none.
    pub(crate) fn below(&self, n: usize) -> usize {
        // The lowest numbers are favoured by less than one in 2^40 for every `n` that occurs here.
        let n = n.max(1) as u64;
        usize::try_from(self.next() % n).unwrap_or(0)
    }

    /// One of `things`, of which there must be at least one.
    pub(crate) fn pick<'a, T>(&self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }

    /// A time within `range`, in whole milliseconds.
    pub(crate) fn millis(&self, range: Range<u64>) -> Duration {
        let width = range.end.saturating_sub(range.start).max(1);
        Duration::from_millis(range.start + self.next() % width)
    }

    /// The next 64 bits.
    pub(crate) fn next(&self) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(STEP);
        mix(*state)
    }
}

/// The finisher of `SplitMix64`.
fn mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_stream_and_a_fork_another_that_is_its_own() {
        let drawn = |dice: &Dice| [(); 8].map(|()| dice.next());
        let (one, two) = (Dice::new(7), Dice::new(7));
        let fork_before = drawn(&one.fork("world"));
        assert_eq!(drawn(&one), drawn(&two));
        assert_eq!(fork_before, drawn(&one.fork("world")), "a fork depends on what was drawn");
        assert_ne!(fork_before, drawn(&one.fork("people")));
        assert_ne!(fork_before, drawn(&Dice::new(8).fork("world")));
    }

    #[test]
    fn chance_and_ranges_keep_their_bounds() {
        let dice = Dice::new(1);
        assert!((0..1000).all(|_| !dice.chance(0.0) && dice.chance(1.0)));
        let often = (0..10_000).filter(|_| dice.chance(0.25)).count();
        assert!((2300..2700).contains(&often), "{often}");
        assert!((0..1000).all(|_| (5..9).contains(&dice.millis(5..9).as_millis())));
        assert_eq!((0..1000).map(|_| dice.below(3)).max(), Some(2));
        assert_eq!((dice.below(0), dice.millis(4..4)), (0, Duration::from_millis(4)));
    }
}
