//! What happened in a run, line by line: kept whole as a number, and the end of it as text.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

/// How many lines are kept as text.
const LINES_MAX: usize = 400;
/// FNV-1a.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The trace of one run. Clones write the same one.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Mutex<Lines>>);

struct Lines {
    began: Instant,
    last: VecDeque<String>,
    hash: u64,
    count: u64,
    /// Whether every line is also printed at once.
    loud: bool,
}

impl Trace {
    /// An empty one, which begins now. A `loud` one prints itself.
    pub(crate) fn new(loud: bool) -> Self {
        let lines = Lines { began: Instant::now(), last: VecDeque::new(), hash: BASIS, count: 0, loud };
        Self(Arc::new(Mutex::new(lines)))
    }

    /// Adds a line.
    pub(crate) fn say(&self, line: impl AsRef<str>) {
        let mut lines = self.lines();
        let line = format!("{:>9} ms  {}", lines.began.elapsed().as_millis(), line.as_ref());
        lines.hash = line.bytes().fold(lines.hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        lines.count += 1;
        if lines.loud {
            show(&line);
        }
        lines.last.push_back(line);
        if lines.last.len() > LINES_MAX {
            lines.last.pop_front();
        }
    }

    /// A number that two runs share only if they said the same.
    pub(crate) fn hash(&self) -> u64 {
        self.lines().hash
    }

    /// The end of it.
    pub(crate) fn end(&self) -> Vec<String> {
        self.lines().last.iter().cloned().collect()
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::print_stderr, reason = "a person asked to see the run as it goes")]
fn show(line: &str) {
    eprintln!("{line}");
}
