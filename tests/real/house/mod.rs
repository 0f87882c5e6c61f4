//! What the scenarios are told with: a homeserver, people on it, our program, and clients that others have written.

mod admin;
mod api;
mod clock;
mod door;
mod journal;
mod nio;
mod person;
mod program;
mod synapse;
mod unique;
mod view;

pub(crate) use api::Api;
pub(crate) use clock::{DEADLINE, wait_for};
pub(crate) use door::{Door, Line};
pub(crate) use journal::{AuditLine, Journal};
pub(crate) use nio::{Nio, Seen};
pub(crate) use person::Person;
pub(crate) use program::{Maitre, entity_of, room_of};
pub(crate) use synapse::{Site, installation, places, shared, temporary};
pub(crate) use unique::unique;
pub(crate) use view::View;
