//! The store's tests: one suite for both adapters, and what only a file can show.

mod conformance;
mod samples;
mod stage;

mod accounts;
mod admission;
mod commits;
mod invites;
mod rooms;

mod damage;
mod file;
mod kill;
mod memory;
mod merge;
mod migrations;
mod plans;
