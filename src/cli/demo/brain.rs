//! Who thinks for the demo's agents: a hosted model whose key is at hand, a local Ollama, or a script.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde_json::Value;

use super::harmless::harmless_line;
use crate::model::Secret;

/// Where an Ollama listens, if there is one.
const OLLAMA: &str = "http://localhost:11434";
/// How long an Ollama may take to say that it is there.
const OLLAMA_WITHIN: Duration = Duration::from_millis(500);
/// How much of a model's name is shown, in characters.
const NAME_CHARS_MAX: usize = 80;

/// A service that hosts models.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// Its name in the configuration.
    provider: &'static str,
    /// Its name for people.
    name: &'static str,
    /// The environment variable with a key to it.
    key: &'static str,
    /// The environment variable with its address, where it isn't the usual one.
    address: &'static str,
    /// The model that is asked unless the person names one.
    model: &'static str,
}

/// The services, in the order in which they are chosen.
pub(super) const SERVICES: [Service; 3] = [
    Service { provider: "openai", name: "OpenAI", key: "OPENAI_API_KEY", address: "OPENAI_BASE_URL", model: "gpt-5.6" },
    Service {
        provider: "anthropic",
        name: "Anthropic",
        key: "ANTHROPIC_API_KEY",
        address: "ANTHROPIC_BASE_URL",
        model: "claude-sonnet-5-5",
    },
    Service {
        provider: "gemini",
        name: "Gemini",
        key: "GEMINI_API_KEY",
        address: "GEMINI_BASE_URL",
        model: "gemini-3.5-flash",
    },
];

/// Who thinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Brain {
    /// A hosted model.
    Hosted {
        /// Where.
        service: &'static Service,
        /// Proves who pays.
        key: Secret,
        /// Which one.
        model: String,
        /// The address, where it isn't the usual one.
        base_url: Option<String>,
    },
    /// A model of the local Ollama.
    Ollama {
        /// Which one.
        model: String,
    },
    /// Nobody: the answers are written already.
    Script(Why),
}

/// Why there is only a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The person wants it so.
    Wanted,
    /// No model is at hand.
    NothingElse,
}

impl Brain {
    /// Looks for one: a key in the environment, else an Ollama on this machine, else there is the script.
    pub(super) async fn find(wanted: Option<&str>) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the demo has no configuration file that could name the variables"
        )]
        let given = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        match hosted(given, wanted) {
            Some(brain) => brain,
            None => local(models_of_ollama().await.as_ref(), wanted).unwrap_or(Self::Script(Why::NothingElse)),
        }
    }

    /// The section of the configuration with the models.
    pub(super) fn models(&self) -> &'static str {
        match self {
            Self::Hosted { base_url: None, .. } => {
                "models: {default: {provider: \"${PROVIDER}\", id: \"${MODEL}\", api_key: \"${KEY}\"}}"
            }
            Self::Hosted { base_url: Some(_), .. } => {
                "models: {default: {provider: \"${PROVIDER}\", id: \"${MODEL}\", api_key: \"${KEY}\", base_url: \"${URL}\"}}"
            }
            Self::Ollama { .. } => "models: {default: {provider: ollama, id: \"${MODEL}\", base_url: \"${URL}\"}}",
            Self::Script(_) => include_str!("script.yaml"),
        }
    }

    /// What stands for what in the configuration.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let variables: Vec<(&str, &str)> = match self {
            Self::Hosted { service, key, model, base_url } => vec![
                ("PROVIDER", service.provider),
                ("MODEL", model),
                ("KEY", key.reveal()),
                ("URL", base_url.as_deref().unwrap_or_default()),
            ],
            Self::Ollama { model } => vec![("MODEL", model), ("URL", OLLAMA)],
            Self::Script(_) => ["researcher", "writer", "coder", "paper"]
                .into_iter()
                .zip(["RESEARCHER", "WRITER", "CODER", "PAPER"])
                .map(|(model, variable)| (variable, model))
                .collect(),
        };
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl fmt::Display for Brain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |model: &str| harmless_line(model, NAME_CHARS_MAX);
        match self {
            Self::Hosted { service, model, .. } => {
                write!(f, "The agents think with {} of {}: {} is set.", shown(model), service.name, service.key)
            }
            Self::Ollama { model } => {
                write!(f, "The agents think with {} of the Ollama on this machine.", shown(model))
            }
            Self::Script(Why::Wanted) => f.write_str("The agents speak from a script, as you wish."),
            Self::Script(Why::NothingElse) => f.write_str(
                "The agents speak from a script: no model is at hand. To have them think, set a key\n\
                 (OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY), or start an Ollama.",
            ),
        }
    }
}

/// The first service whose key is given.
fn hosted(given: impl Fn(&str) -> Option<String>, wanted: Option<&str>) -> Option<Brain> {
    let service = SERVICES.iter().find(|service| given(service.key).is_some())?;
    Some(Brain::Hosted {
        service,
        key: Secret::new(given(service.key)?.trim()),
        model: wanted.unwrap_or(service.model).to_owned(),
        base_url: given(service.address),
    })
}

/// The model that was wanted, else the one that was used last, of what an Ollama says it has.
fn local(models: Option<&Value>, wanted: Option<&str>) -> Option<Brain> {
    let names = || {
        models
            .into_iter()
            .filter_map(|all| all["models"].as_array())
            .flatten()
            .filter_map(|model| model["name"].as_str())
    };
    let first = names().next()?;
    let found = wanted.map_or(first, |wanted| names().find(|name| name.starts_with(wanted)).unwrap_or(wanted));
    Some(Brain::Ollama { model: found.to_owned() })
}

/// What the Ollama on this machine has. Nothing, if there is none.
async fn models_of_ollama() -> Option<Value> {
    let client = reqwest::Client::builder().no_proxy().timeout(OLLAMA_WITHIN).build().ok()?;
    let answer = client.get(format!("{OLLAMA}/api/tags")).send().await.ok()?;
    answer.error_for_status().ok()?.json().await.ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_key_that_is_there_counts() {
        let check = |given: &[(&str, &str)], wanted: Option<&str>, expected: Option<(&str, &str)>| {
            let of = |name: &str| given.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let found = hosted(of, wanted).map(|brain| match brain {
                Brain::Hosted { service, model, .. } => (service.provider, model),
                other => panic!("{other:?}"),
            });
            let found = found.as_ref().map(|(provider, model)| (*provider, model.as_str()));
            assert_eq!(found, expected, "{given:?}");
        };
        check(&[], None, None);
        check(&[("GEMINI_API_KEY", "g")], None, Some(("gemini", "gemini-3.5-flash")));
        check(&[("GEMINI_API_KEY", "g"), ("ANTHROPIC_API_KEY", "a")], None, Some(("anthropic", "claude-sonnet-5-5")));
        check(&[("OPENAI_API_KEY", "o")], Some("gpt-x"), Some(("openai", "gpt-x")));
    }

    #[test]
    fn an_ollama_without_models_is_none() {
        let check = |models: Option<Value>, wanted: Option<&str>, expected: Option<&str>| {
            let expected = expected.map(|model| Brain::Ollama { model: model.to_owned() });
            assert_eq!(local(models.as_ref(), wanted), expected, "{models:?}");
        };
        let two = || Some(json!({"models": [{"name": "llama3.2:latest"}, {"name": "qwen3:8b"}]}));
        check(None, None, None);
        check(Some(json!({"models": []})), Some("qwen3"), None);
        check(two(), None, Some("llama3.2:latest"));
        check(two(), Some("qwen3"), Some("qwen3:8b"));
    }

    #[test]
    fn it_is_said_who_thinks_and_no_key_is_shown() {
        let key = Secret::new("sk-secret");
        let brain = Brain::Hosted { service: &SERVICES[0], key, model: "gpt\x1b[2J".to_owned(), base_url: None };
        assert_eq!(brain.to_string(), "The agents think with gpt of OpenAI: OPENAI_API_KEY is set.");
        assert!(!format!("{brain:?}").contains("sk-secret"));
        assert!(Brain::Ollama { model: "m".to_owned() }.to_string().contains("Ollama on this machine"));
        assert!(
            [Why::Wanted, Why::NothingElse].into_iter().all(|why| Brain::Script(why).to_string().contains("a script"))
        );
    }
}
