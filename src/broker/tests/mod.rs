//! The lanes under everything that can happen to them.

mod again;
mod halts;
mod house;
mod order;
mod whatever;
