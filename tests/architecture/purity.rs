//! Where things may wait, speak, look at a clock, roll dice or start work; everywhere else they only decide.

use proc_macro2::{TokenStream, TokenTree};

use super::{
    facts::facts,
    source::{Source, Violation},
};

/// What is said about a decision that touches files.
const FILES: &str = "touches files";

/// What a decision may not name. The end of an entry may lie anywhere in a path: `std::fs` covers `std::fs::read`.
const LOUD: &[(&str, &str)] = &[
    ("tokio", "waits"),
    ("tokio_util", "waits"),
    ("futures_util", "waits"),
    ("backon", "waits"),
    ("tracing", "logs"),
    ("metrics", "counts"),
    ("rand", "rolls dice"),
    ("std::fs", FILES),
    ("std::env", "reads the environment"),
    ("std::process", "starts or ends processes"),
    ("std::thread", "starts or stops threads"),
    ("std::time::Instant", "reads a clock"),
    ("std::time::SystemTime", "reads a clock"),
    ("chrono::Utc", "reads a clock"),
    ("chrono::Local", "reads a clock"),
    ("std::sync::Mutex", "locks"),
    ("std::sync::RwLock", "locks"),
    ("std::sync::Condvar", "locks"),
    ("std::sync::Once", "locks"),
    ("std::sync::OnceLock", "locks"),
    ("std::sync::LazyLock", "locks"),
    ("std::sync::atomic", "shares state"),
    ("std::sync::mpsc", "waits"),
    ("std::cell", "hides state"),
    ("observe", "logs, counts or reads a clock"),
    ("nursery", "starts work"),
];

/// `async` and `.await` outside the tasks of `deciding` folders.
pub(crate) fn waits(sources: &[Source], deciding: &[&str]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in decisions(sources, deciding) {
        for mark in facts(source).waits.iter().filter(|mark| !mark.in_test) {
            violations.push(source.violation(mark.line, "a decision never waits: only `task.rs` or `task/` may"));
        }
    }
    violations
}

/// Logs, clocks, locks, dice and the like outside the tasks of `deciding` folders; files, too, unless they are `reading`.
pub(crate) fn noises(sources: &[Source], deciding: &[&str], reading: &[&str]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in decisions(sources, deciding) {
        let reads = source.folder().is_some_and(|folder| reading.contains(&folder));
        for mention in facts(source).paths.iter().filter(|mention| !mention.mark.in_test) {
            let path = mention.segments.join("::");
            let heard = |(loud, deed): &&(&str, &str)| leads_into(&path, loud) && !(reads && *deed == FILES);
            for (loud, deed) in LOUD.iter().filter(heard) {
                let what = format!("`{loud}` {deed}, and a decision never does");
                violations.push(source.violation(mention.mark.line, what));
            }
        }
    }
    violations
}

/// Tasks and threads that are started outside the one spawner.
pub(crate) fn spawns(sources: &[Source], spawner: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.path != spawner) {
        for mark in facts(source).spawns.iter().filter(|mark| !mark.in_test) {
            violations.push(source.violation(mark.line, format!("only `{spawner}` starts tasks and threads")));
        }
    }
    violations
}

/// Waits for several things of which it is left to chance which goes first.
pub(crate) fn left_to_chance(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources {
        let mut lines = Vec::new();
        unbiased(source.text.parse().unwrap_or_default(), &mut lines);
        let what = "`select!` begins with `biased;`: a run that is to be repeated leaves nothing to chance";
        violations.extend(lines.into_iter().map(|line| source.violation(line, what)));
    }
    violations
}

/// The lines of every `select!` among `tokens` that doesn't begin with `biased`.
fn unbiased(tokens: TokenStream, lines: &mut Vec<usize>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let before: String = tokens[at.saturating_sub(2)..at].iter().map(ToString::to_string).collect();
        let first = group.stream().into_iter().next();
        if before == "select!" && first.is_none_or(|first| first.to_string() != "biased") {
            lines.push(group.span_open().start().line);
        }
        unbiased(group.stream(), lines);
    }
}

fn decisions<'a>(sources: &'a [Source], deciding: &[&str]) -> impl Iterator<Item = &'a Source> {
    sources
        .iter()
        .filter(|source| source.folder().is_some_and(|folder| deciding.contains(&folder)) && !source.is_task())
}

fn leads_into(path: &str, loud: &str) -> bool {
    path.strip_prefix(loud).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: impl Fn(&[Source], &[&str]) -> Vec<Violation>, path: &str, text: &str) -> Vec<String> {
        rule(&[Source::parse(path, text)], &["desk", "config"]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_a_task_waits() {
        let text = "async fn f() {\n    g().await\n}";
        let objection = "a decision never waits: only `task.rs` or `task/` may";
        assert_eq!(
            check(waits, "desk/gate.rs", text),
            [format!("desk/gate.rs:1: {objection}"), format!("desk/gate.rs:2: {objection}")]
        );
        assert_eq!(check(waits, "desk/mod.rs", "pub trait T { async fn f(); }").len(), 1);
        assert_eq!(check(waits, "desk/gate.rs", "fn f() { let a = async || 1; select! { b.await } }").len(), 2);
        assert_eq!(check(waits, "desk/task.rs", text), [""; 0]);
        assert_eq!(check(waits, "desk/task/run.rs", text), [""; 0]);
        assert_eq!(check(waits, "store/sql.rs", text), [""; 0]);
        assert_eq!(check(waits, "desk/gate.rs", "#[cfg(test)] mod tests { async fn f() {} }"), [""; 0]);
    }

    #[test]
    fn only_a_task_is_heard() {
        let noises = |sources: &[Source], deciding: &[&str]| noises(sources, deciding, &["config"]);
        let bites = [
            ("use tracing::info;", "`tracing` logs"),
            ("fn f() { tracing::info!(\"x\") }", "`tracing` logs"),
            ("use std::{time::{Duration, Instant}};", "`std::time::Instant` reads a clock"),
            ("fn f() { std::time::SystemTime::now(); }", "`std::time::SystemTime` reads a clock"),
            ("fn f(m: &std::sync::Mutex<u8>) {}", "`std::sync::Mutex` locks"),
            ("use rand::Rng as _;", "`rand` rolls dice"),
            ("use tokio::sync::mpsc;", "`tokio` waits"),
            ("use std::fs;", "`std::fs` touches files"),
            ("use crate::observe::now;", "`observe` logs, counts or reads a clock"),
        ];
        for (text, objection) in bites {
            let expected = format!("desk/gate.rs:1: {objection}, and a decision never does");
            assert_eq!(check(noises, "desk/gate.rs", text), [expected]);
            assert_eq!(check(noises, "desk/task.rs", text), [""; 0]);
        }
        assert_eq!(check(noises, "config/read.rs", "use std::fs;"), [""; 0]);
        assert_eq!(check(noises, "config/read.rs", "use std::time::Instant;").len(), 1);
        assert_eq!(
            check(noises, "desk/gate.rs", "use std::{sync::Arc, time::Duration}; use crate::model::Millis;"),
            [""; 0]
        );
    }

    #[test]
    fn nothing_is_left_to_chance() {
        let check = |text: &str, expected: &[usize]| {
            let lines: Vec<usize> =
                left_to_chance(&[Source::parse("bot/task/run.rs", text)]).iter().map(|found| found.line).collect();
            assert_eq!(lines, expected, "{text}");
        };
        check("async fn f() { tokio::select! { biased; a = b => {} } }", &[]);
        check("async fn f() {\n    tokio::select! { a = b => {} }\n}", &[2]);
        check("async fn f() { select! { biased; a = b => {\n select! { c = d => {} } } } }", &[2]);
        check("fn select() { not_select! { a } }", &[]);
    }

    #[test]
    fn only_the_nursery_starts_work() {
        let bites = [
            "fn f() { tokio::spawn(g()); }",
            "use tokio::task; fn f() { task::spawn_blocking(g); }",
            "fn f(set: &mut JoinSet<()>) { set.spawn(g()); }",
            "fn f() { std::thread::Builder::new().spawn(g); }",
            "fn f() { select! { _ = tokio::spawn(g()) => {} } }",
        ];
        for text in bites {
            let found = spawns(&[Source::parse("http/mod.rs", text)], "nursery.rs");
            assert!(!found.is_empty(), "{text}");
            assert!(found.iter().all(|violation| violation.what == "only `nursery.rs` starts tasks and threads"));
            assert_eq!(spawns(&[Source::parse("nursery.rs", text)], "nursery.rs"), []);
        }
        let process = "fn f() { Command::new(\"python3\").spawn(); }";
        assert_eq!(spawns(&[Source::parse("homeserver/run.rs", process)], "nursery.rs"), []);
    }
}
