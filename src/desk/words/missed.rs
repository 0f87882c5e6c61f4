//! What is said about messages that came while nobody was there.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use crate::{
    model::{Poll, PollAbout, PollOption},
    store::Fate,
};

/// The reactions that stand for the choices, in the order in which they are offered.
const KEYS: [(Fate, &str); 3] = [(Fate::All, "✅"), (Fate::Newest, "⏩"), (Fate::None, "❌")];

/// N7: asks which of `count` missed messages are answered. `value` tells what a choice is called in the poll.
#[must_use]
pub fn missed(count: usize, value: impl Fn(Fate) -> &'static str) -> (String, Poll) {
    let lines: Vec<String> = KEYS.iter().map(|(fate, key)| format!("- {key} {}", offer(*fate))).collect();
    let text = format!(
        "{} Tap one, or reply with the words. New messages are answered as usual.\n\n{}",
        came(count),
        lines.join("\n")
    );
    let option = |(fate, key): &(Fate, &str)| PollOption { key: (*key).to_owned(), value: value(*fate).to_owned() };
    (text, Poll { about: PollAbout::Missed, options: KEYS.iter().map(option).collect(), asker: None })
}

/// Says what was chosen.
#[must_use]
pub fn chosen(count: usize, fate: Fate) -> String {
    let what = match fate {
        Fate::All => "All of them are being answered.",
        Fate::Newest => "Only the newest is being answered.",
        Fate::None => "None of them is answered.",
    };
    format!("{} {what}", came(count))
}

fn came(count: usize) -> String {
    format!("{count} messages that wait for an answer came while I was away.")
}

fn offer(fate: Fate) -> &'static str {
    match fate {
        Fate::All => "answer them **all**",
        Fate::Newest => "only the **newest**",
        Fate::None => "**none**",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N7: the question says how many there are and offers three choices; afterwards it says what was chosen.
    #[test]
    fn the_question_offers_three_choices() {
        let (text, poll) = missed(42, |fate| if fate == Fate::All { "all" } else { "other" });
        assert!(text.starts_with("42 messages that wait for an answer came while I was away."), "{text}");
        for option in &poll.options {
            assert!(text.contains(&format!("- {} ", option.key)), "{text}");
        }
        assert_eq!((poll.options.len(), poll.options[0].value.as_str(), poll.asker), (3, "all", None));
        assert!(chosen(42, Fate::Newest).ends_with("Only the newest is being answered."));
    }
}
