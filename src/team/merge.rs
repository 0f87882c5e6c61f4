//! What people see of a team's work: who works and who is done, then one answer, and who is missing in it.

use super::{
    panel::Circle,
    plan::Part,
    work::{State, Work},
};
use crate::model::TurnId;

/// How much of an assignment is shown, in characters.
const ASSIGNMENT_CHARS_MAX: usize = 80;
/// How much of a turn's id people are shown: enough to find it in the log.
const ID_CHARS: usize = 10;

/// Who works on what, as long as nothing else is there.
pub(super) fn progress(circle: &Circle, work: &Work) -> String {
    let lines: Vec<String> = work.parts().iter().map(line).collect();
    let body = if lines.is_empty() { "⏳ sharing out the work".to_owned() } else { lines.join("\n") };
    headed(circle, &body)
}

/// The answer, as far as it is there.
pub(super) fn growing(circle: &Circle, answer: &str) -> String {
    headed(circle, answer)
}

/// The whole answer, with who is missing in it.
pub(super) fn whole(circle: &Circle, work: &Work, answer: &str) -> String {
    let notes = notes(circle, work);
    let answer = headed(circle, answer.trim_end());
    if notes.is_empty() { answer } else { format!("{answer}\n\n{}", notes.join("\n")) }
}

/// An answer where nobody joins what was done: each result under its author.
pub(super) fn side_by_side(work: &Work) -> String {
    let results = work.results();
    match results.as_slice() {
        [(_, text)] => (*text).to_owned(),
        several => {
            let under = |(part, text): &(&Part, &str)| format!("### {}\n\n{}", part.member.display_name, text.trim());
            several.iter().map(under).collect::<Vec<_>>().join("\n\n")
        }
    }
}

/// S6: what is said where nothing was done: why, what can be done about it, and an id.
pub(super) fn failure(circle: &Circle, work: &Work, turn: &TurnId) -> String {
    let whys: Vec<String> = work.parts().iter().filter_map(|(part, state)| lack(part, state)).collect();
    let why = match (whys.is_empty(), circle.members.is_empty()) {
        (false, _) => whys.join(" "),
        (true, true) => "There is nobody in this team who could answer.".to_owned(),
        (true, false) => "Nobody was done in time.".to_owned(),
    };
    let id: String = turn.as_str().chars().take(ID_CHARS).collect();
    format!("None of us could answer. {why} React with 🔁 to ask again. (id {id})")
}

/// Agents gathered for a question speak under all their names: the account they use shows only one.
fn headed(circle: &Circle, text: &str) -> String {
    let names: Vec<&str> = circle.members.iter().map(|member| member.display_name.as_str()).collect();
    match &circle.team {
        None if !names.is_empty() => format!("**{}**\n\n{text}", names.join(", ")),
        Some(_) | None => text.to_owned(),
    }
}

fn line((part, state): &(Part, State)) -> String {
    let (sign, end) = match state {
        State::Waiting => ("🕒", String::new()),
        State::Running => ("⏳", String::new()),
        State::Done(_) => ("✅", String::new()),
        State::Failed(why) => ("⚠️", format!(" ({})", short(why))),
        State::Late => ("⚠️", " (not in time)".to_owned()),
    };
    let task = if part.assignment.is_empty() { String::new() } else { format!(": {}", short(&part.assignment)) };
    // Two spaces keep lines apart in Markdown.
    format!("{sign} {}{task}{end}  ", part.member.display_name)
}

fn notes(circle: &Circle, work: &Work) -> Vec<String> {
    let missing = circle.missing.iter().map(|one| format!("{} {}.", one.name, one.why.trim_end_matches('.')));
    let lacks = work.parts().iter().filter_map(|(part, state)| lack(part, state));
    missing.chain(lacks).map(|note| format!("*{note}*  ")).collect()
}

/// Why a part is missing, if it is.
fn lack(part: &Part, state: &State) -> Option<String> {
    let name = &part.member.display_name;
    match state {
        State::Failed(why) => Some(format!("{name} could not take part: {}.", why.trim_end_matches('.'))),
        State::Late => Some(format!("{name} was not done in time.")),
        State::Waiting | State::Running | State::Done(_) => None,
    }
}

/// The first line of a text, or the beginning of it.
fn short(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.chars().count() <= ASSIGNMENT_CHARS_MAX {
        return line.to_owned();
    }
    let cut: String = line.chars().take(ASSIGNMENT_CHARS_MAX).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            panel::circle,
            samples::{config, members, turn},
            work::Event,
        },
        *,
    };
    use crate::model::{EntityName, Missing, SubtaskEnd};

    fn begun(responder: &str) -> (Circle, Work) {
        let mut circle = circle(&config(), &turn(responder));
        let (mut work, _) = Work::begin(&circle);
        let part = |name: &str, assignment: &str, after: &[usize]| {
            let member = members(&[name]).remove(0);
            Part { member, assignment: assignment.to_owned(), after: after.to_vec() }
        };
        let plan =
            vec![part("cook", "Make soup.\nWith leeks.", &[]), part("baker", "", &[]), part("poet", "Rhyme", &[0, 1])];
        work.on(Event::Planned(Some(plan)), &circle);
        circle.missing = vec![Missing { name: EntityName::parse("coder").unwrap(), why: "is not online".to_owned() }];
        (circle, work)
    }

    fn end(work: &mut Work, circle: &Circle, place: usize, end: SubtaskEnd) {
        work.on(Event::Ended(place, end), circle);
    }

    /// One visible message shows who works and who is done.
    #[test]
    fn people_see_who_works() {
        let (circle, mut work) = begun("kitchen");
        end(&mut work, &circle, 0, SubtaskEnd::Done("Soup.".to_owned()));
        assert_eq!(progress(&circle, &work), "✅ Cook: Make soup.  \n⏳ Baker  \n🕒 Poet: Rhyme  ");
        end(&mut work, &circle, 1, SubtaskEnd::Failed("The model “m” is overloaded.".to_owned()));
        work.on(Event::Late, &circle);
        let shown = progress(&circle, &work);
        assert!(shown.contains("⚠️ Baker (The model “m” is overloaded.)"), "{shown}");
        assert!(shown.contains("⚠️ Poet: Rhyme (not in time)"), "{shown}");
        let (fresh, _) = Work::begin(&circle);
        assert_eq!(progress(&circle, &fresh), "⏳ sharing out the work");
    }

    /// W2: agents gathered for a question are headed by all their names, and who was asked and can't answer is named.
    #[test]
    fn gathered_agents_are_headed_by_their_names() {
        let (circle, mut work) = begun("cook+baker");
        end(&mut work, &circle, 0, SubtaskEnd::Done("Soup.".to_owned()));
        assert!(progress(&circle, &work).starts_with("**Cook, Baker**\n\n✅ Cook"));
        assert_eq!(growing(&circle, "So"), "**Cook, Baker**\n\nSo");
        assert_eq!(whole(&circle, &work, "Soup.\n"), "**Cook, Baker**\n\nSoup.\n\n*coder is not online.*  ");
    }

    /// A member that fails is named, the rest is delivered.
    #[test]
    fn who_failed_is_named() {
        let (mut circle, mut work) = begun("kitchen");
        circle.missing.clear();
        end(&mut work, &circle, 0, SubtaskEnd::Done("Soup.".to_owned()));
        end(&mut work, &circle, 1, SubtaskEnd::Failed("It broke.".to_owned()));
        work.on(Event::Late, &circle);
        let expected = "Soup.\n\n*Baker could not take part: It broke.*  \n*Poet was not done in time.*  ";
        assert_eq!(whole(&circle, &work, &side_by_side(&work)), expected);
    }

    #[test]
    fn without_a_leader_results_stand_side_by_side() {
        let (circle, mut work) = begun("kitchen");
        end(&mut work, &circle, 0, SubtaskEnd::Done("Soup.\n".to_owned()));
        end(&mut work, &circle, 1, SubtaskEnd::Done("Bread.".to_owned()));
        assert_eq!(side_by_side(&work), "### Cook\n\nSoup.\n\n### Baker\n\nBread.");
    }

    /// S6: what failed, what helps, an id.
    #[test]
    fn a_failure_says_why() {
        let (circle, mut work) = begun("kitchen");
        end(&mut work, &circle, 0, SubtaskEnd::Failed("It broke.".to_owned()));
        work.on(Event::Late, &circle);
        let said = failure(&circle, &work, &turn("kitchen").id);
        let expected = "None of us could answer. Cook could not take part: It broke. Baker was not done in time. Poet was not \
                        done in time. React with 🔁 to ask again. (id 0123456789)";
        assert_eq!(said, expected);
    }
}
