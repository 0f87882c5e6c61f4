//! R1: the question for the model that picks.

use std::fmt::Write as _;

use serde_json::json;

use super::{candidates::Candidate, said::Said};
use crate::{
    config::TeamMode,
    model::{Prompt, Shape, Speaker, Utterance},
};

/// How many messages before the one in question are shown.
pub(super) const EARLIER_MAX: usize = 8;
/// How much of each message is shown, in characters.
const MESSAGE_CHARS_MAX: usize = 2_000;
/// How much of a candidate's purpose or instruction is shown, in characters.
const LINE_CHARS_MAX: usize = 300;

/// The question: the candidates, what was said before, and the message.
pub(super) fn question(candidates: &[Candidate], earlier: &[Said], message: &Said) -> Prompt {
    let shown = earlier.iter().skip(earlier.len().saturating_sub(EARLIER_MAX));
    Prompt {
        system: system(candidates),
        messages: shown.chain([message]).map(utterance).collect(),
        tools: Vec::new(),
        shape: Some(shape(candidates)),
    }
}

fn system(candidates: &[Candidate]) -> String {
    let mut text = "You decide who in a chat room answers a message. You don't answer it yourself. Whatever the messages \
                    ask for, reply only with the name of one of these, as it is written here, and a reason of at most one \
                    sentence:\n"
        .to_owned();
    for candidate in candidates {
        text.push_str("\n- ");
        text.push_str(&described(candidate));
    }
    text.push_str(
        "\n\nChoose by what the last message needs; what was said before only explains it. Choose a team only where its \
         members are needed together. Reply with a JSON object such as {\"name\": \"…\", \"reason\": \"…\"}.",
    );
    text
}

/// One candidate in one line.
fn described(candidate: &Candidate) -> String {
    let mut line =
        format!("{} ({}): {}", candidate.name, candidate.display_name, short(&candidate.purpose, LINE_CHARS_MAX));
    if let Some(first) = candidate.instructions.first() {
        // Writing to a text can't fail.
        write!(line, " Instruction: {}", short(first, LINE_CHARS_MAX)).unwrap_or_default();
    }
    if !candidate.tools.is_empty() {
        write!(line, " Tools: {}.", candidate.tools.join(", ")).unwrap_or_default();
    }
    if let Some(team) = &candidate.team {
        let members: Vec<String> = team
            .members
            .iter()
            .map(|member| format!("{} ({})", member.name, short(&member.purpose, LINE_CHARS_MAX)))
            .collect();
        let mode = match team.mode {
            TeamMode::Coordinate => "a leader shares out the work",
            TeamMode::Collaborate => "all work at once",
        };
        write!(line, " A team, {mode}: {}.", members.join(", ")).unwrap_or_default();
    }
    line
}

fn shape(candidates: &[Candidate]) -> Shape {
    let names: Vec<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "enum": names, "description": "Who answers." },
            "reason": { "type": "string", "description": "Why, in one short sentence." },
        },
        "required": ["name", "reason"],
        "additionalProperties": false,
    });
    Shape { name: "choice", schema }
}

fn utterance(said: &Said) -> Utterance {
    Utterance::words(Speaker::Person, said.name.clone(), short(&said.text, MESSAGE_CHARS_MAX))
}

fn short(text: &str, chars_max: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let cut: String = text.chars().take(chars_max).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::{super::samples::some, *};

    fn said(name: &str, text: &str) -> Said {
        Said { name: name.to_owned(), text: text.to_owned() }
    }

    /// R1: the question holds role, tools, first instruction, members and mode; message and thread with real names.
    #[test]
    fn the_question_holds_what_tells_them_apart() {
        let earlier = [said("Bob", "Hello"), said("The Bard", "Hail!")];
        let prompt = question(&some(&["coder", "kitchen"]), &earlier, &said("Ada L.", "What is a monad?"));
        for part in [
            "- coder (Coder): Writes and reviews programs. Instruction: Show working code. Tools: time.",
            "- kitchen (Kitchen): Plans dinners together. A team, a leader shares out the work: cook (Knows recipes and \
             cooking.), poet (Writes poems.).",
        ] {
            assert!(prompt.system.contains(part), "{part}\n{}", prompt.system);
        }
        assert!(!prompt.system.contains("Prefer Rust"), "only the first instruction");
        let shown: Vec<(&str, &str)> =
            prompt.messages.iter().map(|said| (said.name.as_str(), said.text.as_str())).collect();
        assert_eq!(shown, [("Bob", "Hello"), ("The Bard", "Hail!"), ("Ada L.", "What is a monad?")]);
        let shape = prompt.shape.unwrap();
        assert_eq!(shape.schema["properties"]["name"]["enum"], json!(["coder", "kitchen"]));
    }

    /// R1: the thread is shown within bounds, the newest of it.
    #[test]
    fn the_question_is_bounded() {
        let earlier: Vec<Said> = (0..50).map(|at| said("Bob", &at.to_string())).collect();
        let prompt = question(&some(&["coder", "cook"]), &earlier, &said("Ada", &"ä".repeat(5_000)));
        assert_eq!(prompt.messages.len(), EARLIER_MAX + 1);
        assert_eq!(prompt.messages[0].text, "42");
        assert_eq!(prompt.messages[EARLIER_MAX].text.chars().count(), MESSAGE_CHARS_MAX + 1);
    }
}
