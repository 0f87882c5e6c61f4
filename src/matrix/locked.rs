//! How values that several lines share are held for a look-up.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The value behind a lock that nobody holds for longer than a look-up.
pub(super) fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves plain values behind, never half-written ones.
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
