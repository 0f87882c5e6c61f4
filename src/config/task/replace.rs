//! Replaces a file by another text at once: whoever reads it meanwhile sees the one or the other. Blocking.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown},
    path::{Path, PathBuf},
};

/// What a file may begin with that belongs to no text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Puts `text` in the place of what stands in `path`, or of the file that it links to, unless it `is_as_it_was` no longer;
/// tells whether it did. Mode and owner stay; where the owner can't, nothing is done.
pub(super) fn replace(path: &Path, text: &str, is_as_it_was: impl FnOnce() -> bool) -> io::Result<bool> {
    let target = path.canonicalize()?;
    let old = fs::metadata(&target)?;
    let new = beside(&target);
    match fs::remove_file(&new) {
        // One of an earlier life.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let outcome = write(&new, text, begins_with_mark(&target)?, &old).and_then(|()| {
        let as_it_was = is_as_it_was();
        if as_it_was {
            fs::rename(&new, &target)?;
        }
        Ok(as_it_was)
    });
    if let Ok(true) = outcome {
        // The change is there without it; it only may not outlive a power cut.
        drop(target.parent().map(|folder| File::open(folder).and_then(|folder| folder.sync_all())));
    } else {
        // What couldn't be made can't be removed either; the next change removes it.
        drop(fs::remove_file(&new));
    }
    outcome
}

fn write(path: &Path, text: &str, with_mark: bool, like: &Metadata) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    if with_mark {
        file.write_all(BYTE_ORDER_MARK)?;
    }
    file.write_all(text.as_bytes())?;
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (like.uid(), like.gid()) {
        fchown(&file, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(like.permissions())?;
    file.sync_all()
}

fn begins_with_mark(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start)?;
    Ok(start == BYTE_ORDER_MARK)
}

/// A name in the same folder: a rename between two of them is done at once.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.maitre-new"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// X10: a file is replaced as a whole, through a link, with its mode; and not if somebody else was quicker.
    #[test]
    fn a_file_keeps_its_mode_and_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real.yaml"), folder.path().join("config.yaml"));
        fs::write(&file, "\u{feff}a: 1\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real.yaml", &link).unwrap();
        fs::write(beside(&file), "left over").unwrap();
        assert!(!replace(&link, "a: 2\n", || false).unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), "\u{feff}a: 1\n");
        assert!(replace(&link, "a: 2\n", || true).unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), "\u{feff}a: 2\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2, "nothing is left over");
    }

    /// X10: a file that can't be replaced stays as it is, and that is said.
    #[test]
    fn what_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        assert!(replace(&folder.path().join("config.yaml"), "a: 2\n", || true).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
