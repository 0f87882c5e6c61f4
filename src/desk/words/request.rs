//! What a command asks for, read from what follows its name.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use super::book::Word;
use crate::config::ThreadMode;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// What can be typed, or all about one topic.
    Help(Option<String>),
    /// Who is here.
    Hi,
    /// Why a message was answered as it was.
    Why,
    /// How things are.
    Status,
    /// Stop answers.
    Stop(Reach),
    /// Try the answer with this id again, or the one that is replied to.
    Retry(Option<String>),
    /// Which model answers, and how far that goes.
    Model(Reach, ModelWish),
    /// Where answers go in the room.
    ThreadMode(ModeWish),
    /// See the configuration, or change it.
    Config(ConfigWish),
    /// Have the configuration read.
    Reload,
    /// Say what encryption means.
    ExplainEncryption,
    /// Switch encryption on.
    Encrypt,
    /// How encryption is doing.
    E2ee,
}

/// How far a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This thread.
    Thread,
    /// The whole room.
    Room,
}

/// What somebody wants to do about a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelWish {
    /// See which one it is.
    Show,
    /// See which ones there are.
    List,
    /// Use this one.
    Set(String),
    /// Go back to what the configuration says.
    Reset,
}

/// What somebody wants to do about where answers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeWish {
    /// See it.
    Show,
    /// Set it.
    Set(ThreadMode),
    /// Go back to what the configuration says.
    Reset,
}

/// What somebody wants to do about the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigWish {
    /// See what of the files doesn't run yet.
    Plan,
    /// See all of it, or what stands at a path.
    Show(Option<String>),
    /// See one value.
    Get(String),
    /// Change one.
    Set {
        /// Where it stands.
        path: String,
        /// What should stand there.
        value: String,
    },
}

impl Request {
    /// Reads the whole text of a command. `None` when what follows its name makes no sense.
    #[must_use]
    pub fn read(word: Word, body: &str) -> Option<Self> {
        let said: Vec<&str> = body.split_whitespace().skip(1).collect();
        let lower: Vec<String> = said.iter().map(|word| word.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        match word {
            Word::Help => Some(Self::Help(topic(&said))),
            // Whoever greets back says what they like.
            Word::Hi => Some(Self::Hi),
            Word::Why => lower.is_empty().then_some(Self::Why),
            Word::Status => lower.is_empty().then_some(Self::Status),
            Word::E2ee => lower.is_empty().then_some(Self::E2ee),
            Word::Stop => stop(&lower),
            Word::Retry => retry(&said),
            Word::Model => model(&said).map(|wish| Self::Model(Reach::Thread, wish)),
            Word::RoomModel => model(&said).map(|wish| Self::Model(Reach::Room, wish)),
            Word::ThreadMode => thread_mode(&lower),
            Word::Config => config(body).map(Self::Config),
            Word::Reload => lower.is_empty().then_some(Self::Reload),
            Word::Encrypt => encrypt(&lower),
        }
    }

    /// Whether only the house's admins may ask for it.
    #[must_use]
    pub fn needs_house_admin(&self) -> bool {
        matches!(self, Self::Reload | Self::Config(_))
    }

    /// Whether it changes the house.
    #[must_use]
    pub fn changes_house(&self) -> bool {
        matches!(self, Self::Config(ConfigWish::Set { .. }))
    }

    /// Whether only those with power over the room may ask for it. Looking is free.
    #[must_use]
    pub fn needs_room_admin(&self) -> bool {
        match self {
            Self::Stop(reach) => *reach == Reach::Room,
            Self::Model(reach, wish) => *reach == Reach::Room && matches!(wish, ModelWish::Set(_) | ModelWish::Reset),
            Self::ThreadMode(wish) => *wish != ModeWish::Show,
            Self::ExplainEncryption | Self::Encrypt => true,
            Self::Help(_)
            | Self::Hi
            | Self::Why
            | Self::Status
            | Self::Retry(_)
            | Self::Config(_)
            | Self::Reload
            | Self::E2ee => false,
        }
    }
}

fn topic(said: &[&str]) -> Option<String> {
    let topic = said.join(" ");
    let topic = topic.trim_start_matches('!');
    (!topic.is_empty()).then(|| topic.to_owned())
}

fn stop(said: &[&str]) -> Option<Request> {
    match said {
        [] => Some(Request::Stop(Reach::Thread)),
        ["all"] => Some(Request::Stop(Reach::Room)),
        _ => None,
    }
}

fn retry(said: &[&str]) -> Option<Request> {
    match said {
        [] => Some(Request::Retry(None)),
        [id] => Some(Request::Retry(Some(id.trim_matches('`').to_owned()))),
        _ => None,
    }
}

fn model(said: &[&str]) -> Option<ModelWish> {
    match said {
        [] => Some(ModelWish::Show),
        [word] if word.eq_ignore_ascii_case("list") => Some(ModelWish::List),
        [word] if word.eq_ignore_ascii_case("reset") => Some(ModelWish::Reset),
        [name] => Some(ModelWish::Set(name.trim_matches('`').to_owned())),
        _ => None,
    }
}

fn thread_mode(said: &[&str]) -> Option<Request> {
    let wish = match said {
        [] => ModeWish::Show,
        ["room"] => ModeWish::Set(ThreadMode::Room),
        ["thread"] => ModeWish::Set(ThreadMode::Thread),
        ["reset"] => ModeWish::Reset,
        _ => return None,
    };
    Some(Request::ThreadMode(wish))
}

/// What follows is read as it was typed: a value may hold line breaks, and a path blanks in quotes.
fn config(body: &str) -> Option<ConfigWish> {
    let (_, said) = first_word(body);
    let (verb, said) = first_word(said);
    let (path, value) = first_word(said);
    let path = path.trim_matches('`').to_owned();
    match (verb.to_lowercase().as_str(), path.is_empty(), value.is_empty()) {
        ("plan", true, true) => Some(ConfigWish::Plan),
        ("show", true, true) => Some(ConfigWish::Show(None)),
        ("show", false, true) => Some(ConfigWish::Show(Some(path))),
        ("get", false, true) => Some(ConfigWish::Get(path)),
        ("set", false, false) => Some(ConfigWish::Set { path, value: value.to_owned() }),
        (_, _, _) => None,
    }
}

/// What stands before the first blank that isn't in quotes, and what follows it.
fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let mut in_quotes = false;
    let end = text.find(|c: char| {
        in_quotes ^= c == '"';
        c.is_whitespace() && !in_quotes
    });
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    (word, rest.trim_start())
}

fn encrypt(said: &[&str]) -> Option<Request> {
    match said {
        [] => Some(Request::ExplainEncryption),
        ["confirm"] => Some(Request::Encrypt),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X: what follows a command's name is understood, or it isn't.
    #[test]
    fn arguments_are_read() {
        let check = |word: Word, body: &str, expected: Option<Request>| {
            assert_eq!(Request::read(word, body), expected, "{body}");
        };
        let text = |text: &str| Some(text.to_owned());
        check(Word::Help, "!help", Some(Request::Help(None)));
        check(Word::Help, "  !help !stop", Some(Request::Help(text("stop"))));
        check(Word::Help, "!help room model", Some(Request::Help(text("room model"))));
        check(Word::Hi, "!hi there", Some(Request::Hi));
        check(Word::Why, "!why", Some(Request::Why));
        check(Word::Why, "!why not?", None);
        check(Word::Status, "!status now", None);
        check(Word::Stop, "!stop", Some(Request::Stop(Reach::Thread)));
        check(Word::Stop, "!STOP All", Some(Request::Stop(Reach::Room)));
        check(Word::Stop, "!stop that", None);
        check(Word::Retry, "!retry", Some(Request::Retry(None)));
        check(Word::Retry, "!retry `3f2A`", Some(Request::Retry(text("3f2A"))));
        check(Word::Retry, "!retry a b", None);
        let model = |wish| Some(Request::Model(Reach::Thread, wish));
        check(Word::Model, "!model", model(ModelWish::Show));
        check(Word::Model, "!model List", model(ModelWish::List));
        check(Word::Model, "!model reset", model(ModelWish::Reset));
        check(Word::Model, "!model GPT-5", model(ModelWish::Set("GPT-5".to_owned())));
        check(Word::Model, "!model gpt 5", None);
        check(Word::RoomModel, "!room-model", Some(Request::Model(Reach::Room, ModelWish::Show)));
        check(Word::ThreadMode, "!threadmode", Some(Request::ThreadMode(ModeWish::Show)));
        check(Word::ThreadMode, "!threadmode Room", Some(Request::ThreadMode(ModeWish::Set(ThreadMode::Room))));
        check(Word::ThreadMode, "!threadmode thread", Some(Request::ThreadMode(ModeWish::Set(ThreadMode::Thread))));
        check(Word::ThreadMode, "!threadmode reset", Some(Request::ThreadMode(ModeWish::Reset)));
        check(Word::ThreadMode, "!threadmode both", None);
        check(Word::Encrypt, "!encrypt", Some(Request::ExplainEncryption));
        check(Word::Encrypt, "!encrypt confirm", Some(Request::Encrypt));
        check(Word::Encrypt, "!encrypt yes", None);
        check(Word::E2ee, "!e2ee", Some(Request::E2ee));
        let config = |wish| Some(Request::Config(wish));
        let set = |path: &str, value: &str| config(ConfigWish::Set { path: path.to_owned(), value: value.to_owned() });
        check(Word::Config, "!config plan", config(ConfigWish::Plan));
        check(Word::Config, "!Config Show", config(ConfigWish::Show(None)));
        check(Word::Config, "!config show `agents.calc`", config(ConfigWish::Show(text("agents.calc"))));
        check(Word::Config, "!config get agents.calc.role", config(ConfigWish::Get("agents.calc.role".to_owned())));
        check(Word::Config, "!config set a.b  \"x  y\" ", set("a.b", "\"x  y\""));
        check(Word::Config, "!config set a.\"b c\"[0] one\ntwo", set("a.\"b c\"[0]", "one\ntwo"));
        for body in ["!config", "!config get", "!config set a.b", "!config plan x", "!config get a b", "!config drop a"]
        {
            check(Word::Config, body, None);
        }
        check(Word::Reload, "!reload", Some(Request::Reload));
        check(Word::Reload, "!reload now", None);
    }

    /// X: who looks needs no power, who changes a room does.
    #[test]
    fn changing_a_room_takes_power() {
        let check = |word: Word, body: &str, expected: bool| {
            assert_eq!(Request::read(word, body).unwrap().needs_room_admin(), expected, "{body}");
        };
        check(Word::Stop, "!stop", false);
        check(Word::Stop, "!stop all", true);
        check(Word::Model, "!model x", false);
        check(Word::RoomModel, "!room_model", false);
        check(Word::RoomModel, "!room_model list", false);
        check(Word::RoomModel, "!room_model x", true);
        check(Word::RoomModel, "!room_model reset", true);
        check(Word::ThreadMode, "!thread_mode", false);
        check(Word::ThreadMode, "!thread_mode reset", true);
        check(Word::Encrypt, "!encrypt", true);
        check(Word::Encrypt, "!encrypt confirm", true);
    }
}
