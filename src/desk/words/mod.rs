//! What the house says: commands and their answers, and what nobody else is there to say. Facts in, text out.
//!
//! `book` lists the commands and `request` reads what follows them; the rest words one topic each. Gathering the facts and
//! carrying out what was asked is the task's part.

mod book;
mod markup;
mod request;

mod choice;
mod configuration;
mod control;
mod encryption;
mod help;
mod hosts;
mod missed;
mod power;
mod sealed;
mod speaker;
mod status;
mod why;

pub(super) use book::Word;
pub(super) use choice::{Change, ModelFacts, model, thread_mode};
pub(super) use configuration::{
    config_left, config_off, config_planned, config_proposed, config_shown, config_too_late, config_unread,
    config_unsure, config_without_file, config_written, is_yes,
};
pub(super) use control::{Again, retried, stopped};
pub(super) use encryption::{SealFacts, Switched, e2ee, explain, switched};
pub(super) use help::{help, misused, refused, reloading, typo, unanswered, unverified};
pub(super) use hosts::{Host, excuse, hi, how_to_ask, lonely, over_budget};
pub(super) use missed::{chosen, missed};
pub(super) use power::is_room_admin;
pub(super) use request::{ConfigWish, ModeWish, ModelWish, Reach, Request};
pub(super) use sealed::{NOTICES, PAUSE, Patience, Unread, complaint, relief};
pub(super) use speaker::speaker;
pub(super) use status::{ThreadFacts, Work, of_house, of_thread};
pub(super) use why::{Answering, Ruling, Stage, Story, why};
