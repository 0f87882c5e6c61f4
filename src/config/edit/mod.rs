//! Changes one value in the text of a file; comments, order, blanks and quotes of everything else stay as they were typed.
//!
//! The change is made by the places of what was parsed. Then the new text is parsed as well, and counts only if nothing but
//! the value differs: what is too clever to be changed in place (shared by `&name`, put in twice) is left to an editor.

mod tree;
mod value;

mod page;

mod change;

#[cfg(test)]
mod tests;

pub(super) use change::{Stuck, find, set, way_out};
pub(super) use value::{fragment, value_of};
