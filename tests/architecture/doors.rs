//! Which foreign crate may be named where: each belongs to its door, few belong to everybody.

use std::collections::BTreeSet;

use super::{
    facts::facts,
    source::{Source, Violation},
};

/// A foreign crate and the folders that may name it.
pub(crate) type Door = (&'static str, &'static [&'static str]);

/// The crates that the program depends on, as its manifest lists them, in the form that code uses.
pub(crate) fn dependencies(manifest: &str) -> BTreeSet<String> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().trim_end_matches(".workspace").replace('-', "_"))
        .filter(|name| !name.starts_with('#'))
        .collect()
}

/// Dependencies that no table knows, and entries of the tables that are no dependency.
pub(crate) fn unlisted(dependencies: &BTreeSet<String>, doors: &[Door], common: &[&str]) -> Vec<String> {
    let listed: Vec<&str> = doors.iter().map(|(name, _)| *name).chain(common.iter().copied()).collect();
    let unknown = dependencies.iter().filter(|name| !listed.contains(&name.as_str()));
    let gone = listed.iter().filter(|name| !dependencies.contains(**name));
    unknown
        .map(|name| format!("`{name}` belongs to no door: say which folder may know it"))
        .chain(gone.map(|name| format!("`{name}` has a door but is no dependency")))
        .collect()
}

/// Dependencies that no source names.
pub(crate) fn unused(sources: &[Source], dependencies: &BTreeSet<String>) -> Vec<String> {
    let mut unused: BTreeSet<&String> = dependencies.iter().collect();
    for source in sources {
        for mention in facts(source).paths.iter().filter(|mention| !mention.ours && !mention.mark.in_test) {
            mention.segments.first().map(|name| unused.remove(name));
        }
    }
    unused.into_iter().map(|name| format!("`{name}` is a dependency that nothing names")).collect()
}

/// Foreign crates that are named outside their door. What is compiled for tests only may name any.
pub(crate) fn outside(
    sources: &[Source],
    dependencies: &BTreeSet<String>,
    doors: &[Door],
    common: &[&str],
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources {
        let folder = source.folder().unwrap_or("the crate's root");
        for mention in facts(source).paths.iter().filter(|mention| !mention.ours && !mention.mark.in_test) {
            let Some(name) = mention.segments.first().filter(|name| dependencies.contains(*name)) else { continue };
            let allowed = doors.iter().any(|(door, folders)| door == name && folders.contains(&folder));
            if !allowed && !common.contains(&name.as_str()) {
                violations.push(source.violation(mention.mark.line, format!("`{folder}` may not know `{name}`")));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"x\"\n[dependencies]\n# Why.\nserde = \"1\"\nmatrix-sdk = { version = \
                            \"=0.18.0\" }\n\n[dev-dependencies]\nsyn = \"2\"\n";
    const DOORS: &[Door] = &[("matrix_sdk", &["matrix"])];

    fn check(path: &str, text: &str) -> Vec<String> {
        let sources = [Source::parse(path, text)];
        outside(&sources, &dependencies(MANIFEST), DOORS, &["serde"]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_crate_may_be_named_in_its_door_only() {
        let text = "use matrix_sdk::Client; use serde::Serialize;";
        assert_eq!(check("matrix/session.rs", text), [""; 0]);
        assert_eq!(check("desk/gate.rs", text), ["desk/gate.rs:1: `desk` may not know `matrix_sdk`"]);
        assert_eq!(check("main.rs", text), ["main.rs:1: `the crate's root` may not know `matrix_sdk`"]);
        assert_eq!(
            check("desk/gate.rs", "\nuse {matrix_sdk as sdk};"),
            ["desk/gate.rs:2: `desk` may not know `matrix_sdk`"]
        );
        assert_eq!(check("desk/gate.rs", "fn f(c: &matrix_sdk::Client) {}").len(), 1);
        assert_eq!(check("desk/gate.rs", "fn f() { vec![matrix_sdk::ruma::user_id!(\"@a:b\")]; }").len(), 1);
        assert_eq!(check("desk/gate.rs", "#[cfg(test)] mod tests { use matrix_sdk::Client; }"), [""; 0]);
    }

    #[test]
    fn the_tables_and_the_manifest_agree() {
        assert_eq!(unlisted(&dependencies(MANIFEST), DOORS, &["serde"]), [""; 0]);
        assert_eq!(
            unlisted(&dependencies(MANIFEST), &[("axum", &["http"])], &["serde"]),
            ["`matrix_sdk` belongs to no door: say which folder may know it", "`axum` has a door but is no dependency"]
        );
    }

    #[test]
    fn a_dependency_that_nothing_names_is_found() {
        let unused = |text: &str| unused(&[Source::parse("matrix/session.rs", text)], &dependencies(MANIFEST));
        assert_eq!(unused("use matrix_sdk::Client; use serde::Serialize;"), [""; 0]);
        assert_eq!(unused("use matrix_sdk::Client;"), ["`serde` is a dependency that nothing names"]);
        assert_eq!(unused("use serde::Serialize; #[cfg(test)] mod tests { use matrix_sdk::Client; }").len(), 1);
    }
}
