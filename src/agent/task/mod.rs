//! The minds at work: a place, the scene, the course of the answer, and the hands that tools work with.

mod attach;
mod hands;
mod job;
mod minds;
mod mouth;
mod question;
mod run;
mod scene;
mod seat;
mod skills;
mod summary;

pub use minds::Minds;
