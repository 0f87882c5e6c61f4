//! The store's tests: one suite for both adapters, and what only a file can show.

mod conformance;
mod samples;
mod stage;

mod accounts;
mod admission;
mod commits;
mod ears;
mod invites;
mod lookups;
mod memos;
mod messages;
mod notices;
mod outbox;
mod retention;
mod rooms;
mod turns;

mod damage;
mod file;
mod kill;
mod memory;
mod merge;
mod migrations;
mod plans;
