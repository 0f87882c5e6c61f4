//! What the documents promise, held against the program: every rule has its test, every example works.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use maitre::config::{Colour, compile_text, render};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below `folder` with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the project can be listed") {
        let path = entry.expect("a folder of the project can be listed").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The documents that people read.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths = vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("CONTRIBUTING.md")];
    paths.extend(files(&root().join("docs"), "md"));
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

mod rules {
    //! The ids of rules: where they are promised, and where a test names them.

    use std::collections::BTreeSet;

    /// The letters that rule ids begin with.
    const LETTERS: &str = "IAWERCSNHX";

    /// The rules that a document promises, by its headings: `### I1 · …`.
    pub(crate) fn promised(document: &str) -> BTreeSet<String> {
        let headings = document.lines().filter_map(|line| line.strip_prefix("### "));
        headings.filter_map(|heading| heading.split_once(" · ")).map(|(id, _)| id.to_owned()).collect()
    }

    /// The part of a source file that is compiled for tests only: by habit its end.
    pub(crate) fn test_part<'a>(path: &str, text: &'a str) -> &'a str {
        if path.ends_with("tests.rs") || path.contains("tests/") {
            return text;
        }
        ["#[cfg(test)]", "#[cfg(all(test"]
            .iter()
            .filter_map(|start| text.find(start))
            .min()
            .map_or("", |at| &text[at..])
    }

    /// The rules that comments of tests name.
    pub(crate) fn named(tests: &str) -> BTreeSet<String> {
        let comments = tests.lines().filter_map(|line| line.trim_start().strip_prefix("//"));
        let words = comments.flat_map(|comment| comment.split(|c: char| !c.is_alphanumeric()));
        words.filter(|word| is_id(word)).map(str::to_owned).collect()
    }

    fn is_id(word: &str) -> bool {
        let Some(rest) = word.strip_prefix(|letter| LETTERS.contains(letter)) else { return false };
        let digits = rest.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
        rest.len() - digits.len() <= 1
            && (1..=2).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    }

    #[test]
    fn ids_are_told_from_other_words() {
        let check = |comment: &str, expected: &[&str]| {
            let expected = expected.iter().map(|&id| id.to_owned()).collect();
            assert_eq!(named(comment), expected, "{comment}");
        };
        check("    /// I4, I9–I12: rooms (N1).", &["I4", "I9", "I12", "N1"]);
        check("// W3a holds.", &["W3a"]);
        check("//! E2E over HTTP2 in I128 and V8 by A.", &[]);
        check("let x = \"I4\"; // I5", &[]);
    }

    #[test]
    fn only_the_end_of_a_file_is_its_tests() {
        assert_eq!(test_part("a.rs", "/// I1\n#[cfg(test)]\nmod tests {}"), "#[cfg(test)]\nmod tests {}");
        assert_eq!(test_part("a.rs", "/// I1"), "");
        assert_eq!(test_part("a/tests.rs", "/// I1"), "/// I1");
    }

    #[test]
    fn promises_are_headings() {
        assert_eq!(promised("# A1 · no\n### A2 · yes\nA3 · no"), BTreeSet::from(["A2".to_owned()]));
    }
}

mod examples {
    //! What documents show: configurations and commands.

    /// The blocks of a Markdown text that are fenced as `language`, each with the line it begins on.
    pub(crate) fn blocks(document: &str, language: &str) -> Vec<(usize, String)> {
        let fence = format!("```{language}");
        let mut blocks = Vec::new();
        let mut open: Option<(usize, String)> = None;
        for (number, line) in document.lines().enumerate() {
            match &mut open {
                None if line == fence => open = Some((number + 1, String::new())),
                None => {}
                Some(_) if line == "```" => blocks.extend(open.take()),
                Some((_, text)) => {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        blocks
    }

    /// The names that a configuration takes from the environment: `${NAME}` without a default.
    pub(crate) fn variables(text: &str) -> Vec<String> {
        let after = text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
        after.filter(|name| !name.contains(':')).map(str::to_owned).collect()
    }

    /// The words after `maitre` wherever a document shows that command: in shell blocks and in `code`.
    pub(crate) fn commands(document: &str) -> Vec<Vec<String>> {
        let blocks = blocks(document, "sh");
        let lines = blocks.iter().flat_map(|(_, text)| text.lines());
        let spans = document.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        lines.chain(spans).filter_map(command).collect()
    }

    /// The files that a document links to.
    pub(crate) fn links(document: &str) -> Vec<&str> {
        let targets = document.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        targets.filter(|target| !target.contains("://") && !target.starts_with('#')).collect()
    }

    fn command(text: &str) -> Option<Vec<String>> {
        let text = text.split(" #").next()?.trim();
        let words = text.strip_prefix("maitre ").or_else(|| text.strip_prefix("cargo run -- "))?;
        Some(words.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn blocks_are_found_by_language() {
        let text = "a\n```yaml\nb: 1\nc: 2\n```\n```sh\nmaitre run\n```\n```yaml\nd: 3\n```\n";
        assert_eq!(blocks(text, "yaml"), [(2, "b: 1\nc: 2\n".to_owned()), (9, "d: 3\n".to_owned())]);
    }

    #[test]
    fn variables_without_a_default_must_be_given() {
        assert_eq!(variables("a: ${ONE}\nb: ${TWO:-2} ${THREE}\nc: ${file:/x}"), ["ONE", "THREE"]);
    }

    #[test]
    fn links_to_other_sites_are_not_followed() {
        assert_eq!(links("[a](b.md), [c](https://d.e) and [f](g.md#h), [i](#j)"), ["b.md", "g.md#h"]);
    }

    #[test]
    fn commands_are_found_in_blocks_and_in_sentences() {
        let text = "Say `maitre check FILE`, not `maitre`.\n```sh\ncargo run -- demo   # go\ncargo test\n```\n";
        assert_eq!(commands(text), [vec!["demo".to_owned()], vec!["check".to_owned(), "FILE".to_owned()]]);
    }
}

/// Every rule id that a test names, and the file that does.
fn named_rules() -> Vec<(String, PathBuf)> {
    let mut sources = files(&root().join("src"), "rs");
    sources.extend(files(&root().join("tests"), "rs"));
    let mut named = Vec::new();
    for path in sources {
        let below = path.strip_prefix(root()).expect("the file lies in the project").display().to_string();
        named.extend(rules::named(rules::test_part(&below, &read(&path))).into_iter().map(|id| (id, path.clone())));
    }
    named
}

#[test]
fn every_rule_is_held_by_a_test_and_every_named_rule_is_promised() {
    let promised = rules::promised(&read(&root().join("docs/behaviour.md")));
    let named = named_rules();
    let held: BTreeSet<&String> = named.iter().map(|(id, _)| id).collect();
    let unheld: Vec<&String> = promised.iter().filter(|id| !held.contains(id)).collect();
    assert!(unheld.is_empty(), "docs/behaviour.md promises what no test names: {unheld:?}");
    let unpromised: Vec<_> = named.iter().filter(|(id, _)| !promised.contains(id)).collect();
    assert!(unpromised.is_empty(), "tests name what docs/behaviour.md doesn't promise: {unpromised:?}");
}

/// Compiles a configuration that a document shows; it must give no warning either.
fn compiles(place: &str, text: &str) {
    let env: BTreeMap<String, String> =
        examples::variables(text).into_iter().map(|name| (name, "something-long-enough".to_owned())).collect();
    match compile_text(text, root(), &env) {
        Ok(loaded) => assert!(loaded.warnings.is_empty(), "{place}:\n{}", render(&loaded.warnings, Colour::Never)),
        Err(problems) => panic!("{place}:\n{}", render(&problems, Colour::Never)),
    }
}

#[test]
fn every_link_leads_to_a_file() {
    for (path, text) in documents() {
        let folder = path.parent().expect("a document lies in a folder");
        for target in examples::links(&text) {
            let file = target.split('#').next().expect("a split gives at least one part");
            assert!(folder.join(file).exists(), "{} links to {target}, which isn't there", path.display());
        }
    }
}

#[test]
fn every_configuration_shown_compiles() {
    let mut shown = 0;
    for (path, text) in documents() {
        for (line, block) in examples::blocks(&text, "yaml") {
            compiles(&format!("{}:{line}", path.display()), &block);
            shown += 1;
        }
    }
    assert!(shown > 0, "the README shows a configuration");
    compiles("docs/compose/config.yaml", &read(&root().join("docs/compose/config.yaml")));
}

#[test]
fn every_command_shown_is_in_the_help() {
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in documents() {
        for words in examples::commands(&text) {
            let Some((name, rest)) = words.split_first() else { continue };
            let place = format!("{}: `maitre {}`", path.display(), words.join(" "));
            let is_subcommand = !name.starts_with('-');
            let help = helps.entry(name.clone()).or_insert_with(|| help(is_subcommand.then_some(name), &place));
            let flags = rest.iter().chain((!is_subcommand).then_some(name)).filter(|word| word.starts_with("--"));
            for flag in flags {
                assert!(help.contains(flag.as_str()), "{place}: the help doesn't know {flag}:\n{help}");
            }
        }
    }
    assert!(helps.contains_key("demo"), "the README begins with the demo");
}

#[test]
fn every_exit_code_is_documented() {
    let readme = read(&root().join("README.md"));
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    let documented: BTreeSet<u8> = rows.filter_map(|(code, _)| code.parse().ok()).collect();
    let help = help(None, "exit codes");
    let (_, codes) = help.split_once("EXIT CODES").expect("the help has a section on exit codes");
    let helped: BTreeSet<u8> = codes.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    assert_eq!(documented, helped);
}

/// The help of a subcommand, or of the program itself.
fn help(subcommand: Option<&String>, place: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_maitre")).args(subcommand).arg("--help").output();
    let output = output.unwrap_or_else(|error| panic!("{place}: {error}"));
    assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the help is text")
}
