//! A model that isn't one: its answers stand in the configuration, and each of them says so.
//!
//! It uses no tools. Asked for a shape it gives an empty object at once: no script can choose or plan, so that whoever asks
//! falls back to what it does without a model.

use std::time::Duration;

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tokio::time::sleep;

use super::{LlmError, Piece, patience::Source};
use crate::{
    config::Script,
    model::{Prompt, Speaker, Usage, Utterance},
};

/// Ends every answer.
const CONFESSION: &str = "\n\n*This answer is scripted; no model wrote it.*";

/// The answer to everybody who wants a shape.
const SHAPELESS: &str = "{}";

/// Answers from rules, word by word.
pub(super) struct Scripted(pub(super) Script);

impl Source for Scripted {
    fn begin(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, LlmError>> {
        if prompt.shape.is_some() {
            let pieces = [Piece::Text(SHAPELESS.to_owned()), Piece::Done(Usage::default())];
            return stream::iter(pieces.map(Ok)).boxed();
        }
        let asked = prompt.messages.into_iter().rev().find(|utterance| utterance.speaker == Speaker::Person);
        let said = answer(&self.0, asked.as_ref());
        let pause = Duration::from_secs(1) / self.0.words_per_second.get();
        let usage =
            Usage { input_tokens: asked.as_ref().map_or(0, |asked| words(&asked.text)), output_tokens: words(&said) };
        let mut pieces: Vec<Piece> =
            said.split_inclusive(char::is_whitespace).map(|word| Piece::Text(word.to_owned())).collect();
        pieces.push(Piece::Text(CONFESSION.to_owned()));
        pieces.push(Piece::Done(usage));
        let speak = move |piece: Piece| async move {
            match piece {
                Piece::Text(_) => sleep(pause).await,
                Piece::Call(_) | Piece::Done(_) => {}
            }
            Ok(piece)
        };
        stream::iter(pieces).then(speak).boxed()
    }
}

/// What the script says to the last thing that a person said: the first rule that fits, else the default.
fn answer(script: &Script, asked: Option<&Utterance>) -> String {
    let (name, message) = asked.map(|asked| (asked.name.as_str(), asked.text.as_str())).unwrap_or_default();
    let said = script.rules.iter().find(|rule| mentions(message, &rule.when)).map_or(&script.say, |rule| &rule.say);
    fill(said, name, message).trim().to_owned()
}

/// Puts in who asked what. What they wrote is never searched for placeholders.
fn fill(text: &str, name: &str, message: &str) -> String {
    let mut filled = String::with_capacity(text.len() + message.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let places = [("{name}", name), ("{message}", message), ("{", "{")];
        let (place, value) = places.into_iter().find(|(place, _)| rest.starts_with(place)).unwrap_or(("{", "{"));
        filled.push_str(value);
        rest = &rest[place.len()..];
    }
    filled + rest
}

/// Whether `phrase` stands in `text` as a whole word or words, in whatever case.
fn mentions(text: &str, phrase: &str) -> bool {
    let (text, phrase) = (text.to_lowercase(), phrase.trim().to_lowercase());
    !phrase.is_empty()
        && text.match_indices(&phrase).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
}

fn words(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use serde_json::json;
    use tokio::time::Instant;

    use super::*;
    use crate::{config::ScriptRule, model::Shape};

    fn script() -> Script {
        let rule = |when: &str, say: &str| ScriptRule { when: when.to_owned(), say: say.to_owned() };
        Script {
            rules: vec![rule("good morning", "Morning, {name}!"), rule("Hi", "**Hello** {name}"), rule("morning", "?")],
            say: "You said: {message}".to_owned(),
            words_per_second: NonZeroU32::new(20).unwrap(),
        }
    }

    fn said(text: &str) -> Utterance {
        Utterance::words(Speaker::Person, "Ada", text)
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        let check = |text: &str, expected: &str| assert_eq!(answer(&script(), Some(&said(text))), expected, "{text}");
        check("Well, GOOD MORNING to you", "Morning, Ada!");
        check("hi", "**Hello** Ada");
        check("(hi!)", "**Hello** Ada");
        check("this is it", "You said: this is it");
        check("", "You said:");
        assert_eq!(answer(&script(), None), "You said:");
    }

    #[test]
    fn placeholders_are_filled_once() {
        let check = |text: &str, expected: &str| assert_eq!(fill(text, "Ada", "{name}"), expected, "{text}");
        check("{name}: {message}", "Ada: {name}");
        check("{other} {", "{other} {");
        check("{{name}}", "{Ada}");
        check("ä{name}ü", "äAdaü");
    }

    #[tokio::test(start_paused = true)]
    async fn it_speaks_word_by_word_and_says_what_it_is() {
        let began = Instant::now();
        let prompt = Prompt { messages: vec![said("good morning")], ..Prompt::default() };
        let pieces: Vec<Piece> = Scripted(script()).begin(prompt).map(Result::unwrap).collect().await;
        assert_eq!(began.elapsed().as_millis(), 150, "three pieces at twenty a second");
        let text = |text: &str| Piece::Text(text.to_owned());
        let done = Piece::Done(Usage { input_tokens: 2, output_tokens: 2 });
        assert_eq!(pieces, [text("Morning, "), text("Ada!"), text(CONFESSION), done]);
    }

    #[tokio::test(start_paused = true)]
    async fn where_a_shape_is_wanted_it_chooses_nothing() {
        let shape = Some(Shape { name: "choice", schema: json!({"type": "object"}) });
        let prompt = Prompt { messages: vec![said("good morning")], shape, ..Prompt::default() };
        let pieces: Vec<Piece> = Scripted(script()).begin(prompt).map(Result::unwrap).collect().await;
        assert_eq!(pieces, [Piece::Text("{}".to_owned()), Piece::Done(Usage::default())]);
    }
}
