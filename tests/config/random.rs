//! Whatever is read, nothing panics, everything that is said has a place, and secrets stay secret.

use maitre::config::{Colour, render};
use proptest::prelude::*;

use super::compile;

const SECRET: &str = "tGy7qK-zebra-crossing";

/// What configurations are made of.
const PIECES: &[&str] = &[
    "homeserver",
    "accounts",
    "models",
    "agents",
    "teams",
    "router",
    "rooms",
    "authorization",
    "http",
    "url",
    "rooms",
    "model",
    "api_key",
    "password",
    "passwords",
    "bind",
    "global_users",
    "aliases",
    "display_name",
    "<<",
    ": ",
    ":",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "\"",
    "'",
    "&a ",
    "*a",
    "!include ",
    "!x ",
    "!!str ",
    "# ",
    "|\n",
    ">-\n",
    "? ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "@a:b",
    "!r:s",
    "#r:s",
    "~",
    "true",
    "5",
    "30s",
    "${SECRET}",
    "${SECRET:-x}",
    "${",
    "}",
    "$${",
    "${file:/dev/null}",
    "http://localhost",
    "é",
    "\u{feff}",
    "\t",
    "\r\n",
    "\u{0}",
    "x",
];

fn check(text: &str) -> Result<(), TestCaseError> {
    let problems = match compile(text, &[("SECRET", SECRET)]) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => {
            prop_assert!(!problems.is_empty(), "a refusal has a reason");
            problems
        }
    };
    for problem in &problems {
        prop_assert!(!problem.message.is_empty());
        prop_assert!(!problem.to_string().contains(SECRET), "{problem}");
        if let Some(spot) = &problem.spot {
            prop_assert!(spot.line >= 1 && spot.column >= 1 && spot.width >= 1, "{problem}");
            prop_assert!(spot.line <= text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count(), "{problem}");
        }
    }
    for colour in [Colour::Never, Colour::Always] {
        prop_assert!(!render(&problems, colour).contains(SECRET));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn anything_like_a_configuration_is_survived(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn a_damaged_example_is_survived(at in any::<prop::sample::Index>(), cut in 0_usize..80, piece in prop::sample::select(PIECES)) {
        let example = include_str!("../../config.yaml.example");
        let border = |wanted: usize| (wanted..=example.len()).find(|at| example.is_char_boundary(*at)).unwrap_or(example.len());
        let start = border(at.index(example.len()));
        let end = border((start + cut).min(example.len()));
        check(&format!("{}{piece}{}", &example[..start], &example[end..]))?;
    }
}
