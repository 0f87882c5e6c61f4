//! Reads a small text file whole, or says why not: never a device, never more than allowed, never half of a change.

use std::{
    fs::{FileType, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::Path,
};

use rustix::fs::OFlags;

use super::budget::{FILE_BYTES_MAX, mebibytes};

/// How often a file that changes under our eyes is read again.
const READS_MAX: usize = 5;

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("there is no such file")]
    Missing,
    #[error("this is {0}, not a file")]
    NotAFile(&'static str),
    #[error("this file is larger than {}", mebibytes(FILE_BYTES_MAX))]
    TooLarge,
    #[error("this file keeps changing while it is read")]
    Changing,
    #[error("this file is not UTF-8 text: byte {0} is wrong")]
    NotText(usize),
    #[error("this file can't be read: {0}")]
    Io(#[source] io::Error),
}

impl Unreadable {
    /// What to do about it.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Missing => "check the path; `config.yaml.example` is a file to start from",
            Self::NotAFile(_) => "name a regular file",
            Self::TooLarge => "a configuration is a few kilobytes; is this the right file?",
            Self::Changing => {
                "wait until whatever writes it is done, and write it under another name before renaming it"
            }
            Self::NotText(_) => "save it as UTF-8",
            Self::Io(_) => "check that the file and its folders may be read by this user",
        }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Io(error),
        }
    }
}

/// The text of a file.
pub(super) fn read_text(path: &Path) -> Result<String, Unreadable> {
    let bytes = settled(|| read_bytes(path))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(ToOwned::to_owned).unwrap_or(text)),
        Err(error) => Err(Unreadable::NotText(error.utf8_error().valid_up_to())),
    }
}

/// Reads until two readings in a row agree. Times and lengths alone don't tell: a clock tick is long, and a file
/// overwritten in place keeps its length.
fn settled(mut read: impl FnMut() -> Result<Vec<u8>, Unreadable>) -> Result<Vec<u8>, Unreadable> {
    let mut last = read()?;
    for _ in 1..READS_MAX {
        let again = read()?;
        if again == last {
            return Ok(last);
        }
        last = again;
    }
    Err(Unreadable::Changing)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Unreadable> {
    // Opening a fifo would wait for a writer, opening a device may do anything: look first, and don't wait in case it
    // is replaced in between.
    refuse(std::fs::metadata(path)?.file_type())?;
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    refuse(metadata.file_type())?;
    let max = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
    if metadata.len() > max {
        return Err(Unreadable::TooLarge);
    }
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_BYTES_MAX { Err(Unreadable::TooLarge) } else { Ok(bytes) }
}

fn refuse(kind: FileType) -> Result<(), Unreadable> {
    let what = if kind.is_file() {
        return Ok(());
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a fifo"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(Unreadable::NotAFile(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_is_read_again_and_given_up_in_the_end() {
        let readings = |texts: &'static [&'static str]| {
            let mut texts = texts.iter();
            settled(move || Ok(texts.next().expect("not read more often than allowed").as_bytes().to_vec()))
        };
        assert_eq!(readings(&["a", "a"]).unwrap(), b"a");
        assert_eq!(readings(&["a", "ab", "abc", "abc"]).unwrap(), b"abc");
        assert!(matches!(readings(&["a", "b", "a", "b", "a"]), Err(Unreadable::Changing)));
    }

    #[test]
    fn whatever_is_no_small_text_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("good"), "\u{feff}a: 1\n").unwrap();
        std::fs::write(path("latin"), b"a: \xe9\n").unwrap();
        std::fs::File::create(path("large")).unwrap().set_len(100 << 20).unwrap();
        std::os::unix::fs::symlink(path("loop"), path("loop")).unwrap();
        assert_eq!(read_text(&path("good")).unwrap(), "a: 1\n", "a byte order mark is no content");
        assert!(matches!(read_text(&path("none")), Err(Unreadable::Missing)));
        assert!(matches!(read_text(folder.path()), Err(Unreadable::NotAFile("a folder"))));
        assert!(matches!(read_text(Path::new("/dev/zero")), Err(Unreadable::NotAFile("a device"))));
        assert!(matches!(read_text(&path("latin")), Err(Unreadable::NotText(3))));
        assert!(matches!(read_text(&path("large")), Err(Unreadable::TooLarge)));
        assert!(matches!(read_text(&path("loop")), Err(Unreadable::Io(_))));
    }
}
