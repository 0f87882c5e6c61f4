//! The status as a person reads it: one headline, then tables.

use std::time::Duration;

use super::terminal::painted;
use crate::{
    config::Colour,
    model::{EntityStatus, Millis, Phase, Reload, RoomStatus, Status, TurnId},
};

/// What stands in an empty cell.
const NOTHING: &str = "-";

/// The whole status as text.
pub(super) fn report(status: &Status, colour: Colour) -> String {
    let mut parts = vec![headline(status, colour)];
    if !status.entities.is_empty() {
        parts.push(entities(status, colour));
    }
    if !status.rooms.is_empty() {
        parts.push(rooms(&status.rooms, colour));
    }
    let counts = status.counts;
    parts.push(format!(
        "events: {} live, {} history, {} sealed, {} healed, from {} rooms\n",
        counts.live, counts.history, counts.sealed, counts.healed, counts.rooms
    ));
    if status.parked.count > 0 {
        let ids: Vec<&str> = status.parked.newest.iter().map(TurnId::as_str).collect();
        parts.push(format!("answers given up: {}; newest: {}\n", status.parked.count, ids.join(" ")));
    }
    if let Some(reload) = status.reloads.first() {
        parts.push(config(reload, status.taken_at, colour));
    }
    parts.join("\n")
}

/// What became of the configuration's files when they changed last.
fn config(reload: &Reload, now: Millis, colour: Colour) -> String {
    let code = if reload.outcome.is_in_use() { GREEN } else { RED };
    let outcome = painted(colour, code, &reload.outcome.as_str().replace('_', " "));
    let mut text = format!("configuration: {outcome} {} ago\n", span(now.since(reload.at)));
    let reasons = reload.reasons.iter().map(|reason| format!("{reason} (the house runs on with what it had)"));
    for line in reload.changes.iter().filter(|line| !line.starts_with('!')).cloned().chain(reasons) {
        text.push_str("  ");
        text.push_str(&Cell::plain(&line).text);
        text.push('\n');
    }
    text
}

fn headline(status: &Status, colour: Colour) -> String {
    let ready = if status.ready { painted(colour, GREEN, "ready") } else { painted(colour, YELLOW, "not ready") };
    let up = span(status.taken_at.since(status.started_at));
    format!("{ready}: {}, up {up}, maitre {} at {}\n", status.doing, status.version, status.homeserver)
}

fn entities(status: &Status, colour: Colour) -> String {
    let row = |entity: &EntityStatus| {
        let next = entity.next_try_at.map(|at| format!("in {}", span(at.since(status.taken_at))));
        vec![
            Cell::plain(entity.name.as_str()),
            Cell::plain(entity.user.as_ref().map_or(NOTHING, |user| user.as_str())),
            Cell { text: entity.phase.as_str().to_owned(), code: Some(phase_code(entity.phase)) },
            Cell::plain(&entity.restarts.to_string()),
            Cell::plain(next.as_deref().unwrap_or(NOTHING)),
            Cell::plain(entity.reason.as_deref().unwrap_or(NOTHING)),
        ]
    };
    let rows = status.entities.iter().map(row).collect();
    table(&["ENTITY", "USER", "PHASE", "RESTARTS", "NEXT TRY", "REASON"], rows, colour)
}

fn rooms(rooms: &[RoomStatus], colour: Colour) -> String {
    let row = |room: &RoomStatus| {
        let trouble = room.trouble.as_deref();
        vec![
            Cell::plain(&room.key),
            Cell::plain(room.room.as_ref().map_or(NOTHING, |id| id.as_str())),
            Cell { code: trouble.map(|_| YELLOW), ..Cell::plain(trouble.unwrap_or(NOTHING)) },
        ]
    };
    table(&["ROOM", "ID", "TROUBLE"], rooms.iter().map(row).collect(), colour)
}

const RED: &str = "1;31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const DIM: &str = "2";

fn phase_code(phase: Phase) -> &'static str {
    match phase {
        Phase::Ready => GREEN,
        Phase::Starting | Phase::BackingOff => YELLOW,
        Phase::Down => RED,
        Phase::Stopped => DIM,
    }
}

struct Cell {
    text: String,
    code: Option<&'static str>,
}

impl Cell {
    /// What a server says may hold anything; a control character could move the cursor.
    fn plain(text: &str) -> Self {
        Self { text: text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(), code: None }
    }
}

/// `rows` under `heads`, each column as wide as its widest cell.
fn table(heads: &[&str], rows: Vec<Vec<Cell>>, colour: Colour) -> String {
    let head = heads.iter().map(|head| Cell { text: (*head).to_owned(), code: Some(DIM) }).collect();
    let lines: Vec<Vec<Cell>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| lines.iter().map(|cells| cells[column].text.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    for cells in &lines {
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            text.push_str(&cell.code.map_or_else(|| cell.text.clone(), |code| painted(colour, code, &cell.text)));
            // Nothing after the last cell, so that lines have no blank tail.
            if column + 1 < cells.len() {
                text.push_str(&" ".repeat(width - cell.text.chars().count() + 2));
            }
        }
        text.push('\n');
    }
    text
}

/// A stretch of time in its two largest units.
fn span(duration: Duration) -> String {
    let secs = duration.as_secs();
    match (secs / 86_400, secs / 3600 % 24, secs / 60 % 60, secs % 60) {
        (0, 0, 0, secs) => format!("{secs} s"),
        (0, 0, mins, secs) => format!("{mins} min {secs} s"),
        (0, hours, mins, _) => format!("{hours} h {mins} min"),
        (days, hours, _, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Counts, EntityKind, EntityName, Parked, ReloadOutcome, RoomId, UserId};

    fn status() -> Status {
        let entity = |name: &str, phase, reason: Option<&str>, next_try_at| EntityStatus {
            name: EntityName::parse(name).unwrap(),
            kind: EntityKind::Agent,
            user: reason.is_none().then(|| UserId::parse(format!("@{name}:home")).unwrap()),
            phase,
            reason: reason.map(str::to_owned),
            restarts: 2,
            next_try_at,
            synced_at: None,
        };
        Status {
            version: "1.2.3".to_owned(),
            started_at: Millis(0),
            taken_at: Millis(65_000),
            homeserver: "http://localhost:8008".to_owned(),
            ready: false,
            doing: "running".to_owned(),
            entities: vec![
                entity("router", Phase::Ready, None, None),
                entity("ada", Phase::Down, Some("wrong\n\x1b[2Jpassword"), Some(Millis(77_500))),
            ],
            rooms: vec![
                RoomStatus { key: "lobby".to_owned(), room: Some(RoomId::parse("!x").unwrap()), trouble: None },
                RoomStatus { key: "attic".to_owned(), room: None, trouble: Some("no such alias".to_owned()) },
            ],
            counts: Counts { live: 12, history: 3, sealed: 1, healed: 0, rooms: 2 },
            parked: Parked { count: 2, newest: vec![TurnId::parse("3f2a").unwrap()] },
            reloads: Vec::new(),
        }
    }

    #[test]
    fn the_report_is_headline_tables_and_counts() {
        let expected = "\
not ready: running, up 1 min 5 s, maitre 1.2.3 at http://localhost:8008

ENTITY  USER          PHASE  RESTARTS  NEXT TRY  REASON
router  @router:home  ready  2         -         -
ada     -             down   2         in 12 s   wrong  [2Jpassword

ROOM   ID  TROUBLE
lobby  !x  -
attic  -   no such alias

events: 12 live, 3 history, 1 sealed, 0 healed, from 2 rooms

answers given up: 2; newest: 3f2a
";
        assert_eq!(report(&status(), Colour::Never), expected);
    }

    /// H2: what became of the configuration's files when they changed last.
    #[test]
    fn the_report_ends_with_the_configuration() {
        let (changes, reasons) = (vec!["~ timezone: from the next message on".to_owned()], Vec::new());
        let applied = Reload { at: Millis(60_000), outcome: ReloadOutcome::Applied, changes, reasons };
        let reasons = vec!["config.yaml:3:1: wrong".to_owned()];
        let invalid = Reload { outcome: ReloadOutcome::Invalid, changes: Vec::new(), reasons, ..applied.clone() };
        let report = |reload: &Reload| report(&Status { reloads: vec![reload.clone()], ..status() }, Colour::Never);
        assert!(
            report(&applied).ends_with("\nconfiguration: applied 5 s ago\n  ~ timezone: from the next message on\n")
        );
        let expected =
            "\nconfiguration: invalid 5 s ago\n  config.yaml:3:1: wrong (the house runs on with what it had)\n";
        assert!(report(&invalid).ends_with(expected), "{}", report(&invalid));
    }

    #[test]
    fn colours_only_add_escapes() {
        let mut coloured = report(&status(), Colour::Always);
        assert!(coloured.contains("\x1b[1;31mdown\x1b[0m"), "{coloured:?}");
        for code in [RED, GREEN, YELLOW, DIM, "0"] {
            coloured = coloured.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(coloured, report(&status(), Colour::Never));
    }

    #[test]
    fn times_are_said_in_two_units() {
        let check = |secs: u64, expected: &str| assert_eq!(span(Duration::from_secs(secs)), expected);
        check(0, "0 s");
        check(59, "59 s");
        check(3599, "59 min 59 s");
        check(3600, "1 h 0 min");
        check(90_000, "1 d 1 h");
    }
}
