//! A prompt in the words of the protocol library.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use genai::chat::{Binary, ChatMessage, ChatRequest, ContentPart, Tool, ToolResponse};
use serde_json::{Value, json};

use crate::model::{Picture, Prompt, Shape, Speaker, ToolCall, ToolSpec, ToolUse, Utterance};

/// Stands before an answer that opens the conversation, since providers want a person to speak first.
const EARLIER: &str = "(What was said before is left out.)";
/// Stands for the words of somebody who only showed something.
const SHOWN: &str = "(a picture)";
/// Stands for a picture where the model has no eyes.
const UNSEEN: &str = "(A picture that you can't look at.)";

/// What a model can be given, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taste {
    /// Whether it can look at pictures.
    pub(super) sees: bool,
    /// Whether what came of each tool must be a message of its own.
    pub(super) results_apart: bool,
}

/// The request for a prompt. Neighbouring words of one side become one message: some providers insist on taking turns.
pub(super) fn request(prompt: Prompt, taste: Taste) -> ChatRequest {
    let has_tools = !prompt.tools.is_empty();
    let turns = turns(prompt.messages, has_tools, taste.sees);
    let request = ChatRequest::from_messages(turns.into_iter().flat_map(|turn| turn.messages(taste)).collect());
    let request =
        if has_tools { request.with_tools(prompt.tools.into_iter().map(tool).collect::<Vec<_>>()) } else { request };
    let system = with_shape(prompt.system, prompt.shape.as_ref());
    if system.trim().is_empty() { request } else { request.with_system(system) }
}

/// The shape is told in words, too: some providers want that, and those that can't be held to it have nothing else.
fn with_shape(system: String, shape: Option<&Shape>) -> String {
    let Some(shape) = shape else { return system };
    let wish = format!("Answer with one JSON object and nothing else. It must fit this JSON Schema:\n{}", shape.schema);
    if system.trim().is_empty() { wish } else { format!("{system}\n\n{wish}") }
}

fn tool(spec: ToolSpec) -> Tool {
    Tool::new(spec.name).with_description(spec.description).with_schema(spec.parameters)
}

/// What one side says before the other one speaks.
#[derive(Debug, Default, PartialEq)]
struct Turn {
    speaker: Speaker,
    text: String,
    pictures: Vec<Picture>,
    /// With them, a turn is over: what came of the tools stands between it and the next.
    uses: Vec<ToolUse>,
}

fn turns(messages: Vec<Utterance>, has_tools: bool, sees: bool) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for utterance in messages {
        for turn in spoken(utterance, has_tools, sees) {
            add(&mut turns, turn);
        }
    }
    turns
}

fn add(turns: &mut Vec<Turn>, turn: Turn) {
    if turns.is_empty() && turn.speaker == Speaker::Agent {
        turns.push(Turn { text: EARLIER.to_owned(), ..Turn::default() });
    }
    match turns.last_mut() {
        Some(last) if last.speaker == turn.speaker && last.uses.is_empty() => {
            last.text = [last.text.as_str(), turn.text.as_str()]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join("\n\n");
            last.pictures.extend(turn.pictures);
            last.uses = turn.uses;
        }
        Some(_) | None => turns.push(turn),
    }
}

/// What an utterance amounts to. One that says, shows and does nothing is left out.
fn spoken(utterance: Utterance, has_tools: bool, sees: bool) -> Vec<Turn> {
    let Utterance { speaker, name, at, text, pictures, uses } = utterance;
    let unseen = if sees { 0 } else { pictures.len() };
    let mut words: Vec<&str> = if text.trim().is_empty() { Vec::new() } else { vec![&text] };
    words.extend(std::iter::repeat_n(UNSEEN, unseen));
    if words.is_empty() && !pictures.is_empty() {
        words.push(SHOWN);
    }
    let text = signed(speaker, &name, &at, words.join("\n\n"));
    let pictures = if sees { pictures } else { Vec::new() };
    // Providers refuse calls of tools that aren't offered any more: what came of them is told instead.
    let (uses, told) = if has_tools { (uses, None) } else { (Vec::new(), told(&uses)) };
    let said = Turn { speaker, text, pictures, uses };
    let told = told.map(|text| Turn { text, ..Turn::default() });
    [Some(said), told].into_iter().flatten().filter(|turn| !turn.text.is_empty() || !turn.uses.is_empty()).collect()
}

/// The words with their author and time. The model's own answers have neither: it would begin to sign them.
fn signed(speaker: Speaker, name: &str, at: &str, text: String) -> String {
    match speaker {
        Speaker::Person if !name.is_empty() && !text.is_empty() => {
            let at = if at.is_empty() { String::new() } else { format!(" ({at})") };
            format!("{name}{at}: {text}")
        }
        Speaker::Person | Speaker::Agent => text,
    }
}

/// What came of tools, in words.
fn told(uses: &[ToolUse]) -> Option<String> {
    let told =
        |used: &ToolUse| format!("(The tool {} with {} gave: {})", used.call.name, used.call.input, used.outcome);
    (!uses.is_empty()).then(|| uses.iter().map(told).collect::<Vec<_>>().join("\n\n"))
}

impl Turn {
    fn messages(self, taste: Taste) -> Vec<ChatMessage> {
        match self.speaker {
            Speaker::Person if self.pictures.is_empty() => vec![ChatMessage::user(self.text)],
            Speaker::Person => {
                let pictures = self.pictures.iter().map(|picture| ContentPart::Binary(binary(picture)));
                let parts: Vec<ContentPart> = std::iter::once(ContentPart::Text(self.text)).chain(pictures).collect();
                vec![ChatMessage::user(parts)]
            }
            Speaker::Agent if self.uses.is_empty() => vec![ChatMessage::assistant(self.text)],
            Speaker::Agent => working(self.text, self.uses, taste),
        }
    }
}

/// The model's words, the tools that it wanted, and what came of them.
fn working(text: String, uses: Vec<ToolUse>, taste: Taste) -> Vec<ChatMessage> {
    let mut parts = if text.is_empty() { Vec::new() } else { vec![ContentPart::Text(text)] };
    let mut results = Vec::new();
    for used in uses {
        let call = call(used.call);
        results.push(ToolResponse::from_tool_call(&call, used.outcome));
        parts.push(ContentPart::ToolCall(call));
    }
    let mut messages = vec![ChatMessage::assistant(parts)];
    if taste.results_apart {
        messages.extend(results.into_iter().map(ChatMessage::from));
    } else {
        messages.push(ChatMessage::from(results));
    }
    messages
}

/// A call as it was. Providers take only objects back; what a model got wrong is wrapped into one.
fn call(call: ToolCall) -> genai::chat::ToolCall {
    let input = match call.input {
        Value::Object(input) => Value::Object(input),
        other => json!({ "malformed": other }),
    };
    genai::chat::ToolCall { call_id: call.id, fn_name: call.name, fn_arguments: input, thought_signatures: None }
}

fn binary(picture: &Picture) -> Binary {
    Binary::from_base64(picture.mime.as_str(), STANDARD.encode(&picture.bytes), None)
}

#[cfg(test)]
mod tests {
    use genai::chat::ChatRole;

    use super::{
        Speaker::{Agent, Person},
        *,
    };

    const TASTE: Taste = Taste { sees: true, results_apart: false };

    fn says(speaker: Speaker, name: &str, text: &str) -> Utterance {
        Utterance::words(speaker, name, text)
    }

    fn shows(text: &str) -> Utterance {
        let picture = Picture { mime: "image/png".to_owned(), bytes: [1, 2, 3].into() };
        Utterance { pictures: vec![picture], ..says(Person, "Ada", text) }
    }

    fn used(id: &str, input: Value) -> ToolUse {
        let call = ToolCall { id: id.to_owned(), name: "time".to_owned(), input };
        ToolUse { call, outcome: "noon".to_owned() }
    }

    fn works(text: &str, uses: Vec<ToolUse>) -> Utterance {
        Utterance { uses, ..says(Agent, "Writer", text) }
    }

    #[test]
    fn people_and_the_model_take_turns() {
        let check = |messages: &[Utterance], expected: &[(Speaker, &str)]| {
            let found = turns(messages.to_vec(), true, true);
            let found: Vec<(Speaker, &str)> = found.iter().map(|turn| (turn.speaker, turn.text.as_str())).collect();
            assert_eq!(found, expected);
        };
        check(&[], &[]);
        check(&[says(Person, "Ada", "Hi")], &[(Person, "Ada: Hi")]);
        check(&[says(Person, "", "Hi")], &[(Person, "Hi")]);
        let timed = |speaker| Utterance { at: "Mon 09:15".to_owned(), ..says(speaker, "Ada", "Hi") };
        check(&[timed(Person), timed(Agent)], &[(Person, "Ada (Mon 09:15): Hi"), (Agent, "Hi")]);
        check(
            &[says(Person, "Ada", "Hi"), says(Person, "Bob", "Ho"), says(Agent, "Writer", "Yes?")],
            &[(Person, "Ada: Hi\n\nBob: Ho"), (Agent, "Yes?")],
        );
        check(
            &[says(Agent, "Writer", "Yes?"), says(Person, "Ada", " "), says(Agent, "Writer", "Well?")],
            &[(Person, EARLIER), (Agent, "Yes?\n\nWell?")],
        );
        check(
            &[says(Person, "Ada", "Hi"), works("", vec![used("1", json!({}))]), says(Agent, "Writer", "Noon.")],
            &[(Person, "Ada: Hi"), (Agent, ""), (Agent, "Noon.")],
        );
        check(
            &[says(Person, "", "Hi"), says(Agent, "Writer", "So"), works("and", vec![used("1", json!({}))])],
            &[(Person, "Hi"), (Agent, "So\n\nand")],
        );
    }

    #[test]
    fn pictures_are_shown_to_models_that_see_and_named_to_others() {
        let check = |utterance: Utterance, sees: bool, expected: &str, pictures: usize| {
            let turns = turns(vec![utterance], true, sees);
            assert_eq!((turns[0].text.as_str(), turns[0].pictures.len()), (expected, pictures));
        };
        check(shows("Look!"), true, "Ada: Look!", 1);
        check(shows(""), true, "Ada: (a picture)", 1);
        check(shows("Look!"), false, "Ada: Look!\n\n(A picture that you can't look at.)", 0);
        check(shows(""), false, "Ada: (A picture that you can't look at.)", 0);
    }

    #[test]
    fn what_came_of_tools_follows_the_calls() {
        let prompt = |uses: Vec<ToolUse>, tools: Vec<ToolSpec>| Prompt {
            messages: vec![says(Person, "Ada", "Hi"), works("Wait.", uses)],
            tools,
            ..Prompt::default()
        };
        let spec = ToolSpec { name: "time".to_owned(), description: "Tells it.".to_owned(), parameters: json!({}) };
        let roles = |prompt: Prompt, taste: Taste| -> Vec<ChatRole> {
            request(prompt, taste).messages.into_iter().map(|message| message.role).collect()
        };
        let two = || vec![used("1", json!({})), used("2", json!("broken"))];
        let together = roles(prompt(two(), vec![spec.clone()]), TASTE);
        assert_eq!(together, [ChatRole::User, ChatRole::Assistant, ChatRole::Tool]);
        let apart = roles(prompt(two(), vec![spec.clone()]), Taste { results_apart: true, ..TASTE });
        assert_eq!(apart, [ChatRole::User, ChatRole::Assistant, ChatRole::Tool, ChatRole::Tool]);
        let request = request(prompt(two(), vec![spec]), TASTE);
        let inputs: Vec<Value> =
            request.messages[1].content.tool_calls().into_iter().map(|call| call.fn_arguments.clone()).collect();
        assert_eq!(inputs, [json!({}), json!({"malformed": "broken"})]);
    }

    #[test]
    fn without_tools_what_came_of_them_is_told() {
        let told = turns(vec![says(Person, "", "Hi"), works("Wait.", vec![used("1", json!({"a": 1}))])], false, true);
        let texts: Vec<&str> = told.iter().map(|turn| turn.text.as_str()).collect();
        assert_eq!(texts, ["Hi", "Wait.", r#"(The tool time with {"a":1} gave: noon)"#]);
        assert!(told.iter().all(|turn| turn.uses.is_empty()));
    }

    #[test]
    fn an_empty_system_prompt_is_not_sent() {
        let request_of = |system: &str, shape: Option<Shape>| {
            request(Prompt { system: system.to_owned(), shape, ..Prompt::default() }, TASTE).system
        };
        assert_eq!(request_of(" ", None), None);
        assert_eq!(request_of("Be kind.", None), Some("Be kind.".to_owned()));
        let shape = || Some(Shape { name: "choice", schema: json!({"type": "object"}) });
        let shaped = request_of("Be kind.", shape()).unwrap();
        assert!(shaped.starts_with("Be kind.\n\nAnswer with one JSON") && shaped.ends_with(r#"{"type":"object"}"#));
        assert!(request_of("", shape()).unwrap().starts_with("Answer with one JSON"));
    }
}
