//! What the house says about who is here: greetings, how to address whom, and why nobody answers.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use super::markup::{code, listed, plain};
use crate::model::UserId;

/// How many are named one by one; the rest is counted.
const NAMED_MAX: usize = 30;

/// Somebody who answers in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Whom to mention.
    pub user: UserId,
    /// What people see as the name.
    pub name: String,
    /// What it is for, in a sentence. May be empty.
    pub purpose: String,
}

/// I6: says again who is here, what each is for, and how to address them. `hosts` are those that the asker may use.
#[must_use]
pub fn hi(hosts: &[Host]) -> String {
    if hosts.is_empty() {
        return "Hello! Nobody here answers you yet: invite an agent.".to_owned();
    }
    let mut lines: Vec<String> = hosts.iter().take(NAMED_MAX).map(line).collect();
    if hosts.len() > NAMED_MAX {
        lines.push(format!("- and {} more", hosts.len() - NAMED_MAX));
    }
    format!("Hello! Here with you:\n\n{}\n\n{HOW}", lines.join("\n"))
}

/// W4: three lines on how to address whom.
#[must_use]
pub fn how_to_ask(hosts: &[Host]) -> String {
    let names: Vec<String> = hosts.iter().take(NAMED_MAX).map(|host| plain(&host.name)).collect();
    let example = hosts.first().map_or("@name", |host| host.name.as_str());
    format!(
        "Just write: the right one of {} answers, in a thread.\n\
         Mention one by name ({}) to ask it directly, or several to have them answer together.\n\
         In a thread, whoever is in it goes on. {} lists what else you can type.",
        if names.is_empty() { "us".to_owned() } else { listed(&names) },
        code(&format!("@{} …", example.trim_start_matches('@'))),
        code("!help")
    )
}

/// W3a: says that those who were asked can't answer, each with the reason: `Ada` and `is not online`.
#[must_use]
pub fn excuse(absent: &[(String, String)]) -> String {
    let clauses: Vec<String> = absent.iter().map(|(name, why)| format!("{} {}", plain(name), plain(why))).collect();
    format!("{}, so nobody answers this.", listed(&clauses))
}

/// W11: says in a direct chat that nobody in it can answer, with the reason for each who is in it.
#[must_use]
pub fn lonely(absent: &[(String, String)]) -> String {
    if absent.is_empty() {
        return "Nobody in this chat can answer: there is no agent in it. Invite one.".to_owned();
    }
    let clauses: Vec<String> = absent.iter().map(|(name, why)| format!("{} {}", plain(name), plain(why))).collect();
    format!("Nobody in this chat can answer: {}.", listed(&clauses))
}

/// W12: says that entities have talked enough among themselves.
#[must_use]
pub fn over_budget() -> String {
    "That's enough between the agents for now: they go on when a person writes here.".to_owned()
}

const HOW: &str = "Mention one of them by name to ask it directly, or just write: the right one will answer. \
                   `!help` lists what else you can type.";

fn line(host: &Host) -> String {
    let purpose = if host.purpose.is_empty() { String::new() } else { format!(" – {}", plain(&host.purpose)) };
    format!("- **{}** ({}){purpose}", plain(&host.name), code(host.user.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, purpose: &str) -> Host {
        Host { user: UserId::parse("@ada:home").unwrap(), name: name.to_owned(), purpose: purpose.to_owned() }
    }

    /// I6, X2: who is here, what each is for, how to address them.
    #[test]
    fn hi_names_everybody_and_says_how() {
        let text = hi(&[host("Ada", "Answers questions"), host("<b>Eve</b>", "")]);
        assert!(text.contains("- **Ada** (`@ada:home`) – Answers questions\n"), "{text}");
        assert!(text.contains("- **\\<b\\>Eve\\</b\\>** (`@ada:home`)\n"), "{text}");
        assert!(text.contains("Mention one of them"), "{text}");
        assert!(hi(&[]).contains("invite an agent"));
        let many: Vec<Host> = (0..NAMED_MAX + 2).map(|number| host(&format!("A{number}"), "")).collect();
        assert!(hi(&many).contains("- and 2 more\n"));
    }

    /// W4: three lines.
    #[test]
    fn addressing_is_explained_in_three_lines() {
        let text = how_to_ask(&[host("Ada", ""), host("Bob", "")]);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("Ada and Bob") && text.contains("`@Ada …`"), "{text}");
        assert_eq!(how_to_ask(&[]).lines().count(), 3);
    }

    /// W3a, W11: who can't answer is named with the reason, in one line.
    #[test]
    fn whoever_cannot_answer_is_named() {
        let down = || ("Ada".to_owned(), "is not online".to_owned());
        let away = || ("Bob".to_owned(), "is not in this room".to_owned());
        assert_eq!(excuse(&[down()]), "Ada is not online, so nobody answers this.");
        let both = "Ada is not online and Bob is not in this room, so nobody answers this.";
        assert_eq!(excuse(&[down(), away()]), both);
        assert_eq!(lonely(&[down()]), "Nobody in this chat can answer: Ada is not online.");
        assert!(lonely(&[]).contains("there is no agent in it"));
        assert!(over_budget().contains("when a person writes"));
    }
}
