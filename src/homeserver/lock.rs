//! Files that only one process holds at a time.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    time::Duration,
};

use tokio::time::sleep;

/// How often somebody who waits for a lock looks again.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Held until it is dropped, or until its process ends in whatever way.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Just closing the file isn't enough: a child that is being started at this moment holds a copy until it runs.
    fn drop(&mut self) {
        // If it fails, closing the file does it a moment later.
        drop(self.file.unlock());
    }
}

impl Lock {
    /// Takes the lock if nobody holds it.
    pub(super) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Takes the lock as soon as nobody holds it; calls `waiting` once if somebody does.
    pub(super) async fn take(path: &Path, waiting: impl FnOnce()) -> io::Result<Self> {
        if let Some(lock) = Self::try_take(path)? {
            return Ok(lock);
        }
        waiting();
        loop {
            sleep(LOOK_EVERY).await;
            if let Some(lock) = Self::try_take(path)? {
                return Ok(lock);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_taker_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::take(&path, || panic!("nobody holds it")).await.unwrap();
        assert!(Lock::try_take(&path).unwrap().is_none());
        let mut told = false;
        let second = async { Lock::take(&path, || told = true).await.unwrap() };
        let release = async {
            sleep(LOOK_EVERY * 3).await;
            drop(first);
        };
        tokio::join!(second, release);
        assert!(told, "the second was told to wait");
    }
}
