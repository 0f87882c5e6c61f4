//! The broker: who gets a message, and when. One lane for each responder in each conversation, one turn at a time in each.
//!
//! Reading order: what waits in a lane and its turn in flight (`lane`), all lanes as one machine (`lanes`), what of an
//! earlier life is still wanted (`lapse`) and can be borne (`poison`), and the task around it, which writes to the store what the machine decides
//! before anybody acts on it.
//!
//! **Invariant**: a turn runs only after the store knows that it does. **Invariant**: what people want stopped never waits
//! behind what they want answered.

mod id;
mod lane;
mod lanes;
mod lapse;
mod parked;
mod poison;
mod refusal;
mod scope;
mod task;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use scope::Scope;
pub use task::{Broker, Dispatch, Halt, Halted, Halter, Order};
