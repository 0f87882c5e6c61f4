//! What is chosen by command: the model, and where answers go.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use super::{
    markup::{code, plain},
    request::{ModeWish, ModelWish, Reach},
};
use crate::{config::ThreadMode, desk::command::near};

/// How many models are listed.
const MODELS_MAX: usize = 50;

/// A choice that was made, and what is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<T> {
    /// What is kept: something else, nothing any more, or what there was.
    pub change: Change<T>,
    /// What is said.
    pub text: String,
}

/// What becomes of something that was chosen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    Keep,
    /// This counts from now on.
    Set(T),
    /// What the configuration says counts again.
    Reset,
}

/// What is known about models in a place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelFacts {
    /// The models of the configuration, each with what it is called at its provider.
    pub models: Vec<(String, String)>,
    /// The one chosen for this thread.
    pub thread: Option<String>,
    /// The one chosen for this room by command.
    pub room: Option<String>,
    /// The one that the configuration gives the room.
    pub configured: Option<String>,
}

/// Chooses a model, or tells which is chosen.
#[must_use]
pub fn model(reach: Reach, wish: &ModelWish, facts: &ModelFacts) -> Choice<String> {
    let place = match reach {
        Reach::Thread => "thread",
        Reach::Room => "room",
    };
    match wish {
        ModelWish::Show => Choice { change: Change::Keep, text: shown(facts) },
        ModelWish::List => Choice { change: Change::Keep, text: listed_models(facts) },
        ModelWish::Reset => Choice {
            change: Change::Reset,
            text: format!(
                "From the next answer on, nothing is chosen for this {place} any more. {}",
                after(reach, facts)
            ),
        },
        ModelWish::Set(name) => named(name, place, facts),
    }
}

/// Chooses where answers go, or tells. `now` is what counts, `configured` what would count without a choice.
#[must_use]
pub fn thread_mode(wish: ModeWish, now: ThreadMode, configured: ThreadMode) -> Choice<ThreadMode> {
    match wish {
        ModeWish::Show => Choice { change: Change::Keep, text: format!("In this room, {}.", goes(now)) },
        ModeWish::Set(mode) => {
            Choice { change: Change::Set(mode), text: format!("From now on, {} in this room.", goes(mode)) }
        }
        ModeWish::Reset => Choice {
            change: Change::Reset,
            text: format!("As the configuration says, {} in this room.", goes(configured)),
        },
    }
}

fn goes(mode: ThreadMode) -> &'static str {
    match mode {
        ThreadMode::Thread => "answers go into threads",
        ThreadMode::Room => "answers go to the main timeline",
    }
}

fn named(name: &str, place: &str, facts: &ModelFacts) -> Choice<String> {
    let names = || facts.models.iter().map(|(name, _)| name.as_str());
    let known = names().find(|known| *known == name).or_else(|| names().find(|known| known.eq_ignore_ascii_case(name)));
    if let Some(known) = known {
        let text = format!("From the next answer on, {} answers in this {place}.", code(known));
        return Choice { change: Change::Set(known.to_owned()), text };
    }
    let meant = near(name, names()).map(|near| format!(" Did you mean {}?", code(near))).unwrap_or_default();
    let text = format!("There is no model {}.{meant} {} tells which there are.", code(name), code("!model list"));
    Choice { change: Change::Keep, text }
}

fn shown(facts: &ModelFacts) -> String {
    let chosen = [
        (&facts.thread, "chosen for this thread"),
        (&facts.room, "chosen for this room"),
        (&facts.configured, "configured for this room"),
    ];
    match chosen.into_iter().find_map(|(model, how)| model.as_ref().map(|model| (model, how))) {
        Some((model, how)) => format!("The model here is {} ({how}).", code(model)),
        None => "Each agent uses its own model here.".to_owned(),
    }
}

fn after(reach: Reach, facts: &ModelFacts) -> String {
    shown(&match reach {
        Reach::Thread => ModelFacts { thread: None, ..facts.clone() },
        Reach::Room => ModelFacts { room: None, ..facts.clone() },
    })
}

fn listed_models(facts: &ModelFacts) -> String {
    let shown = facts.models.iter().take(MODELS_MAX);
    let mut lines: Vec<String> = shown.map(|(name, what)| format!("- {}: {}", code(name), plain(what))).collect();
    if facts.models.len() > MODELS_MAX {
        lines.push(format!("- and {} more", facts.models.len() - MODELS_MAX));
    }
    format!("{}\n\n{}", lines.join("\n"), self::shown(facts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> ModelFacts {
        let models = [("fast", "gpt-5-mini"), ("deep", "gpt-5")];
        let models = models.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect();
        ModelFacts { models, ..ModelFacts::default() }
    }

    /// X7, X8: a model is set by name, in whatever case; a slip is answered with what was meant.
    #[test]
    fn a_model_is_chosen_by_name() {
        let set = |name: &str| model(Reach::Thread, &ModelWish::Set(name.to_owned()), &facts());
        assert_eq!(set("Deep").change, Change::Set("deep".to_owned()));
        assert_eq!(set("fast").text, "From the next answer on, `fast` answers in this thread.");
        assert_eq!(set("fsat").change, Change::Keep);
        assert!(set("fsat").text.starts_with("There is no model `fsat`. Did you mean `fast`?"));
        assert_eq!(set("llama").text, "There is no model `llama`. `!model list` tells which there are.");
    }

    /// X7, X8: what was chosen nearest counts, and taking it back tells what counts then.
    #[test]
    fn the_nearest_choice_counts() {
        let show = |facts: &ModelFacts| model(Reach::Thread, &ModelWish::Show, facts).text;
        assert_eq!(show(&facts()), "Each agent uses its own model here.");
        let configured = ModelFacts { configured: Some("deep".to_owned()), ..facts() };
        assert_eq!(show(&configured), "The model here is `deep` (configured for this room).");
        let room = ModelFacts { room: Some("fast".to_owned()), ..configured };
        assert_eq!(show(&room), "The model here is `fast` (chosen for this room).");
        let thread = ModelFacts { thread: Some("deep".to_owned()), ..room };
        assert_eq!(show(&thread), "The model here is `deep` (chosen for this thread).");
        let reset = model(Reach::Thread, &ModelWish::Reset, &thread);
        assert_eq!(reset.change, Change::Reset);
        assert!(reset.text.ends_with("The model here is `fast` (chosen for this room)."), "{}", reset.text);
        let reset = model(Reach::Room, &ModelWish::Reset, &ModelFacts { thread: None, ..thread });
        assert!(reset.text.ends_with("The model here is `deep` (configured for this room)."), "{}", reset.text);
        let list = model(Reach::Room, &ModelWish::List, &facts()).text;
        assert!(list.starts_with("- `fast`: gpt-5-mini\n- `deep`: gpt-5\n"), "{list}");
    }

    /// C1, X9: where answers go is set, shown and given back to the configuration.
    #[test]
    fn where_answers_go_is_chosen() {
        let (room, thread) = (ThreadMode::Room, ThreadMode::Thread);
        let shown = thread_mode(ModeWish::Show, room, thread);
        assert_eq!(
            shown,
            Choice { change: Change::Keep, text: "In this room, answers go to the main timeline.".to_owned() }
        );
        assert_eq!(thread_mode(ModeWish::Set(room), thread, thread).change, Change::Set(room));
        let reset = thread_mode(ModeWish::Reset, room, thread);
        assert_eq!(reset.change, Change::Reset);
        assert_eq!(reset.text, "As the configuration says, answers go into threads in this room.");
    }
}
