//! What a file looks like from outside: its first line, its visibilities, and how a folder is entered.

use syn::{
    Item, Visibility,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{
    facts::is_for_tests,
    source::{Source, Violation},
};

/// Files that don't begin with a sentence on what they are.
pub(crate) fn first_lines(sources: &[Source]) -> Vec<Violation> {
    let silent = |source: &&Source| !source.text.lines().next().is_some_and(|line| line.starts_with("//! "));
    sources
        .iter()
        .filter(silent)
        .map(|source| source.violation(1, "the first line says what the file is: `//! …`"))
        .collect()
}

/// `mod.rs` files that hold more than docs, modules and re-exports; in `doors` also the trait, its types and `open`.
pub(crate) fn front_doors(sources: &[Source], doors: &[&str]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.is_mod_rs()) {
        let is_door = source.module().len() == 1 && source.folder().is_some_and(|folder| doors.contains(&folder));
        for item in &source.file.items {
            let belongs = match item {
                Item::Mod(item) => item.content.is_none(),
                Item::Use(_) => true,
                Item::Const(_) | Item::Enum(_) | Item::Impl(_) | Item::Struct(_) | Item::Trait(_) | Item::Type(_) => {
                    is_door
                }
                Item::Fn(item) => is_door && item.sig.ident.to_string().starts_with("open"),
                _ => false,
            };
            if !belongs {
                violations
                    .push(source.violation(item.span().start().line, "a mod.rs holds docs, modules and re-exports"));
            }
        }
    }
    violations
}

/// Submodules that can be seen from outside, re-exports outside a `mod.rs`, and a third visibility.
pub(crate) fn visibilities(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| source.path != "lib.rs") {
        for item in &source.file.items {
            match item {
                Item::Mod(item) if !matches!(item.vis, Visibility::Inherited) => {
                    violations.push(source.violation(item.mod_token.span.start().line, "submodules are private"));
                }
                Item::Use(item) if !source.is_mod_rs() && !matches!(item.vis, Visibility::Inherited) => {
                    let what = "only a mod.rs (and lib.rs) re-exports";
                    violations.push(source.violation(item.use_token.span.start().line, what));
                }
                _ => {}
            }
        }
        let mut third = ThirdVisibility { source, violations: &mut violations };
        third.visit_file(&source.file);
    }
    violations
}

/// Files beside a folder of their name, and `tests.rs` files that reach the program.
pub(crate) fn entrances(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in sources {
        let inside = format!("{}/", source.path.trim_end_matches(".rs"));
        if sources.iter().any(|other| other.path.starts_with(&inside)) {
            violations
                .push(source.violation(1, format!("a folder is entered by its mod.rs: move this to `{inside}mod.rs`")));
        }
        for item in &source.file.items {
            if let Item::Mod(item) = item
                && item.ident == "tests"
                && !item.attrs.iter().any(is_for_tests)
            {
                violations.push(source.violation(item.ident.span().start().line, "`mod tests` wants `#[cfg(test)]`"));
            }
        }
    }
    violations
}

struct ThirdVisibility<'a> {
    source: &'a Source,
    violations: &'a mut Vec<Violation>,
}

impl<'ast> Visit<'ast> for ThirdVisibility<'_> {
    fn visit_vis_restricted(&mut self, visibility: &'ast syn::VisRestricted) {
        if !visibility.path.is_ident("super") {
            let line = visibility.pub_token.span.start().line;
            let what = "there are two visibilities: `pub` leaves the folder, `pub(super)` is shared inside";
            self.violations.push(self.source.violation(line, what));
        }
        visit::visit_vis_restricted(self, visibility);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: impl Fn(&[Source]) -> Vec<Violation>, path: &str, text: &str) -> Vec<String> {
        rule(&[Source::parse(path, text)]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_begins_with_what_it_is() {
        assert_eq!(check(first_lines, "desk/gate.rs", "//! Who answers.\n\nuse a::b;"), [""; 0]);
        for text in ["use a::b;", "", "// Who answers.", "\n//! Who answers."] {
            let expected = "desk/gate.rs:1: the first line says what the file is: `//! …`";
            assert_eq!(check(first_lines, "desk/gate.rs", text), [expected]);
        }
    }

    #[test]
    fn a_front_door_holds_nothing_else() {
        let check = |path: &str, text: &str| check(|sources| front_doors(sources, &["store"]), path, text);
        assert_eq!(check("desk/mod.rs", "mod gate; pub use gate::Gate; #[cfg(test)] mod tests;"), [""; 0]);
        assert_eq!(check("store/mod.rs", "mod sql; pub trait Store {} pub enum E {} pub fn open() {}"), [""; 0]);
        assert_eq!(check("desk/gate.rs", "pub fn decide() {}"), [""; 0]);
        let objection = "a mod.rs holds docs, modules and re-exports";
        assert_eq!(check("desk/mod.rs", "mod gate;\npub fn decide() {}"), [format!("desk/mod.rs:2: {objection}")]);
        assert_eq!(check("desk/mod.rs", "pub struct Desk;"), [format!("desk/mod.rs:1: {objection}")]);
        assert_eq!(check("desk/mod.rs", "mod tests { fn t() {} }"), [format!("desk/mod.rs:1: {objection}")]);
        assert_eq!(check("store/mod.rs", "fn helper() {}"), [format!("store/mod.rs:1: {objection}")]);
        assert_eq!(check("store/sql/mod.rs", "struct Row;"), [format!("store/sql/mod.rs:1: {objection}")]);
    }

    #[test]
    fn rooms_are_private_and_visibilities_two() {
        assert_eq!(check(visibilities, "desk/mod.rs", "mod gate; pub use gate::Gate;"), [""; 0]);
        assert_eq!(check(visibilities, "desk/gate.rs", "pub(super) fn f() {} struct A(pub(super) u8);"), [""; 0]);
        assert_eq!(check(visibilities, "lib.rs", "pub mod desk;"), [""; 0]);
        assert_eq!(check(visibilities, "desk/mod.rs", "pub mod gate;"), ["desk/mod.rs:1: submodules are private"]);
        assert_eq!(
            check(visibilities, "desk/mod.rs", "pub(super) mod gate;"),
            ["desk/mod.rs:1: submodules are private"]
        );
        assert_eq!(
            check(visibilities, "desk/gate.rs", "\npub use seen::Seen;"),
            ["desk/gate.rs:2: only a mod.rs (and lib.rs) re-exports"]
        );
        let third =
            "desk/gate.rs:1: there are two visibilities: `pub` leaves the folder, `pub(super)` is shared inside";
        assert_eq!(check(visibilities, "desk/gate.rs", "pub(crate) fn f() {}"), [third]);
        assert_eq!(check(visibilities, "desk/gate.rs", "struct A { pub(in crate::desk) b: u8 }"), [third]);
    }

    #[test]
    fn a_folder_has_one_entrance() {
        let beside = [Source::parse("desk/task.rs", ""), Source::parse("desk/task/run.rs", "")];
        let found: Vec<String> = entrances(&beside).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["desk/task.rs:1: a folder is entered by its mod.rs: move this to `desk/task/mod.rs`"]);
        assert_eq!(check(entrances, "desk/gate.rs", "#[cfg(test)] mod tests;"), [""; 0]);
        assert_eq!(
            check(entrances, "desk/gate.rs", "mod tests;"),
            ["desk/gate.rs:1: `mod tests` wants `#[cfg(test)]`"]
        );
    }
}
