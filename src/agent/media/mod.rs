//! What people attach: what of it a model can be given, and how the rest is named.
//!
//! Nothing here waits: fetching a file, and reading it where it can do no harm, is a task's work.

mod attachment;
mod pdf;
mod picture;
mod reading;
#[cfg(test)]
mod tests;
mod text;

pub use attachment::{Attachment, AttachmentKind};
pub use reading::Reading;
