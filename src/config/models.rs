//! The models: who serves them, where, and with which key.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::model::Secret;

use super::{
    Model, Provider,
    compile::Compiler,
    fault::{Fault, VALUE},
    key_path::KeyPath,
    raw,
    script::SCRIPTED,
    values::Bounds,
};

/// How long a model may send nothing. Some think for long before their first word, without a sign.
pub(super) const MODEL_IDLE: Bounds =
    Bounds { default: Duration::from_mins(1), allowed: Duration::from_secs(1)..=Duration::from_hours(1) };

/// The models, and which of them can't be used yet.
pub(super) struct Models {
    /// Those that can be used.
    pub(super) usable: BTreeMap<String, Model>,
    /// Those whose provider isn't supported: who names one has no model for now.
    pub(super) left_out: BTreeSet<String>,
}

/// A provider under the name that is typed.
struct Known {
    name: &'static str,
    provider: Provider,
    /// The environment variables that usually hold its key; the first that is set counts.
    key_variables: &'static [&'static str],
    /// The environment variable that may hold its address.
    address_variable: Option<&'static str>,
    /// Its address, where it speaks another one's protocol.
    base_url: Option<&'static str>,
    /// Whether its usual models can look at pictures.
    sees: bool,
}

impl Known {
    const fn new(name: &'static str, provider: Provider, key_variables: &'static [&'static str]) -> Self {
        Self { name, provider, key_variables, address_variable: None, base_url: None, sees: true }
    }

    /// One that speaks OpenAI's protocol at its own address.
    const fn compatible(name: &'static str, key_variables: &'static [&'static str], base_url: &'static str) -> Self {
        Self {
            name,
            provider: Provider::OpenAi,
            key_variables,
            address_variable: None,
            base_url: Some(base_url),
            sees: false,
        }
    }
}

/// Google's own programs take either, MindRoom the first.
const GOOGLE_KEYS: &[&str] = &["GOOGLE_API_KEY", "GEMINI_API_KEY"];

const KNOWN: &[Known] = &[
    Known {
        name: "openai",
        provider: Provider::OpenAi,
        key_variables: &["OPENAI_API_KEY"],
        address_variable: Some("OPENAI_BASE_URL"),
        base_url: None,
        sees: true,
    },
    Known::new("anthropic", Provider::Anthropic, &["ANTHROPIC_API_KEY"]),
    Known::new("gemini", Provider::Gemini, GOOGLE_KEYS),
    Known::new("google", Provider::Gemini, GOOGLE_KEYS),
    Known {
        name: "ollama",
        provider: Provider::Ollama,
        key_variables: &[],
        address_variable: Some("OLLAMA_HOST"),
        base_url: None,
        sees: false,
    },
    Known::compatible("openrouter", &["OPENROUTER_API_KEY"], "https://openrouter.ai/api/v1"),
    Known::compatible("groq", &["GROQ_API_KEY"], "https://api.groq.com/openai/v1"),
    Known::compatible("deepseek", &["DEEPSEEK_API_KEY"], "https://api.deepseek.com"),
    Known::compatible("cerebras", &["CEREBRAS_API_KEY"], "https://api.cerebras.ai/v1"),
    Known::compatible("zai", &["ZAI_API_KEY"], "https://api.z.ai/api/paas/v4"),
    Known {
        name: "llama_cpp",
        provider: Provider::OpenAi,
        key_variables: &[],
        address_variable: None,
        base_url: Some("http://127.0.0.1:8080/v1"),
        sees: false,
    },
];

/// MindRoom's providers that we don't have.
const UNSUPPORTED: &[&str] =
    &["azure", "bedrock_claude", "codex", "openai_codex", "kimi", "kimi_code", "synthetic", "vertexai_claude"];

impl Compiler<'_> {
    pub(super) fn models(&mut self) -> Models {
        let mut models = Models { usable: BTreeMap::new(), left_out: BTreeSet::new() };
        let idle_path = KeyPath::of(&["defaults", "model_idle_timeout"]);
        let idle_timeout = self.duration(self.raw.defaults.model_idle_timeout.as_deref(), &idle_path, &MODEL_IDLE);
        for (name, raw) in self.raw.models.iter() {
            let path = KeyPath::of(&["models", name]);
            if raw.provider.as_deref().is_some_and(|provider| UNSUPPORTED.contains(&provider)) {
                let fault = Fault::value(
                    &path.key("provider"),
                    format!("the provider {VALUE} is not supported, at least not yet"),
                );
                self.note(fault.hint("who uses this model has none for now").warning());
                models.left_out.insert(name.to_owned());
            } else if raw.provider.as_deref() == Some(SCRIPTED) {
                models.usable.insert(name.to_owned(), self.scripted(raw, &path));
            } else if let Some(model) = self.model(raw, &path, idle_timeout) {
                models.usable.insert(name.to_owned(), model);
            }
        }
        self.fallbacks(&mut models);
        models
    }

    /// Who stands by for whom: after all models are known.
    fn fallbacks(&mut self, models: &mut Models) {
        for (name, raw) in self.raw.models.iter() {
            let Some(fallback) = raw.fallback.as_deref() else { continue };
            let path = KeyPath::of(&["models", name, "fallback"]);
            if fallback == name {
                let fault = Fault::value(&path, "a model can't stand by for itself");
                self.note(fault.hint("name another model, or remove the line"));
            } else if let Some(fallback) = self.known_model(fallback, &path, models)
                && let Some(model) = models.usable.get_mut(name)
            {
                model.fallback = Some(fallback);
            }
        }
    }

    fn model(&mut self, raw: &raw::Model, path: &KeyPath, idle_timeout: Duration) -> Option<Model> {
        self.not_scripted(raw, path);
        let id = match raw.id.as_deref().map(str::trim) {
            Some(id) if !id.is_empty() => Some(id.to_owned()),
            Some(_) | None => {
                let fault = Fault::missing(&path.key("id"), "`id` is missing: the model's name at its provider");
                self.note(fault.hint("add `id: …`, such as the name in the provider's list of models"));
                None
            }
        };
        let known = self.provider(raw.provider.as_deref(), &path.key("provider"));
        let typed = raw.base_url.as_deref().and_then(|url| self.address(url, &self.base_url_path(path)));
        if raw.context_tokens == Some(0) {
            self.note(
                Fault::value(&self.context_path(path), "a model takes in more than nothing").hint("remove the line"),
            );
        }
        let idle = Bounds { default: idle_timeout, ..MODEL_IDLE };
        let idle_timeout = self.duration(raw.idle_timeout.as_deref(), &path.key("idle_timeout"), &idle);
        let api_key = self.secret(raw.api_key.as_ref(), &path.key("api_key"));
        let (known, id) = (known?, id?);
        let vault = self.given.vault;
        let from_environment = || known.key_variables.iter().find_map(|name| vault.get_or_file(name)).map(Secret::new);
        let address = match (typed, known.address_variable) {
            (Some(address), _) => Some(address),
            (None, Some(variable)) => self.address_from(variable, &path.key("base_url")),
            (None, None) => None,
        };
        Some(Model {
            provider: known.provider.clone(),
            id,
            api_key: api_key.or_else(from_environment),
            base_url: address.or_else(|| known.base_url.map(ToOwned::to_owned)),
            context_tokens: raw.context_tokens,
            idle_timeout,
            sees: raw.vision.unwrap_or(known.sees),
            // Filled in once all models are known.
            fallback: None,
        })
    }

    fn provider(&mut self, name: Option<&str>, path: &KeyPath) -> Option<&'static Known> {
        let names = || KNOWN.iter().map(|known| known.name).chain([SCRIPTED]);
        let Some(name) = name else {
            let fault = Fault::missing(path, "`provider` is missing: who serves this model");
            self.note(fault.hint(format!("add `provider: …`, one of {}", names().collect::<Vec<_>>().join(", "))));
            return None;
        };
        let known = KNOWN.iter().find(|known| known.name == name);
        if known.is_none() {
            let fault = Fault::value(path, format!("the provider {VALUE} is not known"));
            let all = format!("one of {}", names().collect::<Vec<_>>().join(", "));
            self.note(fault.hint(all).maybe_hint(self.did_you_mean(name, names())));
        }
        known
    }

    /// The name under which the address was typed.
    fn base_url_path(&self, path: &KeyPath) -> KeyPath {
        self.typed_as(path, "base_url", "host")
    }

    fn context_path(&self, path: &KeyPath) -> KeyPath {
        self.typed_as(path, "context_tokens", "context_window")
    }

    /// Which of a key's two names was typed.
    pub(super) fn typed_as(&self, path: &KeyPath, name: &str, other: &str) -> KeyPath {
        let named = path.key(name);
        if self.given.tree.at(&named).is_some() { named } else { path.key(other) }
    }

    /// A model by the name that somebody gave, else the default one.
    pub(super) fn model_name(&mut self, name: Option<&str>, path: &KeyPath, models: &Models) -> Option<String> {
        match name {
            Some(name) => self.known_model(name, path, models),
            None => self.default_model(models),
        }
    }

    /// A model by name, unless it is unknown, which is noted, or can't be used yet.
    pub(super) fn known_model(&mut self, name: &str, path: &KeyPath, models: &Models) -> Option<String> {
        if !self.names.models.iter().any(|known| known == name) {
            let near = self.did_you_mean(name, self.names.models.iter().map(String::as_str));
            let fault = Fault::value(path, format!("there is no model {VALUE}"));
            self.note(fault.hint(format!("add it under `models`{}", self.models_there_are())).maybe_hint(near));
            return None;
        }
        (!models.left_out.contains(name)).then(|| name.to_owned())
    }

    fn models_there_are(&self) -> String {
        let names: Vec<&str> = self.names.models.iter().map(String::as_str).take(5).collect();
        if names.is_empty() { String::new() } else { format!("; there are {}", names.join(", ")) }
    }

    /// Says so when agents have no model to think with.
    pub(super) fn warn_of_missing_model(&mut self) {
        let is_given = self.raw.defaults.model.is_some() || self.names.models.iter().any(|name| name == "default");
        let without = self.raw.agents.iter().filter(|(_, agent)| agent.model.is_none()).count();
        if is_given || without == 0 {
            return;
        }
        let whose = if without == 1 { "one agent names".to_owned() } else { format!("{without} agents name") };
        let message = format!("there is no model called `default`, and {whose} none: nobody can answer without one");
        let fault = Fault::missing(&KeyPath::of(&["models"]), message).warning();
        self.note(fault.hint(
            "add one, such as `models: {default: {provider: anthropic, id: …}}`, or name one in `defaults.model`",
        ));
    }

    fn default_model(&mut self, models: &Models) -> Option<String> {
        let path = KeyPath::of(&["defaults", "model"]);
        match self.raw.defaults.model.as_deref() {
            // An unknown name is noted once: equal faults are shown once.
            Some(name) => self.known_model(name, &path, models),
            None => models.usable.contains_key("default").then(|| "default".to_owned()),
        }
    }
}
