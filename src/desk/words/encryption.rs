//! What is said about encryption: what switching it on means, and how it is doing.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use super::markup::{code, count, listed, plain};
use crate::model::{Poll, PollAbout, PollOption, UserId};

/// The reaction that says yes.
const YES: &str = "✅";
/// How many names are listed; the rest is counted.
const NAMED_MAX: usize = 20;

/// What is known of a room's encryption.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SealFacts {
    /// Whether the room is encrypted.
    pub encrypted: bool,
    /// Those of ours in the room whose device is vouched for by keys that we keep, as people see them.
    pub signed: Vec<String>,
    /// Those of ours in the room whose account has keys that another client made.
    pub foreign: Vec<String>,
    /// The messages in the room that none of ours can read, each with its sender.
    pub unread: Vec<UserId>,
}

/// What came of switching encryption on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switched {
    /// It is on now.
    On,
    /// It was on before.
    Already,
    /// The homeserver refused or didn't answer, for this cause.
    Failed(String),
}

/// Says what encryption means before anybody switches it on, and asks.
#[must_use]
pub fn explain(encrypted: bool, asker: &UserId) -> (String, Option<Poll>) {
    if encrypted {
        return (switched(&Switched::Already), None);
    }
    let text = format!(
        "With encryption, only the people and agents in this room can read what is written from then on; the homeserver \
         can't. It can never be switched off again, what was written before stays as it is, and whoever joins later can't \
         read what came before. Agents keep what they read in their own store.\n\nTap {YES} or type {} to switch it on.",
        code("!encrypt confirm")
    );
    let yes = PollOption { key: YES.to_owned(), value: "switch it on".to_owned() };
    (text, Some(Poll { about: PollAbout::Encrypt, options: vec![yes], asker: Some(asker.clone()) }))
}

/// Says what came of switching encryption on.
#[must_use]
pub fn switched(outcome: &Switched) -> String {
    match outcome {
        Switched::On => "This room is encrypted from now on.".to_owned(),
        Switched::Already => "This room is encrypted already.".to_owned(),
        Switched::Failed(cause) => format!(
            "Encryption could not be switched on: {}. It takes the power to change the room's settings, which you can \
             give me, or use to switch it on in your own app.",
            plain(cause)
        ),
    }
}

/// Explains how a room's encryption is doing.
#[must_use]
pub fn e2ee(facts: &SealFacts) -> String {
    let mut lines = vec![if facts.encrypted {
        "- This room is encrypted: nothing is ever sent into it in the clear.".to_owned()
    } else {
        format!("- This room is not encrypted. {} says what it would mean.", code("!encrypt"))
    }];
    if !facts.signed.is_empty() {
        lines.push(format!(
            "- {}: devices vouched for by their own account's keys. If your app asks, you can verify them by hand.",
            named(&facts.signed)
        ));
    }
    if !facts.foreign.is_empty() {
        lines.push(format!(
            "- {}: another client made this account's keys, so its old messages can't be recovered by us.",
            named(&facts.foreign)
        ));
    }
    lines.push(unread(&facts.unread));
    lines.join("\n")
}

fn unread(senders: &[UserId]) -> String {
    if senders.is_empty() {
        return "- Every message that came here can be read.".to_owned();
    }
    let mut names: Vec<String> = senders.iter().map(|user| code(user.as_str())).collect();
    names.sort();
    names.dedup();
    let number = count(senders.len() as u64, "message", "messages");
    format!(
        "- {number} can't be read yet, sent by {}. They are taken up when their keys come; sending them again helps at once.",
        shortened(names)
    )
}

fn named(names: &[String]) -> String {
    shortened(names.iter().map(|name| plain(name)).collect())
}

fn shortened(mut names: Vec<String>) -> String {
    if names.len() > NAMED_MAX {
        let more = names.len() - NAMED_MAX;
        names.truncate(NAMED_MAX);
        names.push(format!("{more} more"));
    }
    listed(&names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(format!("@{name}:s")).unwrap()
    }

    /// X12: what it means comes first, and only who asked may tap.
    #[test]
    fn encryption_is_explained_before_it_is_switched_on() {
        let (text, poll) = explain(false, &user("bob"));
        assert!(text.contains("never be switched off") && text.contains("`!encrypt confirm`"), "{text}");
        let poll = poll.unwrap();
        assert_eq!(
            (poll.about, poll.asker, poll.options[0].key.as_str()),
            (PollAbout::Encrypt, Some(user("bob")), "✅")
        );
        assert_eq!(explain(true, &user("bob")), ("This room is encrypted already.".to_owned(), None));
        assert!(switched(&Switched::On).contains("from now on"));
        assert!(switched(&Switched::Failed("forbidden".to_owned())).contains("switched on: forbidden."));
    }

    /// E6, X13: the room's state is explained, with who is vouched for and what can't be read.
    #[test]
    fn a_rooms_encryption_is_explained() {
        let plain_room = e2ee(&SealFacts::default());
        let expected = "- This room is not encrypted. `!encrypt` says what it would mean.\n\
                        - Every message that came here can be read.";
        assert_eq!(plain_room, expected);
        let text = e2ee(&SealFacts {
            encrypted: true,
            signed: vec!["Router".to_owned(), "Ada".to_owned()],
            foreign: vec!["Eve".to_owned()],
            unread: vec![user("bob"), user("bob"), user("al")],
        });
        assert!(text.starts_with("- This room is encrypted"), "{text}");
        assert!(text.contains("- Router and Ada: devices vouched for"), "{text}");
        assert!(text.contains("- Eve: another client"), "{text}");
        assert!(text.contains("- 3 messages can't be read yet, sent by `@al:s` and `@bob:s`."), "{text}");
    }
}
