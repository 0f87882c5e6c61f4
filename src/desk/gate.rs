//! Who answers: one pure function from facts to a verdict. The rules stand here in the order in which they fire.

use crate::model::EntityName;

/// Everything that decides, gathered from the store and the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// Who speaks.
    pub(super) sender: Sender,
    /// Whether what was said is of a kind that is ever answered: text or media, live, not half-streamed.
    pub(super) triggers: bool,
    /// The command that the text is, or nearly is.
    pub(super) command: Option<Command>,
    /// Whom the message mentions.
    pub(super) mentioned: Mentioned,
    /// Where it was said.
    pub(super) place: Place,
    /// The room it was said in.
    pub(super) room: Room,
    /// What entities may still say to each other.
    pub(super) budget: Budget,
}

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sender {
    /// One of our entities.
    Entity(EntityName),
    /// An entity of another house that may use us.
    Guest,
    /// Somebody who may use us: a person, another bot or a bridge.
    Authorized,
    /// Somebody who may not.
    Stranger,
}

/// A text that begins like a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// It is one.
    Known(String),
    /// It is nearly this one.
    Typo(String),
}

/// Whom a message mentions, never counting its sender.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mentioned {
    /// Agents and teams, in the order of the text.
    pub(super) responders: Vec<Responder>,
    /// Whether the router is among them.
    pub(super) router: bool,
    /// Whether a person is among them.
    pub(super) people: bool,
}

/// An agent or a team, as this sender finds it in this room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Responder {
    /// Its name.
    pub(super) name: EntityName,
    /// Whether it is a configured team.
    pub(super) team: bool,
    /// Whether it can answer here and now.
    pub(super) usable: Usable,
}

/// Whether a responder can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usable {
    /// It can.
    Yes,
    /// It isn't online.
    Down,
    /// It isn't in the room.
    Elsewhere,
    /// It doesn't exist for this sender.
    Forbidden,
}

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// On the room's main timeline.
    Main,
    /// In a thread.
    Thread {
        /// How many people have written in it, the sender included. Bots and bridges don't count.
        people: usize,
        /// The responders that have taken part, or were addressed by a person.
        involved: Vec<Responder>,
    },
}

/// The room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    /// Whether it is a direct chat.
    pub(super) direct: bool,
    /// The responders that can answer here.
    pub(super) usable: Vec<Responder>,
}

/// What entities may still say to each other before a person speaks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// Whether entities may mention each other at all.
    pub(super) allowed: bool,
    /// How many more answers may follow from one another.
    pub(super) hops_left: u32,
    /// How many more messages entities may write in this conversation.
    pub(super) messages_left: u32,
}

/// What is to be done about a message, by which rule, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The rule that fired.
    pub(super) rule: &'static str,
    /// What is to be done.
    pub(super) action: Action,
    /// Why, in plain words.
    pub(super) reason: &'static str,
}

/// What is to be done about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing.
    Ignore,
    /// The house runs a command.
    Run(Command),
    /// The house explains how to address whom.
    Explain,
    /// The house says that these can't answer; nobody answers in their place.
    Excuse(Vec<Responder>),
    /// The house says that nobody here can answer.
    Lonely,
    /// The house says that entities have talked enough among themselves.
    OverBudget,
    /// These answer; those who were asked but can't are named.
    Answer {
        /// Who answers, each by itself.
        answers: Vec<Answer>,
        /// Who was asked and can't.
        missing: Vec<Responder>,
    },
    /// The router picks one of these.
    Route(Vec<EntityName>),
    /// Nothing until people say so: it is one of too many that were missed.
    Hold,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// By one agent or one configured team.
    One(EntityName),
    /// By these agents together; the first one lends its account.
    Together(Vec<EntityName>),
}

/// Decides. Exactly one rule fires.
pub(super) fn decide(facts: &Facts) -> Verdict {
    if !facts.triggers {
        return verdict("A3", Action::Ignore, "it is not of a kind that is answered");
    }
    match &facts.sender {
        Sender::Stranger => verdict("A1", Action::Ignore, "the sender is not authorized"),
        Sender::Entity(sender) => among_entities(facts, Some(sender)),
        Sender::Guest => among_entities(facts, None),
        Sender::Authorized => match &facts.command {
            Some(command) => verdict("W1", Action::Run(command.clone()), "it is a command"),
            None => by_mention(facts).unwrap_or_else(|| by_place(facts)),
        },
    }
}

/// W12: entities reach each other by mention only, never themselves, and only within their budget.
fn among_entities(facts: &Facts, sender: Option<&EntityName>) -> Verdict {
    let others: Vec<Responder> =
        facts.mentioned.responders.iter().filter(|responder| Some(&responder.name) != sender).cloned().collect();
    if others.is_empty() {
        return verdict("W12", Action::Ignore, "an entity's message asks nobody by mention");
    }
    let Budget { allowed, hops_left, messages_left } = facts.budget;
    if !allowed {
        verdict("W12", Action::Ignore, "agents may not ask each other")
    } else if hops_left == 0 || messages_left == 0 {
        verdict("W12", Action::OverBudget, "agents have talked enough among themselves")
    } else {
        asked(&others)
    }
}

/// W2 to W5: somebody is mentioned.
fn by_mention(facts: &Facts) -> Option<Verdict> {
    let Mentioned { responders, router, people } = &facts.mentioned;
    if !responders.is_empty() {
        Some(asked(responders))
    } else if *people {
        Some(verdict("W5", Action::Ignore, "it is addressed to a person"))
    } else if *router {
        Some(verdict("W4", Action::Explain, "only the router was asked"))
    } else {
        None
    }
}

/// W6 to W11: nobody is mentioned.
fn by_place(facts: &Facts) -> Verdict {
    match &facts.place {
        Place::Thread { people, .. } if *people >= 2 => {
            verdict("W6", Action::Ignore, "people are talking with each other in this thread")
        }
        Place::Thread { involved, .. } if !involved.is_empty() => continued(involved),
        Place::Thread { .. } => by_room(&facts.room),
        Place::Main => match direct_team(&facts.room) {
            Some(members) => answer("W9", vec![Answer::Together(members)], Vec::new(), "it is a chat with all of them"),
            None => by_room(&facts.room),
        },
    }
}

/// W7, W8: whoever is in the conversation goes on with it.
fn continued(involved: &[Responder]) -> Verdict {
    let (able, unable) = sorted(involved);
    match (able.as_slice(), involved.len()) {
        ([], _) => verdict("W3a", Action::Excuse(unable), "those in this thread can't answer now"),
        ([one], 1) => answer("W7", vec![Answer::One(one.name.clone())], Vec::new(), "it is in this conversation"),
        ([one], _) => answer("W8", vec![Answer::One(one.name.clone())], Vec::new(), "it is the one left of several"),
        (several, _) => answer("W8", together(several), Vec::new(), "they are in this conversation"),
    }
}

/// W10, W11: the room decides.
fn by_room(room: &Room) -> Verdict {
    match room.usable.as_slice() {
        [] if room.direct => verdict("W11", Action::Lonely, "nobody in this chat can answer"),
        [] => verdict("W11", Action::Ignore, "nobody in this room can answer"),
        [one] => answer("W10", vec![Answer::One(one.name.clone())], Vec::new(), "it is the only one here"),
        several => {
            let names = several.iter().map(|responder| responder.name.clone()).collect();
            verdict("W11", Action::Route(names), "several could answer")
        }
    }
}

/// W9: in a direct chat with several agents, all of them.
fn direct_team(room: &Room) -> Option<Vec<EntityName>> {
    let agents: Vec<EntityName> =
        room.usable.iter().filter(|responder| !responder.team).map(|agent| agent.name.clone()).collect();
    (room.direct && agents.len() >= 2).then_some(agents)
}

/// W2, W3, W3a: these were asked by name.
fn asked(responders: &[Responder]) -> Verdict {
    let (able, unable) = sorted(responders);
    match (able.as_slice(), responders.len()) {
        ([], _) => verdict("W3a", Action::Excuse(unable), "whoever was asked can't answer"),
        ([one], 1) => answer("W3", vec![Answer::One(one.name.clone())], unable, "it was asked"),
        (able, _) => answer("W2", together(able), unable, "several were asked"),
    }
}

/// The answers of several: the agents as one, each configured team as itself.
fn together(responders: &[Responder]) -> Vec<Answer> {
    let agents: Vec<EntityName> =
        responders.iter().filter(|responder| !responder.team).map(|agent| agent.name.clone()).collect();
    let teams = responders.iter().filter(|responder| responder.team).map(|team| Answer::One(team.name.clone()));
    let agents = match agents.as_slice() {
        [] => None,
        [one] => Some(Answer::One(one.clone())),
        _ => Some(Answer::Together(agents)),
    };
    agents.into_iter().chain(teams).collect()
}

fn sorted(responders: &[Responder]) -> (Vec<Responder>, Vec<Responder>) {
    responders.iter().cloned().partition(|responder| responder.usable == Usable::Yes)
}

fn answer(rule: &'static str, answers: Vec<Answer>, missing: Vec<Responder>, reason: &'static str) -> Verdict {
    debug_assert!(!answers.is_empty());
    verdict(rule, Action::Answer { answers, missing }, reason)
}

fn verdict(rule: &'static str, action: Action, reason: &'static str) -> Verdict {
    Verdict { rule, action, reason }
}
