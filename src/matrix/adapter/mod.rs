//! The lower half of the door: the Matrix SDK, one thin verb at a time.

mod client;
mod crypto;
mod devices;
mod failure;
mod feed;
mod hub;
mod keys;
mod line;
mod media;
mod notes;
mod prepared;
mod presence;
mod request;
mod rest;
mod rooms;
#[cfg(test)]
mod samples;
mod send;
mod session;
mod sync;
mod translate;

pub use hub::open;
