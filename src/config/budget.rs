//! How large a configuration may be, and what is left of that while it is read.

/// The size of one file, in bytes.
pub(super) const FILE_BYTES_MAX: usize = 1 << 20;
/// The size of all files together, in bytes, counting a file as often as it is included.
const FILES_BYTES_MAX: usize = 4 << 20;
/// How many files may be included, counting a file as often as it is included.
const FILES_MAX: usize = 64;
/// How deep values may be nested.
pub(super) const DEPTH_MAX: usize = 32;
/// How many values there may be.
const NODES_MAX: usize = 100_000;
/// How many values may stand behind anchors (`&name`), each kept for its aliases; counted once for each anchor.
const ANCHORED_NODES_MAX: usize = 100_000;
/// How many values all aliases (`*name`) together may stand for.
const ALIASED_NODES_MAX: usize = 10_000;
/// How much text all aliases together may stand for, in bytes.
const ALIASED_BYTES_MAX: usize = 1 << 20;
/// How much text variables may be replaced by, in bytes.
const EXPANDED_BYTES_MAX: usize = 1 << 20;
/// How many faults one stage keeps. More than these are not told apart.
pub(super) const FAULTS_KEPT_MAX: usize = 150;

/// What may still be read.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    files: usize,
    bytes: usize,
    nodes: usize,
    anchored_nodes: usize,
    aliased_nodes: usize,
    aliased_bytes: usize,
    expanded_bytes: usize,
}

/// A limit was reached; the text says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TooMuch(pub(super) String);

/// How much a value weighs, with everything in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
}

impl Budget {
    /// Everything.
    pub(super) fn full() -> Self {
        Self {
            files: FILES_MAX,
            bytes: FILES_BYTES_MAX,
            nodes: NODES_MAX,
            anchored_nodes: ANCHORED_NODES_MAX,
            aliased_nodes: ALIASED_NODES_MAX,
            aliased_bytes: ALIASED_BYTES_MAX,
            expanded_bytes: EXPANDED_BYTES_MAX,
        }
    }

    /// Pays for one more file.
    pub(super) fn file(&mut self, bytes: usize) -> Result<(), TooMuch> {
        take(&mut self.files, 1, || format!("more than {FILES_MAX} files are included"))?;
        take(&mut self.bytes, bytes, || format!("all files together are larger than {}", mebibytes(FILES_BYTES_MAX)))
    }

    /// Pays for one more value.
    pub(super) fn node(&mut self) -> Result<(), TooMuch> {
        take(&mut self.nodes, 1, || format!("there are more than {NODES_MAX} values"))
    }

    /// Pays for keeping a value of this weight for its aliases.
    pub(super) fn anchor(&mut self, weight: Weight) -> Result<(), TooMuch> {
        take(&mut self.anchored_nodes, weight.nodes, || {
            format!("more than {ANCHORED_NODES_MAX} values stand behind anchors (`&name`)")
        })
    }

    /// Pays for the repetition of a value of this weight.
    pub(super) fn alias(&mut self, weight: Weight) -> Result<(), TooMuch> {
        take(&mut self.aliased_nodes, weight.nodes, || {
            format!("aliases (`*name`) stand for more than {ALIASED_NODES_MAX} values")
        })?;
        take(&mut self.aliased_bytes, weight.bytes, || {
            format!("aliases (`*name`) stand for more than {} of text", mebibytes(ALIASED_BYTES_MAX))
        })?;
        take(&mut self.nodes, weight.nodes, || format!("there are more than {NODES_MAX} values"))
    }

    /// Pays for the text that a variable is replaced by.
    pub(super) fn expansion(&mut self, bytes: usize) -> Result<(), TooMuch> {
        take(&mut self.expanded_bytes, bytes, || {
            format!("variables stand for more than {} of text", mebibytes(EXPANDED_BYTES_MAX))
        })
    }
}

/// A number of bytes as people say it.
pub(super) fn mebibytes(bytes: usize) -> String {
    format!("{} MiB", bytes >> 20)
}

fn take(left: &mut usize, wanted: usize, message: impl FnOnce() -> String) -> Result<(), TooMuch> {
    match left.checked_sub(wanted) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => Err(TooMuch(message())),
    }
}
