//! The dice for pauses: rolled here, so that the decisions about pauses need not.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// One generator for the whole house. Clones share it.
#[derive(Clone)]
pub struct Chance(Arc<Mutex<StdRng>>);

impl Chance {
    /// One that nobody can foretell.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(StdRng::from_os_rng())))
    }

    /// The same in every run with this `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A share of the jitter that a pause may have, from 0 to 1.
    pub(super) fn share(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random()
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_foretells_every_pause() {
        let shares = |chance: Chance| [(); 4].map(|()| chance.share());
        assert_eq!(shares(Chance::seeded(1)).map(f64::to_bits), shares(Chance::seeded(1)).map(f64::to_bits));
        assert!(shares(Chance::new()).iter().all(|share| (0.0..1.0).contains(share)));
    }
}
