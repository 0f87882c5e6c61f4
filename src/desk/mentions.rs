//! Whom a message mentions.

use std::collections::{BTreeMap, BTreeSet};

use super::message::Message;
use crate::model::UserId;

/// As many backticks as this, or more, begin a block of code.
const BLOCK_TICKS_MIN: usize = 3;

/// Somebody who can be mentioned by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Who.
    pub(super) user: UserId,
    /// The names that people may write after an `@`: display name, name in the configuration.
    pub(super) names: Vec<String>,
}

/// Whom `message` mentions, in the order of the text. What the client says counts; only a client that says nothing
/// has its text searched: links to users, full user ids, and `@name` of those in `known`, outside code.
pub(super) fn mentions(message: &Message, known: &[Name]) -> Vec<UserId> {
    let text = without_code(&message.body).to_lowercase();
    let (written, linked) = (written(&text, known), linked(message.html.as_deref().unwrap_or_default()));
    let mut found =
        message.mentions.clone().unwrap_or_else(|| linked.iter().chain(written.keys().copied()).cloned().collect());
    let place = |user: &UserId| {
        // A client writes a link for each mention, in order; only a plain text has nothing but names.
        let link = linked.iter().position(|linked| linked == user);
        (link.unwrap_or(usize::MAX), written.get(user).copied().unwrap_or(usize::MAX))
    };
    found.sort_by_cached_key(place);
    let mut seen = BTreeSet::new();
    found.retain(|user| seen.insert(user.clone()));
    found
}

/// Where each of `known` is first named in `text`. What is only the beginning of a longer name names nobody.
fn written<'a>(text: &str, known: &'a [Name]) -> BTreeMap<&'a UserId, usize> {
    let mut longest: BTreeMap<usize, (usize, &UserId)> = BTreeMap::new();
    for name in known {
        for handle in handles(name) {
            for at in places(text, &handle) {
                let here = longest.entry(at).or_insert((handle.len(), &name.user));
                if here.0 < handle.len() {
                    *here = (handle.len(), &name.user);
                }
            }
        }
    }
    let mut first = BTreeMap::new();
    for (at, (_, user)) in longest {
        first.entry(user).or_insert(at);
    }
    first
}

/// What people write to mention somebody, in small letters.
fn handles(name: &Name) -> impl Iterator<Item = String> {
    let names = name.names.iter().filter(|name| !name.trim().is_empty());
    let handles = names.map(|name| format!("@{}", name.trim_start_matches('@').to_lowercase()));
    handles.chain([name.user.as_str().to_lowercase()])
}

/// Where `word` stands in `text` with nothing before or after it that would make it a longer word.
fn places(text: &str, word: &str) -> impl Iterator<Item = usize> {
    let free =
        |neighbour: Option<char>| !neighbour.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '@'));
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let after = &text[at + word.len()..];
        // A dot or colon goes on only if something follows it: "@ada." ends a sentence, "@ada.b" is somebody else.
        let mut rest = after.chars();
        let goes_on = matches!(rest.next(), Some('.' | ':')) && rest.next().is_some_and(char::is_alphanumeric);
        free(text[..at].chars().next_back()) && free(after.chars().next()) && !goes_on
    })
}

/// The users that links in `html` point at.
fn linked(html: &str) -> Vec<UserId> {
    const PREFIX: &str = "https://matrix.to/#/";
    let targets = html.match_indices(PREFIX).map(|(at, _)| &html[at + PREFIX.len()..]);
    targets
        .filter_map(|rest| {
            let end = rest.find(['"', '\'', '<', '>', '?', '&', ' ']).unwrap_or(rest.len());
            UserId::parse(decoded(&rest[..end])?).ok()
        })
        .collect()
}

/// What an address means by `%40` and the like.
fn decoded(address: &str) -> Option<String> {
    let mut pieces = address.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}

/// The text with everything between equal rows of backticks blanked out. A row that nothing closes is just that, unless it
/// begins a block of code: then it is code to the end.
fn without_code(body: &str) -> String {
    let mut plain = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('`') {
        let (before, ticks) = rest.split_at(at);
        let inside = ticks.trim_start_matches('`');
        let row = &ticks[..ticks.len() - inside.len()];
        plain.push_str(before);
        match closing(inside, row.len()) {
            Some(end) => {
                plain.push(' ');
                rest = &inside[end..];
            }
            None if row.len() >= BLOCK_TICKS_MIN => return plain,
            None => {
                plain.push_str(row);
                rest = inside;
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// Where, in `inside`, the code ends that a row of `ticks` backticks began: behind the next row of as many.
fn closing(inside: &str, ticks: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = inside[from..].find('`') {
        let row = inside[from + at..].bytes().take_while(|byte| *byte == b'`').count();
        from += at + row;
        if row == ticks {
            return Some(from);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Sort;

    fn user(name: &str) -> UserId {
        UserId::parse(format!("@{name}:s")).unwrap()
    }

    fn known() -> Vec<Name> {
        let name = |local: &str, names: &[&str]| Name {
            user: user(local),
            names: names.iter().map(|&name| name.to_owned()).collect(),
        };
        vec![name("ada", &["ada", "Ada Lovelace"]), name("bob", &["bob"]), name("lady", &["Ada Lovelace Junior"])]
    }

    fn text(body: &str, html: Option<&str>, said: Option<Vec<UserId>>) -> Message {
        Message {
            sort: Sort::Text,
            body: body.to_owned(),
            html: html.map(str::to_owned),
            mentions: said,
            thread: None,
            in_reply_to: None,
            mark: None,
        }
    }

    /// W2, W3: what the client says counts; the text only where it says nothing.
    #[test]
    fn mentions_are_what_the_client_says_or_what_is_written() {
        let check = |message: Message, expected: &[&str]| {
            let expected: Vec<UserId> = expected.iter().map(|name| user(name)).collect();
            assert_eq!(mentions(&message, &known()), expected, "{message:?}");
        };
        check(text("@bob hi", None, Some(vec![user("ada")])), &["ada"]);
        check(text("@bob hi", None, Some(vec![])), &[]);
        check(text("@bob hi", None, None), &["bob"]);
        check(text("@BOB: hi", None, None), &["bob"]);
        check(text("ask @ada lovelace.", None, None), &["ada"]);
        check(text("ask @Ada Lovelace Junior", None, None), &["lady"]);
        check(text("@ada lovelace junior and @ada", None, None), &["lady", "ada"]);
        check(text("@ada:s, please", None, None), &["ada"]);
        check(text("@bobby hi", None, None), &[]);
        check(text("mail@bob", None, None), &[]);
        check(text("@bob.b is somebody else", None, None), &[]);
        check(text("say `@bob` in code", None, None), &[]);
        check(text("```\n@bob\n``` but @ada", None, None), &["ada"]);
        check(text("```\n@bob `x` ``y``\n", None, None), &[]);
        check(text("that`s for @bob", None, None), &["bob"]);
        check(text("``@bob ` @bob`` and @ada", None, None), &["ada"]);
        check(text("Bob", Some("<a href=\"https://matrix.to/#/@bob:s\">Bob</a>"), None), &["bob"]);
        check(text("Bob", Some("<a href='https://matrix.to/#/%40bob%3As?via=s'>Bob</a>"), None), &["bob"]);
        check(text("Bob", Some("<a href=\"https://matrix.to/#/%40%62ob%3As\">Bob</a>"), None), &["bob"]);
        check(text("Bob", Some("<a href=\"https://matrix.to/#/%40bob%3As%\">Bob</a>"), None), &[]);
        check(text("@bob and @ada", None, None), &["bob", "ada"]);
        check(text("@bob and @ada", None, Some(vec![user("ada"), user("bob"), user("ada")])), &["bob", "ada"]);
        let pills = "<a href=\"https://matrix.to/#/@eve:s\">Eve</a> <a href=\"https://matrix.to/#/@ada:s\">Ada</a>";
        check(text("Eve Ada", Some(pills), Some(vec![user("ada"), user("eve")])), &["eve", "ada"]);
        check(text("a room", Some("<a href=\"https://matrix.to/#/#x:s\">x</a>"), None), &[]);
    }
}
