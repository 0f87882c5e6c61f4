//! H1, H9: what a file looks like from outside.

use std::{fs::Metadata, os::unix::fs::MetadataExt as _};

/// What tells one state of a file from another, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Which device it is on.
    pub device: u64,
    /// Which file on the device.
    pub inode: u64,
    /// How long it is.
    pub bytes: u64,
    /// When it was written, in seconds and nanoseconds.
    pub modified: (i64, i64),
    /// When anything about it was changed.
    pub changed: (i64, i64),
}

impl Stamp {
    /// That of a file with this `metadata`.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
