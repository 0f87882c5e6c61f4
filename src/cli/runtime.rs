//! The one async runtime.

use std::{io, num::NonZeroUsize, thread::available_parallelism};

use tokio::runtime::{Builder, Runtime};

/// How many threads run tasks. The work is waiting; more threads would only cost memory.
const WORKERS_MAX: usize = 2;
/// How many threads run what blocks: the databases of keys, and name look-ups.
const BLOCKING_THREADS_MAX: usize = 64;

/// Builds it.
pub(super) fn build() -> io::Result<Runtime> {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    Builder::new_multi_thread()
        .worker_threads(cores.min(WORKERS_MAX))
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("maitre")
        .enable_all()
        .build()
}
