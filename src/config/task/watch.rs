//! H1: watches the files of a configuration and reads them again when their content changes. Blocking; for a thread.

use std::{
    collections::BTreeSet,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{
    eyes::{Eyes, Glance, Wish},
    load::{Loaded, load_noting},
    setting::{NotWritten, settle},
    trail::trail,
};
use crate::{
    config::{Problem, Stamp, read::read_text},
    model::Setting,
};

/// How many glances may wait. Beyond that they are dropped, and everything is looked at.
const GLANCES_WAITING_MAX: usize = 256;
/// How long it must have been quiet: whoever writes a file does it in several steps.
const QUIET: Duration = Duration::from_millis(200);
/// How long a look is put off at most, however much happens.
const DELAY_MAX: Duration = Duration::from_millis(600);
/// How often is looked where nothing was seen: not every file system tells.
const POLL_PAUSE: Duration = Duration::from_secs(3);
/// How long a file that is gone or empty may stay so before that counts: whoever swaps a file takes it away first.
const SWAP_MAX: Duration = Duration::from_secs(1);
/// How often files that change while they are read are read again before what was read counts.
const READS_MAX: usize = 5;

/// What was found in the files.
#[derive(Debug)]
pub struct Reading {
    /// The configuration, or everything that is wrong with it.
    pub outcome: Result<Loaded, Vec<Problem>>,
    /// Whether somebody asked for it, rather than that something changed.
    pub asked: bool,
    /// Who changed something that is in it and wants to know what comes of that.
    pub askers: Vec<String>,
    wish: Arc<Wish>,
}

/// Keeps an eye on the files of one configuration.
pub struct Watch {
    path: PathBuf,
    /// The files that count, those that aren't there among them.
    files: Vec<PathBuf>,
    /// What their content came to when they were read last.
    content: u64,
    stamps: Vec<Option<Stamp>>,
    /// Whatever leads to the files.
    trails: BTreeSet<PathBuf>,
    glances: Receiver<Glance>,
    wish: Arc<Wish>,
    eyes: Option<Eyes>,
}

/// Asks a [`Watch`] to read the files now. Cloning asks the same one.
#[derive(Debug, Clone)]
pub struct Nudge {
    path: Arc<Path>,
    glances: SyncSender<Glance>,
    wish: Arc<Wish>,
}

impl Watch {
    /// Watches the configuration in `path`, from now on; and the way to ask for a look. It was `loaded` a moment ago: what
    /// changed since is told at once.
    #[must_use]
    pub fn over(path: &Path, loaded: &Loaded) -> (Self, Nudge) {
        let (seen, glances) = sync_channel(GLANCES_WAITING_MAX);
        let wish = Arc::<Wish>::default();
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let nudge = Nudge { path: path.as_path().into(), glances: seen.clone(), wish: Arc::clone(&wish) };
        let mut watch = Self {
            path,
            files: Vec::new(),
            content: 0,
            stamps: Vec::new(),
            trails: BTreeSet::new(),
            glances,
            wish: Arc::clone(&wish),
            eyes: Eyes::open(seen, wish),
        };
        let (first, content) = watch.read();
        if first.is_ok_and(|first| first.config == loaded.config) {
            watch.content = content;
        } else {
            // Somebody is quicker than we are.
            nudge.look();
        }
        (watch, nudge)
    }

    /// Waits until the content of the files changes, or somebody asks, and reads them. Nothing, when neither happened for a
    /// few seconds.
    pub fn changed(&mut self) -> Option<Reading> {
        let (is_due, mut asked) = self.wait(POLL_PAUSE);
        if !is_due && self.stamps == stamps(&self.files) {
            return None;
        }
        if fs::metadata(&self.path).map_or(0, |file| file.len()) == 0 {
            asked |= self.wait(SWAP_MAX).1;
        }
        let wish = Arc::clone(&self.wish);
        let askers = wish.askers.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, content) = self.read();
        let is_new = content != self.content;
        self.content = content;
        let askers = askers.iter().cloned().collect();
        (is_new || asked).then(|| Reading { outcome, asked, askers, wish: Arc::clone(&self.wish) })
    }

    /// Waits at most for so long for something that concerns us, and then for quiet. Tells whether a look is due, and whether
    /// somebody asked.
    fn wait(&mut self, pause: Duration) -> (bool, bool) {
        // The first of what concerns us, and the latest.
        let (mut span, mut touched) = (None::<(Instant, Instant)>, BTreeSet::new());
        let idle_until = Instant::now() + pause;
        loop {
            let now = Instant::now();
            let until = span.map_or(idle_until, |(first, latest)| (latest + QUIET).min(first + DELAY_MAX));
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                break;
            }
            let seen = touched.len();
            let mut concerns_us = false;
            match self.glances.recv_timeout(left) {
                Ok(Glance::Called) => concerns_us = true,
                Ok(Glance::Unclear) => touched.extend(self.trails.iter().cloned()),
                Ok(Glance::At(paths)) => {
                    let ours: Vec<PathBuf> = paths.into_iter().filter(|path| self.trails.contains(path)).collect();
                    concerns_us = !ours.is_empty();
                    touched.extend(ours);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
            if self.wish.missed.swap(false, Ordering::Relaxed) {
                touched.extend(self.trails.iter().cloned());
            }
            if concerns_us || touched.len() > seen {
                let now = Instant::now();
                span = Some((span.map_or(now, |(first, _)| first), now));
            }
        }
        self.arm(&touched);
        (span.is_some(), self.wish.asked.swap(false, Ordering::Relaxed))
    }

    /// Reads until what was read is what stands there, and every file of it is watched. Gives what the content comes to, too.
    fn read(&mut self) -> (Result<Loaded, Vec<Problem>>, u64) {
        let mut tries = 0;
        loop {
            self.stamps = stamps(&self.files);
            let before = content(&self.files);
            let mut files = Vec::new();
            let outcome = load_noting(&self.path, &mut files);
            let is_settled = files == self.files && content(&files) == before;
            tries += 1;
            if is_settled || tries == READS_MAX {
                return (outcome, before);
            }
            self.files = files;
            self.arm(&BTreeSet::new());
        }
    }

    fn arm(&mut self, touched: &BTreeSet<PathBuf>) {
        self.trails = self.files.iter().flat_map(|file| trail(file)).collect();
        if let Some(eyes) = &mut self.eyes {
            eyes.look_at(&self.trails, touched);
        }
    }
}

impl Reading {
    /// Its askers were told. Until then every later reading has them, too: this one may be overtaken.
    pub fn told(&self) {
        let mut askers = self.wish.askers.lock().unwrap_or_else(PoisonError::into_inner);
        askers.retain(|asker| !self.askers.contains(asker));
    }
}

impl Nudge {
    /// The file that is watched, with those that it includes.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.path
    }

    /// Makes a change in the files, has them read, and has `asker` told what comes of it. Making it again does nothing but
    /// have that told, as long as nobody changed the file since. Blocking.
    ///
    /// # Errors
    /// When the file isn't what it was, or can't be written. Then it is as it was.
    pub fn settle(&self, setting: &Setting, asker: &str) -> Result<PathBuf, NotWritten> {
        let mut askers = self.wish.askers.lock().unwrap_or_else(PoisonError::into_inner);
        let file = settle(&self.path, setting)?;
        askers.insert(asker.to_owned());
        drop(askers);
        self.look();
        Ok(file)
    }

    /// Asks for a look.
    pub fn look(&self) {
        self.wish.asked.store(true, Ordering::Relaxed);
        // Where so much waits, a look is due already.
        drop(self.glances.try_send(Glance::Called));
    }
}

/// What the content of `files` comes to. What can't be read has a content of its own.
fn content(files: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        read_text(file).map_err(|error| error.to_string()).hash(&mut hasher);
    }
    hasher.finish()
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|file| fs::metadata(file).ok().as_ref().map(Stamp::of)).collect()
}
