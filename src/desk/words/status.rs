//! How things are: in one thread, or in the whole house.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use super::{
    markup::{code, count, listed, plain},
    why::{Answering, Stage, span},
};
use crate::{
    config::ThreadMode,
    model::{Millis, Phase, Reload, ReloadOutcome, Status},
};

/// How many lines of one kind are shown; the rest is counted.
const LINES_MAX: usize = 20;

/// What is known of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadFacts {
    /// The answers that are given or waited for here, in order.
    pub answers: Vec<Answering>,
    /// The model that was chosen here or for the room, if one was.
    pub model: Option<String>,
    /// Where answers go.
    pub mode: ThreadMode,
    /// Whether the room is encrypted.
    pub encrypted: bool,
    /// The time.
    pub now: Millis,
}

/// What is going on in a house.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Work {
    /// How many answers are being given.
    pub running: u64,
    /// How many messages wait for their turn.
    pub waiting: u64,
    /// How many lines of conversation are in mind.
    pub lanes: u64,
    /// The answers that failed for good and wait for `!retry`, newest first: id, and who was to give it.
    pub parked: Vec<(String, String)>,
}

/// What is going on in a thread.
#[must_use]
pub fn of_thread(facts: &ThreadFacts) -> String {
    let open: Vec<&Answering> = facts.answers.iter().filter(|answer| is_open(answer.stage)).collect();
    let mut lines: Vec<String> = open.iter().take(LINES_MAX).map(|answer| at_work(answer, facts.now)).collect();
    if open.is_empty() {
        lines.push("- Nothing is being answered here right now.".to_owned());
    }
    let failed = facts.answers.iter().filter(|answer| answer.stage == Stage::Failed);
    lines.extend(failed.take(LINES_MAX).map(|answer| {
        format!("- An answer of {} failed; {} tries again.", who(answer), code(&format!("!retry {}", answer.id)))
    }));
    if let Some(model) = &facts.model {
        lines.push(format!("- The model {} was chosen for this.", code(model)));
    }
    lines.push(match facts.mode {
        ThreadMode::Thread => "- Answers go into threads.".to_owned(),
        ThreadMode::Room => "- Answers go to the main timeline.".to_owned(),
    });
    lines.push(if facts.encrypted { "- The room is encrypted." } else { "- The room is not encrypted." }.to_owned());
    lines.join("\n")
}

/// How the whole house is.
#[must_use]
pub fn of_house(status: &Status, work: &Work) -> String {
    let mut lines = vec![format!(
        "**Maitre {}**, up for {}: {}.",
        plain(&status.version),
        span(status.taken_at.since(status.started_at)),
        plain(&status.doing)
    )];
    lines.push(String::new());
    lines.push(entities(status));
    lines.extend(trouble(status));
    let counts = &status.counts;
    lines.push(format!("- Messages: {} taken in, {} that nobody here can read yet.", counts.live, counts.sealed));
    lines.push(format!(
        "- Work: {} being given, {} waiting, {} in mind.",
        count(work.running, "answer", "answers"),
        count(work.waiting, "message", "messages"),
        count(work.lanes, "conversation", "conversations")
    ));
    lines.extend(parked(&work.parked));
    lines.extend(status.reloads.first().map(|reload| configuration(reload, status.taken_at)));
    lines.join("\n")
}

/// H2: what became of the configuration's files when they changed last.
fn configuration(reload: &Reload, now: Millis) -> String {
    let when = span(now.since(reload.at));
    let reasons = reload.reasons.iter().take(LINES_MAX).map(|reason| format!("\n  - {}", plain(reason)));
    let changes = count(reload.changes.len() as u64, "change", "changes");
    match reload.outcome {
        ReloadOutcome::Applied => format!("- Configuration: changed {when} ago, with {changes}."),
        ReloadOutcome::Unchanged => format!("- Configuration: read {when} ago; it is what runs."),
        ReloadOutcome::Invalid | ReloadOutcome::Refused | ReloadOutcome::RolledBack => {
            format!(
                "- Configuration: the file isn't what runs since {when} ago:{}",
                reasons.collect::<Vec<_>>().concat()
            )
        }
    }
}

fn is_open(stage: Stage) -> bool {
    match stage {
        Stage::Waiting | Stage::Running | Stage::Suspended => true,
        Stage::Done | Stage::Stopped | Stage::Failed => false,
    }
}

fn at_work(answer: &Answering, now: Millis) -> String {
    let since = answer.started.map(|started| format!(" for {}", span(now.since(started)))).unwrap_or_default();
    format!("- {} – {}{since}. Id {}", who(answer), answer.stage.word(), code(&answer.id))
}

fn who(answer: &Answering) -> String {
    listed(&answer.who.iter().map(|name| plain(name)).collect::<Vec<_>>())
}

fn entities(status: &Status) -> String {
    let ready = status.entities.iter().filter(|entity| entity.phase == Phase::Ready).count();
    format!("- {ready} of {} are up.", count(status.entities.len() as u64, "entity", "entities"))
}

fn trouble(status: &Status) -> Vec<String> {
    let entities = status.entities.iter().filter(|entity| entity.phase != Phase::Ready).map(|entity| {
        let why = entity.reason.as_deref().map(|why| format!(": {}", plain(why))).unwrap_or_default();
        format!("- {} is {}{why}", code(entity.name.as_str()), entity.phase.as_str().replace('_', " "))
    });
    let rooms = status
        .rooms
        .iter()
        .filter_map(|room| Some(format!("- Room {}: {}", code(&room.key), plain(room.trouble.as_deref()?))));
    shortened(entities.chain(rooms).collect())
}

fn parked(parked: &[(String, String)]) -> Vec<String> {
    let lines = parked.iter().map(|(id, who)| {
        format!("- An answer of {} failed; {} tries again.", plain(who), code(&format!("!retry {id}")))
    });
    shortened(lines.collect())
}

fn shortened(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(format!("- and {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Counts, EntityKind, EntityName, EntityStatus, RoomStatus};

    fn answer(stage: Stage) -> Answering {
        Answering {
            id: "3f".to_owned(),
            who: vec!["Ada".to_owned()],
            stage,
            started: Some(Millis(1_000)),
            sent: None,
            ended: None,
            attempt: 1,
        }
    }

    fn thread(answers: Vec<Answering>) -> ThreadFacts {
        ThreadFacts { answers, model: None, mode: ThreadMode::Thread, encrypted: false, now: Millis(3_000) }
    }

    /// X4: a thread's status says what is going on in it, and what can be tried again.
    #[test]
    fn a_thread_tells_what_goes_on_in_it() {
        let idle =
            "- Nothing is being answered here right now.\n- Answers go into threads.\n- The room is not encrypted.";
        assert_eq!(of_thread(&thread(vec![answer(Stage::Done)])), idle);
        let busy = of_thread(&thread(vec![answer(Stage::Running), answer(Stage::Failed)]));
        assert!(busy.starts_with("- Ada – being answered for 2.0 s. Id `3f`\n"), "{busy}");
        assert!(busy.contains("- An answer of Ada failed; `!retry 3f` tries again.\n"), "{busy}");
        let facts = ThreadFacts {
            model: Some("fast".to_owned()),
            mode: ThreadMode::Room,
            encrypted: true,
            ..thread(Vec::new())
        };
        let set = of_thread(&facts);
        assert!(
            set.contains("`fast`") && set.contains("main timeline") && set.ends_with("The room is encrypted."),
            "{set}"
        );
    }

    fn entity(name: &str, phase: Phase, reason: Option<&str>) -> EntityStatus {
        EntityStatus {
            name: EntityName::parse(name).unwrap(),
            kind: EntityKind::Agent,
            user: None,
            phase,
            reason: reason.map(str::to_owned),
            restarts: 0,
            next_try_at: None,
            synced_at: None,
        }
    }

    /// X4: an admin sees who is down and why, what waits, and what failed for good.
    #[test]
    fn the_house_tells_what_is_wrong_with_it() {
        let status = Status {
            version: "0.1.0".to_owned(),
            started_at: Millis(0),
            taken_at: Millis(5_000),
            homeserver: "http://localhost".to_owned(),
            ready: false,
            doing: "running".to_owned(),
            entities: vec![entity("ada", Phase::Ready, None), entity("bob", Phase::BackingOff, Some("no answer"))],
            rooms: vec![RoomStatus { key: "lobby".to_owned(), room: None, trouble: Some("closed".to_owned()) }],
            counts: Counts { live: 7, sealed: 2, ..Counts::default() },
            parked: crate::model::Parked::default(),
            reloads: Vec::new(),
        };
        let work = Work { running: 1, waiting: 3, lanes: 2, parked: vec![("3f".to_owned(), "Ada".to_owned())] };
        assert_eq!(
            of_house(&status, &work),
            "**Maitre 0.1.0**, up for 5.0 s: running.\n\n\
             - 1 of 2 entities are up.\n\
             - `bob` is backing off: no answer\n\
             - Room `lobby`: closed\n\
             - Messages: 7 taken in, 2 that nobody here can read yet.\n\
             - Work: 1 answer being given, 3 messages waiting, 2 conversations in mind.\n\
             - An answer of Ada failed; `!retry 3f` tries again."
        );
        let many = Work { parked: vec![("3f".to_owned(), "Ada".to_owned()); LINES_MAX + 1], ..work };
        assert!(of_house(&status, &many).ends_with("- and 1 more"));
    }

    /// H2, X4: admins are told what became of the configuration's files.
    #[test]
    fn the_configuration_is_told_of() {
        let reload = |outcome| Reload {
            at: Millis(1_000),
            outcome,
            changes: vec!["+ agent bob".to_owned()],
            reasons: vec!["config.yaml:3:1: `x`".to_owned()],
        };
        let told = |outcome| configuration(&reload(outcome), Millis(3_000));
        assert_eq!(told(ReloadOutcome::Applied), "- Configuration: changed 2.0 s ago, with 1 change.");
        assert_eq!(told(ReloadOutcome::Unchanged), "- Configuration: read 2.0 s ago; it is what runs.");
        let told = told(ReloadOutcome::Refused);
        assert!(
            told.starts_with("- Configuration: the file isn't what runs since 2.0 s ago:\n  - config.yaml"),
            "{told}"
        );
    }
}
