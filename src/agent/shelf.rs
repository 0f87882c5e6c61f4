//! H9: the skills that were read, and whether what stands in their files is still that.

use std::{collections::BTreeMap, path::Path, path::PathBuf, sync::Arc};

use crate::config::{Skill, Stamp};

/// How many files are remembered. When there are more, those that aren't needed at the moment are forgotten.
const FILES_MAX: usize = 512;

/// Skills by the file that they were read from.
#[derive(Debug, Default)]
pub(super) struct Shelf(BTreeMap<PathBuf, Kept>);

/// What is known of one file.
#[derive(Debug)]
struct Kept {
    /// The state in which it was read; none where it may have changed since without looking different.
    stamp: Option<Stamp>,
    /// What it last said that could be used.
    skill: Option<Arc<Skill>>,
}

impl Shelf {
    /// Whether the file must be read to know what it says.
    pub(super) fn is_stale(&self, file: &Path, stamp: Stamp) -> bool {
        self.0.get(file).is_none_or(|kept| kept.stamp != Some(stamp))
    }

    /// Takes what a file says, or that it can't be used; then what it said before stays. Tells whether there is that.
    pub(super) fn put(&mut self, file: &Path, stamp: Option<Stamp>, skill: Option<Skill>) -> bool {
        let kept = self.0.entry(file.to_owned()).or_insert(Kept { stamp: None, skill: None });
        kept.stamp = stamp;
        if let Some(skill) = skill {
            kept.skill = Some(Arc::new(skill));
        }
        kept.skill.is_some()
    }

    /// What a file says, or last said that could be used.
    pub(super) fn skill(&self, file: &Path) -> Option<Arc<Skill>> {
        self.0.get(file)?.skill.clone()
    }

    /// Forgets a file that isn't there. Tells whether it was known.
    pub(super) fn remove(&mut self, file: &Path) -> bool {
        self.0.remove(file).is_some()
    }

    /// Makes room, unless there is enough: what isn't `needed` is read again should it be.
    pub(super) fn tidy(&mut self, needed: &[PathBuf]) {
        if self.0.len() > FILES_MAX {
            self.0.retain(|file, _| needed.contains(file));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skill(instructions: &str) -> Skill {
        let (name, description) = ("minutes".to_owned(), "Writes.".to_owned());
        Skill { name, description, instructions: instructions.to_owned() }
    }

    fn stamp(inode: u64) -> Stamp {
        Stamp { device: 1, inode, bytes: 9, modified: (5, 0), changed: (5, 0) }
    }

    /// H9: what is known isn't read again until it changes, and what can't be used changes nothing.
    #[test]
    fn a_file_is_read_once_per_change() {
        let file = Path::new("/skills/minutes/SKILL.md");
        let mut shelf = Shelf::default();
        assert!(shelf.is_stale(file, stamp(1)) && shelf.skill(file).is_none());
        assert!(shelf.put(file, Some(stamp(1)), Some(skill("Old."))));
        assert!(!shelf.is_stale(file, stamp(1)) && shelf.is_stale(file, stamp(2)));
        assert!(shelf.put(file, Some(stamp(2)), None), "what it said before stays");
        assert!(!shelf.is_stale(file, stamp(2)));
        assert_eq!(shelf.skill(file).as_deref(), Some(&skill("Old.")));
        assert!(shelf.put(file, None, Some(skill("New."))));
        assert!(shelf.is_stale(file, stamp(2)), "it can't be told from what comes next");
        assert_eq!(shelf.skill(file).as_deref(), Some(&skill("New.")));
        assert!(shelf.remove(file) && !shelf.remove(file) && shelf.skill(file).is_none());
        assert!(!shelf.put(file, Some(stamp(1)), None), "there was nothing before");
    }

    #[test]
    fn the_shelf_is_bounded() {
        let mut shelf = Shelf::default();
        let file = |number: usize| PathBuf::from(format!("/skills/s{number}/SKILL.md"));
        for number in 0..=FILES_MAX {
            shelf.tidy(&[file(0)]);
            shelf.put(&file(number), Some(stamp(1)), Some(skill("x")));
        }
        shelf.tidy(&[file(0)]);
        assert!(shelf.skill(&file(0)).is_some() && shelf.skill(&file(1)).is_none());
    }
}
