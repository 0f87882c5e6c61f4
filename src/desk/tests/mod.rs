//! The desk's decisions, tested without a runtime.

mod afterthought;
mod gate;
mod ruling;
mod scene;
