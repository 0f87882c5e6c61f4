//! H1: the files are seen to change, however they are written.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use maitre::config::{Nudge, Reading, Watch, load};
use tempfile::TempDir;

/// How often is looked for something; each look lasts a few seconds where there is nothing.
const LOOKS_MAX: u32 = 8;

/// A configuration whose agent has this role.
fn config(role: &str) -> String {
    format!(
        "homeserver: {{url: http://localhost}}\naccounts: {{open_registration: true}}\nagents: {{ada: {{role: {role}}}}}\n"
    )
}

struct Desk {
    _folder: TempDir,
    home: PathBuf,
    watch: Watch,
    nudge: Nudge,
}

impl Desk {
    /// A folder made by `prepare`, which tells where its configuration is.
    fn new(prepare: impl FnOnce(&Path) -> PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        let file = prepare(&home);
        let (watch, nudge) = Watch::over(&file, &load(&file).unwrap());
        Self { _folder: folder, home, watch, nudge }
    }

    fn plain() -> Self {
        Self::new(|home| {
            fs::write(home.join("config.yaml"), config("First.")).unwrap();
            home.join("config.yaml")
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// The next thing that is seen.
    fn next(&mut self) -> Reading {
        (0..LOOKS_MAX).find_map(|_| self.watch.changed()).expect("something is seen")
    }

    /// Sees this role once, and then nothing.
    #[track_caller]
    fn sees(&mut self, role: &str) {
        let loaded = self.next().outcome.unwrap();
        assert_eq!(loaded.config.entities[1].purpose, role);
        self.sees_nothing();
    }

    #[track_caller]
    fn sees_nothing(&mut self) {
        assert!(self.watch.changed().is_none(), "a change is seen once");
    }

    fn shell(&self, script: &str) {
        let status = Command::new("sh").arg("-ec").arg(script).current_dir(&self.home).status().unwrap();
        assert!(status.success(), "{script}");
    }
}

/// H1: written in place, as `nano` and a shell's `>` do.
#[test]
fn h1_a_file_written_in_place_is_seen_once() {
    let mut desk = Desk::plain();
    desk.sees_nothing();
    fs::write(desk.path("config.yaml"), config("Second.")).unwrap();
    desk.sees("Second.");
}

/// H1: written beside and renamed, as many editors and deployments do.
#[test]
fn h1_a_file_that_another_takes_the_place_of_is_seen_once() {
    let mut desk = Desk::plain();
    for role in ["Second.", "Third."] {
        fs::write(desk.path(".config.yaml.tmp"), config(role)).unwrap();
        fs::rename(desk.path(".config.yaml.tmp"), desk.path("config.yaml")).unwrap();
        desk.sees(role);
    }
    desk.shell("sed -i s/Third/Fourth/ config.yaml");
    desk.sees("Fourth.");
}

/// H1: vim's way: the old file becomes the backup, a new one is written, the backup goes.
#[test]
fn h1_a_backup_dance_is_seen_once() {
    let mut desk = Desk::plain();
    fs::write(desk.path("new"), config("Second.")).unwrap();
    desk.shell("touch 4913; rm 4913; mv config.yaml config.yaml~; cat new > config.yaml; chmod 644 config.yaml; rm config.yaml~");
    desk.sees("Second.");
}

/// H1: whoever swaps a file by hand takes it away first, or empties it, and isn't always quick.
#[test]
fn h1_a_slow_swap_is_seen_once() {
    let mut desk = Desk::plain();
    for (away, back) in [("mv config.yaml old", "Second."), (": > config.yaml", "Third.")] {
        fs::write(desk.path("new"), config(back)).unwrap();
        desk.shell(&format!("{away}; (sleep 0.3; mv new config.yaml) &"));
        desk.sees(back);
    }
}

/// H1: a mounted `ConfigMap`: the files are links into a folder, and the link to that folder is swapped.
#[test]
fn h1_a_swapped_link_is_seen_once() {
    let mut desk = Desk::new(|home| {
        fs::create_dir(home.join("..1")).unwrap();
        fs::write(home.join("..1/config.yaml"), config("First.")).unwrap();
        symlink("..1", home.join("..data")).unwrap();
        symlink("..data/config.yaml", home.join("config.yaml")).unwrap();
        home.join("config.yaml")
    });
    for (number, role) in [(2, "Second."), (3, "Third.")] {
        let folder = desk.path(&format!("..{number}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("config.yaml"), config(role)).unwrap();
        desk.shell(&format!("ln -s ..{number} ..data_tmp; mv -T ..data_tmp ..data; rm -r ..{}", number - 1));
        desk.sees(role);
    }
}

/// H1: gone and back, file or folder.
#[test]
fn h1_what_was_away_is_seen_when_it_comes_back() {
    let mut desk = Desk::plain();
    fs::remove_file(desk.path("config.yaml")).unwrap();
    assert!(desk.next().outcome.is_err());
    fs::write(desk.path("config.yaml"), config("Second.")).unwrap();
    desk.sees("Second.");
    let away = desk.home.with_file_name("away");
    fs::rename(&desk.home, &away).unwrap();
    assert!(desk.next().outcome.is_err());
    fs::rename(&away, &desk.home).unwrap();
    desk.sees("Second.");
    fs::write(desk.path("config.yaml"), config("Third.")).unwrap();
    desk.sees("Third.");
    desk.shell("cd ..; rm -r home; mkdir home");
    assert!(desk.next().outcome.is_err());
    fs::write(desk.path("config.yaml"), config("Fourth.")).unwrap();
    desk.sees("Fourth.");
}

/// H1: what is included counts, from the moment it is included, and `.env`, whether it was there or not.
#[test]
fn h1_includes_and_variables_are_watched() {
    let mut desk = Desk::plain();
    fs::create_dir(desk.path("parts")).unwrap();
    fs::write(desk.path("parts/agents.yaml"), "ada: {role: \"${ROLE:-None.}\"}\n").unwrap();
    desk.sees_nothing();
    let text = config("x").replace("{ada: {role: x}}", "!include parts/agents.yaml");
    fs::write(desk.path("config.yaml"), text).unwrap();
    desk.sees("None.");
    fs::write(desk.path(".env"), "ROLE=Sings.\n").unwrap();
    desk.sees("Sings.");
    fs::write(desk.path("parts/agents.yaml"), "ada: {role: Dances.}\n").unwrap();
    desk.sees("Dances.");
    fs::remove_file(desk.path("parts/agents.yaml")).unwrap();
    assert!(desk.next().outcome.is_err());
    fs::write(desk.path("parts/agents.yaml"), "ada: {role: Rests.}\n").unwrap();
    desk.sees("Rests.");
}

/// H1: who asks is given what stands there, changed or not; neighbours in the folder are nobody's business.
#[test]
fn h1_who_asks_is_given_a_reading() {
    let mut desk = Desk::plain();
    fs::write(desk.path("output.log"), "Nothing.").unwrap();
    desk.sees_nothing();
    desk.nudge.look();
    let reading = desk.next();
    assert!(reading.asked && reading.outcome.is_ok());
    desk.sees_nothing();
}

/// H2: a broken file is told with all that is wrong, once.
#[test]
fn h2_a_broken_file_is_seen_once() {
    let mut desk = Desk::plain();
    fs::write(desk.path("config.yaml"), config("First.").replace("role", "rol")).unwrap();
    let problems = desk.next().outcome.unwrap_err();
    assert!(problems.iter().any(|problem| problem.spot.is_some()), "{problems:?}");
    desk.sees_nothing();
    fs::write(desk.path("config.yaml"), config("First.")).unwrap();
    desk.sees("First.");
}
