//! What is said about the configuration: what stands in its files, and what a change in them would do.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use std::path::{Path, PathBuf};

use super::markup::{block, code, plain};
use crate::{
    config::{Config, Excerpt, Loaded, NotWritten, Problem, Proposal, Unseen, Unsettable, diff, render_errors, tell},
    model::{Poll, PollAbout, PollOption, Setting, UserId},
};

/// The reaction that says yes.
const YES: &str = "✅";
/// The reaction that says no.
const NO: &str = "❌";
/// What yes means.
const WRITE: &str = "write it";

/// What is said where the command is switched off.
#[must_use]
pub fn config_off() -> String {
    format!(
        "The configuration isn't shown or changed in chat here. {} in its file switches that on.",
        code("authorization: {config_in_chat: true}")
    )
}

/// What is said where there is nothing to show or change.
#[must_use]
pub fn config_without_file() -> String {
    "This house lives without a file: there is no configuration to show or change.".to_owned()
}

/// What is said when the disk doesn't answer.
#[must_use]
pub fn config_unread(cause: &str) -> String {
    format!("That didn't work: {}. Please try again in a moment.", plain(cause))
}

/// What of the files doesn't run yet.
#[must_use]
pub fn config_planned(running: &Config, found: &Result<Loaded, Vec<Problem>>) -> String {
    match found {
        Err(problems) => {
            format!("**The configuration can't be used as it stands in its file.**\n\n{}", errors(problems))
        }
        Ok(loaded) => match planned(running, &loaded.config) {
            Plan::Nothing => "Nothing would change.".to_owned(),
            Plan::Possible(lines) => format!("What stands in the file would do this:\n\n{lines}"),
            Plan::Refused(lines) => {
                format!("What stands in the file is refused as a whole while Maitre runs:\n\n{lines}")
            }
        },
    }
}

/// What stands in the files at `path`, or as a whole.
#[must_use]
pub fn config_shown(path: Option<&str>, found: &Result<Excerpt, Unseen>) -> String {
    let name = path.map_or_else(String::new, |path| format!("{}: ", code(path)));
    match found {
        Ok(Excerpt::Value(value)) => format!("{name}{}", code(value)),
        Ok(Excerpt::Part(lines)) => block(lines),
        Err(Unseen::NoPath) => format!("{name}{}.", plain(&Unsettable::NoPath.to_string()).replace("\\`", "`")),
        Err(Unseen::Unset) => format!("{name}nothing stands there, so its default counts."),
        Err(Unseen::Unknown(near)) => {
            let meant = near.as_ref().map(|near| format!(" Did you mean {}?", code(near))).unwrap_or_default();
            format!("{name}there is no such key.{meant}")
        }
        Err(Unseen::Broken(problems)) => format!("The file can't be read:\n\n{}", errors(problems)),
    }
}

/// What a change would do, and the question whether to make it.
#[must_use]
pub fn config_proposed(
    running: &Config,
    found: &Result<Proposal, Unsettable>,
    asker: &UserId,
) -> (String, Option<Poll>) {
    let proposal = match found {
        Ok(proposal) => proposal,
        Err(error) => return (format!("That can't be set: {error}."), None),
    };
    let Proposal { setting, file, old, new, outcome } = proposal;
    let place = format!("{} in {}", code(&setting.path), code(&shown(file)));
    if setting.before == setting.after {
        return (format!("{place} is that already."), None);
    }
    let old = old.as_ref().map(|old| format!("- {old}\n")).unwrap_or_default();
    let change = format!("{place}:\n\n{}", block(&format!("{old}+ {new}\n")));
    let plan = match outcome {
        Err(problems) => {
            return (
                format!("{change}\n\n**With that the configuration couldn't be used.**\n\n{}", errors(problems)),
                None,
            );
        }
        Ok(loaded) => planned(running, &loaded.config),
    };
    let would = match plan {
        Plan::Refused(lines) => {
            return (format!("{change}\n\nThat can't be changed while Maitre runs:\n\n{lines}"), None);
        }
        Plan::Nothing => "Nothing would change in what runs.".to_owned(),
        Plan::Possible(lines) => format!("That would do this:\n\n{lines}"),
    };
    let option = |key: &str, value: &str| PollOption { key: key.to_owned(), value: value.to_owned() };
    let poll = Poll {
        about: PollAbout::Setting(setting.clone()),
        options: vec![option(YES, WRITE), option(NO, "leave it")],
        asker: Some(asker.clone()),
    };
    (format!("{change}\n\n{would}\n\nTap {YES} within ten minutes to write it, {NO} to leave it."), Some(poll))
}

/// Whether a tap with this meaning says yes.
#[must_use]
pub fn is_yes(value: &str) -> bool {
    value == WRITE
}

/// What is said where a change isn't wanted any more.
#[must_use]
pub fn config_left() -> String {
    "Nothing was changed.".to_owned()
}

/// What is said where somebody said yes too late.
#[must_use]
pub fn config_too_late() -> String {
    "That was too long ago: nothing was changed. Set it again to see what it would do now.".to_owned()
}

/// What is said where nobody knows whether a change was made.
#[must_use]
pub fn config_unsure(path: &str, cause: &str) -> String {
    let get = code(&format!("!config get {path}"));
    format!("Whether that was written isn't known: {}. {get} tells what stands there.", plain(cause))
}

/// What came of making a change.
#[must_use]
pub fn config_written(setting: &Setting, outcome: &Result<PathBuf, NotWritten>) -> String {
    match outcome {
        Ok(file) => format!("{} is written into {}, and is being taken over.", code(&setting.path), code(&shown(file))),
        Err(NotWritten::Changed) => {
            "The file was changed in the meantime, so nothing was written. Set it again to see what it would do now."
                .to_owned()
        }
        Err(error @ NotWritten::Io { source, .. }) => {
            format!("Nothing was changed: {} ({}).", plain(&error.to_string()), plain(&source.to_string()))
        }
    }
}

/// What a configuration would do to a house.
enum Plan {
    Nothing,
    Possible(String),
    Refused(String),
}

fn planned(running: &Config, new: &Config) -> Plan {
    let changes = diff(running, new);
    let lines = block(&tell(&changes).join("\n"));
    match (changes.refused.is_empty(), changes.is_none()) {
        (_, true) => Plan::Nothing,
        (true, false) => Plan::Possible(lines),
        (false, false) => Plan::Refused(lines),
    }
}

fn errors(problems: &[Problem]) -> String {
    block(&render_errors(problems))
}

/// Which file it is, without the folders that lead to it.
fn shown(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::compile_text;

    const TEXT: &str = "homeserver: {url: http://localhost}\nagents:\n  ada: {role: Answers.}\n";

    fn compiled(text: &str) -> Result<Loaded, Vec<Problem>> {
        compile_text(text, Path::new("/house"), &BTreeMap::new())
    }

    fn running() -> Config {
        compiled(TEXT).unwrap().config
    }

    fn proposal(new: &str) -> Proposal {
        let setting = Setting { path: "agents.ada.role".to_owned(), value: "x".to_owned(), before: 1, after: 2 };
        let (old, file) = (Some("Answers.".to_owned()), "/house/config.yaml".into());
        Proposal { setting, file, old, new: "Sings.".to_owned(), outcome: compiled(new) }
    }

    fn asker() -> UserId {
        UserId::parse("@ada:s").unwrap()
    }

    /// X10: what stands in the file and doesn't run is told as a reload would do it, with every error.
    #[test]
    fn what_the_file_would_change_is_told() {
        let plan = |text: &str| config_planned(&running(), &compiled(text));
        assert_eq!(plan(TEXT), "Nothing would change.");
        let told = plan(&TEXT.replace("Answers", "Sings"));
        assert_eq!(
            told,
            "What stands in the file would do this:\n\n```\n~ agent ada: role from its next answer on\n```"
        );
        assert!(plan(&TEXT.replace("localhost", "elsewhere")).contains("refused as a whole"));
        let told = plan(&TEXT.replace("role", "rol"));
        assert!(told.contains("config.yaml:3:9") && told.contains("^^^"), "{told}");
    }

    /// X10: what stands somewhere is shown; where nothing does, it is said why.
    #[test]
    fn pieces_are_shown() {
        let show = |found| config_shown(Some("agents.ada.rol"), &found);
        assert_eq!(show(Ok(Excerpt::Value("Answers.".to_owned()))), "`agents.ada.rol`: `Answers.`");
        assert_eq!(show(Ok(Excerpt::Part("role: A.\n".to_owned()))), "```\nrole: A.\n```");
        assert!(show(Err(Unseen::Unset)).contains("its default counts"));
        let near = Err(Unseen::Unknown(Some("agents.ada.role".to_owned())));
        assert_eq!(show(near), "`agents.ada.rol`: there is no such key. Did you mean `agents.ada.role`?");
        assert!(show(Err(Unseen::NoPath)).contains("such as `agents.writer.role`"));
    }

    /// X10, H6: what a change would do is said before anybody is asked; what can't work isn't asked at all.
    #[test]
    fn a_change_is_shown_before_it_is_made() {
        let propose = |new: &str| config_proposed(&running(), &Ok(proposal(new)), &asker());
        let (text, poll) = propose(&TEXT.replace("Answers", "Sings"));
        assert!(
            text.starts_with("`agents.ada.role` in `config.yaml`:\n\n```\n- Answers.\n+ Sings.\n```\n\n"),
            "{text}"
        );
        assert!(text.contains("~ agent ada: role from its next answer on") && text.contains("Tap ✅"), "{text}");
        let poll = poll.unwrap();
        assert_eq!((poll.asker, poll.options[0].key.as_str()), (Some(asker()), YES));
        assert!(is_yes(&poll.options[0].value) && !is_yes(&poll.options[1].value));
        let (text, poll) = propose(TEXT);
        assert!(text.contains("Nothing would change in what runs.") && poll.is_some(), "{text}");
        let (text, poll) = propose(&TEXT.replace("role", "rol"));
        assert!(text.contains("couldn't be used") && text.contains("^^^") && poll.is_none(), "{text}");
        let (text, poll) = propose(&TEXT.replace("localhost", "elsewhere"));
        assert!(text.contains("can't be changed while Maitre runs") && poll.is_none(), "{text}");
        let (text, poll) = config_proposed(&running(), &Err(Unsettable::Secret), &asker());
        assert!(text.contains("`${NAME}`") && poll.is_none(), "{text}");
    }
}
