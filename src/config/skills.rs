//! Agents' skills: the folders in which they are looked for, and which of them an agent may use.
//!
//! A skill lives on the disk and comes and goes there. So that one isn't there, or is broken, never keeps a configuration
//! from being used; it is a warning.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    Config, Problem, Role,
    budget::FAULTS_KEPT_MAX,
    compile::Compiler,
    fault::{Fault, VALUE},
    key_path::KeyPath,
    raw,
    skill::read_skill,
};

/// The folder that is looked into where none is named, relative to the configuration.
const FOLDER: &str = "skills";
/// The file that makes a folder a skill.
const FILE: &str = "SKILL.md";
/// How many folders may be named.
const FOLDERS_MAX: usize = 16;
/// How many skills one agent may have: its model is told of all of them in every answer.
const SKILLS_MAX: usize = 32;
/// How long a skill's name may be, in characters.
const NAME_CHARS_MAX: usize = 64;
/// How many entries of a folder are looked at for the one that somebody may have meant.
const ENTRIES_MAX: usize = 1_000;

/// Where the skill of this name may be, in order: the first of these files that is there counts.
pub fn skill_files(folders: &[PathBuf], name: &str) -> impl Iterator<Item = PathBuf> {
    folders.iter().flat_map(move |folder| {
        let itself = folder.file_name().is_some_and(|own| own == name).then(|| folder.join(FILE));
        itself.into_iter().chain([folder.join(name).join(FILE)])
    })
}

/// What is wrong with the skills that agents may use and that are there. It reads each of them.
#[must_use]
pub fn check_skills(config: &Config) -> Vec<Problem> {
    let agents = config.entities.iter().filter_map(|entity| match &entity.role {
        Role::Agent(agent) => Some(agent),
        Role::Router(_) | Role::Team(_) => None,
    });
    let names: BTreeSet<&String> = agents.flat_map(|agent| &agent.skills).collect();
    let found = names.into_iter().filter_map(|name| Some((name, find(&config.skill_folders, name)?)));
    found.filter_map(|(name, file)| read_skill(name, &file).err()).flatten().collect()
}

impl Compiler<'_> {
    /// The folders, absolute. One that was named must be there.
    pub(super) fn skill_folders(&mut self) -> Vec<PathBuf> {
        let path = KeyPath::of(&["skills"]);
        let Some(typed) = &self.raw.skills else { return vec![self.given.folder.join(FOLDER)] };
        if typed.len() > FOLDERS_MAX {
            let fault = Fault::key(&path, format!("there are {} folders of skills", typed.len()));
            self.note(fault.hint(format!("there may be {FOLDERS_MAX}, each with any number of skills")));
        }
        let mut folders = Vec::new();
        for (index, typed) in typed.iter().take(FOLDERS_MAX).enumerate() {
            let folder = self.given.folder.join(typed.trim());
            if !folder.is_dir() {
                let fault = Fault::value(&path.index(index), format!("there is no folder {VALUE}"));
                self.note(fault.hint(format!("it would be {}", folder.display())).warning());
            }
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }

    /// The skills of agents that name none.
    pub(super) fn default_skills(&mut self, folders: &[PathBuf]) -> Vec<String> {
        let path = KeyPath::of(&["defaults", "skills"]);
        self.skill_names(self.raw.defaults.skills.as_deref(), &path, folders).unwrap_or_default()
    }

    /// The skills that an agent names, if it does.
    pub(super) fn skills(&mut self, raw: &raw::Agent, path: &KeyPath, folders: &[PathBuf]) -> Option<Vec<String>> {
        self.skill_names(raw.skills.as_deref(), &path.key("skills"), folders)
    }

    /// The names in a list, each once, also of skills that aren't there: they may come.
    fn skill_names(&mut self, typed: Option<&[String]>, path: &KeyPath, folders: &[PathBuf]) -> Option<Vec<String>> {
        let typed = typed?;
        if typed.len() > SKILLS_MAX {
            let fault = Fault::key(path, format!("these are {} skills", typed.len()));
            self.note(fault.hint(format!("an agent may have {SKILLS_MAX}")));
        }
        let mut names: Vec<String> = Vec::new();
        for (index, name) in typed.iter().take(SKILLS_MAX).enumerate() {
            let (name, path) = (name.trim(), path.index(index));
            if !is_skill_name(name) {
                let fault = Fault::value(&path, format!("{VALUE} is not the name of a skill"));
                let hint = "a skill is named by its folder, in at most 64 lower-case letters, digits, `-` and `_`";
                self.note(fault.hint(hint).warning());
            } else if !names.iter().any(|other| other == name) {
                if find(folders, name).is_none() {
                    self.missing_skill(name, &path, folders);
                }
                names.push(name.to_owned());
            }
        }
        Some(names)
    }

    fn missing_skill(&mut self, name: &str, path: &KeyPath, folders: &[PathBuf]) {
        if self.faults.len() >= FAULTS_KEPT_MAX {
            return;
        }
        let there = all(folders);
        let near = self.did_you_mean(name, there.iter().map(String::as_str));
        let first = skill_files(folders, name).next();
        let hint = first.map_or("name the folders with skills under `skills`".to_owned(), |file| {
            format!("it would be {}; its folder can be named under `skills`", file.display())
        });
        self.note(Fault::value(path, format!("there is no skill {VALUE}")).hint(hint).maybe_hint(near).warning());
    }
}

/// Whether this can be the name of a skill, and so the name of a folder: never a path.
fn is_skill_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(fits)
}

/// The file of a skill, if it is there.
fn find(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    skill_files(folders, name).find(|file| file.is_file())
}

/// The names of the skills that are there.
fn all(folders: &[PathBuf]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in folders {
        let inside = fs::read_dir(folder).into_iter().flatten().take(ENTRIES_MAX);
        let inside = inside.filter_map(|entry| Some(entry.ok()?.path()));
        let skills = inside.chain([folder.clone()]).filter(|path| path.join(FILE).is_file());
        names.extend(skills.filter_map(|path| name_of(&path)));
    }
    names
}

fn name_of(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?;
    is_skill_name(name).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_a_path() {
        let check = |name: &str, expected: bool| assert_eq!(is_skill_name(name), expected, "{name:?}");
        check("meeting-minutes", true);
        check("pdf_2", true);
        check(&"x".repeat(64), true);
        for name in ["", ".", "..", "../x", "a/b", "/etc", "a\\b", "A", "a b", "a\0", "ä"] {
            check(name, false);
        }
        check(&"x".repeat(65), false);
    }

    /// S12: a folder is a skill itself or holds skills, and the first one counts.
    #[test]
    fn skills_are_looked_for_in_order() {
        let folders = [PathBuf::from("/a/minutes"), PathBuf::from("/b")];
        let files: Vec<PathBuf> = skill_files(&folders, "minutes").collect();
        let expected = ["/a/minutes/SKILL.md", "/a/minutes/minutes/SKILL.md", "/b/minutes/SKILL.md"];
        assert_eq!(files, expected.map(PathBuf::from));
    }
}
