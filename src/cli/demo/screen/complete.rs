//! The names that a word beginning with `@` may become.

use crate::{cli::demo::room::Room, model::UserId};

/// The word before the cursor, if it is the beginning of a mention: without its `@`.
pub(super) fn begun(before: &str) -> Option<&str> {
    let at = before.rfind('@')?;
    let word = &before[at + 1..];
    let stands_alone = before[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    (stands_alone && !word.contains(char::is_whitespace)).then_some(word)
}

/// Everybody but `me` in the room whose user name or display name begins so, as mentions, in the order of the alphabet.
pub(super) fn candidates(room: &Room, me: &UserId, word: &str) -> Vec<String> {
    let word = word.to_lowercase();
    let mut found: Vec<String> = room
        .members
        .iter()
        .filter(|(user, _)| *user != me)
        .filter_map(|(user, name)| {
            let localpart = localpart(user)?;
            let fits = localpart.starts_with(&word) || name.to_lowercase().starts_with(&word);
            fits.then(|| format!("@{localpart}"))
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

fn localpart(user: &UserId) -> Option<&str> {
    user.as_str().strip_prefix('@')?.split(':').next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::fixtures::{room, user};

    #[test]
    fn a_mention_begins_with_an_at() {
        let check = |before: &str, expected: Option<&str>| assert_eq!(begun(before), expected, "{before}");
        check("@", Some(""));
        check("hello @re", Some("re"));
        check("(@re", Some("re"));
        check("ada@home", None);
        check("@ada hello", None);
        check("hello", None);
        check("@ada @b", Some("b"));
    }

    #[test]
    fn names_are_found_by_user_and_by_display_name() {
        let room = room("!a", "Lobby");
        let check = |word: &str, expected: &[&str]| assert_eq!(candidates(&room, &user("x"), word), expected, "{word}");
        check("", &["@ada", "@bob", "@eve"]);
        check("B", &["@bob"]);
        check("ad", &["@ada", "@eve"]);
        check("z", &[]);
        check("x", &[]);
    }
}
