//! What a file mentions: every path, every wait and every call that starts a task, also inside macros.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Attribute, Expr, ExprAsync, ExprAwait, ExprCall, ExprMethodCall, Item, ItemMod, ItemUse, Macro, Meta, MetaList,
    Signature, Token, UseTree,
    punctuated::Punctuated,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::source::Source;

/// Everything the rules want to know about one file.
#[derive(Default)]
pub(crate) struct Facts {
    /// Paths of two segments or more, and everything that is imported.
    pub(crate) paths: Vec<Mention>,
    /// Places that wait: `async` and `.await`.
    pub(crate) waits: Vec<Mark>,
    /// Calls that start a task or a thread.
    pub(crate) spawns: Vec<Mark>,
}

/// A path that is named somewhere.
pub(crate) struct Mention {
    /// From the crate's root down where it is a path into this crate, as written otherwise.
    pub(crate) segments: Vec<String>,
    /// Whether it leads into this crate.
    pub(crate) ours: bool,
    /// Where.
    pub(crate) mark: Mark,
}

/// A place in a file.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    /// The line.
    pub(crate) line: usize,
    /// Whether it is compiled for tests only.
    pub(crate) in_test: bool,
}

/// Reads `source`.
pub(crate) fn facts(source: &Source) -> Facts {
    let mut reader = Reader { module: source.module(), in_test: source.is_test(), facts: Facts::default() };
    reader.visit_file(&source.file);
    reader.facts
}

struct Reader {
    module: Vec<String>,
    in_test: bool,
    facts: Facts,
}

impl Reader {
    fn mark(&self, span: Span) -> Mark {
        Mark { line: span.start().line, in_test: self.in_test }
    }

    fn mention(&mut self, written: &[String], span: Span) {
        let mark = self.mark(span);
        let (segments, ours) = match resolve(&self.module, written) {
            Some(absolute) => (absolute, true),
            None => (written.to_vec(), false),
        };
        self.facts.paths.push(Mention { segments, ours, mark });
    }

    fn import(&mut self, prefix: &mut Vec<String>, tree: &UseTree) {
        let depth = prefix.len();
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.import(prefix, &path.tree);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(prefix, tree)),
            UseTree::Glob(_) => self.imported(prefix, "*", tree.span()),
            UseTree::Name(name) => self.imported(prefix, &name.ident.to_string(), tree.span()),
            UseTree::Rename(rename) => self.imported(prefix, &rename.ident.to_string(), tree.span()),
        }
        prefix.truncate(depth);
    }

    fn imported(&mut self, prefix: &mut Vec<String>, name: &str, span: Span) {
        // `a::{self}` imports `a`.
        if name != "self" || prefix.is_empty() {
            prefix.push(name.to_owned());
        }
        self.mention(prefix, span);
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut start = Span::call_site();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end_of_path(&mut path, start);
                        start = ident.span();
                    }
                    colons = 0;
                    if ident == "async" || ident == "await" {
                        self.facts.waits.push(self.mark(ident.span()));
                    }
                    path.push(ident.to_string());
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end_of_path(&mut path, start);
                    colons = 0;
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.end_of_path(&mut path, start);
                    colons = 0;
                }
            }
        }
        self.end_of_path(&mut path, start);
    }

    fn end_of_path(&mut self, path: &mut Vec<String>, start: Span) {
        if path.len() > 1 {
            self.mention(path, start);
            if path.last().is_some_and(|last| starts_work(last)) {
                self.facts.spawns.push(self.mark(start));
            }
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let outer = self.in_test;
        self.in_test |= attributes(item).iter().any(is_for_tests);
        visit::visit_item(self, item);
        self.in_test = outer;
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&mut Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let written: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.mention(&written, path.segments[0].ident.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        visit::visit_macro(self, mac);
        self.tokens(mac.tokens.clone());
    }

    fn visit_meta_list(&mut self, list: &'ast MetaList) {
        visit::visit_meta_list(self, list);
        self.tokens(list.tokens.clone());
    }

    fn visit_signature(&mut self, signature: &'ast Signature) {
        if let Some(keyword) = signature.asyncness {
            self.facts.waits.push(self.mark(keyword.span));
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, expr: &'ast ExprAsync) {
        self.facts.waits.push(self.mark(expr.async_token.span));
        visit::visit_expr_async(self, expr);
    }

    fn visit_expr_closure(&mut self, expr: &'ast syn::ExprClosure) {
        if let Some(keyword) = expr.asyncness {
            self.facts.waits.push(self.mark(keyword.span));
        }
        visit::visit_expr_closure(self, expr);
    }

    fn visit_expr_await(&mut self, expr: &'ast ExprAwait) {
        self.facts.waits.push(self.mark(expr.await_token.span));
        visit::visit_expr_await(self, expr);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(function) = &*call.func
            && let Some(last) = function.path.segments.last()
            && starts_work(&last.ident.to_string())
        {
            self.facts.spawns.push(self.mark(last.ident.span()));
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        // Without an argument it is a child process that starts, which is no task.
        if !call.args.is_empty() && starts_work(&call.method.to_string()) {
            self.facts.spawns.push(self.mark(call.method.span()));
        }
        visit::visit_expr_method_call(self, call);
    }
}

fn starts_work(name: &str) -> bool {
    ["spawn", "spawn_local", "spawn_blocking", "spawn_on", "spawn_scoped", "spawn_unchecked"].contains(&name)
}

/// Where `written` leads from inside `module`, when it leads into this crate.
fn resolve(module: &[String], written: &[String]) -> Option<Vec<String>> {
    let (mut base, mut rest) = match written.first()?.as_str() {
        "crate" => (Vec::new(), &written[1..]),
        "self" | "super" => (module.to_vec(), written),
        _ => return None,
    };
    while let Some(first) = rest.first() {
        match first.as_str() {
            "self" => {}
            "super" => drop(base.pop()),
            _ => break,
        }
        rest = &rest[1..];
    }
    base.extend_from_slice(rest);
    Some(base)
}

/// Whether `attribute` keeps its item out of the program: `#[test]`, `#[tokio::test]`, `#[cfg(test)]`.
pub(crate) fn is_for_tests(attribute: &Attribute) -> bool {
    let path = attribute.path();
    if path.segments.last().is_some_and(|last| last.ident == "test") {
        return true;
    }
    path.is_ident("cfg") && attribute.parse_args::<Meta>().is_ok_and(|condition| wants_test(&condition))
}

/// Whether `condition` can only hold in a test build: `test`, or `all(…)` with such a part.
fn wants_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|parts| parts.iter().any(wants_test)),
        Meta::List(_) | Meta::NameValue(_) => false,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(path: &str, text: &str) -> Vec<String> {
        facts(&Source::parse(path, text)).paths.iter().map(|mention| mention.segments.join("::")).collect()
    }

    #[test]
    fn imports_are_taken_apart_and_made_absolute() {
        let text = "use crate::{model::{Room, self as m}, store::*}; use super::super::http::Face; use super::seen;";
        let expected = ["model::Room", "model", "store::*", "http::Face", "desk::seen"];
        assert_eq!(paths("desk/gate.rs", text), expected);
        assert_eq!(paths("desk/mod.rs", "use super::model::X; use self::gate::Y;"), ["model::X", "desk::gate::Y"]);
    }

    #[test]
    fn paths_are_found_in_bodies_macros_and_attributes() {
        let text = "fn f() { let a = crate::store::open(1); vec![crate::http::X, tokio::time::sleep(y)]; }";
        assert_eq!(paths("desk/gate.rs", text), ["store::open", "http::X", "tokio::time::sleep"]);
        assert_eq!(paths("desk/gate.rs", "#[derive(Debug, thiserror::Error)] struct A;"), ["thiserror::Error"]);
        assert_eq!(paths("desk/gate.rs", "mod a { fn f() -> super::super::B { x } }"), ["desk::B"]);
    }

    #[test]
    fn what_is_for_tests_only_is_known_by_its_condition() {
        let check = |condition: &str, expected: bool| {
            let item: Item = syn::parse_str(&format!("#[{condition}] fn f() {{}}")).expect("an item");
            assert_eq!(attributes(&item).iter().any(is_for_tests), expected, "{condition}");
        };
        check("test", true);
        check("tokio::test(start_paused = true)", true);
        check("cfg(test)", true);
        check("cfg(all(test, unix))", true);
        check("cfg(any(test, unix))", false);
        check("cfg(not(test))", false);
        check("cfg(feature = \"test\")", false);
    }

    #[test]
    fn waits_are_found_and_told_from_tests() {
        let text =
            "async fn a() { b.await }\n#[cfg(test)] mod t { async fn c() {} }\nfn d() { m!(e.await); async {}; }";
        let marks: Vec<(usize, bool)> =
            facts(&Source::parse("desk/gate.rs", text)).waits.iter().map(|mark| (mark.line, mark.in_test)).collect();
        assert_eq!(marks, [(1, false), (1, false), (2, true), (3, false), (3, false)]);
    }
}
