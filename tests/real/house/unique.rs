//! Names that no other test uses, for tests that share a homeserver.

use std::sync::atomic::{AtomicU32, Ordering};

/// `name` with a number that nobody else gets in this test run.
pub(crate) fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
