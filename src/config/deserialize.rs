//! The tree as serde sees it; an error knows its path, so that it can be shown, pruned and the rest tried again.

use std::fmt;

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use super::{
    budget::FAULTS_KEPT_MAX,
    fault::{Fault, VALUE, show},
    key_path::{KeyPath, Step},
    nearest::nearest,
    node::{Entry, Node, Scalar, Value},
    sources::is_secret_key,
};

/// Reads `T` out of the tree. Each value that doesn't fit is noted and pruned, and the rest is tried again, so that
/// every error is found.
pub(super) fn read<T: for<'de> Deserialize<'de>>(root: &mut Node, faults: &mut Vec<Fault>) -> Option<T> {
    for _ in 0..FAULTS_KEPT_MAX {
        let misfit = match T::deserialize(De(root)) {
            Ok(value) => return Some(value),
            Err(misfit) => misfit,
        };
        let path = misfit.path();
        faults.push(misfit.into_fault(root, &path));
        root.prune(&path);
        if path.0.is_empty() {
            break;
        }
    }
    None
}

/// Why a value doesn't fit.
#[derive(Debug)]
struct Misfit {
    message: String,
    hint: Option<String>,
    /// Whether the key is meant, not its value.
    of_key: bool,
    /// Whether the value may be a secret under a misspelt key.
    masked: bool,
    /// Whether the key that was read last is meant, which is not yet among the steps.
    of_last_key: bool,
    /// The way here, innermost first.
    steps: Vec<Step>,
}

impl Misfit {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            of_key: false,
            masked: false,
            of_last_key: false,
            steps: Vec::new(),
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn under(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn path(&self) -> KeyPath {
        KeyPath(self.steps.iter().rev().cloned().collect())
    }

    fn into_fault(self, root: &Node, path: &KeyPath) -> Fault {
        let (node, key_span) = root.at(path).unwrap_or((root, None));
        let shown = show(node);
        let span = key_span.filter(|_| self.of_key).unwrap_or(node.span);
        let fault = Fault::at(span, path, self.message.replace(VALUE, &shown)).maybe_hint(self.hint);
        if self.masked { fault.masking(node.span) } else { fault }
    }
}

impl std::error::Error for Misfit {}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let near = nearest(field, expected.iter().copied());
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", expected.join(", ")),
        };
        let masked = near.is_some_and(is_secret_key);
        Self { of_key: true, masked, ..Self::new("this key is not known here").hint(hint) }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let near = nearest(variant, expected.iter().copied());
        let hint =
            near.map_or_else(|| format!("one of: {}", expected.join(", ")), |near| format!("did you mean `{near}`?"));
        Self::new(format!("{VALUE} is not known here")).hint(hint)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self {
            of_key: true,
            of_last_key: true,
            ..Self::new(format!("`{field}` is given twice, under two names")).hint("remove one")
        }
    }
}

/// One value.
#[derive(Clone, Copy)]
struct De<'t>(&'t Node);

impl<'t> De<'t> {
    fn scalar(self, wanted: &'static str, example: &'static str) -> Result<&'t Scalar, Misfit> {
        match &self.0.value {
            Value::Scalar(scalar) if !scalar.is_null() => Ok(scalar),
            Value::Scalar(_) => Err(Misfit::new(format!("this should be {wanted}, but nothing stands here"))
                .hint(format!("write {example}; text that begins with `#`, `@`, `!` or `*` must be quoted"))),
            Value::List(_) | Value::Map(_) | Value::Include(_) | Value::Gone => {
                Err(Misfit::new(format!("this should be {wanted}, but it is {}", self.0.sort()))
                    .hint(format!("write {example}")))
            }
        }
    }

    fn number<N: std::str::FromStr>(self) -> Result<N, Misfit> {
        let scalar = self.scalar("a whole number", "a number such as 8")?;
        scalar.text.trim().parse().map_err(|_| {
            Misfit::new(format!("{VALUE} is not a whole number, or out of range")).hint("write a number such as 8")
        })
    }
}

impl<'de> de::Deserializer<'de> for De<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            Value::Scalar(scalar) if scalar.is_null() => visitor.visit_unit(),
            Value::Scalar(scalar) => match scalar.as_bool() {
                Some(yes) => visitor.visit_bool(yes),
                None => visitor.visit_str(&scalar.text),
            },
            Value::List(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            Value::Map(entries) => visit_entries(entries, visitor),
            Value::Include(_) | Value::Gone => visitor.visit_unit(),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.scalar("true or false", "true or false")?.as_bool() {
            Some(yes) => visitor.visit_bool(yes),
            None => {
                Err(Misfit::new(format!("{VALUE} is neither true nor false"))
                    .hint("write true or false, without quotes"))
            }
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_u32(self.number()?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_u64(self.number()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_str(&self.scalar("text", "text")?.text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            Value::Scalar(scalar) if scalar.is_null() => visitor.visit_none(),
            Value::Gone => visitor.visit_none(),
            Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Include(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            Value::List(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            Value::Scalar(scalar) if scalar.is_null() => visitor.visit_seq(Items { items: [].iter().enumerate() }),
            Value::Scalar(_) | Value::Map(_) | Value::Include(_) | Value::Gone => {
                Err(Misfit::new(format!("this should be a list, but it is {}", self.0.sort()))
                    .hint("write `[one, two]`, or one `- item` on each line"))
            }
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0.value {
            Value::Map(entries) => visit_entries(entries, visitor),
            Value::Scalar(scalar) if scalar.is_null() => visit_entries(&[], visitor),
            Value::Scalar(_) | Value::List(_) | Value::Include(_) | Value::Gone => {
                Err(Misfit::new(format!("this should be a section, but it is {}", self.0.sort()))
                    .hint("write `key: value` lines, indented under the key"))
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let scalar = self.scalar("a word", variants.first().copied().unwrap_or("a word"))?;
        visitor.visit_enum(StrDeserializer::<Misfit>::new(&scalar.text))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
        ignored_any
    }
}

fn visit_entries<'de, V: Visitor<'de>>(entries: &[Entry], visitor: V) -> Result<V::Value, Misfit> {
    let mut entries = Entries { entries: entries.iter(), current: None };
    visitor.visit_map(&mut entries).map_err(|misfit| match entries.current {
        Some(entry) if misfit.of_last_key => {
            Misfit { of_last_key: false, ..misfit }.under(Step::Key(entry.key.to_string()))
        }
        _ => misfit,
    })
}

/// The elements of a list, without those that were taken out.
struct Items<'t> {
    items: std::iter::Enumerate<std::slice::Iter<'t, Node>>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        match self.items.by_ref().find(|(_, item)| !item.is_gone()) {
            None => Ok(None),
            Some((index, item)) => {
                seed.deserialize(De(item)).map(Some).map_err(|misfit| misfit.under(Step::Index(index)))
            }
        }
    }
}

/// The entries of a section, without those that were taken out.
struct Entries<'t> {
    entries: std::slice::Iter<'t, Entry>,
    current: Option<&'t Entry>,
}

impl<'de> MapAccess<'de> for &mut Entries<'_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        self.current = self.entries.by_ref().find(|entry| !entry.node.is_gone());
        let Some(entry) = self.current else { return Ok(None) };
        let key: StrDeserializer<'_, Misfit> = (&*entry.key).into_deserializer();
        seed.deserialize(key).map(Some).map_err(|misfit| misfit.under(Step::Key(entry.key.to_string())))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let entry = self.current.take().expect("serde asks for a value only after its key");
        seed.deserialize(De(&entry.node)).map_err(|misfit| misfit.under(Step::Key(entry.key.to_string())))
    }
}
