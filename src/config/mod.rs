//! The configuration: what was typed becomes what is meant, or every error at once.
//!
//! The journey of a file: [`load`] reads it with bounds; it is parsed into a tree in which every value knows where it was
//! typed; includes are put in their places and variables filled in; the tree is read into what may be typed (`raw`), and
//! that is compiled into [`Config`]. Every stage notes what is wrong and goes on, so that a person sees all of it.
//!
//! While a house runs, a [`Watch`] reads the files again whenever they change, and [`diff()`] says what that asks of it. One
//! value in them is changed by [`propose`] and [`Nudge::settle`], in place (`edit`).
//!
//! **Invariant:** no message, hint or shown line holds a secret.

mod access;
mod model;
mod moment;

mod task;

mod budget;
mod read;
mod vault;

mod assemble;
mod interpolate;
mod key_path;
mod mindroom;
mod mindroom_tools;
mod node;
mod parse;
mod sources;

mod deserialize;
mod ordered;
mod raw;
mod raw_talk;
mod schema;

mod compile;
mod conversation;
mod entities;
mod house;
mod manners;
mod models;
mod names;
mod people;
mod rooms;
mod script;
mod skill;
mod skills;
mod stamp;
mod tools;
mod values;

mod diff;
mod tell;

mod edit;
mod known;
mod yaml;

mod fault;
mod nearest;
mod problem;
mod quote;
mod render;

pub use diff::{Change, Changes, EntityChange, EntityEdit, Refusal, RoomChange, diff};
pub use model::{
    Accounts, Agent, Audience, Authorization, Config, Conversations, Credential, Entity, Handoff, Homeserver, Http,
    Manners, Model, Person, Provider, Registration, Role, Room, Router, Script, ScriptRule, Space, State, Streaming,
    Team, TeamMode, ThreadMode, UserPattern,
};
pub use problem::{Problem, Severity, Spot};
pub use render::{Colour, render, render_errors};
pub use schema::schema;
pub use skill::{Skill, read_skill};
pub use skills::{check_skills, skill_files};
pub use stamp::Stamp;
pub use task::{
    Excerpt, Loaded, NotWritten, Nudge, Proposal, Reading, Unseen, Unsettable, Watch, compile_text, excerpt, load,
    load_with, propose,
};
pub use tell::tell;
pub use tools::TOOLS;
