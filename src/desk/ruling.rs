//! What follows from a verdict: the decision as it is kept, envelopes for those who answer, and what the house says.

use super::{
    gate::{Action, Answer, Facts, Place, Responder, Usable, Verdict},
    scene::{Scene, is_person},
    words,
};
use crate::{
    config::{Config, Entity, ThreadMode},
    model::{
        self, Conversation, EntityName, Envelope, EventId, Millis, Missing, Notice, Poll, PollAbout, PollOption,
        Priority,
    },
    routing::Routed,
    store::{AuditEntry, Decision, DecisionAction, Message},
};

/// What stands for the candidates when people pick one.
const KEYS: [&str; 9] = ["1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣"];

/// What follows from a verdict about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ruling {
    /// What is kept of the decision.
    pub(super) decision: Decision,
    /// Who answers.
    pub(super) envelopes: Vec<Envelope>,
    /// What the house says.
    pub(super) notices: Vec<Notice>,
    /// What the audit is told.
    pub(super) audit: Option<AuditEntry>,
}

/// What a message is judged with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    /// The configuration.
    pub(super) config: &'a Config,
    /// What is known beside the message.
    pub(super) scene: &'a Scene,
    /// The message, as it reads now.
    pub(super) message: &'a Message,
    /// When it is judged.
    pub(super) now: Millis,
}

impl Case<'_> {
    /// What follows from `verdict`.
    pub(super) fn rule(&self, facts: &Facts, verdict: &Verdict) -> Ruling {
        let candidates = candidates(facts, verdict);
        let mut ruling = Ruling {
            decision: self.decision(verdict.rule, word(&verdict.action), candidates, verdict.reason),
            envelopes: Vec::new(),
            notices: Vec::new(),
            audit: None,
        };
        match &verdict.action {
            Action::Ignore => ruling.audit = (verdict.rule == "A1").then(|| self.stranger()),
            Action::Run(_) | Action::Route(_) | Action::Hold => {}
            Action::Explain => ruling.notices.extend(self.say("explain", words::how_to_ask(&self.hosts()))),
            Action::Excuse(absent) => ruling.notices.extend(self.say("excuse", words::excuse(&self.reasons(absent)))),
            Action::Lonely => ruling.notices.extend(self.say("lonely", words::lonely(&self.reasons(&self.absent())))),
            Action::OverBudget => ruling.notices.extend(self.over_budget()),
            Action::Answer { answers, missing } => {
                ruling.envelopes = self.envelopes(answers, missing);
                ruling.decision.answering =
                    ruling.envelopes.iter().map(|envelope| envelope.responder.clone()).collect();
            }
        }
        ruling
    }

    /// R1, R2, R3: what follows from the router's pick, or from a person's tap.
    pub(super) fn routed(&self, candidates: Vec<EntityName>, routed: &Routed) -> Ruling {
        match routed {
            Routed::Chosen { name, reason, rule, announcement } => {
                let decision = self.decision(rule, DecisionAction::Answer, candidates, reason);
                let envelopes = self.envelopes(&[Answer::One(name.clone())], &[]);
                let answering = envelopes.iter().map(|envelope| envelope.responder.clone()).collect();
                let said = announcement.as_ref().and_then(|text| self.say("handoff", text.clone()));
                let notices = said.into_iter().collect();
                Ruling { decision: Decision { answering, ..decision }, envelopes, notices, audit: None }
            }
            Routed::Unclear { candidates, reason } => {
                let notices = self.ask_whom(candidates).into_iter().collect();
                let decision = self.decision("R2", DecisionAction::Ask, candidates.clone(), reason);
                Ruling { decision, envelopes: Vec::new(), notices, audit: None }
            }
        }
    }

    /// W15: a line of the house about the message, where the house would answer it. Nobody of ours in the room, no
    /// line.
    fn notice(&self, id: String, text: String) -> Option<Notice> {
        let speaker = words::speaker(self.config, &self.scene.present, &self.scene.up)?;
        let conversation = self.scene.place(self.config, &speaker, self.message);
        let reply_to = Some(self.message.event.clone());
        Some(Notice { id, speaker, conversation, reply_to, text, poll: None })
    }

    /// W15: where the house answers the message, and where its answers go in this room by the configuration alone.
    pub(super) fn house_place(&self) -> Option<(Conversation, ThreadMode)> {
        let speaker = words::speaker(self.config, &self.scene.present, &self.scene.up)?;
        let place = self.scene.place(self.config, &speaker, self.message);
        Some((place, self.scene.configured_mode(self.config, &speaker)))
    }

    /// Who can be addressed here by the sender.
    fn hosts(&self) -> Vec<words::Host> {
        let exist = self.scene.responders(self.config, &self.message.sender).into_iter();
        let here = exist.filter(|responder| matches!(responder.usable, Usable::Yes | Usable::Down));
        here.filter_map(|responder| {
            let entity = self.config.entity(&responder.name)?;
            let (user, _) = self.scene.own.iter().find(|(_, name)| **name == responder.name)?;
            let (name, purpose) = (entity.display_name.clone(), entity.purpose.clone());
            Some(words::Host { user: user.clone(), name, purpose })
        })
        .collect()
    }

    /// A decision about the message by which nobody answers.
    pub(super) fn decision(
        &self,
        rule: &str,
        action: DecisionAction,
        candidates: Vec<EntityName>,
        reason: &str,
    ) -> Decision {
        let Message { ordinal, room, event, thread, .. } = self.message;
        Decision {
            ordinal: *ordinal,
            conversation: Conversation { room: room.clone(), thread: thread.clone() },
            event: event.clone(),
            rule: rule.to_owned(),
            action,
            answering: Vec::new(),
            candidates,
            reason: reason.to_owned(),
            decided_at: self.now,
        }
    }

    /// W2: an envelope for each answer. Who was asked and can't is named in the first.
    fn envelopes(&self, answers: &[Answer], missing: &[Responder]) -> Vec<Envelope> {
        let mark = self.message.wording.mark.as_ref();
        let by_entity = mark.is_some() || self.scene.entity(&self.message.sender).is_some();
        let envelope = |(index, answer): (usize, &Answer)| {
            let responder = match answer {
                Answer::One(name) => model::Responder::One(name.clone()),
                Answer::Together(names) => model::Responder::Together(names.clone()),
            };
            let named = missing.iter().filter(|_| index == 0);
            Envelope {
                conversation: self.scene.place(self.config, responder.speaker(), self.message),
                event: self.message.event.clone(),
                sender: self.message.sender.clone(),
                responder,
                priority: if by_entity { Priority::Agent } else { Priority::Person },
                hops: mark.map_or(0, |mark| mark.hops).saturating_add(1),
                root: mark.and_then(|mark| mark.root.clone()).unwrap_or_else(|| self.message.event.clone()),
                missing: named
                    .map(|absent| Missing { name: absent.name.clone(), why: why(absent.usable).to_owned() })
                    .collect(),
                received_at: self.message.received_at,
            }
        };
        answers.iter().enumerate().map(envelope).collect()
    }

    fn say(&self, what: &str, text: String) -> Option<Notice> {
        self.notice(format!("{what} {}", self.message.event), text)
    }

    /// W12: once in a conversation until a person speaks again.
    fn over_budget(&self) -> Option<Notice> {
        let people = self.scene.thread.iter().rev().filter(|said| is_person(self.config, self.scene, said));
        let since = people.map(|said| &said.event).next().unwrap_or(&self.message.event);
        let place = self.message.thread.as_ref().map_or(self.message.room.as_str(), EventId::as_str);
        self.notice(format!("over-budget {place} {since}"), words::over_budget())
    }

    /// R2: asks the person who should answer, with something to tap for each.
    fn ask_whom(&self, candidates: &[EntityName]) -> Option<Notice> {
        let asked: Vec<_> = candidates.iter().filter_map(|name| self.config.entity(name)).zip(KEYS).collect();
        let line = |(entity, key): &(&Entity, &str)| {
            let purpose = if entity.purpose.is_empty() { String::new() } else { format!(" – {}", entity.purpose) };
            format!("- {key} {}{purpose}", entity.display_name)
        };
        let lines: Vec<String> = asked.iter().map(line).collect();
        let option = |(entity, key): &(&Entity, &str)| PollOption {
            key: (*key).to_owned(),
            value: entity.name.as_str().to_owned(),
        };
        let poll = Poll {
            about: PollAbout::Route(self.message.event.clone()),
            options: asked.iter().map(option).collect(),
            asker: Some(self.message.sender.clone()),
        };
        let text = format!("Who should answer this? Tap one, or mention somebody.\n\n{}", lines.join("\n"));
        Some(Notice { poll: Some(poll), ..self.say("whom", text)? })
    }

    fn absent(&self) -> Vec<Responder> {
        let known = self.scene.responders(self.config, &self.message.sender);
        known.into_iter().filter(|responder| self.scene.present.contains(&responder.name)).collect()
    }

    fn reasons(&self, absent: &[Responder]) -> Vec<(String, String)> {
        let name = |responder: &Responder| {
            let entity = self.config.entity(&responder.name);
            entity.map_or_else(|| responder.name.to_string(), |entity| entity.display_name.clone())
        };
        absent.iter().map(|responder| (name(responder), why(responder.usable).to_owned())).collect()
    }

    fn stranger(&self) -> AuditEntry {
        AuditEntry {
            at: self.now,
            kind: "unauthorized".to_owned(),
            entity: None,
            room: Some(self.message.room.clone()),
            who: Some(self.message.sender.clone()),
            text: format!("{} was left alone", self.message.event),
        }
    }
}

/// Why somebody can't answer, in words that follow the name.
fn why(usable: Usable) -> &'static str {
    match usable {
        Usable::Yes => "can answer",
        Usable::Down => "is not online",
        Usable::Elsewhere => "is not in this room",
        Usable::Forbidden => "is not available to you",
    }
}

fn word(action: &Action) -> DecisionAction {
    match action {
        Action::Ignore => DecisionAction::Ignore,
        Action::Run(_) => DecisionAction::Run,
        Action::Explain | Action::Excuse(_) | Action::Lonely | Action::OverBudget => DecisionAction::Say,
        Action::Answer { .. } => DecisionAction::Answer,
        Action::Route(_) => DecisionAction::Route,
        Action::Hold => DecisionAction::Ask,
    }
}

/// W14: whom the decision was about: those who were asked, else those in the thread, else those in the room.
fn candidates(facts: &Facts, verdict: &Verdict) -> Vec<EntityName> {
    if let Action::Route(names) = &verdict.action {
        return names.clone();
    }
    let asked = Some(&facts.mentioned.responders).filter(|asked| !asked.is_empty());
    let involved = match &facts.place {
        Place::Thread { involved, .. } if !involved.is_empty() => Some(involved),
        Place::Thread { .. } | Place::Main => None,
    };
    let about = asked.or(involved).unwrap_or(&facts.room.usable);
    about.iter().map(|responder| responder.name.clone()).collect()
}
