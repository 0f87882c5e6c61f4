//! Whom an answer mentions: `@name` in a model's text becomes a person or an entity, and `@room` becomes harmless.

use std::{collections::HashMap, fmt::Write as _, ops::Range};

use super::markdown::escape;
use crate::model::UserId;

/// Where links to users, rooms and events lead.
const MATRIX_TO: &str = "https://matrix.to/#/";
/// What would wake everybody in the room.
const ROOM: &str = "@room";
/// Stands between `@` and `room`: nobody sees it, and no client takes the two for a mention.
const JOINER: char = '\u{200D}';
/// Nobody is mentioned by a longer name; it would be looked for behind every `@`.
const NAME_BYTES_MAX: usize = 256;
/// Between two characters of a word these belong to a longer name or an address, so no name ends or begins there.
const INNER: [char; 7] = ['-', '.', ':', '/', '=', '+', '@'];

/// Somebody who can be mentioned in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mentionable {
    /// Who.
    pub user: UserId,
    /// What people see as the name.
    pub display_name: String,
    /// Other names it goes by; an entity's name in the configuration. The local part of its id need not be listed.
    pub handles: Vec<String>,
}

/// How sure a name is: of two users it fits, the one with the surer name is meant. A display name can be chosen freely,
/// so nobody takes an entity's mentions away with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sureness {
    DisplayName,
    Localpart,
    Handle,
    FullId,
}

/// Everybody who can be mentioned, as one speaker sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    own: Option<UserId>,
    others: Vec<Mentionable>,
    /// Who is meant by each name. The names are folded.
    names: HashMap<String, (Sureness, Bearer)>,
    /// The length of the longest name, in folded bytes.
    name_bytes: usize,
}

/// Whose name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bearer {
    /// The speaker's own.
    Own,
    /// That of the one at this index of the others.
    Other(usize),
    /// That of more than one, with equal right.
    Several,
}

/// A mention in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<'r> {
    /// Where in the text, with the `@`.
    pub(super) range: Range<usize>,
    /// Who is meant.
    pub(super) who: &'r Mentionable,
}

impl Roster {
    /// Nobody: for texts that can mention no one.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self { own: None, others: Vec::new(), names: HashMap::new(), name_bytes: 0 }
    }

    /// Takes the speaker itself, which is never mentioned, and everybody else in the room.
    #[must_use]
    pub fn new(own: &Mentionable, others: Vec<Mentionable>) -> Self {
        let others: Vec<Mentionable> = others.into_iter().filter(|other| other.user != own.user).collect();
        let mut roster = Self { own: Some(own.user.clone()), others: Vec::new(), names: HashMap::new(), name_bytes: 0 };
        roster.enter(own, Bearer::Own);
        for (index, other) in others.iter().enumerate() {
            roster.enter(other, Bearer::Other(index));
        }
        Self { others, ..roster }
    }

    fn enter(&mut self, somebody: &Mentionable, bearer: Bearer) {
        for (sureness, name) in names_of(somebody) {
            self.name_bytes = self.name_bytes.max(name.len());
            let entry = self.names.entry(name).or_insert((sureness, bearer));
            if sureness > entry.0 {
                *entry = (sureness, bearer);
            } else if sureness == entry.0 && bearer != entry.1 {
                entry.1 = Bearer::Several;
            }
        }
    }

    /// The mentions in `text`, which must be visible text outside of code.
    pub(super) fn find<'r>(&'r self, text: &str) -> Vec<Found<'r>> {
        let mut found: Vec<Found<'r>> = Vec::new();
        for (at, _) in text.match_indices('@') {
            let inside = found.last().is_some_and(|last| at < last.range.end);
            if inside || !begins_word(&text[..at]) {
                continue;
            }
            if let Some((length, who)) = self.named(&text[at + 1..]) {
                found.push(Found { range: at..at + 1 + length, who });
            }
        }
        found
    }

    /// Whom a link of the text leads to, if it leads to a user.
    pub(super) fn linked(&self, url: &str) -> Linked<'_> {
        let Some(user) = user_in_link(url) else { return Linked::Elsewhere };
        let other = self.others.iter().find(|other| other.user == user);
        other.filter(|_| self.own.as_ref() != Some(&user)).map_or(Linked::Stranger, Linked::Member)
    }

    /// The longest name that `text` begins with and who is meant, unless that is in doubt.
    fn named(&self, text: &str) -> Option<(usize, &Mentionable)> {
        let mut folded = String::new();
        let mut ends = Vec::new();
        // Up to the next `@`, which may begin a name of its own: however many there are, the text is looked through once.
        for (at, character) in text.char_indices().take_while(|(_, character)| *character != '@') {
            folded.extend(character.to_lowercase());
            if folded.len() > self.name_bytes {
                break;
            }
            let end = at + character.len_utf8();
            if ends_word(&text[end..]) {
                ends.push((end, folded.len()));
            }
        }
        let known = |(end, length): (usize, usize)| Some((end, self.names.get(&folded[..length])?));
        let (end, (_, bearer)) = ends.into_iter().rev().find_map(known)?;
        match bearer {
            Bearer::Other(index) => Some((end, &self.others[*index])),
            Bearer::Own | Bearer::Several => None,
        }
    }
}

/// Whom a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Linked<'r> {
    /// Not to a user.
    Elsewhere,
    /// To somebody who can be mentioned.
    Member(&'r Mentionable),
    /// To a user who isn't here, or to the speaker.
    Stranger,
}

/// The link that clients show as a pill.
pub(super) fn pill(user: &UserId, name: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escape(&link(user)), escape(name))
}

/// The address of a user.
pub(super) fn link(user: &UserId) -> String {
    let mut link = MATRIX_TO.to_owned();
    for byte in user.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"@:-._~=+!*".contains(&byte) {
            link.push(char::from(byte));
        } else {
            write!(link, "%{byte:02X}").expect("writing into a text can't fail");
        }
    }
    link
}

/// The text with every `@room` broken by a character that nobody sees.
pub(super) fn without_room(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        safe.push(character);
        if text.get(at..at + ROOM.len()).is_some_and(|word| word.eq_ignore_ascii_case(ROOM)) {
            safe.push(JOINER);
        }
    }
    safe
}

/// The names that somebody goes by, folded.
fn names_of(somebody: &Mentionable) -> impl Iterator<Item = (Sureness, String)> {
    let user = &somebody.user;
    let handles = somebody.handles.iter().map(|handle| (Sureness::Handle, handle.as_str()));
    let ids = [(Sureness::FullId, user.as_str()), (Sureness::Localpart, user.localpart())];
    let names = handles.chain(ids).chain([(Sureness::DisplayName, somebody.display_name.as_str())]);
    let folded = names.map(|(sureness, name)| (sureness, fold(bare(name))));
    folded.filter(|(_, name)| !name.is_empty() && name.len() <= NAME_BYTES_MAX && name != bare(ROOM))
}

fn bare(name: &str) -> &str {
    name.trim().trim_start_matches('@')
}

/// Folds character by character, so that equal texts stay equal wherever they are cut.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Whether a name may begin after `before`: not in an e-mail address, nor in the path of an address.
fn begins_word(before: &str) -> bool {
    let joins = |c: char| is_word(c) || (c != ':' && INNER.contains(&c));
    !before.chars().next_back().is_some_and(joins)
}

/// Whether a name may end before `after`.
fn ends_word(after: &str) -> bool {
    let mut next = after.chars();
    match next.next() {
        None => true,
        Some(c) if is_word(c) => false,
        Some(c) => !(INNER.contains(&c) && next.next().is_some_and(is_word)),
    }
}

fn user_in_link(url: &str) -> Option<UserId> {
    let has_prefix = url.get(..MATRIX_TO.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(MATRIX_TO));
    let rest = if has_prefix { &url[MATRIX_TO.len()..] } else { return None };
    let encoded = rest.split(['?', '/']).next().unwrap_or(rest);
    UserId::parse(decode(encoded)?).ok()
}

fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn somebody(user: &str, display_name: &str, handles: &[&str]) -> Mentionable {
        Mentionable {
            user: UserId::parse(user).unwrap(),
            display_name: display_name.to_owned(),
            handles: handles.iter().map(ToString::to_string).collect(),
        }
    }

    fn roster() -> Roster {
        let others = vec![
            somebody("@bot-research:home", "Research Desk", &["research"]),
            somebody("@bob:home", "Bob", &[]),
            somebody("@bob.smith:far.org", "Bob Smith", &[]),
            somebody("@eve:far.org", "research", &[]),
            somebody("@kim:a", "Kim One", &[]),
            somebody("@kim:b", "Kim Two", &[]),
            somebody("@özil:home", "Özil İ", &[]),
            somebody("@room:home", "room", &[]),
        ];
        Roster::new(&somebody("@writer:home", "Writer", &["writer"]), others)
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let roster = roster();
        let found = roster.find(text);
        let found: Vec<(&str, &str)> = found.iter().map(|f| (&text[f.range.clone()], f.who.user.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    /// S2: `@name` of an entity or room member is a mention; word-bounded, case-insensitive.
    #[test]
    fn names_are_told_from_other_text() {
        check("@bob hi", &[("@bob", "@bob:home")]);
        check("hi @BOB, hi", &[("@BOB", "@bob:home")]);
        check("(@bob's)", &[("@bob", "@bob:home")]);
        check("see @bob.", &[("@bob", "@bob:home")]);
        check("cc:@bob", &[("@bob", "@bob:home")]);
        check("@Bob Smith and @bob", &[("@Bob Smith", "@bob.smith:far.org"), ("@bob", "@bob:home")]);
        check("@bob.smith", &[("@bob.smith", "@bob.smith:far.org")]);
        check("@bob:home says", &[("@bob:home", "@bob:home")]);
        check("@research desk", &[("@research desk", "@bot-research:home")]);
        check("@bot-research", &[("@bot-research", "@bot-research:home")]);
        check("@ÖZIL i\u{307}!", &[("@ÖZIL i\u{307}", "@özil:home")]);
        check("bob", &[]);
        check("@bobby", &[]);
        check("@bob_x", &[]);
        check("@bob-the-builder", &[]);
        check("@bob:elsewhere.org", &[]);
        check("me@bob.home", &[]);
        check("https://example.org/@bob", &[]);
        check("@@bob", &[]);
        check("@ bob", &[]);
        check("@", &[]);
    }

    /// Nobody takes an entity's mentions away by calling themselves like it.
    #[test]
    fn a_sure_name_beats_a_chosen_one() {
        check("@research", &[("@research", "@bot-research:home")]);
    }

    #[test]
    fn a_name_that_fits_two_is_nobody() {
        check("@kim", &[]);
        check("@kim:b and @Kim One", &[("@kim:b", "@kim:b"), ("@Kim One", "@kim:a")]);
    }

    /// Never oneself, by no name.
    #[test]
    fn the_speaker_is_never_found() {
        check("@writer @Writer @writer:home", &[]);
        assert_eq!(roster().linked("https://matrix.to/#/@writer:home"), Linked::Stranger);
    }

    /// S2: `@room` is nobody, even where somebody is called so.
    #[test]
    fn the_room_is_never_found() {
        check("@room", &[]);
        check("@room:home", &[("@room:home", "@room:home")]);
        assert_eq!(without_room("hi @room @ROOM x@Room"), "hi @\u{200D}room @\u{200D}ROOM x@\u{200D}Room");
        assert_eq!(without_room("@roo ü@"), "@roo ü@");
    }

    /// S3: a text full of `@` is looked through once, not once for each of them.
    #[test]
    fn many_signs_are_found_soon() {
        let long = somebody("@long:home", &"x ".repeat(120), &[]);
        let roster = Roster::new(&somebody("@me:home", "Me", &[]), vec![long]);
        let began = tokio::time::Instant::now();
        assert!(roster.find(&"@ ".repeat(100_000)).is_empty());
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    }

    #[test]
    fn a_link_to_a_user_goes_there_and_back() {
        for user in ["@bob:home", "@ö/%#?\"<:home", "@a:[::1]:8448"] {
            let user = UserId::parse(user).unwrap();
            assert_eq!(user_in_link(&link(&user)), Some(user));
        }
        assert_eq!(user_in_link("https://matrix.to/#/@bob:home?via=x"), Some(UserId::parse("@bob:home").unwrap()));
        assert_eq!(user_in_link("https://matrix.to/#/!room:home"), None);
        assert_eq!(user_in_link("https://matrix.to/#/@bob%3Ahome%"), None);
        assert_eq!(user_in_link("https://example.org/#/@bob:home"), None);
        assert_eq!(pill(&UserId::parse("@b:h").unwrap(), "<B>"), "<a href=\"https://matrix.to/#/@b:h\">&lt;B&gt;</a>");
    }

    proptest! {
        #[test]
        fn no_room_survives(text in "([@rRoOmM \u{e4}\u{200D}]|@room){0,40}") {
            prop_assert!(!without_room(&text).to_lowercase().contains("@room"));
        }

        #[test]
        fn what_is_found_lies_in_order_within_the_text(text in "(@bob|@Bob Smith|@kim:a|[ @:.a-zÖİß]){0,20}") {
            let roster = roster();
            let mut end = 0;
            for found in roster.find(&text) {
                prop_assert!(found.range.start >= end);
                prop_assert!(text[found.range.clone()].starts_with('@'));
                end = found.range.end;
            }
        }
    }
}
