//! The rules of who answers, one by one and all together.

use proptest::prelude::*;

use crate::{
    desk::gate::{Action, Answer, Budget, Command, Facts, Mentioned, Place, Responder, Room, Sender, Usable, decide},
    model::EntityName,
};

fn name(text: &str) -> EntityName {
    EntityName::parse(text).unwrap()
}

fn agent(text: &str) -> Responder {
    Responder { name: name(text), team: false, usable: Usable::Yes }
}

fn team(text: &str) -> Responder {
    Responder { team: true, ..agent(text) }
}

fn down(text: &str) -> Responder {
    Responder { usable: Usable::Down, ..agent(text) }
}

fn facts() -> Facts {
    Facts {
        sender: Sender::Authorized,
        triggers: true,
        command: None,
        mentioned: Mentioned::default(),
        place: Place::Main,
        room: Room { direct: false, usable: vec![agent("a"), agent("b"), team("t")] },
        budget: Budget { allowed: true, hops_left: 4, messages_left: 12 },
    }
}

fn asking(responders: Vec<Responder>) -> Facts {
    Facts { mentioned: Mentioned { responders, ..Mentioned::default() }, ..facts() }
}

fn thread(people: usize, involved: Vec<Responder>) -> Facts {
    Facts { place: Place::Thread { people, involved }, ..facts() }
}

fn one(text: &str) -> Answer {
    Answer::One(name(text))
}

fn both() -> Answer {
    Answer::Together(vec![name("a"), name("b")])
}

fn check(facts: &Facts, rule: &str, expected: Action) {
    let verdict = decide(facts);
    assert_eq!((verdict.rule, verdict.action), (rule, expected), "{facts:?}");
}

fn answers(answers: Vec<Answer>) -> Action {
    Action::Answer { answers, missing: Vec::new() }
}

/// A1, A3: strangers and what is never answered come before everything else.
#[test]
fn some_are_never_answered() {
    check(&Facts { sender: Sender::Stranger, ..asking(vec![agent("a")]) }, "A1", Action::Ignore);
    check(&Facts { triggers: false, ..asking(vec![agent("a")]) }, "A3", Action::Ignore);
}

/// W1: commands come before mentions.
#[test]
fn commands_are_run() {
    let command = Command::Known("help".to_owned());
    check(&Facts { command: Some(command.clone()), ..asking(vec![agent("a")]) }, "W1", Action::Run(command));
}

/// W2, W3, W3a: who is asked answers; agents together, teams as themselves; who can't is named.
#[test]
fn who_is_asked_answers() {
    check(&asking(vec![agent("a")]), "W3", answers(vec![one("a")]));
    check(&asking(vec![team("t")]), "W3", answers(vec![one("t")]));
    check(&asking(vec![agent("a"), agent("b")]), "W2", answers(vec![both()]));
    check(&asking(vec![agent("a"), agent("b"), team("t")]), "W2", answers(vec![both(), one("t")]));
    let missing = vec![down("b")];
    let action = Action::Answer { answers: vec![one("a")], missing: missing.clone() };
    check(&asking(vec![agent("a"), down("b")]), "W2", action);
    check(&asking(missing.clone()), "W3a", Action::Excuse(missing));
    let mut in_thread = asking(vec![agent("b")]);
    in_thread.place = Place::Thread { people: 3, involved: vec![agent("a")] };
    check(&in_thread, "W3", answers(vec![one("b")]));
}

/// W4, W5: the router alone explains; a person's name keeps us out.
#[test]
fn the_router_and_people_can_be_addressed() {
    let addressed = |router, people| Facts { mentioned: Mentioned { responders: vec![], router, people }, ..facts() };
    check(&addressed(true, false), "W4", Action::Explain);
    check(&addressed(false, true), "W5", Action::Ignore);
    check(&addressed(true, true), "W5", Action::Ignore);
}

/// W6, W7, W8: threads go on with whom they began, unless people talk with each other.
#[test]
fn threads_go_on() {
    check(&thread(2, vec![agent("a")]), "W6", Action::Ignore);
    check(&thread(1, vec![agent("a")]), "W7", answers(vec![one("a")]));
    check(&thread(1, vec![agent("a"), agent("b")]), "W8", answers(vec![both()]));
    check(&thread(1, vec![agent("a"), down("b")]), "W8", answers(vec![one("a")]));
    check(&thread(1, vec![down("b")]), "W3a", Action::Excuse(vec![down("b")]));
    check(&thread(1, vec![]), "W11", Action::Route(vec![name("a"), name("b"), name("t")]));
}

/// W9, W10, W11: the room decides when nothing else does.
#[test]
fn rooms_decide_last() {
    let room = |direct, usable| Facts { room: Room { direct, usable }, ..facts() };
    check(&room(true, vec![agent("a"), agent("b")]), "W9", answers(vec![both()]));
    check(&room(true, vec![agent("a")]), "W10", answers(vec![one("a")]));
    check(&room(false, vec![agent("a")]), "W10", answers(vec![one("a")]));
    check(&room(false, vec![]), "W11", Action::Ignore);
    check(&room(true, vec![]), "W11", Action::Lonely);
    check(&room(false, vec![agent("a"), agent("b")]), "W11", Action::Route(vec![name("a"), name("b")]));
}

/// W12: entities ask each other by mention only, never themselves, within their budget.
#[test]
fn entities_ask_each_other_within_bounds() {
    let from = |facts: Facts| Facts { sender: Sender::Entity(name("a")), ..facts };
    check(&from(facts()), "W12", Action::Ignore);
    check(&from(asking(vec![agent("a")])), "W12", Action::Ignore);
    check(&from(asking(vec![agent("b")])), "W3", answers(vec![one("b")]));
    let budget = |allowed, hops_left, messages_left| {
        from(Facts { budget: Budget { allowed, hops_left, messages_left }, ..asking(vec![agent("b")]) })
    };
    check(&budget(false, 4, 12), "W12", Action::Ignore);
    check(&budget(true, 0, 12), "W12", Action::OverBudget);
    check(&budget(true, 4, 0), "W12", Action::OverBudget);
    let command = Facts { command: Some(Command::Known("stop".to_owned())), ..from(facts()) };
    check(&command, "W12", Action::Ignore);
    let guest = |facts: Facts| Facts { sender: Sender::Guest, ..facts };
    check(&guest(facts()), "W12", Action::Ignore);
    check(&guest(asking(vec![agent("b")])), "W3", answers(vec![one("b")]));
    check(&guest(budget(true, 0, 12)), "W12", Action::OverBudget);
}

fn any_responder() -> impl Strategy<Value = Responder> {
    let usable = prop_oneof![Just(Usable::Yes), Just(Usable::Down), Just(Usable::Elsewhere), Just(Usable::Forbidden)];
    ("[a-e]", any::<bool>(), usable).prop_map(|(text, team, usable)| Responder { name: name(&text), team, usable })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let responders = || proptest::collection::vec(any_responder(), 0..4);
    let sender = prop_oneof![
        Just(Sender::Authorized),
        Just(Sender::Stranger),
        Just(Sender::Guest),
        Just(Sender::Entity(name("a")))
    ];
    let place = prop_oneof![
        Just(Place::Main),
        (1usize..4, responders()).prop_map(|(people, involved)| Place::Thread { people, involved }),
    ];
    let mentioned = (responders(), any::<bool>(), any::<bool>()).prop_map(|(responders, router, people)| Mentioned {
        responders,
        router,
        people,
    });
    let budget = (any::<bool>(), 0u32..3, 0u32..3).prop_map(|(allowed, hops_left, messages_left)| Budget {
        allowed,
        hops_left,
        messages_left,
    });
    (sender, any::<bool>(), mentioned, place, any::<bool>(), responders(), budget).prop_map(
        |(sender, triggers, mentioned, place, direct, usable, budget)| {
            let usable = usable.into_iter().map(|responder| Responder { usable: Usable::Yes, ..responder }).collect();
            Facts { sender, triggers, command: None, mentioned, place, room: Room { direct, usable }, budget }
        },
    )
}

fn answering(action: &Action) -> Vec<EntityName> {
    let Action::Answer { answers, .. } = action else { return Vec::new() };
    let names = answers.iter().flat_map(|answer| match answer {
        Answer::One(name) => vec![name.clone()],
        Answer::Together(names) => names.clone(),
    });
    names.collect()
}

proptest! {
    /// An authorized person's mention of a usable responder always gets that responder; strangers get nobody.
    #[test]
    fn a_mention_gets_whom_it_names(facts in any_facts()) {
        let verdict = decide(&facts);
        let got = answering(&verdict.action);
        match facts.sender {
            Sender::Stranger => prop_assert_eq!(verdict.action, Action::Ignore),
            Sender::Authorized if facts.triggers => {
                for wanted in facts.mentioned.responders.iter().filter(|wanted| wanted.usable == Usable::Yes) {
                    prop_assert!(got.contains(&wanted.name), "{:?}", verdict);
                }
            }
            Sender::Authorized | Sender::Guest | Sender::Entity(_) => {}
        }
    }

    /// Nobody answers who can't, and no entity answers itself.
    #[test]
    fn only_the_usable_answer(facts in any_facts()) {
        let known = facts.mentioned.responders.iter().chain(&facts.room.usable).chain(match &facts.place {
            Place::Thread { involved, .. } => involved.as_slice(),
            Place::Main => &[],
        });
        let usable: Vec<EntityName> =
            known.filter(|known| known.usable == Usable::Yes).map(|known| known.name.clone()).collect();
        for got in answering(&decide(&facts).action) {
            prop_assert!(usable.contains(&got));
            prop_assert!(facts.sender != Sender::Entity(got));
        }
    }
}
