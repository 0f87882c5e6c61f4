//! Sees what happens in folders: the one place that knows how the operating system tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _, recommended_watcher};

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Glance {
    /// Something happened to these paths.
    At(Vec<PathBuf>),
    /// Something happened, and nobody knows to what.
    Unclear,
    /// Nothing was seen, but a [`Wish`] stands.
    Called,
}

/// What stands until it is seen, however many glances wait.
#[derive(Debug, Default)]
pub(super) struct Wish {
    /// Somebody asks to look, whatever was seen.
    pub(super) asked: AtomicBool,
    /// There was no room for a glance.
    pub(super) missed: AtomicBool,
    /// Who changed a file and is yet to be told what came of it. A lock and no task: whoever reads the files or changes one
    /// holds it meanwhile, on threads that may block, so that what is read stood there before a change or after it.
    pub(super) askers: Mutex<BTreeSet<String>>,
}

/// Watches folders, not files: a watch on a file is blind once another file takes its name.
pub(super) struct Eyes {
    watcher: RecommendedWatcher,
    /// The folders that are watched, each with what it was when the watch began: its device and number there.
    watched: BTreeMap<PathBuf, (u64, u64)>,
}

impl Eyes {
    /// Eyes that tell of what they see. None where the operating system has none to give; whoever wants to know looks now and
    /// then anyway. Where `glances` is full, that something was missed stands in `wish`.
    pub(super) fn open(glances: SyncSender<Glance>, wish: Arc<Wish>) -> Option<Self> {
        let tell = move |seen: notify::Result<Event>| {
            let glance = match seen {
                // That we read a file is no news.
                Ok(event) if event.kind.is_access() => return,
                Ok(event) if event.paths.is_empty() || event.need_rescan() => Glance::Unclear,
                Ok(event) => Glance::At(event.paths),
                Err(_) => Glance::Unclear,
            };
            if glances.try_send(glance).is_err() {
                wish.missed.store(true, Ordering::Relaxed);
            }
        };
        let watcher = recommended_watcher(tell).ok()?;
        Some(Self { watcher, watched: BTreeMap::new() })
    }

    /// Watches the folders that hold `paths`, and no others. Those in `touched` were perhaps replaced by others of the same
    /// name and are watched anew.
    pub(super) fn look_at(&mut self, paths: &BTreeSet<PathBuf>, touched: &BTreeSet<PathBuf>) {
        let folders: BTreeSet<PathBuf> = paths.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
        let is_good = |folder: &PathBuf, was: &(u64, u64)| {
            folders.contains(folder) && !touched.contains(folder) && identity(folder) == Some(*was)
        };
        let stale: Vec<PathBuf> = self
            .watched
            .iter()
            .filter(|(folder, was)| !is_good(folder, was))
            .map(|(folder, _)| folder.clone())
            .collect();
        for folder in stale {
            self.watched.remove(&folder);
            // Of a folder that is gone there is no watch left to end.
            drop(self.watcher.unwatch(&folder));
        }
        for folder in folders {
            if self.watched.contains_key(&folder) {
                continue;
            }
            let Some(identity) = identity(&folder) else { continue };
            // What can't be watched is looked at now and then.
            if self.watcher.watch(&folder, RecursiveMode::NonRecursive).is_ok() {
                self.watched.insert(folder, identity);
            }
        }
    }
}

/// What tells one folder from another of the same name.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    fs::metadata(folder).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}
