//! Every path whose replacement would change what another path leads to.

use std::{
    collections::{BTreeSet, VecDeque},
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

/// How many symbolic links are followed; the operating system itself follows no more.
const LINKS_MAX: usize = 40;

/// Where `path` leads through: its symbolic links, the file at the end and that file's folder. Where something on the way
/// is missing, the trail ends with what is.
pub(super) fn trail(path: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let (mut at, mut left) = (PathBuf::from("/"), VecDeque::new());
    go_on_with(path, &mut left);
    let mut links = 0;
    while let Some(name) = left.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        match fs::symlink_metadata(&next) {
            Ok(metadata) if metadata.file_type().is_symlink() => {
                found.insert(next.clone());
                links += 1;
                let Some(target) = fs::read_link(&next).ok().filter(|_| links <= LINKS_MAX) else { break };
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                go_on_with(&target, &mut left);
            }
            Ok(_) => at = next,
            Err(_) => {
                found.insert(next);
                break;
            }
        }
        if left.is_empty() {
            found.insert(at.clone());
        }
    }
    let folders: Vec<PathBuf> = found.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
    found.extend(folders.into_iter().filter(|folder| folder.parent().is_some()));
    found
}

/// Puts the names in `path` before what is left to walk.
fn go_on_with(path: &Path, left: &mut VecDeque<OsString>) {
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => left.push_front(name.to_owned()),
            Component::ParentDir => left.push_front("..".into()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// H1: whatever can be replaced on the way to a file is on its trail, as in a folder that Kubernetes mounts.
    #[test]
    fn a_trail_leads_through_every_link() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap();
        fs::create_dir_all(home.join("mount/..first")).unwrap();
        fs::write(home.join("mount/..first/config.yaml"), "").unwrap();
        symlink("..first", home.join("mount/..data")).unwrap();
        symlink("..data/config.yaml", home.join("mount/config.yaml")).unwrap();
        symlink(home.join("mount/config.yaml"), home.join("link.yaml")).unwrap();
        let found = trail(&home.join("mount/../link.yaml"));
        for expected in
            ["link.yaml", "mount/config.yaml", "mount/..data", "mount/..first/config.yaml", "mount/..first", "mount"]
        {
            assert!(found.contains(&home.join(expected)), "{expected} in {found:?}");
        }
    }

    #[test]
    fn a_trail_ends_with_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap();
        assert!(trail(&home.join("gone/config.yaml")).contains(&home.join("gone")));
        assert!(trail(&home.join("config.yaml")).contains(&home.join("config.yaml")));
        symlink(home.join("loop"), home.join("loop")).unwrap();
        assert!(trail(&home.join("loop")).contains(&home.join("loop")), "and a loop ends, too");
    }
}
