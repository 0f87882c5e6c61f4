//! What a model usually takes in and gives out, by its name at the provider, where the configuration doesn't say it.

use crate::config::Provider;

/// Where nothing is known of a model.
const UNKNOWN_TOKENS: u32 = 32_768;
/// An Ollama gives every model this much unless it is told otherwise, and drops the beginning of what is longer.
const OLLAMA_TOKENS: u32 = 4_096;
/// Enough for a long answer and the thoughts before it; more would only let a model that has lost its way go on.
const ANTHROPIC_OUTPUT_TOKENS: u32 = 16_384;

/// What models take in, by the beginning of their name. The first that fits counts.
const CONTEXTS: &[(&str, u32)] = &[
    ("claude", 200_000),
    ("gpt-5", 400_000),
    ("gpt-4.1", 1_000_000),
    ("gpt-4o", 128_000),
    ("gpt-4-turbo", 128_000),
    ("gpt-4", 8_192),
    ("gpt-3.5", 16_385),
    ("gpt-oss", 131_072),
    ("chatgpt", 128_000),
    ("o1", 200_000),
    ("o3", 200_000),
    ("o4", 200_000),
    ("gemini", 1_000_000),
    ("gemma-3", 128_000),
    ("deepseek", 64_000),
    ("mistral", 128_000),
    ("magistral", 40_000),
    ("codestral", 256_000),
    ("llama-3.1", 128_000),
    ("llama-3.2", 128_000),
    ("llama-3.3", 128_000),
    ("llama-4", 128_000),
    ("qwen", 32_768),
    ("grok", 131_072),
    ("kimi", 128_000),
    ("glm-4", 128_000),
];

/// Families of Claude that write less than the others, by a part of their name.
const CLAUDE_OUTPUTS: &[(&str, u32)] =
    &[("claude-3-opus", 4_096), ("claude-3-haiku", 4_096), ("claude-3-sonnet", 4_096), ("claude-3-5", 8_192)];

/// How many tokens a model takes in.
pub(super) fn context_tokens(provider: &Provider, id: &str) -> u32 {
    match provider {
        Provider::Ollama => OLLAMA_TOKENS,
        Provider::OpenAi | Provider::Anthropic | Provider::Gemini | Provider::Scripted(_) => {
            // Intermediaries put the maker in front: `meta-llama/llama-3.3-70b-instruct`.
            let id = id.rsplit('/').next().unwrap_or(id).to_ascii_lowercase();
            CONTEXTS.iter().find(|(start, _)| id.starts_with(start)).map_or(UNKNOWN_TOKENS, |(_, tokens)| *tokens)
        }
    }
}

/// How many tokens an answer may have, for providers that insist on being told.
pub(super) fn output_tokens(provider: &Provider, id: &str) -> Option<u32> {
    match provider {
        Provider::Anthropic => {
            let fits = |(part, _): &&(&str, u32)| id.contains(part);
            Some(CLAUDE_OUTPUTS.iter().find(fits).map_or(ANTHROPIC_OUTPUT_TOKENS, |(_, tokens)| *tokens))
        }
        Provider::OpenAi | Provider::Gemini | Provider::Ollama | Provider::Scripted(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_figures_are_known_by_name() {
        let check = |provider: Provider, id: &str, expected: u32| {
            assert_eq!(context_tokens(&provider, id), expected, "{provider:?} {id}");
        };
        check(Provider::Anthropic, "claude-sonnet-4-5", 200_000);
        check(Provider::OpenAi, "gpt-4o-mini", 128_000);
        check(Provider::OpenAi, "gpt-4", 8_192);
        check(Provider::OpenAi, "anthropic/claude-haiku-4.5", 200_000);
        check(Provider::OpenAi, "meta-llama/Llama-3.3-70B-Instruct", 128_000);
        check(Provider::OpenAi, "some-model", 32_768);
        check(Provider::Gemini, "gemini-2.5-flash", 1_000_000);
        check(Provider::Ollama, "llama-3.1:8b", 4_096);
    }

    #[test]
    fn only_anthropic_must_be_told_how_long_an_answer_may_be() {
        let check = |provider: Provider, id: &str, expected: Option<u32>| {
            assert_eq!(output_tokens(&provider, id), expected, "{provider:?} {id}");
        };
        check(Provider::Anthropic, "claude-sonnet-4-5", Some(16_384));
        check(Provider::Anthropic, "claude-3-haiku-20240307", Some(4_096));
        check(Provider::Anthropic, "claude-3-5-sonnet-latest", Some(8_192));
        check(Provider::OpenAi, "gpt-4o", None);
        check(Provider::Gemini, "gemini-2.5-pro", None);
        check(Provider::Ollama, "llama3.2", None);
    }
}
