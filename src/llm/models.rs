//! Opens the configured models: each gets its provider, its memory of failures, and the one that stands by.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use genai::{Client, WebConfig, adapter::AdapterKind};

use super::{
    Driver, LlmError,
    patience::{Line, Patient, Source},
    provider::Remote,
    scripted::Scripted,
    usual,
};
use crate::config::{Model, Provider};

/// How long a connection may take to come about; what follows has the caller's deadline.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// The models that can be asked, by name. Cloning gives another handle to the same ones.
#[derive(Clone)]
pub struct Models(Arc<BTreeMap<String, Entry>>);

/// A model and what its callers want to know about it.
struct Entry {
    driver: Arc<dyn Driver>,
    context_tokens: u32,
    sees: bool,
}

impl Models {
    /// The model of this name.
    #[must_use]
    pub fn driver(&self, name: &str) -> Option<Arc<dyn Driver>> {
        self.0.get(name).map(|entry| Arc::clone(&entry.driver))
    }

    /// How many tokens the model of this name takes in: what is configured, else its usual figure, else a cautious one.
    #[must_use]
    pub fn context_tokens(&self, name: &str) -> Option<u32> {
        self.0.get(name).map(|entry| entry.context_tokens)
    }

    /// Whether the model of this name can look at pictures.
    #[must_use]
    pub fn sees(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|entry| entry.sees)
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Models that are made up, for tests and simulations of those who ask them.
    #[must_use]
    pub fn of<const N: usize>(drivers: [(&str, Arc<dyn Driver>); N]) -> Self {
        let entry = |driver| Entry { driver, context_tokens: 32_768, sees: true };
        Self(Arc::new(drivers.into_iter().map(|(name, driver)| (name.to_owned(), entry(driver))).collect()))
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Makes the configured models ready to be asked. Nobody is asked yet.
///
/// # Errors
/// [`LlmError::NoClient`] when there can be no HTTP client.
pub fn open(models: &BTreeMap<String, Model>) -> Result<Models, LlmError> {
    let web = WebConfig::default().with_connect_timeout(CONNECT_MAX);
    let client = Client::builder().with_web_config(web).build().map_err(|_reason| LlmError::NoClient)?;
    let line = |(name, model): (&String, &Model)| (name.clone(), Arc::new(Line::new(name, source(&client, model))));
    let lines: BTreeMap<String, Arc<Line>> = models.iter().map(line).collect();
    let patient = |(name, model): (&String, &Model)| {
        // Every model has a line, and a fallback is the name of a model.
        let first = Arc::clone(lines.get(name)?);
        let second = model.fallback.as_ref().and_then(|fallback| lines.get(fallback)).map(Arc::clone);
        let usual = || usual::context_tokens(&model.provider, &model.id);
        let context_tokens = model.context_tokens.unwrap_or_else(usual);
        Some((name.clone(), Entry { driver: Arc::new(Patient { first, second }), context_tokens, sees: model.sees }))
    };
    Ok(Models(Arc::new(models.iter().filter_map(patient).collect())))
}

fn source(client: &Client, model: &Model) -> Box<dyn Source> {
    let remote = |kind| -> Box<dyn Source> { Box::new(Remote::new(client.clone(), kind, model)) };
    match &model.provider {
        Provider::OpenAi => remote(AdapterKind::OpenAI),
        Provider::Anthropic => remote(AdapterKind::Anthropic),
        Provider::Gemini => remote(AdapterKind::Gemini),
        Provider::Ollama => remote(AdapterKind::Ollama),
        Provider::Scripted(script) => Box::new(Scripted(script.clone())),
    }
}
