//! `maitre plan`: what a running house would do if its configuration became this one.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{
    args::PlanArgs,
    configuration::load_or_tell,
    exit::{Exit, Failure},
    terminal::{colour, print, tell},
};
use crate::config::{self, Changes, Config, diff, render};

/// Prints what would change, one line each; the exit code tells whether anything would, and whether it could.
pub(super) fn run(args: &PlanArgs) -> Result<Exit, Failure> {
    let old = load_or_tell(&args.against)?;
    let mut new = load_or_tell(&args.file)?;
    move_in(&mut new.config, &folder_of(&args.file), &folder_of(&args.against));
    let changes = diff(&old.config, &new.config);
    let lines = config::tell(&changes);
    if args.json {
        let possible = changes.refused.is_empty();
        print(&format!("{:#}\n", json!({ "possible": possible, "changes": lines })))?;
    } else {
        tell(&render(&new.warnings, colour(&io::stderr())));
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        print(&format!("{}{}: {}\n", lines.concat(), args.file.display(), verdict(&changes).1))?;
    }
    Ok(verdict(&changes).0)
}

/// What `config` means once its file stands in the folder `to` instead of `from`.
fn move_in(config: &mut Config, from: &Path, to: &Path) {
    let pictures = config.entities.iter_mut().filter_map(|entity| entity.avatar.as_mut());
    for path in pictures.chain(&mut config.skill_folders).chain([&mut config.state.folder]) {
        if let Ok(rest) = path.strip_prefix(from) {
            *path = to.join(rest);
        }
    }
}

fn folder_of(file: &Path) -> PathBuf {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    file.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

/// What it comes to, as an exit code and in words.
fn verdict(changes: &Changes) -> (Exit, &'static str) {
    if !changes.refused.is_empty() {
        (Exit::Config, "refused as a whole while Maitre runs")
    } else if changes.is_none() {
        (Exit::Success, "nothing would change")
    } else {
        (Exit::Changes, "can be taken over while Maitre runs")
    }
}
