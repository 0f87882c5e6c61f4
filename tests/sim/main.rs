//! The whole program over a homeserver, models and a disk that fail on purpose: one seed is one run.

mod dice;
mod world;
