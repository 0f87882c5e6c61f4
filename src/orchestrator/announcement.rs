//! What the admins' room is told of a changed configuration.

use crate::{
    config::{Problem, render_errors},
    model::{Reload, ReloadOutcome},
};

/// How many lines of differences are told.
const LINES_TOLD_MAX: usize = 30;

/// What is worth telling, as Markdown. `was_wrong` says that the last thing told was that the files aren't what runs.
pub(super) fn announcement(reload: &Reload, problems: &[Problem], was_wrong: bool) -> Option<String> {
    let kept = "The house runs on with what it had.";
    let text = match (reload.outcome, was_wrong) {
        (ReloadOutcome::Unchanged, false) => return None,
        (ReloadOutcome::Unchanged, true) => "The configuration is in order again: it is what runs.".to_owned(),
        (ReloadOutcome::Applied, false) => format!("The configuration changed:\n\n{}", block(&some(&reload.changes))),
        (ReloadOutcome::Applied, true) => {
            format!("The configuration is in order again, and changed:\n\n{}", block(&some(&reload.changes)))
        }
        (ReloadOutcome::Invalid, _) => {
            format!("**The configuration can't be used.** {kept}\n\n{}", block(&render_errors(problems)))
        }
        (ReloadOutcome::Refused, _) => {
            let what = "The configuration asks for what can't change while Maitre runs.";
            format!("**{what}** {kept}\n\n{}", block(&some(&reload.reasons)))
        }
        (ReloadOutcome::RolledBack, _) => {
            let what = "The configuration asks for something that didn't work.";
            format!("**{what}** {kept}\n\n{}", block(&some(&reload.reasons)))
        }
    };
    Some(text)
}

/// What somebody is told who changed something from a chat.
pub(super) fn answer(reload: &Reload, problems: &[Problem]) -> String {
    match announcement(reload, problems, false) {
        Some(text) => text,
        None => "The configuration is what runs.".to_owned(),
    }
}

fn some(lines: &[String]) -> String {
    let shown = &lines[..lines.len().min(LINES_TOLD_MAX)];
    let text: Vec<String> = shown.iter().map(|line| format!("{line}\n")).collect();
    let left = lines.len() - shown.len();
    let more = if left == 0 { String::new() } else { format!("… and {left} more\n") };
    format!("{}{more}", text.concat())
}

/// A block in which nothing is anything but itself.
fn block(text: &str) -> String {
    format!("```\n{}```", text.replace("```", "\u{2019}\u{2019}\u{2019}"))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::{config::compile_text, model::Millis};

    fn reload(outcome: ReloadOutcome, changes: &[&str], reasons: &[&str]) -> Reload {
        let owned = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
        Reload { at: Millis(1), outcome, changes: owned(changes), reasons: owned(reasons) }
    }

    /// H2, X10: admins are told what became of the files: with line and caret where they are wrong, and once they are mended.
    #[test]
    fn admins_are_told_what_became_of_the_files() {
        let broken = "homeserver: {url: http://localhost}\nagents:\n  ada: {rol: Answers.}\n";
        let problems = compile_text(broken, Path::new("/house"), &BTreeMap::new()).unwrap_err();
        let told = announcement(&reload(ReloadOutcome::Invalid, &[], &["x"]), &problems, false).unwrap();
        assert!(told.starts_with("**The configuration can't be used.** The house runs on with what it had.\n\n```\n"));
        assert!(told.contains("config.yaml:3:9") && told.contains("\n  |         ^^^"), "{told}");
        let applied = reload(ReloadOutcome::Applied, &["+ agent bob"], &[]);
        let told = announcement(&applied, &[], false).unwrap();
        assert_eq!(told, "The configuration changed:\n\n```\n+ agent bob\n```");
        assert!(announcement(&applied, &[], true).unwrap().starts_with("The configuration is in order again, and"));
        assert_eq!(answer(&applied, &[]), announcement(&applied, &[], false).unwrap());
        let unchanged = reload(ReloadOutcome::Unchanged, &[], &[]);
        assert_eq!(answer(&unchanged, &[]), "The configuration is what runs.");
        assert_eq!(announcement(&unchanged, &[], false), None);
        assert!(announcement(&unchanged, &[], true).is_some());
        for outcome in [ReloadOutcome::Refused, ReloadOutcome::RolledBack] {
            let told = announcement(&reload(outcome, &[], &["because ``` of it"]), &[], false).unwrap();
            assert!(told.ends_with("\n\n```\nbecause \u{2019}\u{2019}\u{2019} of it\n```"), "{told}");
        }
    }

    #[test]
    fn what_is_told_has_an_end() {
        let lines = vec!["+ room"; 100];
        let told = announcement(&reload(ReloadOutcome::Applied, &lines, &[]), &[], false).unwrap();
        assert!(told.ends_with("+ room\n… and 70 more\n```"), "{told}");
    }
}
