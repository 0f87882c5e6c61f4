//! A model behind a network: one request, one stream, no second attempt.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use genai::{
    Client, ModelIden, ServiceTarget,
    adapter::AdapterKind,
    chat::{ChatOptions, ChatResponseFormat, ChatStream, JsonSpec, ReasoningEffort},
    resolver::{AuthData, Endpoint},
};

use super::{
    LlmError, Piece,
    answer::{Effect, Reader, holds_refusal, what_failed},
    patience::Source,
    pulse::Pulse,
    question::{self, Taste},
    usual,
};
use crate::{
    config::{Model, Provider},
    model::{Prompt, Secret, Shape},
};

/// A model that is reached over the network.
pub(super) struct Remote {
    caller: Arc<Caller>,
    /// Whether the provider is known to want a key and there is none.
    lacks_key: bool,
}

/// Who is called, and how.
struct Caller {
    client: Client,
    target: ServiceTarget,
    provider: Provider,
    taste: Taste,
    output_tokens: Option<u32>,
    /// How long it may send nothing.
    idle_max: Duration,
    /// Whether it has shown that it can't be held to a shape. It is told about shapes in words anyway.
    shapeless: AtomicBool,
}

impl Remote {
    /// `kind` is the protocol that `model` speaks.
    pub(super) fn new(client: Client, kind: AdapterKind, model: &Model) -> Self {
        let key = model.api_key.as_ref().map(Secret::reveal).unwrap_or_default();
        let caller = Caller {
            client,
            target: ServiceTarget {
                endpoint: Endpoint::from_owned(address(&model.provider, model.base_url.as_deref())),
                // Given even where it is empty: without one, the environment would be read behind our back.
                auth: AuthData::from_single(key),
                model: ModelIden::new(kind, model.id.as_str()),
            },
            // Seen in genai 0.7.2: of several results in one message, an Ollama is given only the last.
            taste: Taste { sees: model.sees, results_apart: kind == AdapterKind::Ollama },
            output_tokens: usual::output_tokens(&model.provider, &model.id),
            provider: model.provider.clone(),
            idle_max: model.idle_timeout,
            shapeless: AtomicBool::new(false),
        };
        let lacks_key = key.is_empty() && model.base_url.is_none() && kind != AdapterKind::Ollama;
        Self { caller: Arc::new(caller), lacks_key }
    }
}

impl Source for Remote {
    fn begin(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, LlmError>> {
        if self.lacks_key {
            return stream::iter([Err(LlmError::Auth)]).boxed();
        }
        let caller = Arc::clone(&self.caller);
        let answer = async move {
            let is_held = prompt.shape.is_some() && !caller.shapeless.load(Ordering::Relaxed);
            if is_held { caller.ask_for_shape(prompt).await } else { caller.ask(prompt, None).await }
        };
        stream::once(answer).flatten().boxed()
    }
}

impl Caller {
    /// Asks with the shape, and once more without where the provider can't do anything with such a request.
    async fn ask_for_shape(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, LlmError>> {
        let mut pieces = self.ask(prompt.clone(), prompt.shape.as_ref()).await;
        match pieces.next().await {
            Some(Err(LlmError::BadRequest { .. })) => {
                self.shapeless.store(true, Ordering::Relaxed);
                self.ask(prompt, None).await
            }
            first => stream::iter(first).chain(pieces).boxed(),
        }
    }

    async fn ask(&self, prompt: Prompt, shape: Option<&Shape>) -> BoxStream<'static, Result<Piece, LlmError>> {
        let signs = Signs { refused: Arc::default(), pulse: Pulse::new(self.idle_max) };
        let options = self.options(&prompt, shape, signs.clone());
        let request = question::request(prompt, self.taste);
        match signs.pulse.watch(self.client.exec_chat_stream(self.target.clone(), request, Some(&options))).await {
            Ok(Ok(response)) => pieces(response.stream, Reader::new(&self.provider), signs),
            Ok(Err(error)) => stream::iter([Err(what_failed(&error))]).boxed(),
            Err(stalled) => stream::iter([Err(stalled)]).boxed(),
        }
    }

    fn options(&self, prompt: &Prompt, shape: Option<&Shape>, signs: Signs) -> ChatOptions {
        let kind = self.target.model.adapter_kind;
        let mut options = ChatOptions::default()
            .with_capture_usage(true)
            .with_capture_tool_calls(!prompt.tools.is_empty())
            .with_raw_frame_fn(move |_, frame| {
                signs.pulse.beat();
                if holds_refusal(frame.data) {
                    signs.refused.store(true, Ordering::Relaxed);
                }
            });
        if let Some(shape) = shape {
            options = options.with_response_format(format(kind, shape));
        }
        if let Some(tokens) = self.output_tokens {
            options = options.with_max_tokens(tokens);
        }
        if kind == AdapterKind::OpenAI {
            // Seen in genai 0.7.2: it takes `-medium`, `-max` and the like at the end of an id for a wish of how hard to
            // think, and cuts them off, which breaks ids such as `qwen-max`. A budget, which this protocol doesn't have,
            // prevents it.
            options = options.with_reasoning_effort(ReasoningEffort::Budget(0));
        }
        options
    }
}

/// What the frames of an answer tell beside its pieces. Clones hear of the same answer.
#[derive(Debug, Clone)]
struct Signs {
    /// Whether the model refused.
    refused: Arc<AtomicBool>,
    /// Also of frames that are no piece of the answer, such as those that only say that the model thinks.
    pulse: Pulse,
}

/// How a provider is held to a shape.
fn format(kind: AdapterKind, shape: &Shape) -> ChatResponseFormat {
    if kind == AdapterKind::Ollama {
        // Seen in genai 0.7.2: no schema reaches an Ollama.
        return ChatResponseFormat::JsonMode;
    }
    JsonSpec::new(shape.name, shape.schema.clone()).into()
}

fn pieces(stream: ChatStream, reader: Reader, signs: Signs) -> BoxStream<'static, Result<Piece, LlmError>> {
    stream::unfold(Some((stream, reader)), move |state| {
        let signs = signs.clone();
        async move {
            let (mut stream, mut reader) = state?;
            loop {
                let event = match signs.pulse.watch(stream.next()).await {
                    Ok(event) => event,
                    Err(stalled) => return Some((vec![Err(stalled)], None)),
                };
                match reader.on(event, signs.refused.load(Ordering::Relaxed)) {
                    Effect::Nothing => {}
                    Effect::Say(piece) => return Some((vec![Ok(piece)], Some((stream, reader)))),
                    // The stream may go on after an error; nobody reads it then.
                    Effect::End(Ok(last)) => return Some((last.into_iter().map(Ok).collect(), None)),
                    Effect::End(Err(error)) => return Some((vec![Err(error)], None)),
                }
            }
        }
    })
    .flat_map(stream::iter)
    .boxed()
}

/// The address that the library wants: with the version and a slash at its end.
fn address(provider: &Provider, typed: Option<&str>) -> String {
    let typed = typed.map(|url| url.trim_end_matches('/'));
    let versioned = |base: &str, version: &str| {
        let last = base.rsplit('/').next().unwrap_or_default();
        let has_version = last.starts_with('v') && last[1..].starts_with(|c: char| c.is_ascii_digit());
        if has_version { format!("{base}/") } else { format!("{base}/{version}/") }
    };
    match provider {
        Provider::OpenAi => format!("{}/", typed.unwrap_or("https://api.openai.com/v1")),
        Provider::Anthropic => versioned(typed.unwrap_or("https://api.anthropic.com"), "v1"),
        Provider::Gemini => versioned(typed.unwrap_or("https://generativelanguage.googleapis.com"), "v1beta"),
        // Its own protocol is at the root; `/v1` is what people type for the one that it shares with others.
        Provider::Ollama => {
            let base = typed.unwrap_or("http://localhost:11434");
            format!("{}/", base.strip_suffix("/v1").unwrap_or(base))
        }
        Provider::Scripted(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_people_type_for_other_clients() {
        let check = |provider: Provider, typed: Option<&str>, expected: &str| {
            assert_eq!(address(&provider, typed), expected, "{provider:?} {typed:?}");
        };
        check(Provider::OpenAi, None, "https://api.openai.com/v1/");
        check(Provider::OpenAi, Some("https://api.deepseek.com"), "https://api.deepseek.com/");
        check(Provider::OpenAi, Some("http://localhost:8080/v1/"), "http://localhost:8080/v1/");
        check(Provider::Anthropic, None, "https://api.anthropic.com/v1/");
        check(Provider::Anthropic, Some("http://proxy"), "http://proxy/v1/");
        check(Provider::Anthropic, Some("http://proxy/v1"), "http://proxy/v1/");
        check(Provider::Gemini, None, "https://generativelanguage.googleapis.com/v1beta/");
        check(Provider::Gemini, Some("http://proxy/v1alpha"), "http://proxy/v1alpha/");
        check(Provider::Gemini, Some("http://vertex"), "http://vertex/v1beta/");
        check(Provider::Ollama, None, "http://localhost:11434/");
        check(Provider::Ollama, Some("http://box:11434"), "http://box:11434/");
        check(Provider::Ollama, Some("http://box:11434/v1"), "http://box:11434/");
    }
}
