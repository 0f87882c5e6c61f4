//! Routing: who answers a message that several could answer and that mentions nobody.
//!
//! A model is asked once, in a form that leaves no room for anything but a name and a reason. Where it gives none in time,
//! the words of the message are weighed against what each candidate is for; where they don't tell either, the person is
//! asked.

mod candidates;
mod choice;
mod fallback;
mod question;
mod request;
mod said;
mod task;
mod words;

#[cfg(test)]
mod samples;

pub use request::{RouteRequest, Routed};
pub use said::Said;
pub use task::{Hearing, RouteInbox, Routing};
pub use words::words;
