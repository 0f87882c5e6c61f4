//! Opens the configured models: each gets its provider, its memory of failures, and the one that stands by.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use genai::{Client, WebConfig, adapter::AdapterKind};
use tokio::sync::watch;

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
pub struct Models(Arc<Shelf>);

/// Where the models stand, for everybody who asks.
struct Shelf {
    /// A channel for its cell: whoever asks looks at it, and nobody waits for it.
    table: watch::Sender<Arc<Table>>,
    /// None for models that are made up.
    client: Option<Client>,
}

type Table = BTreeMap<String, Entry>;

/// A model and what its callers want to know about it.
#[derive(Clone)]
struct Entry {
    driver: Arc<dyn Driver>,
    context_tokens: u32,
    sees: bool,
    /// What it was made from, and its memory of failures.
    made: Option<(Model, Arc<Line>)>,
    /// Whether it is there only for answers that began when it was still configured.
    is_past: bool,
}

/// Models that are ready to take the place of others.
pub struct Renewal(Table);

impl Models {
    /// The model of this name. One that was taken out of the configuration is still there for answers that have begun, until
    /// the models are renewed once more.
    #[must_use]
    pub fn driver(&self, name: &str) -> Option<Arc<dyn Driver>> {
        self.of_name(name, |entry| Arc::clone(&entry.driver))
    }

    /// How many tokens the model of this name takes in: what is configured, else its usual figure, else a cautious one.
    #[must_use]
    pub fn context_tokens(&self, name: &str) -> Option<u32> {
        self.of_name(name, |entry| entry.context_tokens)
    }

    /// Whether the model of this name can look at pictures.
    #[must_use]
    pub fn sees(&self, name: &str) -> bool {
        self.of_name(name, |entry| entry.sees).unwrap_or(false)
    }

    /// Every name, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let table = self.0.table.borrow();
        table.iter().filter(|(_, entry)| !entry.is_past).map(|(name, _)| name.clone()).collect()
    }

    /// Makes `models` ready to be asked instead of these. What doesn't change keeps its memory of failures.
    ///
    /// # Errors
    /// [`LlmError::NoClient`] when there can be no HTTP client.
    pub fn renewed(&self, models: &BTreeMap<String, Model>) -> Result<Renewal, LlmError> {
        let client = match &self.0.client {
            Some(client) => client.clone(),
            None => client()?,
        };
        let now = Arc::clone(&self.0.table.borrow());
        let mut table = table(&client, models, &now);
        for (name, entry) in now.iter().filter(|(_, entry)| !entry.is_past) {
            table.entry(name.clone()).or_insert_with(|| Entry { is_past: true, ..entry.clone() });
        }
        Ok(Renewal(table))
    }

    /// From now on these are asked.
    pub fn adopt(&self, renewal: Renewal) {
        self.0.table.send_replace(Arc::new(renewal.0));
    }

    /// Models that are made up, for tests and simulations of those who ask them.
    #[must_use]
    pub fn of<const N: usize>(drivers: [(&str, Arc<dyn Driver>); N]) -> Self {
        let entry = |driver| Entry { driver, context_tokens: 32_768, sees: true, made: None, is_past: false };
        let table = drivers.into_iter().map(|(name, driver)| (name.to_owned(), entry(driver))).collect();
        Self::on(table, None)
    }

    fn on(table: Table, client: Option<Client>) -> Self {
        let (table, _) = watch::channel(Arc::new(table));
        Self(Arc::new(Shelf { table, client }))
    }

    fn of_name<T>(&self, name: &str, look: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.0.table.borrow().get(name).map(look)
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Makes the configured models ready to be asked. Nobody is asked yet.
///
/// # Errors
/// [`LlmError::NoClient`] when there can be no HTTP client.
pub fn open(models: &BTreeMap<String, Model>) -> Result<Models, LlmError> {
    let client = client()?;
    let table = table(&client, models, &Table::new());
    Ok(Models::on(table, Some(client)))
}

fn client() -> Result<Client, LlmError> {
    let web = WebConfig::default().with_connect_timeout(CONNECT_MAX);
    Client::builder().with_web_config(web).build().map_err(|_reason| LlmError::NoClient)
}

/// The models, with the lines of those that were there `before` and are the same now.
fn table(client: &Client, models: &BTreeMap<String, Model>, before: &Table) -> Table {
    let line = |(name, model): (&String, &Model)| {
        let made = before.get(name).and_then(|entry| entry.made.as_ref());
        let same = made.filter(|(was, _)| was == model).map(|(_, line)| Arc::clone(line));
        (name.clone(), same.unwrap_or_else(|| Arc::new(Line::new(name, source(client, model)))))
    };
    let lines: BTreeMap<String, Arc<Line>> = models.iter().map(line).collect();
    let patient = |(name, model): (&String, &Model)| {
        // Every model has a line, and a fallback is the name of a model.
        let first = Arc::clone(lines.get(name)?);
        let made = Some((model.clone(), Arc::clone(&first)));
        let second = model.fallback.as_ref().and_then(|fallback| lines.get(fallback)).map(Arc::clone);
        let usual = || usual::context_tokens(&model.provider, &model.id);
        let context_tokens = model.context_tokens.unwrap_or_else(usual);
        let driver = Arc::new(Patient { first, second });
        Some((name.clone(), Entry { driver, context_tokens, sees: model.sees, made, is_past: false }))
    };
    models.iter().filter_map(patient).collect()
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::compile_text;

    fn models(text: &str) -> BTreeMap<String, Model> {
        let text = format!("homeserver: {{url: 'http://localhost'}}\nmodels:\n{text}");
        compile_text(&text, Path::new("/"), &BTreeMap::new()).unwrap().config.models
    }

    fn line(models: &Models, name: &str) -> Arc<Line> {
        models.of_name(name, |entry| Arc::clone(&entry.made.as_ref().unwrap().1)).unwrap()
    }

    /// H3: models that come, change and go; what stays the same keeps its memory.
    #[test]
    fn models_are_renewed_while_they_are_in_use() {
        let first = models("  a: {provider: ollama, id: x}\n  b: {provider: ollama, id: y}\n");
        let second = models("  a: {provider: ollama, id: x}\n  c: {provider: ollama, id: z, context_tokens: 7}\n");
        let used = open(&first).unwrap();
        let (other, kept) = (used.clone(), line(&used, "a"));
        used.adopt(used.renewed(&second).unwrap());
        assert_eq!(other.names(), ["a", "c"]);
        assert_eq!(other.context_tokens("c"), Some(7));
        assert!(Arc::ptr_eq(&line(&other, "a"), &kept));
        assert!(other.driver("b").is_some(), "an answer that began with it may end with it");
        used.adopt(used.renewed(&second).unwrap());
        assert!(other.driver("b").is_none());
        let third = models("  a: {provider: ollama, id: other}\n");
        used.adopt(used.renewed(&third).unwrap());
        assert!(!Arc::ptr_eq(&line(&other, "a"), &kept));
    }
}
