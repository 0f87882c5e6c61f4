//! When and where the program dies next.

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use super::POINTS;

/// Of how many deaths one is at a random moment, once every point has had its turn.
const RANDOM_ONE_OF: u32 = 3;
/// How long a life lasts at most that ends at a random moment: some end while the program starts, some in full work.
const RANDOM_WITHIN: Duration = Duration::from_secs(5);
/// How long a life lasts whose point isn't reached. It is killed then as at any moment.
const UNREACHED_AFTER: Duration = Duration::from_secs(15);
/// How often a point may be passed before it is deadly.
const PASSES_MAX: u32 = 6;

/// How a life is to end.
#[derive(Debug, Clone)]
pub(super) struct Fate {
    /// The point at which it dies, if it gets there, and at which pass.
    pub(super) point: Option<(&'static str, u32)>,
    /// When it is killed otherwise.
    pub(super) after: Duration,
}

/// Rolls fates. The same seed rolls the same ones.
#[derive(Debug)]
pub(crate) struct Dice {
    rng: StdRng,
    /// Points that nobody has died at yet.
    fresh: Vec<&'static str>,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut fresh = POINTS.to_vec();
        fresh.shuffle(&mut rng);
        Self { rng, fresh }
    }

    /// Every point once, then by chance.
    pub(super) fn fate(&mut self) -> Fate {
        if let Some(point) = self.fresh.pop() {
            return Fate { point: Some((point, 1)), after: UNREACHED_AFTER };
        }
        if self.rng.random_ratio(1, RANDOM_ONE_OF) {
            return Fate { point: None, after: self.rng.random_range(Duration::ZERO..RANDOM_WITHIN) };
        }
        let point = POINTS[self.rng.random_range(0..POINTS.len())];
        Fate { point: Some((point, self.rng.random_range(1..=PASSES_MAX))), after: UNREACHED_AFTER }
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.rng.random_range(0..limit)
    }
}

impl Fate {
    /// How the program is told.
    pub(super) fn fault(&self) -> String {
        self.point.map(|(point, pass)| format!("{point}:{pass}")).unwrap_or_default()
    }
}
