//! Maitre: AI agents that live as real users in Matrix rooms.
//!
//! # Four kinds of code
//!
//! A *noun* is plain data. A *decision* is pure: facts in, verdict out; it never waits, logs or reads a clock. A *door* is
//! the only code that knows a foreign crate. A *task* waits for events, feeds a decision and carries out its effects.
//!
//! # Floors
//!
//! A folder imports only folders on lower floors, and only what their `mod.rs` offers. Neighbours on a floor never import
//! each other: they meet in channels that the orchestrator lays.
//!
//! | floor | folders | what they are |
//! |---|---|---|
//! | 7 | [`cli`] | arguments, exit codes, the demo |
//! | 6 | [`http`] | health, readiness, metrics, status |
//! | 5 | [`orchestrator`] | boots, supervises, keeps rooms, stops |
//! | 4 | [`desk`], [`bot`], [`agent`], [`team`] | who answers; one face; one mind; one panel |
//! | 3 | [`routing`], [`broker`] | the router's choice; who gets a message, and when |
//! | 2 | [`matrix`], [`llm`], [`tools`], [`store`], [`homeserver`] | doors |
//! | 1 | [`config`], [`observe`], [`nursery`] | the ground |
//! | 0 | [`model`] | nouns |
//!
//! # The journey of a message
//!
//! An entity's sync loop ([`bot::Listener`]) asks its line ([`matrix::Session`]) for news after our own position. The
//! answer goes through [`matrix::Catchup`], which fetches what the homeserver left out and tells news from history, and is
//! handed to the [`desk`] as one batch. The desk writes events and position in one commit of the [`store`]; only then is
//! the loop told, and asks for more.
//!
//! The desk then decides, once for each event, who answers, and writes the verdict with its envelopes. Where nobody is
//! addressed, [`routing`] picks. The [`broker`] puts envelopes into lanes and orders turns. A turn is a mind ([`agent`], or
//! [`team`]) that asks the models ([`llm`]) and uses [`tools`], and a voice ([`bot`]) that says it: one message that grows,
//! each part of it written down before it is sent.
//!
//! **Invariant**: no position moves before what it stands for is durable. A crash repeats; it never loses.
//!
//! **Invariant**: each event is kept once, however many of our entities saw it, and however often.
//!
//! **Invariant**: only [`nursery`] starts tasks and threads; each has a name and an owner.
#![recursion_limit = "256"]

pub mod agent;
pub mod bot;
pub mod broker;
pub mod cli;
pub mod config;
pub mod desk;
pub mod homeserver;
pub mod http;
pub mod llm;
pub mod matrix;
pub mod model;
pub mod nursery;
pub mod observe;
pub mod orchestrator;
pub mod routing;
pub mod store;
pub mod team;
pub mod tools;
