//! The configuration from outside: what people write, what they get, and what they are told when it is wrong.
#![expect(clippy::unwrap_used, reason = "a broken fixture should end the test")]

#[path = "config/broken.rs"]
mod broken;
#[path = "config/check.rs"]
mod check;
#[path = "config/diff.rs"]
mod diff;
#[path = "config/example.rs"]
mod example;
#[path = "config/hostile.rs"]
mod hostile;
#[path = "config/includes.rs"]
mod includes;
#[path = "config/meaning.rs"]
mod meaning;
#[path = "config/mindroom.rs"]
mod mindroom;
#[path = "config/plan.rs"]
mod plan;
#[path = "config/random.rs"]
mod random;
#[path = "config/secrets.rs"]
mod secrets;
#[path = "config/settings.rs"]
mod settings;
#[path = "config/skills.rs"]
mod skills;
#[path = "config/talk.rs"]
mod talk;
#[path = "config/watch.rs"]
mod watch;

use std::{collections::BTreeMap, path::Path};

use maitre::config::{Colour, Loaded, Problem, Severity, compile_text, render};

/// Compiles a text with these environment variables, in a folder without files.
fn compile(text: &str, env: &[(&str, &str)]) -> Result<Loaded, Vec<Problem>> {
    compile_text(text, Path::new("/nonexistent"), &environment(env))
}

fn environment(env: &[(&str, &str)]) -> BTreeMap<String, String> {
    env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Compiles a text that must be right, behind the line that every configuration needs.
#[track_caller]
fn good(text: &str) -> Loaded {
    let text = format!("homeserver: {{url: http://localhost}}\n{text}");
    compile(&text, &[]).unwrap_or_else(|problems| panic!("{}", show(&problems)))
}

/// The errors of a text that must be wrong, without warnings.
#[track_caller]
fn errors(result: Result<Loaded, Vec<Problem>>) -> Vec<Problem> {
    let problems = result.expect_err("this configuration is broken");
    problems.into_iter().filter(|problem| problem.severity == Severity::Error).collect()
}

fn show(problems: &[Problem]) -> String {
    render(problems, Colour::Never)
}
