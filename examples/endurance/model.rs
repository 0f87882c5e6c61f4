//! A model that fails now and then, and answers when it is asked again.

use std::{collections::BTreeSet, sync::Mutex};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    house::{Act, Stub},
    trials::town::recite,
};

/// Of how many questions one finds the model unwell.
const UNWELL_ONE_OF: u32 = 12;

/// From now on the model fails at some questions when they come for the first time, in ways that pass.
pub(crate) fn make_unreliable(stub: &Stub, seed: u64) {
    let state = Mutex::new((StdRng::seed_from_u64(seed), BTreeSet::new()));
    stub.otherwise(move |asked| {
        let (rng, known) = &mut *state.lock().unwrap();
        let is_new = known.insert(asked.last.clone());
        if !is_new || !rng.random_ratio(1, UNWELL_ONE_OF) {
            return recite(asked);
        }
        match rng.random_range(0..3) {
            0 => Act::Fail { status: 503, retry_after: None },
            1 => Act::Fail { status: 429, retry_after: Some("1") },
            _ => Act::Break(String::new()),
        }
    });
}
