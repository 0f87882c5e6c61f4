//! Where things may be put, and the environment that child processes get: all that this door knows of the machine.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::InstallError;

/// The folder of this program inside the user's cache folder.
const CACHE_NAME: &str = "maitre";
/// A folder in memory is used only with this much room: containers often have a tiny one.
const MEMORY_BYTES_MIN: u64 = 256 * 1024 * 1024;
/// Variables that would make a Python of ours import foreign modules, or compile everything anew at each start.
const PYTHON_VARIABLES: [&str; 5] =
    ["PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"];

/// Where things may be put, and what child processes find in their environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Where Python environments are kept.
    pub cache: PathBuf,
    /// Where data goes that nobody will miss: in memory where there is room, else the folder for temporary files.
    pub temporary: PathBuf,
    /// The folders that programs are looked for in.
    pub(super) path: OsString,
    /// What child processes get as their environment.
    pub(super) variables: Vec<(OsString, OsString)>,
}

impl Places {
    /// The places that a process with these environment variables should use.
    ///
    /// # Errors
    /// [`InstallError::NoCache`] when they name neither a cache folder nor a home folder.
    pub fn from_environment(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, InstallError> {
        let variables: Vec<_> =
            variables.into_iter().filter(|(name, _)| !PYTHON_VARIABLES.iter().any(|python| name == python)).collect();
        let value = |name: &str| {
            let found = variables.iter().find(|(given, value)| given == name && !value.is_empty());
            found.map(|(_, value)| value.clone())
        };
        // The base directory specification says that relative paths are to be ignored.
        let folder = |name| value(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
        Ok(Self {
            cache: cache.ok_or(InstallError::NoCache)?.join(CACHE_NAME),
            temporary: memory().or_else(|| folder("TMPDIR")).unwrap_or_else(|| PathBuf::from("/tmp")),
            path: value("PATH").unwrap_or_else(|| OsString::from("/usr/local/bin:/usr/bin:/bin")),
            variables,
        })
    }

    /// The first executable file of this name in the folders of `PATH`.
    pub(super) fn program(&self, name: impl AsRef<OsStr>) -> Option<PathBuf> {
        let name = name.as_ref();
        std::env::split_paths(&self.path).map(|folder| folder.join(name)).find(|file| executable(file))
    }
}

/// The folder that lives in memory, where there is one with room in it.
fn memory() -> Option<PathBuf> {
    let folder = PathBuf::from("/dev/shm");
    let room = rustix::fs::statvfs(&folder).ok()?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let writable = rustix::fs::access(&folder, rustix::fs::Access::WRITE_OK).is_ok();
    (free >= MEMORY_BYTES_MIN && writable).then_some(folder)
}

fn executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(variables: &[(&str, &str)]) -> Result<Places, InstallError> {
        Places::from_environment(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn the_cache_folder_follows_the_base_directory_specification() {
        let check = |variables: &[(&str, &str)], expected: &str| {
            assert_eq!(places(variables).unwrap().cache, Path::new(expected), "{variables:?}");
        };
        check(&[("HOME", "/home/ada")], "/home/ada/.cache/maitre");
        check(&[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "/var/c")], "/var/c/maitre");
        check(&[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "")], "/home/ada/.cache/maitre");
        check(&[("HOME", "/home/ada"), ("XDG_CACHE_HOME", "c")], "/home/ada/.cache/maitre");
    }

    #[test]
    fn without_a_home_there_is_no_cache() {
        assert!(matches!(places(&[("PATH", "/bin")]), Err(InstallError::NoCache)));
    }

    #[test]
    fn children_do_not_inherit_a_strangers_python() {
        let places = places(&[("HOME", "/h"), ("PYTHONPATH", "/x"), ("PYTHONDONTWRITEBYTECODE", "1")]).unwrap();
        assert_eq!(places.variables, [("HOME".into(), "/h".into())]);
    }

    #[test]
    fn programs_are_found_by_their_executable_bit() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("python3"), "not a program").unwrap();
        let path = format!("{}:/bin", folder.path().display());
        let places = places(&[("HOME", "/h"), ("PATH", &path)]).unwrap();
        assert_eq!(places.program("python3").filter(|file| file.starts_with(folder.path())), None);
        assert_eq!(places.program("sh"), Some(PathBuf::from("/bin/sh")));
        assert_eq!(places.program("no-such-program"), None);
    }
}
