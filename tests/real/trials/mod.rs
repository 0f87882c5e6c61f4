//! Trials: a house with people who write steadily, everything that can break while they do, and a count of what came of it.

mod campaign;
mod cut;
pub(crate) mod dice;
mod edits;
mod matrix;
mod points;
mod tally;
pub(crate) mod town;
mod writers;

pub(crate) use campaign::Campaign;
pub(crate) use cut::cut_in_the_middle;
pub(crate) use edits::{Extent, Findings};
pub(crate) use matrix::{Matrix, Row};
pub(crate) use points::POINTS;
pub(crate) use town::{Size, Town};
