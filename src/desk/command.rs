//! Which command a text is, or nearly is.

use super::gate::Command;

/// What people can type after an exclamation mark.
const COMMANDS: [&str; 13] = [
    "help",
    "hi",
    "why",
    "status",
    "stop",
    "retry",
    "model",
    "room_model",
    "thread_mode",
    "config",
    "reload",
    "encrypt",
    "e2ee",
];
/// How many letters may be wrong.
const TYPOS_MAX: usize = 1;
/// From this length on, a word can be recognised in spite of a typo.
const TYPO_WORD_MIN: usize = 4;

/// The command that `body` begins with, if any. Case, dashes and underscores don't matter.
pub(super) fn command(body: &str) -> Option<Command> {
    let word = body.trim_start().strip_prefix('!')?.split(char::is_whitespace).next()?;
    let plain = plain(word);
    if let Some(known) = COMMANDS.iter().find(|known| self::plain(known) == plain) {
        return Some(Command::Known((*known).to_owned()));
    }
    if plain.chars().count() < TYPO_WORD_MIN {
        return None;
    }
    let near = COMMANDS.iter().find(|known| distance(&self::plain(known), &plain) <= TYPOS_MAX);
    near.map(|near| Command::Typo((*near).to_owned()))
}

/// The name that `word` is, or nearly is. Case, dashes, underscores and spaces don't matter.
pub(super) fn near<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(word);
    let typos = if wanted.chars().count() < TYPO_WORD_MIN { 0 } else { TYPOS_MAX };
    let measured = names.into_iter().map(|name| (distance(&plain(name), &wanted), name));
    measured.filter(|(distance, _)| *distance <= typos).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// How many letters must be added, dropped, exchanged with a neighbour or replaced to get from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            let best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            rows[i][j] = if swapped { best.min(rows[i - 2][j - 2] + 1) } else { best };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W1, X: a known command, a close typo of one, or ordinary chat.
    #[test]
    fn commands_are_told_from_chat() {
        let check = |body: &str, expected: Option<Command>| assert_eq!(command(body), expected, "{body}");
        let known = |name: &str| Some(Command::Known(name.to_owned()));
        let typo = |name: &str| Some(Command::Typo(name.to_owned()));
        check("!help", known("help"));
        check("  !HELP me", known("help"));
        check("!thread-mode room", known("thread_mode"));
        check("!ThreadMode", known("thread_mode"));
        check("!hlep", typo("help"));
        check("!statu", typo("status"));
        check("!hy", None);
        check("!important thing", None);
        check("help!", None);
        check("!", None);
        check("! help", None);
    }
}
