//! Who may name whom: strictly lower floors, and only what the other folder's front door shows.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, UseTree, Visibility};

use super::{
    facts::facts,
    source::{Source, Violation},
};

/// A floor: its number and the folders on it.
pub(crate) type Floor = (u8, &'static [&'static str]);

/// Folders that stand on no floor, and floors that list a folder that isn't there.
pub(crate) fn unplaced(sources: &[Source], floors: &[Floor]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut present = BTreeSet::new();
    for source in sources {
        if let Some(folder) = source.folder()
            && present.insert(folder)
            && floor_of(floors, folder).is_none()
        {
            violations.push(source.violation(1, format!("`{folder}` stands on no floor")));
        }
    }
    for folder in floors.iter().flat_map(|(_, folders)| *folders).filter(|folder| !present.contains(*folder)) {
        let what = "a floor lists this folder, but there is none".to_owned();
        violations.push(Violation { path: (*folder).to_owned(), line: 0, what });
    }
    violations
}

/// Paths that lead upward, to a neighbour, or past another folder's front door.
pub(crate) fn upward(sources: &[Source], floors: &[Floor]) -> Vec<Violation> {
    let shown = shown_names(sources);
    let mut violations = Vec::new();
    for source in sources {
        let Some(own) = source.folder() else { continue };
        for mention in facts(source).paths.iter().filter(|mention| mention.ours) {
            let other = mention.segments.first().map_or("*", String::as_str);
            if other == own {
                continue;
            }
            let name = mention.segments.get(1).map(String::as_str);
            if let Some(what) = objection(floors, &shown, own, other, name) {
                violations.push(source.violation(mention.mark.line, what));
            }
        }
    }
    violations
}

fn objection(
    floors: &[Floor],
    shown: &BTreeMap<&str, BTreeSet<String>>,
    own: &str,
    other: &str,
    name: Option<&str>,
) -> Option<String> {
    let Some(theirs) = floor_of(floors, other) else {
        return Some(format!("`crate::{other}` is no folder: name things by the folder they live in"));
    };
    let ours = floor_of(floors, own)?;
    if theirs >= ours {
        return Some(format!("`{own}` (floor {ours}) may not know `{other}` (floor {theirs})"));
    }
    match name {
        Some("*") => Some(format!("name what is used of `{other}` instead of `*`")),
        Some(name) if !shown.get(other).is_some_and(|names| names.contains(name)) => {
            Some(format!("`{other}` does not show `{name}` in its mod.rs"))
        }
        Some(_) | None => None,
    }
}

fn floor_of(floors: &[Floor], folder: &str) -> Option<u8> {
    floors.iter().find(|(_, folders)| folders.contains(&folder)).map(|(number, _)| *number)
}

/// What each folder shows to the others: the public items and re-exports of its `mod.rs`.
fn shown_names(sources: &[Source]) -> BTreeMap<&str, BTreeSet<String>> {
    let mut shown = BTreeMap::new();
    for source in sources.iter().filter(|source| source.module().len() == 1) {
        let Some(folder) = source.folder() else { continue };
        let names: &mut BTreeSet<String> = shown.entry(folder).or_default();
        for item in &source.file.items {
            match item {
                Item::Use(item) if is_pub(&item.vis) => leaves(&item.tree, names),
                Item::Const(item) if is_pub(&item.vis) => drop(names.insert(item.ident.to_string())),
                Item::Enum(item) if is_pub(&item.vis) => drop(names.insert(item.ident.to_string())),
                Item::Fn(item) if is_pub(&item.vis) => drop(names.insert(item.sig.ident.to_string())),
                Item::Struct(item) if is_pub(&item.vis) => drop(names.insert(item.ident.to_string())),
                Item::Trait(item) if is_pub(&item.vis) => drop(names.insert(item.ident.to_string())),
                Item::Type(item) if is_pub(&item.vis) => drop(names.insert(item.ident.to_string())),
                _ => {}
            }
        }
    }
    shown
}

fn is_pub(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn leaves(tree: &UseTree, names: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, names),
        UseTree::Name(name) => drop(names.insert(name.ident.to_string())),
        UseTree::Rename(rename) => drop(names.insert(rename.rename.to_string())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
        UseTree::Glob(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOORS: &[Floor] = &[(2, &["desk", "bot"]), (1, &["store"]), (0, &["model"])];

    /// The violations of `text` standing at `path` in a small house.
    fn check(path: &str, text: &str) -> Vec<String> {
        let mut sources = vec![
            Source::parse("model/mod.rs", "mod ids; pub use ids::Room;"),
            Source::parse("store/mod.rs", "mod sql; pub fn open() {} struct Hidden;"),
            Source::parse("bot/mod.rs", ""),
        ];
        sources.push(Source::parse(path, text));
        upward(&sources, FLOORS).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_stands_below_may_be_named() {
        let text = "use crate::{model::Room, store}; use super::super::store::open; use self::gate; use super::seen;";
        assert_eq!(check("desk/task/run.rs", text), [""; 0]);
    }

    #[test]
    fn a_higher_floor_and_a_neighbour_are_out_of_sight() {
        assert_eq!(
            check("store/sql.rs", "use crate::{\n    desk::Gate\n};"),
            ["store/sql.rs:2: `store` (floor 1) may not know `desk` (floor 2)"]
        );
        assert_eq!(
            check("desk/gate.rs", "fn f() { super::super::bot::say() }"),
            ["desk/gate.rs:1: `desk` (floor 2) may not know `bot` (floor 2)"]
        );
        assert_eq!(
            check("desk/gate.rs", "fn f() { vec![crate::bot::say()]; }"),
            ["desk/gate.rs:1: `desk` (floor 2) may not know `bot` (floor 2)"]
        );
        assert_eq!(
            check("desk/gate.rs", "#[cfg(test)] mod tests { use crate::bot; }"),
            ["desk/gate.rs:1: `desk` (floor 2) may not know `bot` (floor 2)"]
        );
    }

    #[test]
    fn only_the_front_door_is_open() {
        assert_eq!(
            check("desk/gate.rs", "use crate::store::sql::Row;"),
            ["desk/gate.rs:1: `store` does not show `sql` in its mod.rs"]
        );
        assert_eq!(
            check("desk/gate.rs", "use crate::store::Hidden;"),
            ["desk/gate.rs:1: `store` does not show `Hidden` in its mod.rs"]
        );
        assert_eq!(
            check("desk/gate.rs", "use crate::store::*;"),
            ["desk/gate.rs:1: name what is used of `store` instead of `*`"]
        );
        assert_eq!(
            check("desk/gate.rs", "use crate::*;"),
            ["desk/gate.rs:1: `crate::*` is no folder: name things by the folder they live in"]
        );
    }

    #[test]
    fn every_folder_has_its_floor_and_every_floor_its_folders() {
        let sources =
            [Source::parse("model/mod.rs", ""), Source::parse("attic/mod.rs", ""), Source::parse("lib.rs", "")];
        let found: Vec<String> =
            unplaced(&sources, &[(1, &["cellar"]), (0, &["model"])]).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["attic/mod.rs:1: `attic` stands on no floor", "cellar:0: a floor lists this folder, but there is none"]
        );
    }
}
