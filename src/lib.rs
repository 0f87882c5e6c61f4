//! Maitre: AI agents that live as real users in Matrix rooms.
#![recursion_limit = "256"]

pub mod bot;
pub mod config;
pub mod desk;
pub mod homeserver;
pub mod matrix;
pub mod model;
pub mod nursery;
pub mod observe;
pub mod orchestrator;
pub mod store;
