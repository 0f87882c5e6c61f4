//! What must hold at the end of a run, whatever happened in it.

use std::collections::{BTreeMap, BTreeSet};

use maitre::{
    model::{EventId, RoomId, TURN_KEY, TurnId, UserId},
    store::{DecisionAction, Store, StoreError, StoredTurn, TurnState},
};
use serde_json::Value;

use crate::{
    config::TEAM,
    ledger::{Asked, Due, tag},
    model::RE,
    world::Seen,
};

/// The key of notices.
const NOTICE_KEY: &str = "org.maitre.notice";

/// A responder in a conversation, and for whom it answers.
type Lane = (String, RoomId, Option<EventId>);
/// An answer of a lane: where its question stands, where it begins, and which it is.
type Given = (usize, usize, String);

/// What is looked at.
pub(crate) struct Evidence<'a> {
    pub(crate) store: &'a Store,
    pub(crate) asked: &'a [Asked],
    pub(crate) timelines: &'a BTreeMap<RoomId, Vec<Seen>>,
    /// The users of the house.
    pub(crate) own: &'a BTreeSet<UserId>,
    /// Whether models may have failed.
    pub(crate) models_fail: bool,
}

/// How a run went, beside what went wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcomes {
    pub(crate) asked: u64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) stopped: u64,
    pub(crate) excused: u64,
    pub(crate) asked_whom: u64,
}

/// What is wrong, each in a sentence that begins with the rule.
pub(crate) struct Findings {
    pub(crate) violations: Vec<String>,
    pub(crate) outcomes: Outcomes,
}

/// One message of an answer, with its last wording.
struct Shown<'a> {
    seen: &'a Seen,
    at: usize,
    last: &'a Value,
}

/// Looks at everything.
pub(crate) async fn check(evidence: &Evidence<'_>) -> Result<Findings, StoreError> {
    let mut findings = Findings { violations: Vec::new(), outcomes: Outcomes::default() };
    let mut turns: BTreeMap<TurnId, (RoomId, StoredTurn)> = BTreeMap::new();
    for asked in evidence.asked {
        let found = evidence.store.turns_of(&asked.room, &asked.event).await?;
        let decision = evidence.store.decision(&asked.room, &asked.event).await?;
        findings.judge(evidence, asked, &found, decision.as_ref().map(|decision| decision.action));
        turns.extend(found.into_iter().map(|turn| (turn.turn.id.clone(), (asked.room.clone(), turn))));
    }
    for (room, id) in said_turns(evidence) {
        if let (false, Some(turn)) = (turns.contains_key(&id), evidence.store.turn(&id).await?) {
            // W12: an entity asked, on behalf of a person who did.
            if evidence.asked.iter().any(|asked| asked.event == turn.turn.root && asked.room == room) {
                turns.insert(id, (room, turn));
            }
        }
    }
    for (room, timeline) in evidence.timelines {
        findings.own_messages(evidence, room, timeline, &turns);
        findings.notices(evidence, timeline);
        findings.signs(evidence, timeline);
    }
    for (room, stored) in turns.values() {
        let timeline = evidence.timelines.get(room).map(Vec::as_slice).unwrap_or_default();
        findings.answer(evidence, stored, timeline);
    }
    findings.order(evidence, &turns);
    Ok(findings)
}

impl Findings {
    fn say(&mut self, violation: String) {
        self.violations.push(violation);
    }

    /// N2: one answer by whom it is due, and none by anybody else.
    fn judge(
        &mut self,
        evidence: &Evidence<'_>,
        asked: &Asked,
        turns: &[StoredTurn],
        decision: Option<DecisionAction>,
    ) {
        self.outcomes.asked += 1;
        let tag = asked.tag();
        let by = |turn: &StoredTurn| -> Vec<String> {
            let mut names: Vec<String> = turn.turn.responder.names().iter().map(ToString::to_string).collect();
            names.sort();
            names
        };
        let meant: Vec<Vec<String>> = match &asked.due {
            Due::By(names) => {
                let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
                names.sort();
                vec![names]
            }
            Due::OneOf(names) => names.iter().map(|name| vec![(*name).to_owned()]).collect(),
            Due::SomeOf(names) => {
                let together = names.iter().map(|name| (*name).to_owned()).collect();
                names.iter().map(|name| vec![(*name).to_owned()]).chain([together]).collect()
            }
            Due::House | Due::Nothing | Due::Perhaps => Vec::new(),
        };
        let is_meant = |turn: &&StoredTurn| asked.due == Due::Perhaps || meant.contains(&by(turn));
        for turn in turns.iter().filter(|turn| !is_meant(turn)) {
            self.say(format!("N2: {tag} was answered by {:?}, due was {:?}", by(turn), asked.due));
        }
        if turns.len() > 1 {
            self.say(format!("N2: {tag} was answered {} times", turns.len()));
        }
        let may_lack = asked.deleted || asked.stopped;
        match (turns.first(), decision) {
            (None, _) if meant.is_empty() || may_lack => {}
            (None, Some(DecisionAction::Say)) => self.outcomes.excused += 1,
            (None, Some(DecisionAction::Ask)) if asked.may_be_routed() => self.outcomes.asked_whom += 1,
            (None, decision) => self.say(format!("N2: {tag} was never answered; decided was {decision:?}")),
            (Some(turn), _) => match turn.state {
                TurnState::Done => self.outcomes.answered += 1,
                TurnState::Failed if evidence.models_fail => self.outcomes.failed += 1,
                TurnState::Stopped if may_lack => self.outcomes.stopped += 1,
                TurnState::Failed | TurnState::Stopped | TurnState::Running | TurnState::Suspended => {
                    self.say(format!("N2: the answer to {tag} is {:?} in the end: {}", turn.state, turn.text));
                }
            },
        }
        if matches!((&asked.due, decision), (Due::House, Some(action)) if action == DecisionAction::Answer) {
            self.say(format!("W1: {tag} is a command, and somebody was to answer it"));
        }
    }

    /// Whatever the house said belongs to an answer, a notice or the one welcome.
    fn own_messages(
        &mut self,
        evidence: &Evidence<'_>,
        room: &RoomId,
        timeline: &[Seen],
        turns: &BTreeMap<TurnId, (RoomId, StoredTurn)>,
    ) {
        let mut first: BTreeMap<(String, u64), usize> = BTreeMap::new();
        let mut welcomes = 0;
        for seen in timeline.iter().filter(|seen| is_message(seen) && evidence.own.contains(&seen.sender)) {
            if is_edit(seen) || seen.redacted {
                continue;
            }
            if let Some(mark) = seen.content.get(TURN_KEY) {
                let id = mark["id"].as_str().unwrap_or_default();
                let known = TurnId::parse(id).ok().and_then(|id| turns.get(&id));
                match known {
                    Some((at, _)) if at == room => {}
                    Some(_) | None => {
                        self.say(format!("A1: {} in {room} answers nothing that anybody asked", seen.event));
                    }
                }
                *first.entry((id.to_owned(), mark["part"].as_u64().unwrap_or_default())).or_default() += 1;
            } else if seen.content.get(NOTICE_KEY).is_none() {
                welcomes += 1;
            }
        }
        for ((turn, part), count) in first.into_iter().filter(|(_, count)| *count > 1) {
            self.say(format!("N3: part {part} of the answer {turn} was said {count} times"));
        }
        if welcomes > 1 {
            self.say(format!("I6: {welcomes} welcomes in {room}"));
        }
    }

    /// N3: every part of a notice is said once.
    fn notices(&mut self, evidence: &Evidence<'_>, timeline: &[Seen]) {
        let mut said: BTreeMap<(String, u64), usize> = BTreeMap::new();
        for seen in timeline.iter().filter(|seen| is_message(seen) && evidence.own.contains(&seen.sender)) {
            if is_edit(seen) || seen.redacted {
                continue;
            }
            if let Some(mark) = seen.content.get(NOTICE_KEY) {
                let id = mark["id"].as_str().unwrap_or_default().to_owned();
                *said.entry((id, mark["part"].as_u64().unwrap_or_default())).or_default() += 1;
            }
        }
        for ((notice, part), count) in said.into_iter().filter(|(_, count)| *count > 1) {
            self.say(format!("N3: part {part} of the notice {notice:?} was said {count} times"));
        }
    }

    /// S4: no offer to stop stays behind.
    fn signs(&mut self, evidence: &Evidence<'_>, timeline: &[Seen]) {
        let offers = timeline.iter().filter(|seen| {
            seen.kind == "m.reaction"
                && !seen.redacted
                && evidence.own.contains(&seen.sender)
                && seen.content["m.relates_to"]["key"] == "🛑"
        });
        for offer in offers {
            self.say(format!("S4: the offer {} to stop stays behind", offer.event));
        }
    }

    /// S1, S7: what is shown of an ended answer is its last word, and holds what was asked last.
    fn answer(&mut self, evidence: &Evidence<'_>, stored: &StoredTurn, timeline: &[Seen]) {
        let id = stored.turn.id.as_str();
        let shown = shown(timeline, id);
        for part in &shown {
            if part.last[TURN_KEY]["final"] != true {
                self.say(format!(
                    "S1: {} of the answer {id} is left half-written ({:?})",
                    part.seen.event, stored.state
                ));
            }
        }
        if stored.state != TurnState::Done {
            return;
        }
        let text: String = shown.iter().filter_map(|part| part.last["body"].as_str()).collect::<Vec<_>>().join("\n");
        if shown.is_empty() {
            self.say(format!("N2: the answer {id} is done, and nothing of it is in the room"));
        }
        let known = |event: &EventId| evidence.asked.iter().find(|asked| asked.event == *event);
        for asked in stored.turn.messages.iter().filter_map(known).filter(|asked| !asked.deleted) {
            // A team's leader joins what its members said in words of its own.
            let names = stored.turn.responder.names();
            let in_one_voice = names.len() == 1 && names[0].as_str() != TEAM;
            let bears = |edits| text.contains(&format!("{RE}{}", tag(asked.number, edits)));
            // What was being given anew when it was stopped stays what it was.
            let is_known = bears(asked.edits) || (asked.stopped && (0..asked.edits).any(bears));
            if in_one_voice && !is_known && asked.due != Due::Nothing {
                self.say(format!("S7: the answer {id} doesn't know {}: {text}", asked.tag()));
            }
        }
    }

    /// C4: answers of one responder in one conversation begin in the order of their questions.
    fn order(&mut self, evidence: &Evidence<'_>, turns: &BTreeMap<TurnId, (RoomId, StoredTurn)>) {
        let mut lanes: BTreeMap<Lane, Vec<Given>> = BTreeMap::new();
        for (room, stored) in turns.values() {
            let Some(timeline) = evidence.timelines.get(room) else { continue };
            let position = |event: &EventId| timeline.iter().position(|seen| seen.event == *event);
            // What the router is asked about may be overtaken meanwhile, and what was stopped and reworded begins again later.
            let overtaken = |event: &EventId| {
                let asked = evidence.asked.iter().find(|asked| asked.event == *event);
                asked.is_some_and(|asked| asked.may_be_routed() || asked.edits > 0 || asked.again)
            };
            if stored.turn.messages.iter().any(overtaken) {
                continue;
            }
            let Some(question) = stored.turn.messages.iter().filter_map(position).min() else { continue };
            let Some(answer) = shown(timeline, stored.turn.id.as_str()).first().map(|part| part.at) else { continue };
            let conversation = &stored.turn.conversation;
            // What people say goes before what agents say.
            let whose = format!("{} for {:?}", stored.turn.responder, stored.turn.priority);
            let key = (whose, conversation.room.clone(), conversation.thread.clone());
            lanes.entry(key).or_default().push((question, answer, stored.turn.id.to_string()));
        }
        for (lane, mut answers) in lanes {
            answers.sort();
            for pair in answers.windows(2).filter(|pair| pair[0].1 > pair[1].1) {
                self.say(format!("C4: in {lane:?} {} was answered before {}", pair[1].2, pair[0].2));
            }
        }
    }
}

/// Every turn that something in a room is a part of.
fn said_turns(evidence: &Evidence<'_>) -> BTreeSet<(RoomId, TurnId)> {
    let all = evidence.timelines.iter().flat_map(|(room, timeline)| timeline.iter().map(move |seen| (room, seen)));
    let own = all.filter(|(_, seen)| is_message(seen) && evidence.own.contains(&seen.sender));
    own.filter_map(|(room, seen)| {
        let id = seen.content[TURN_KEY]["id"].as_str()?;
        Some((room.clone(), TurnId::parse(id).ok()?))
    })
    .collect()
}

fn is_message(seen: &Seen) -> bool {
    seen.kind == "m.room.message"
}

fn is_edit(seen: &Seen) -> bool {
    seen.content["m.relates_to"]["rel_type"] == "m.replace"
}

/// The messages of an answer that stand in the room, each with its last wording.
fn shown<'a>(timeline: &'a [Seen], turn: &str) -> Vec<Shown<'a>> {
    let first = timeline.iter().enumerate().filter(|(_, seen)| {
        is_message(seen) && !is_edit(seen) && !seen.redacted && seen.content[TURN_KEY]["id"] == turn
    });
    first
        .map(|(at, seen)| {
            let edits = timeline.iter().rev().find(|other| {
                is_message(other)
                    && is_edit(other)
                    && !other.redacted
                    && other.sender == seen.sender
                    && other.content["m.relates_to"]["event_id"] == seen.event.as_str()
            });
            Shown { seen, at, last: edits.map_or(&seen.content, |edit| &edit.content["m.new_content"]) }
        })
        .collect()
}
