//! What can be typed, and what is said to somebody who mistyped it.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use super::{
    book::{BOOK, Entry, Rank, Word},
    markup::{code, plain},
};
use crate::desk::command::near;

/// What `!help` says about `topic`, or about everything.
#[must_use]
pub fn help(topic: Option<&str>) -> String {
    let Some(topic) = topic else { return overview() };
    let names = || BOOK.iter().map(|entry| entry.name);
    match near(topic, names()).and_then(Word::named) {
        Some(word) if near_is_same(topic, word) => about(word.entry()),
        Some(word) => format!("Did you mean {}?\n\n{}", code(word.name()), about(word.entry())),
        None => format!("There is no command {}.\n\n{}", code(topic), overview()),
    }
}

/// What is said to somebody who nearly typed the command `name`.
#[must_use]
pub fn typo(name: &str) -> String {
    match Word::named(name) {
        Some(word) => {
            let entry = word.entry();
            format!("Did you mean {}? {}", code(&format!("!{name}")), entry.purpose)
        }
        None => format!("Did you mean {}?", code(&format!("!{name}"))),
    }
}

/// What is said to somebody who typed something after `word` that makes no sense.
#[must_use]
pub fn misused(word: Word) -> String {
    let entry = word.entry();
    format!("That isn't how it goes: {}. For example: {}", code(&entry.usage()), code(entry.example))
}

/// What is said to somebody who hasn't the power that `word` takes.
#[must_use]
pub fn refused(word: Word) -> String {
    let whom = match word.entry().rank {
        Rank::HouseAdmin => "the admins of this house",
        Rank::Everybody | Rank::RoomAdmin => {
            "those who may change this room: its moderators and admins, and the admins of this house"
        }
    };
    format!("{} is for {whom}.", code(word.entry().usage().as_str()))
}

/// What is said to somebody who may give `word`, but didn't from a device that their own account vouches for.
#[must_use]
pub fn unverified(word: Word) -> String {
    let what = match word.entry().rank {
        Rank::HouseAdmin => "the configuration, from an encrypted room",
        Rank::Everybody | Rank::RoomAdmin => "this encrypted room",
    };
    format!(
        "{} changes {what}, and was not taken: it did not come, encrypted, from a verified device. Verify yours in your \
         client's settings (with your recovery key, or from another device of yours), or use one that is verified, and send \
         it again.",
        code(&format!("!{}", word.name()))
    )
}

/// What is said to somebody who has the configuration read.
#[must_use]
pub fn reloading(is_watched: bool) -> String {
    if is_watched {
        format!("The configuration is being read. {} tells what became of it.", code("!status"))
    } else {
        "This house lives without a file: there is nothing to read again.".to_owned()
    }
}

/// What is said when the homeserver didn't answer a question that the command depends on.
#[must_use]
pub fn unanswered(word: Word, cause: &str) -> String {
    format!("{} didn't work: {}. Please try again in a moment.", code(&format!("!{}", word.name())), plain(cause))
}

fn overview() -> String {
    let lines: Vec<String> = BOOK.iter().map(line).collect();
    format!(
        "Write, and the right one answers; mention somebody by name to ask them directly. Beside that you can type:\n\n{}\n\n\
         Tap 🛑 on an answer to stop it, 🔁 to have it again. {} tells more about one command.",
        lines.join("\n"),
        code("!help <command>")
    )
}

fn line(entry: &Entry) -> String {
    format!("- {}: {}{}", code(&entry.usage()), entry.purpose, rank(entry))
}

fn about(entry: &Entry) -> String {
    format!("{}: {}{}\n\nFor example: {}", code(&entry.usage()), entry.purpose, rank(entry), code(entry.example))
}

fn rank(entry: &Entry) -> &'static str {
    match entry.rank {
        Rank::Everybody => "",
        Rank::RoomAdmin => " (Changing it takes power over the room.)",
        Rank::HouseAdmin => " (For the admins of this house.)",
    }
}

fn near_is_same(topic: &str, word: Word) -> bool {
    let plain = |text: &str| text.replace(['-', '_', ' '], "").to_lowercase();
    plain(topic) == plain(word.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X1: everything that can be typed is told, and so is each command alone.
    #[test]
    fn help_tells_everything_or_one_thing() {
        let everything = help(None);
        for entry in BOOK {
            assert!(everything.contains(&format!("`{}`", entry.usage())), "{everything}");
            assert!(help(Some(entry.name)).contains(entry.example), "{}", entry.name);
        }
        assert!(help(Some("config")).contains("authorization.config_in_chat"));
        assert!(help(Some("Thread Mode")).starts_with("`!thread_mode [room|thread|reset]`"));
        assert!(help(Some("statsu")).starts_with("Did you mean `status`?"));
        assert!(help(Some("`*x*` @room")).starts_with("There is no command `'*x*' @room`."));
    }

    /// W1, X: a near miss and a wrong argument are answered with what was probably meant.
    #[test]
    fn mistakes_are_answered_with_a_way_out() {
        assert!(typo("help").starts_with("Did you mean `!help`?"));
        assert_eq!(misused(Word::Stop), "That isn't how it goes: `!stop [all]`. For example: `!stop`");
        assert!(refused(Word::Encrypt).starts_with("`!encrypt [confirm]` is for those who may change this room"));
        assert_eq!(refused(Word::Reload), "`!reload` is for the admins of this house.");
        assert!(reloading(true).contains("`!status`") && reloading(false).contains("nothing to read"));
        assert!(
            unverified(Word::ThreadMode).starts_with("`!thread_mode` changes this encrypted room, and was not taken")
        );
        assert!(unanswered(Word::Encrypt, "no answer").contains("didn't work: no answer."));
    }
}
