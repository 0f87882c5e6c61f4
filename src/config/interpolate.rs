//! `${NAME}`, `${NAME:-default}` and `${file:/path}` in values are filled in from the vault; `$${` stands for `${`.

use std::sync::Arc;

use super::{
    budget::{Budget, TooMuch},
    fault::{Fault, note},
    key_path::{KeyPath, Step},
    nearest::nearest,
    node::{Node, Scalar, Value},
    read::Unreadable,
    vault::{Vault, is_name},
};

/// Fills in every variable in the tree. A value whose variable is missing is noted and taken out.
pub(super) fn interpolate(root: &mut Node, vault: &Vault, budget: &mut Budget, faults: &mut Vec<Fault>) {
    let mut filler = Filler { vault, budget, faults, path: KeyPath::default() };
    filler.node(root);
}

struct Filler<'a> {
    vault: &'a Vault,
    budget: &'a mut Budget,
    faults: &'a mut Vec<Fault>,
    path: KeyPath,
}

impl Filler<'_> {
    fn node(&mut self, node: &mut Node) {
        let span = node.span;
        match &mut node.value {
            Value::Scalar(scalar) => {
                if let Err(wrong) = self.scalar(scalar) {
                    note(self.faults, Fault::at(span, &self.path, wrong.message).hint(wrong.hint));
                    node.value = Value::Gone;
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.path.0.push(Step::Index(index));
                    self.node(item);
                    self.path.0.pop();
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    self.path.0.push(Step::Key(entry.key.to_string()));
                    self.node(&mut entry.node);
                    self.path.0.pop();
                }
            }
            Value::Include(_) | Value::Gone => {}
        }
    }

    fn scalar(&mut self, scalar: &mut Scalar) -> Result<(), Wrong> {
        if !scalar.text.contains("${") {
            return Ok(());
        }
        let text: Arc<str> = expand(&scalar.text, self.vault)?.into();
        self.budget.expansion(text.len()).map_err(|TooMuch(limit)| Wrong {
            message: format!("this is too much: {limit}"),
            hint: "use fewer or shorter variables".to_owned(),
        })?;
        scalar.typed = Some(std::mem::replace(&mut scalar.text, text));
        Ok(())
    }
}

/// Why a variable can't be filled in.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    message: String,
    hint: String,
}

fn expand(text: &str, vault: &Vault) -> Result<String, Wrong> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        expanded.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            return Err(Wrong {
                message: "`${` is not closed".to_owned(),
                hint: "write `${NAME}`, or `$${` for the characters themselves".to_owned(),
            });
        };
        expanded.push_str(&look_up(inside, vault)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn look_up(inside: &str, vault: &Vault) -> Result<String, Wrong> {
    if let Some(path) = inside.strip_prefix("file:") {
        return vault.file(path).map_err(|error| Wrong {
            message: format!("the file of `${{file:{path}}}`: {error}"),
            hint: match error {
                Unreadable::Missing => "check the path; it is relative to the configuration".to_owned(),
                other => other.hint().to_owned(),
            },
        });
    }
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_name(name) {
        return Err(Wrong {
            // Not echoed: this may be a password with `${` in it.
            message: "what stands in `${…}` is not a variable".to_owned(),
            hint: "write `${NAME}`, `${NAME:-default}` or `${file:/path}`; `$${` stands for `${`".to_owned(),
        });
    }
    match (vault.get(name), default) {
        (Some(value), _) => Ok(value.to_owned()),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => {
            let near =
                nearest(name, vault.names()).map(|near| format!("did you mean `{near}`? Or ")).unwrap_or_default();
            Err(Wrong {
                message: format!("the environment variable `{name}` is not set"),
                hint: format!("{near}set it, or put `{name}=…` into `.env` beside the configuration"),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;

    #[test]
    fn variables_are_filled_in() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "s3cret\r\n").unwrap();
        let env = BTreeMap::from([("A".to_owned(), "x".to_owned()), ("EMPTY".to_owned(), String::new())]);
        let vault = Vault::new(env, folder.path());
        let check = |text: &str, expected: &str| assert_eq!(expand(text, &vault), Ok(expected.to_owned()), "{text}");
        check("${A}", "x");
        check("a${A}b${A}c", "axbxc");
        check("${B:-other}", "other");
        check("${EMPTY:-other}", "other");
        check("${B:-}", "");
        check("${A:-other}", "x");
        check("$${A}", "${A}");
        check("$A costs $5", "$A costs $5");
        check("<${file:secret}>", "<s3cret>");
        check("$${", "${");
    }

    #[test]
    fn what_cannot_be_filled_in_is_said() {
        let vault = Vault::new(BTreeMap::from([("HOME_URL".to_owned(), "x".to_owned())]), Path::new("/nonexistent"));
        let check = |text: &str, part: &str, hint: &str| {
            let wrong = expand(text, &vault).unwrap_err();
            assert!(wrong.message.contains(part) && wrong.hint.contains(hint), "{text}: {wrong:?}");
        };
        check("${HOME_URI}", "`HOME_URI` is not set", "did you mean `HOME_URL`?");
        check("${NOTHING_LIKE_IT}", "not set", "`.env`");
        check("${A", "not closed", "$${");
        check("${}", "not a variable", "${NAME}");
        check("${1x}", "not a variable", "${NAME}");
        check("${file:x}", "no such file", "check the path; it is relative");
    }
}
