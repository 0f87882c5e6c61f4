//! One value is changed, and nothing else.

use proptest::prelude::*;

use super::{
    change::{Stuck, set, way_out},
    tree::{is_same, put, read},
    value::{fragment, value_of},
};
use crate::config::{
    key_path::KeyPath,
    node::{Node, Value},
};

fn path(typed: &str) -> KeyPath {
    KeyPath::parse(typed).unwrap()
}

#[track_caller]
fn check(text: &str, at: &str, fragment: &str, expected: &str) {
    assert_eq!(set(text, &path(at), fragment).as_deref(), Ok(expected), "{at} of {text}");
}

/// X10: a value that is there is replaced where it stands, in whatever form it stands there.
#[test]
fn values_are_replaced_in_place() {
    check("a: 1\n", "a", "2", "a: 2\n");
    check("a: 1  # why\nb: 2\n", "a", "[x, y]", "a: [x, y]  # why\nb: 2\n");
    check(
        "# top\na:\n  # c\n  b: 'x'   # d\n\n  c: y\n",
        "a.b",
        "\"z\"",
        "# top\na:\n  # c\n  b: \"z\"   # d\n\n  c: y\n",
    );
    check("a: {b: x, c: y}\n", "a.b", "z", "a: {b: z, c: y}\n");
    check("a: {b: x, c: y}\n", "a.c", "z, w", "a: {b: x, c: \"z, w\"}\n");
    check("a: |\n  one\n  two\nb: 2\n", "a", "x", "a: x\nb: 2\n");
    check("a: >-\n  one\n\n  two\n", "a", "x", "a: x\n");
    check("a: one\n  two\nb: 2\n", "a", "x", "a: x\nb: 2\n");
    check("a:\n  one\nb: 2\n", "a", "x", "a: x\nb: 2\n");
    check("a: # why\n  - x\n  - y # z\nb: 2\n", "a", "[w]", "a: [w] # why # z\nb: 2\n");
    check("a:\n- x\n- y\nb: 2\n", "a", "[w]", "a: [w]\nb: 2\n");
    check("a: [\n  x, # one\n  y,\n]\nb: 2\n", "a", "[w]", "a: [w]\nb: 2\n");
    check("a: {}\n", "a", "{b: 1}", "a: {b: 1}\n");
    check("a:\nb: 2\n", "a", "1", "a: 1\nb: 2\n");
    check("a: ~\n", "a", "1", "a: 1\n");
    check("a:   # none yet\nb: 2\n", "a", "1", "a: 1   # none yet\nb: 2\n");
    check("\"a b\": 1\n", "\"a b\"", "2", "\"a b\": 2\n");
    check("a: 1\r\nb: 2\r\n", "a", "3", "a: 3\r\nb: 2\r\n");
    check("a: ä\nb: ö", "b", "ü", "a: ä\nb: ü");
}

/// X10: an element of a list is replaced alone, or added at its end.
#[test]
fn elements_of_lists_are_replaced_and_added() {
    check("a: [x, y]\n", "a[1]", "z", "a: [x, z]\n");
    check("a:\n  - x # one\n  - y\n", "a[0]", "z", "a:\n  - z # one\n  - y\n");
    check("a:\n  - x # one\n  - y # two\nb: 1\n", "a[2]", "z", "a:\n  - x # one\n  - y # two\n  - z\nb: 1\n");
    check("a:\n- x\nb: 1\n", "a[1]", "z", "a:\n- x\n- z\nb: 1\n");
    check("a: [x]\n", "a[1]", "z", "a: [x, z]\n");
    check("a: [x,]\n", "a[1]", "z", "a: [x, z,]\n");
    check("a: []\n", "a[0]", "z", "a: [z]\n");
    check("a:\n", "a[0]", "z", "a: [z]\n");
    check("a:\n  - when: x\n    say: y\n", "a[0].say", "z", "a:\n  - when: x\n    say: z\n");
    check("a:\n  - when: x\nb: 1\n", "a[0].say", "z", "a:\n  - when: x\n    say: z\nb: 1\n");
}

/// X10: what isn't there comes to the end of its section, as far in as the others.
#[test]
fn new_keys_come_where_they_belong() {
    check("a:\n    b: 1 # x\n\n# end\nc: 2\n", "a.d", "3", "a:\n    b: 1 # x\n    d: 3\n\n# end\nc: 2\n");
    check("a:\n  b:\n    c: 1\nd: 2", "e", "3", "a:\n  b:\n    c: 1\nd: 2\ne: 3");
    check("a:\n  b:\n    c: 1\nd: 2\n", "a.e", "3", "a:\n  b:\n    c: 1\n  e: 3\nd: 2\n");
    check("a: {b: 1}\n", "a.c", "2", "a: {b: 1, c: 2}\n");
    check("a: {b: 1}\n", "a.c.d", "2", "a: {b: 1, c: {d: 2}}\n");
    check("a: {}\n", "a.b", "2", "a: {b: 2}\n");
    check("a:\nc: 1\n", "a.b", "2", "a:\n  b: 2\nc: 1\n");
    check("a: # none\nc: 1\n", "a.b.d", "2", "a: # none\n  b:\n    d: 2\nc: 1\n");
    check("a: null\n", "a.b", "2", "a: {b: 2}\n");
    check("a: 1\n", "b.c", "2", "a: 1\nb:\n  c: 2\n");
    check("a: 1\n", "b[0]", "2", "a: 1\nb: [2]\n");
    check("a: 1\n", "\"#x:y\"", "2", "a: 1\n\"#x:y\": 2\n");
    check("a: 1\r\n", "b", "2", "a: 1\r\nb: 2\r\n");
    check("a:\n  b: |\n    text\n\nc: 1\n", "a.d", "2", "a:\n  b: |\n    text\n  d: 2\n\nc: 1\n");
    check("", "a.b", "2", "a:\n  b: 2\n");
    check("# nothing yet\n", "a", "2", "# nothing yet\na: 2\n");
    let base = "base: &base {x: 1}\na:\n  <<: *base\n  y: 2\n";
    check(base, "a.x", "3", "base: &base {x: 1}\na:\n  <<: *base\n  y: 2\n  x: 3\n");
}

/// X10: what can't be changed without changing more is left alone, and it is said why.
#[test]
fn what_is_entangled_is_left_alone() {
    let check = |text: &str, at: &str, fragment: &str, expected: Stuck| {
        assert_eq!(set(text, &path(at), fragment), Err(expected), "{at} of {text}");
    };
    check("a: 1\nb: [\n", "a", "2", Stuck::Broken);
    check("a: 1\na: 2\n", "a", "2", Stuck::Broken);
    check("a: 1\n", "a", "[", Stuck::NoValue);
    check("a: 1\n", "a.b", "2", Stuck::NoPlace);
    check("a: [1]\n", "a.b", "2", Stuck::NoPlace);
    check("a:\n  b: 1\n", "a", "2", Stuck::Section);
    check("a: [1]\n", "a[2]", "2", Stuck::BeyondEnd);
    check("a: 1\n", "b[1]", "2", Stuck::BeyondEnd);
    check("a: !include b.yaml\n", "a.b", "2", Stuck::Included);
    check("a: !include b.yaml\n", "a", "2", Stuck::Included);
    check("a: &x 1\nb: *x\n", "b", "2", Stuck::Entangled);
    check("a: &x 1\nb: *x\n", "a", "2", Stuck::Entangled);
    check("a: &x {c: 1}\nb: *x\n", "b.c", "2", Stuck::Entangled);
}

/// X10: what a person types stands for itself, with quotes where it needs them.
#[test]
fn what_is_typed_becomes_a_value() {
    let check = |typed: &str, expected: &str| {
        assert_eq!(fragment(typed).as_deref(), Ok(expected), "{typed}");
    };
    check("Sings and dances.", "Sings and dances.");
    check(" true ", "true");
    check("12", "12");
    check("null", "null");
    check("Sings: loudly", "\"Sings: loudly\"");
    check("a # b", "\"a # b\"");
    check("@ada:home", "\"@ada:home\"");
    check("#room", "\"#room\"");
    check("!include /etc/passwd", "\"!include /etc/passwd\"");
    check("*x", "\"*x\"");
    check("&x y", "\"&x y\"");
    check("- x", "\"- x\"");
    check("? x", "\"? x\"");
    check("|", "\"|\"");
    check("one\ntwo \"three\"", "\"one\\ntwo \\\"three\\\"\"");
    check("", "\"\"");
    check("${NAME}", "${NAME}");
    check("\"quoted: text\"", "\"quoted: text\"");
    check("'it''s'", "'it''s'");
    check("[a, b]", "[a, b]");
    check("[a,\n  b]", "[a, b]");
    check("{a: 1, b: [x]}", "{a: 1, b: [x]}");
    for typed in ["[a", "\"a", "{a: 1", "[a] b", "\"a\" b", "[!include /etc/passwd]", "[*a]", "\"a\n\nb\"", "'' # b"] {
        assert_eq!(fragment(typed), Err(Stuck::NoValue), "{typed}");
    }
}

/// X10: the way into other files is known.
#[test]
fn includes_lead_elsewhere() {
    let steps = |text: &str, at: &str| way_out(text, &path(at)).map(|out| out.map(|(_, steps)| steps));
    assert_eq!(steps("a: !include b.yaml\n", "a.b.c"), Ok(Some(1)));
    assert_eq!(steps("a:\n  b: !include_text b.md\n", "a.b"), Ok(Some(2)));
    assert_eq!(steps("!include b.yaml\n", "a"), Ok(Some(0)));
    assert_eq!(steps("a: {b: 1}\n", "a.c.d"), Ok(None));
}

/// A value in one of the forms in which people type it, on one line.
fn some_fragment() -> impl Strategy<Value = &'static str> {
    let quoted = ["\"in: quotes\"", "'it''s'"];
    let bare = ["1", "true", "null", "plain words", "ä ö", "[x, y]", "[]", "{k: v}", "{}"];
    prop::sample::select([quoted.as_slice(), bare.as_slice()].concat())
}

/// A comment or nothing, to stand behind something.
fn some_comment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", " # why", "   # [a: b] - \"c\"", "  "])
}

/// A file of sections, lists and values in all forms, and the paths of what is in it.
fn some_file() -> impl Strategy<Value = (String, Vec<String>)> {
    let piece = (0..7_u8, some_fragment(), some_fragment(), some_comment(), some_comment());
    (prop::collection::vec(piece, 1..6), any::<bool>()).prop_map(|(pieces, ends)| {
        let (mut text, mut paths) = (String::from("# The top.\n"), Vec::new());
        for (number, (form, one, other, beside, behind)) in pieces.into_iter().enumerate() {
            let key = format!("k{number}");
            let (lines, below): (String, &[&str]) = match form {
                0 => (format!("{key}: {one}{beside}\n"), &[""]),
                1 => (
                    format!("{key}:{beside}\n  a: {one}{behind}\n\n  # between\n  b: {other}\n"),
                    &[".a", ".b", ".new"],
                ),
                2 => (format!("{key}:{beside}\n  - {one}{behind}\n  - {other}\n"), &["[0]", "[1]", "[2]"]),
                3 => (format!("{key}:\n- {one}{behind}\n- {other}\n"), &["[0]", "[1]", "[2]"]),
                4 => (format!("{key}: {{a: {one}, b: {other}}}{behind}\n"), &[".a", ".b", ".new", ".new.deep", ""]),
                5 => (format!("{key}: |\n  a text\n\n  # of lines\n"), &[""]),
                _ => (
                    format!("{key}:{beside}\n  a:\n    b:{behind}\n  c: {one}\n"),
                    &[".a.b", ".a.new", ".a.b.c.d", ".d"],
                ),
            };
            text.push_str(&lines);
            paths.extend(below.iter().map(|below| format!("{key}{below}")));
        }
        paths.push("new".to_owned());
        if !ends {
            text.truncate(text.trim_end().len());
        }
        (text, paths)
    })
}

proptest! {
    /// X10: what was set is there, everything else is as it was, no comment is lost, and setting it back gives the text back.
    #[test]
    fn setting_changes_one_value((text, paths) in some_file(), pick in any::<prop::sample::Index>(), value in some_fragment()) {
        let at = path(&paths[pick.index(paths.len())]);
        let before = read(&text).unwrap();
        let edited = match set(&text, &at, value) {
            Ok(edited) => edited,
            Err(stuck) => {
                prop_assert!(matches!(stuck, Stuck::NoPlace | Stuck::Section), "{at} := {value}: {stuck:?} in\n{text}");
                return Ok(());
            }
        };
        let after = read(&edited).unwrap().unwrap();
        let there = after.at(&at).map(|(node, _)| node.clone());
        prop_assert!(there.is_some_and(|node| is_same(&node, &value_of(value, &at).unwrap())));
        let mut wanted = before.clone().unwrap();
        put(&mut wanted, &at.0, value_of(value, &at).unwrap());
        prop_assert!(is_same(&after, &wanted));
        let in_value = |line: &str| line.trim() == "# of lines";
        for line in text.lines().filter(|line| line.trim_start().starts_with('#') && !in_value(line)) {
            prop_assert!(edited.lines().any(|other| other == line), "{line} of\n{text}\nis not in\n{edited}");
        }
        // What stood there on one line can be put back.
        let old = before.as_ref().and_then(|tree| tree.at(&at)).map(|(node, _)| node);
        if let Some(Node { value: Value::Scalar(_), span }) = old {
            let typed = &text[span.start..span.end];
            if !typed.is_empty() && !typed.contains('\n') {
                prop_assert_eq!(set(&edited, &at, typed).unwrap(), text);
            }
        }
    }

    /// X10: whatever is typed is a value or refused, and a value stays on its line.
    #[test]
    fn whatever_is_typed_is_harmless(typed in "[a-z\"'\\[\\]{}:,#&*!|>%@`$ \\\\\n-]{0,24}") {
        if let Ok(fragment) = fragment(&typed) {
            prop_assert!(!fragment.contains('\n'));
            let text = "a:\n  b: 1 # x\nc: {d: 1, e: 2}\n";
            for at in ["a.b", "a.new", "c.d"] {
                let edited = set(text, &path(at), &fragment);
                prop_assert!(edited.is_ok(), "{at} := {fragment}: {edited:?}");
            }
        }
    }
}
