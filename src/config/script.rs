//! A model whose answers stand in the file.

use std::num::NonZeroU32;

use super::{
    Model, Provider, Script, ScriptRule, compile::Compiler, fault::Fault, key_path::KeyPath, models::MODEL_IDLE, raw,
};

/// The name of the provider, as it is typed.
pub(super) const SCRIPTED: &str = "scripted";
/// What is said where no rule fits and nothing else is given.
const SAY: &str = "My script has no answer to that.";
/// As fast as people read.
const WORDS_PER_SECOND: u32 = 20;
const WORDS_PER_SECOND_MAX: u32 = 10_000;

impl Compiler<'_> {
    pub(super) fn scripted(&mut self, raw: &raw::Model, path: &KeyPath) -> Model {
        let typed = [
            ("id", raw.id.is_some()),
            ("api_key", raw.api_key.is_some()),
            ("base_url", raw.base_url.is_some()),
            ("vision", raw.vision.is_some()),
            ("idle_timeout", raw.idle_timeout.is_some()),
            ("fallback", raw.fallback.is_some()),
        ];
        for (key, _) in typed.into_iter().filter(|(_, is_typed)| *is_typed) {
            let key = if key == "base_url" { self.typed_as(path, "base_url", "host") } else { path.key(key) };
            self.note(Fault::key(&key, "a scripted model doesn't have this: nobody is asked").hint("remove the line"));
        }
        if raw.rules.is_none() && raw.say.is_none() {
            let fault = Fault::missing(&path.key("say"), "a scripted model needs something to say");
            self.note(fault.hint("add `say: …`, or `rules:` with a list of `when: …` and `say: …`"));
        }
        let rules = raw.rules.iter().flatten().enumerate();
        let rules = rules.filter_map(|(index, rule)| self.script_rule(rule, &path.key("rules").index(index))).collect();
        let path_of_speed = path.key("words_per_second");
        let speed = self.number(raw.words_per_second, &path_of_speed, WORDS_PER_SECOND, 1..=WORDS_PER_SECOND_MAX);
        let words_per_second = NonZeroU32::new(speed).unwrap_or(NonZeroU32::MIN);
        let say = raw.say.as_deref().map(|say| self.words(Some(say), &path.key("say")).unwrap_or_default());
        let say = say.unwrap_or_else(|| SAY.to_owned());
        Model {
            provider: Provider::Scripted(Script { rules, say, words_per_second }),
            id: SCRIPTED.to_owned(),
            api_key: None,
            base_url: None,
            context_tokens: raw.context_tokens,
            idle_timeout: MODEL_IDLE.default,
            sees: false,
            fallback: None,
        }
    }

    /// Notes keys that only a scripted model has.
    pub(super) fn not_scripted(&mut self, raw: &raw::Model, path: &KeyPath) {
        let typed = [
            ("rules", raw.rules.is_some()),
            ("say", raw.say.is_some()),
            ("words_per_second", raw.words_per_second.is_some()),
        ];
        for (key, _) in typed.into_iter().filter(|(_, is_typed)| *is_typed) {
            let fault = Fault::key(&path.key(key), "only a scripted model has this");
            self.note(fault.hint("remove it, or write `provider: scripted`"));
        }
    }

    fn script_rule(&mut self, raw: &raw::ScriptRule, path: &KeyPath) -> Option<ScriptRule> {
        let when = self.words(raw.when.as_deref(), &path.key("when"));
        let say = self.words(raw.say.as_deref(), &path.key("say"));
        Some(ScriptRule { when: when?, say: say? })
    }

    /// A text that must be there and hold something.
    fn words(&mut self, text: Option<&str>, path: &KeyPath) -> Option<String> {
        let fault = match text.map(str::trim) {
            Some("") => Fault::value(path, "this must not be empty"),
            Some(text) => return Some(text.to_owned()),
            None => Fault::missing(path, "a rule has `when` and `say`"),
        };
        self.note(fault.hint("write a word or more, as in `{when: hello, say: \"Hello, {name}!\"}`"));
        None
    }
}
