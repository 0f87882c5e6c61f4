//! Facts about what the store forgets.

use std::error::Error;

use tracing::{info, warn};

use super::cause::Causes;

/// What was settled and old went out of the store.
#[derive(Debug)]
pub struct StoreSwept {
    /// How many events and notices went.
    pub rows: u64,
}

impl StoreSwept {
    /// Logs it.
    pub fn emit(&self) {
        info!(rows = self.rows, "store swept");
    }
}

/// The store could not be swept. It is tried again within the hour.
#[derive(Debug)]
pub struct SweepFailed<'a> {
    /// Why.
    pub error: &'a (dyn Error + 'a),
}

impl SweepFailed<'_> {
    /// Logs it.
    pub fn emit(&self) {
        warn!(error = %Causes(self.error), "sweep failed");
    }
}
