//! What the scenarios are told with: a homeserver, people on it, our program, and clients that others have written.

mod admin;
mod api;
mod client;
mod clock;
mod door;
mod journal;
mod nio;
mod person;
mod post;
mod program;
mod proxy;
mod shown;
mod stub;
mod synapse;
mod unique;
mod view;

pub(crate) use api::Api;
pub(crate) use client::{Client, Sort};
pub(crate) use clock::{DEADLINE, wait_for};
pub(crate) use door::{Door, Line};
pub(crate) use journal::{AuditLine, Journal};
pub(crate) use nio::{Nio, Seen};
pub(crate) use person::Person;
pub(crate) use post::Post;
pub(crate) use program::{Maitre, entity_of, room_of};
pub(crate) use proxy::{Fault, Operation, Passage, Proxy};
pub(crate) use shown::{Shown, shown};
pub(crate) use stub::{Act, Asked, Gate, Stub};
pub(crate) use synapse::{Site, installation, places, shared, temporary};
pub(crate) use unique::unique;
pub(crate) use view::View;
