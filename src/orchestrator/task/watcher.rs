//! Watches the configuration's files from a thread of its own: a file system may hang, and nobody else should.

use std::{path::Path, sync::Arc};

use tokio::sync::watch;

use crate::{
    config::{Loaded, Nudge, Reading, Watch},
    nursery,
    observe::ErrandFailed,
};

/// What was found when the files changed. Who is busy finds the newest; what was overtaken needs nobody.
pub(super) type Readings = watch::Receiver<Option<Arc<Reading>>>;

/// A configuration that is watched.
#[derive(Debug, Clone)]
pub struct Watched {
    /// What is found.
    pub readings: Readings,
    /// Has it read at once.
    pub nudge: Nudge,
}

/// Watches the configuration in `path`, which was `loaded` a moment ago. Where there is no thread to be had nothing is seen to
/// change, and that is said.
#[must_use]
pub fn watch_files(path: &Path, loaded: &Loaded) -> Watched {
    let (mut watch, nudge) = Watch::over(path, loaded);
    let (found, readings) = watch::channel(None);
    let watching = nursery::thread("config watcher", move || {
        // Looked at every few seconds; the process doesn't wait for it.
        while !found.is_closed() {
            if let Some(reading) = watch.changed() {
                found.send_replace(Some(Arc::new(reading)));
            }
        }
    });
    if let Err(error) = watching {
        ErrandFailed { errand: "watch the configuration", error: &error }.emit();
    }
    Watched { readings, nudge }
}

/// What is found where nobody watches.
pub(super) fn unwatched() -> Readings {
    watch::channel(None).1
}
