//! The desk's decisions, tested without a runtime.

mod afterthought;
mod gate;
mod lone_file;
mod ruling;
mod scene;
