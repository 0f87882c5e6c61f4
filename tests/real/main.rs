//! The real thing: real homeserver, real clients, real processes, and kills that are not announced.
#![expect(clippy::unwrap_used, reason = "a fixture that breaks should end the test")]

mod accounts;
mod crypto;
mod edits;
mod foreign;
mod homeserver;
mod house;
mod intake;
mod invites;
mod kills;
mod matrix;
mod outage;
mod people;
mod person;
mod rooms;
mod scale;
mod start;
mod status;
mod stop;
mod talk;
mod trials;
mod trouble;
mod upgrades;
