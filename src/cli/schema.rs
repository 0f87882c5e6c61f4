//! `maitre schema`: the JSON Schema of the configuration.

use super::{
    exit::{Exit, Failure},
    terminal::print,
};
use crate::config;

/// Prints the schema.
pub(super) fn run() -> Result<Exit, Failure> {
    print(&format!("{:#}\n", config::schema()))?;
    Ok(Exit::Success)
}
