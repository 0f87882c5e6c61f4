//! H9: looks what the files of skills say, each time that an answer begins; only what has changed is read.
//!
//! Looking happens on a thread, one look after the other. Whoever waits too long for a disk that hangs goes on without
//! skills; the look itself stays, so that no more threads than one ever hang with the disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Mutex, time::timeout};

use crate::{
    agent::shelf::Shelf,
    config::{Config, Problem, Role, Skill, Stamp, read_skill, skill_files},
    model::Millis,
    nursery,
    observe::{self, SkillBroken, SkillGone, SkillRead},
};

/// How long an answer waits for the disk.
const LOOK_MAX: Duration = Duration::from_secs(5);
/// What is written within one tick of the kernel's clock looks the same; no tick is longer.
const TICK_MS_MAX: u64 = 20;

/// The skills of all agents. Cloning gives the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Skills(Arc<Mutex<Shelf>>);

/// Why nobody knows what the files say.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unseen {
    /// The disk takes too long.
    #[error("the disk with the skills does not answer")]
    TooLong,
    /// There is no thread for it.
    #[error("there is no thread to look for skills")]
    NoThread(#[source] io::Error),
}

impl Skills {
    /// The skills of these names that can be used, as they are now.
    pub(super) async fn of(&self, config: &Config, names: &[String]) -> Result<Vec<Arc<Skill>>, Unseen> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let (folders, names) = (config.skill_folders.clone(), names.to_vec());
        let look = async {
            let mut known = Arc::clone(&self.0).lock_owned().await;
            let work = move || look(&mut known, &folders, &names, observe::now());
            let found = nursery::answered_by_thread("look-for-skills", work).map_err(Unseen::NoThread)?;
            found.await.map_err(|_broken| Unseen::TooLong)
        };
        timeout(LOOK_MAX, look).await.unwrap_or(Err(Unseen::TooLong))
    }
}

/// All skills that agents may use, each once.
pub(super) fn named(config: &Config) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for entity in &config.entities {
        if let Role::Agent(agent) = &entity.role {
            names.extend(agent.skills.iter().cloned());
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// Looks, and reads what isn't on the shelf as it is now.
fn look(shelf: &mut Shelf, folders: &[PathBuf], names: &[String], now: Millis) -> Vec<Arc<Skill>> {
    let mut needed = Vec::new();
    let mut skills = Vec::new();
    for name in names {
        let there = skill_files(folders, name).find_map(|file| Some((fs::metadata(&file).ok()?, file)));
        let Some((metadata, file)) = there else {
            let known = skill_files(folders, name).filter(|file| shelf.remove(file)).count();
            if known > 0 {
                SkillGone { skill: name }.emit();
            }
            continue;
        };
        let stamp = Stamp::of(&metadata);
        if shelf.is_stale(&file, stamp) {
            let stamp = Some(stamp).filter(|stamp| is_settled(stamp, now));
            read(shelf, name, &file, stamp);
        }
        skills.extend(shelf.skill(&file));
        needed.push(file);
    }
    shelf.tidy(&needed);
    skills
}

fn read(shelf: &mut Shelf, name: &str, file: &Path, stamp: Option<Stamp>) {
    match read_skill(name, file) {
        Ok(skill) => {
            shelf.put(file, stamp, Some(skill));
            SkillRead { skill: name, file }.emit();
        }
        Err(problems) => {
            let kept = shelf.put(file, stamp, None);
            let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
            SkillBroken { skill: name, problems: &problems.join("; "), kept }.emit();
        }
    }
}

/// Whether whatever is written from now on will give the file another stamp.
fn is_settled(stamp: &Stamp, now: Millis) -> bool {
    let (secs, nanos) = stamp.changed;
    let changed = u64::try_from(secs.saturating_mul(1_000).saturating_add(nanos / 1_000_000)).unwrap_or_default();
    now.0.abs_diff(changed) > TICK_MS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long after whatever is written here.
    const LATER: Millis = Millis(u64::MAX);

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let skill = folder.join(name);
        fs::create_dir_all(&skill).unwrap();
        let file = skill.join("SKILL.md");
        fs::write(&file, format!("---\nname: {name}\ndescription: Helps.\n---\n{text}")).unwrap();
        file
    }

    /// What is found, by what it says.
    fn found(shelf: &mut Shelf, folders: &[&Path], names: &[&str], now: Millis) -> Vec<String> {
        let folders: Vec<PathBuf> = folders.iter().map(|folder| (*folder).to_owned()).collect();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        look(shelf, &folders, &names, now).iter().map(|skill| skill.instructions.clone()).collect()
    }

    /// H9: an edit holds from the next look on; what is broken keeps what it was; what is gone is gone.
    #[test]
    fn files_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, mut shelf) = (folder.path(), Shelf::default());
        let mut check = |expected: &[&str]| {
            assert_eq!(found(&mut shelf, &[folder], &["minutes", "style"], LATER), expected);
        };
        check(&[]);
        let file = write(folder, "minutes", "Old.");
        check(&["Old."]);
        write(folder, "style", "Plain.");
        check(&["Old.", "Plain."]);
        // As careful editors save: under another name first.
        let beside = write(folder, "minutes.tmp", "x");
        fs::write(&beside, "---\nname: minutes\ndescription: Helps.\n---\nRenamed.").unwrap();
        fs::rename(&beside, &file).unwrap();
        check(&["Renamed.", "Plain."]);
        write(folder, "minutes", "Overwritten, and longer.");
        check(&["Overwritten, and longer.", "Plain."]);
        fs::write(&file, "no skill").unwrap();
        check(&["Overwritten, and longer.", "Plain."]);
        fs::remove_file(&file).unwrap();
        check(&["Plain."]);
        write(folder, "minutes", "Back.");
        check(&["Back.", "Plain."]);
    }

    /// H9: as long as nothing changes nothing is read: what would be read can't be.
    #[test]
    fn nothing_is_read_without_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = write(folder.path(), "minutes", "Once.");
        let mut shelf = Shelf::default();
        let stamped = Stamp::of(&fs::metadata(&file).unwrap());
        assert_eq!(found(&mut shelf, &[folder.path()], &["minutes"], LATER), ["Once."]);
        assert!(!shelf.is_stale(&file, stamped));
        let skill = shelf.skill(&file).unwrap();
        assert_eq!(found(&mut shelf, &[folder.path()], &["minutes"], LATER), ["Once."]);
        assert!(Arc::ptr_eq(&skill, &shelf.skill(&file).unwrap()), "the same one");
    }

    /// H9: what was written a moment ago may be written again and look the same; it isn't relied upon.
    #[test]
    fn what_is_fresh_is_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = write(folder.path(), "minutes", "One.");
        let changed = Stamp::of(&fs::metadata(&file).unwrap()).changed;
        let just_now = Millis(u64::try_from(changed.0 * 1_000 + changed.1 / 1_000_000).unwrap());
        let mut shelf = Shelf::default();
        assert_eq!(found(&mut shelf, &[folder.path()], &["minutes"], just_now), ["One."]);
        assert!(shelf.is_stale(&file, Stamp::of(&fs::metadata(&file).unwrap())));
        assert_eq!(found(&mut shelf, &[folder.path()], &["minutes"], LATER), ["One."]);
        assert!(!shelf.is_stale(&file, Stamp::of(&fs::metadata(&file).unwrap())));
    }

    /// S12: of several skills of a name that of the first folder counts, also when it comes later.
    #[test]
    fn the_first_folder_counts() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut shelf = Shelf::default();
        write(two.path(), "minutes", "Two.");
        let folders = [one.path(), two.path()];
        assert_eq!(found(&mut shelf, &folders, &["minutes"], LATER), ["Two."]);
        write(one.path(), "minutes", "One.");
        assert_eq!(found(&mut shelf, &folders, &["minutes"], LATER), ["One."]);
        let itself = [&*one.path().join("minutes")];
        assert_eq!(found(&mut shelf, &itself, &["minutes"], LATER), ["One."], "a folder may be a skill itself");
    }

    #[tokio::test]
    async fn a_look_waits_for_the_one_before_it_and_no_longer_than_the_disk_may_take() {
        let skills = Skills::default();
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "minutes", "Here.");
        let config = "homeserver: {url: http://a}\nagents: {ada: {role: Helps., skills: [minutes]}}\nskills: [.]";
        let config =
            crate::config::compile_text(config, folder.path(), &std::collections::BTreeMap::new()).unwrap().config;
        assert_eq!(skills.of(&config, &named(&config)).await.unwrap()[0].instructions, "Here.");
        assert!(skills.of(&config, &[]).await.unwrap().is_empty());
        let hanging = Arc::clone(&skills.0).lock_owned().await;
        tokio::time::pause();
        assert!(matches!(skills.of(&config, &named(&config)).await, Err(Unseen::TooLong)));
        drop(hanging);
    }
}
