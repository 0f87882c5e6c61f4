//! Minds at work, on a store in memory, with a model that says what a test wants and a clock that stands still.

mod driver;
mod line;
mod stage;

mod answers;
mod failures;
mod memory;
mod places;
mod questions;
mod skills;
mod tools;
