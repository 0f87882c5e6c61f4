//! The one async runtime.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// How many threads run tasks. The work is waiting, for homeservers and models that take far longer; a second thread would
/// mostly be woken to find that the first one has done it.
const WORKERS: usize = 1;
/// How many threads run what blocks: the databases of keys, and name look-ups.
const BLOCKING_THREADS_MAX: usize = 64;

/// Builds it.
pub(super) fn build() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("maitre")
        .enable_all()
        .build()
}
