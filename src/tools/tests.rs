//! The built-in tools, called the way a model calls them.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{About, Deed, Excerpt, Hands, Question, Reaction, Toolbox, UseSkill};
use crate::{config::Skill, model::ToolCall};

/// Hands that only note what they are told to do.
#[derive(Default)]
struct Noting(Mutex<Vec<String>>);

impl Noting {
    fn note(&self, deed: String) {
        self.0.lock().unwrap().push(deed);
    }
}

impl Hands for Noting {
    fn now(&self) -> String {
        "Friday, noon".to_owned()
    }

    fn read_thread(&self, before: Option<usize>, limit: usize) -> Deed<'_, Excerpt> {
        self.note(format!("read {before:?} {limit}"));
        let lines = if before == Some(1) { Vec::new() } else { vec!["#1 Ada: Hi".to_owned(), "#2 Bob: Ho".to_owned()] };
        async { Ok(Excerpt { total: 7, lines }) }.boxed()
    }

    fn react(&self, key: String) -> Deed<'_, ()> {
        self.note(format!("react {key}"));
        async { Ok(()) }.boxed()
    }

    fn ask(&self, question: Question) -> Deed<'_, Reaction> {
        self.note(format!("ask {}", question.text));
        async move { Ok(question.answers.into_iter().next().map_or(Reaction::Silence, Reaction::Chose)) }.boxed()
    }

    fn remember(&self, fact: String, about: About) -> Deed<'_, ()> {
        self.note(format!("remember {fact} {about:?}"));
        async { Ok(()) }.boxed()
    }

    fn recall(&self, words: String) -> Deed<'_, Vec<String>> {
        let found = if words == "tea" { vec!["Ada likes tea.".to_owned()] } else { Vec::new() };
        async { Ok(found) }.boxed()
    }
}

fn all() -> Toolbox {
    let names = ["time", "read_thread", "react", "ask_person", "remember", "recall"].map(str::to_owned);
    Toolbox::of(&names)
}

/// What a call gives, and what the hands did.
fn call(toolbox: &Toolbox, name: &str, input: Value) -> (String, Vec<String>) {
    let hands = Arc::new(Noting::default());
    let call = ToolCall { id: "1".to_owned(), name: name.to_owned(), input };
    let outcome = toolbox.call(&call, Arc::clone(&hands) as Arc<dyn Hands>).now_or_never().expect("nothing waits");
    let deeds = hands.0.lock().unwrap().clone();
    (outcome, deeds)
}

#[test]
fn every_tool_does_its_one_thing() {
    let check = |name: &str, input: Value, outcome: &str, deeds: &[&str]| {
        let expected = (outcome.to_owned(), deeds.iter().map(|deed| (*deed).to_owned()).collect());
        assert_eq!(call(&all(), name, input), expected, "{name}");
    };
    check("time", Value::Null, "Friday, noon", &[]);
    check("read_thread", json!({}), "2 of 7 messages:\n\n#1 Ada: Hi\n\n#2 Bob: Ho", &["read None 30"]);
    let none = "There are no such messages; the conversation has 7.";
    check("read_thread", json!({ "before": 1, "limit": 5 }), none, &["read Some(1) 5"]);
    check("react", json!({ "emoji": "👍" }), "It is there.", &["react 👍"]);
    check("ask_person", json!({ "question": "Now?", "answers": ["Yes", "No"] }), "They chose: Yes", &["ask Now?"]);
    check("remember", json!({ "fact": " Tea. " }), "It is kept.", &["remember Tea. Room"]);
    check("remember", json!({ "fact": "Tea.", "about": "person" }), "It is kept.", &["remember Tea. Person"]);
    check("recall", json!({ "words": "tea" }), "Ada likes tea.", &[]);
    check("recall", json!({ "words": "coffee" }), "Nothing was kept about that.", &[]);
}

#[test]
fn an_input_that_does_not_fit_is_told_to_the_model_and_does_nothing() {
    let check = |name: &str, input: Value, problem: &str| {
        assert_eq!(call(&all(), name, input), (problem.to_owned(), Vec::new()), "{name}");
    };
    let known = "ask_person, react, read_thread, recall, remember, time";
    check("sing", json!({}), &format!("There is no tool called \"sing\". The tools are: {known}."));
    check("time", json!({ "zone": "UTC" }), "The input does not fit: the input has no field `zone`.");
    check("react", json!({}), "The input does not fit: `emoji` is missing.");
    for emoji in ["ok", "🛑", "🔁", " "] {
        let problem = "The input does not fit: `emoji` must be an emoji, and neither 🛑 nor 🔁.";
        check("react", json!({ "emoji": emoji }), problem);
    }
    let six = json!({ "question": "Which?", "answers": ["1", "2", "3", "4", "5", "6"] });
    check("ask_person", six, "The input does not fit: `answers` may have at most 5 items.");
    let same = json!({ "question": "Which?", "answers": ["a", "a "] });
    check("ask_person", same, "The input does not fit: two of the `answers` are the same.");
}

#[test]
fn an_agent_has_the_tools_that_it_is_given() {
    let toolbox = Toolbox::of(&["time".to_owned(), "recall".to_owned(), "nonsense".to_owned()]);
    let names = |toolbox: &Toolbox| toolbox.specs().into_iter().map(|spec| spec.name).collect::<Vec<_>>();
    assert_eq!(names(&toolbox), ["recall", "time"]);
    assert_eq!(names(&toolbox.clone().without("time")), ["recall"]);
    let (outcome, _) = call(&toolbox, "react", json!({ "emoji": "👍" }));
    assert_eq!(outcome, "There is no tool called \"react\". The tools are: recall, time.");
}

/// S12: a skill is asked for by its name; what isn't the agent's can't be reached, and nothing of it is cut off.
#[test]
fn an_agent_gets_the_skills_that_it_has() {
    let skill = |name: &str, instructions: &str| {
        let (name, instructions) = (name.to_owned(), instructions.to_owned());
        Arc::new(Skill { name, description: "Helps.".to_owned(), instructions })
    };
    let long = "x".repeat(60_000);
    let skills = vec![skill("minutes", "Be brief."), skill("long", &long)];
    let toolbox = Toolbox::of(&["time".to_owned()]).with(Arc::new(UseSkill::of(skills)));
    assert!(toolbox.only_looks(UseSkill::NAME));
    let check = |name: &str, outcome: &str| {
        assert_eq!(call(&toolbox, UseSkill::NAME, json!({ "name": name })), (outcome.to_owned(), Vec::new()), "{name}");
    };
    check("minutes", "Instructions of your skill “minutes”:\n\nBe brief.");
    check("long", &format!("Instructions of your skill “long”:\n\n{long}"));
    for name in ["hours", "../minutes", "/etc/passwd", ""] {
        check(name, "The input does not fit: `name` must be one of \"minutes\", \"long\".");
    }
}
