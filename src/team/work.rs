//! How the work goes: parts begin when what they wait for is over, and what is done by the deadline is joined.

use super::{
    panel::Circle,
    plan::{Part, collaboration},
    question::short,
};
use crate::{config::TeamMode, model::SubtaskEnd};

/// How much of each earlier result goes along with an assignment, in bytes.
const RESULT_BYTES_MAX: usize = 12_000;

/// The work on one answer.
#[derive(Debug, Clone)]
pub(super) struct Work {
    stage: Stage,
    /// The parts, each with how far it is.
    parts: Vec<(Part, State)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Planning,
    Working,
    Joining,
}

/// How far a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Something must be over before.
    Waiting,
    Running,
    /// Its result.
    Done(String),
    /// Why there is none.
    Failed(String),
    /// It was not over in time.
    Late,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// The leader has planned, or gave nothing that would be a plan.
    Planned(Option<Vec<Part>>),
    /// The part in this place is over.
    Ended(usize, SubtaskEnd),
    /// The time for parts is up.
    Late,
}

/// What is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Ask the leader for a plan.
    Plan,
    /// Have the part in this place worked on, with this assignment.
    Run(usize, String),
    /// Join what there is. The last effect of all.
    Join,
}

impl Work {
    /// Begins the work of `circle`. Where nothing has to be shared out, nobody is asked how.
    pub(super) fn begin(circle: &Circle) -> (Self, Vec<Effect>) {
        let plans = circle.mode != Some(TeamMode::Collaborate) && circle.members.len() > 1;
        let mut work = Self { stage: Stage::Planning, parts: Vec::new() };
        let effects = if plans { vec![Effect::Plan] } else { work.share_out(collaboration(&circle.members)) };
        (work, effects)
    }

    pub(super) fn on(&mut self, event: Event, circle: &Circle) -> Vec<Effect> {
        match (self.stage, event) {
            // Without a plan everybody does what they can.
            (Stage::Planning, Event::Planned(plan)) => {
                self.share_out(plan.unwrap_or_else(|| collaboration(&circle.members)))
            }
            (Stage::Working, Event::Ended(place, end)) => self.ended(place, end),
            (Stage::Planning | Stage::Working, Event::Late) => self.late(),
            // A result that comes too late, or twice.
            (Stage::Planning, Event::Ended(..))
            | (Stage::Working, Event::Planned(_))
            | (Stage::Joining, Event::Planned(_) | Event::Ended(..) | Event::Late) => Vec::new(),
        }
    }

    /// The parts and how far they are; none as long as there is no plan.
    pub(super) fn parts(&self) -> &[(Part, State)] {
        &self.parts
    }

    /// What is done, with who did it.
    pub(super) fn results(&self) -> Vec<(&Part, &str)> {
        self.parts
            .iter()
            .filter_map(|(part, state)| match state {
                State::Done(text) => Some((part, text.as_str())),
                State::Waiting | State::Running | State::Failed(_) | State::Late => None,
            })
            .collect()
    }

    fn share_out(&mut self, parts: Vec<Part>) -> Vec<Effect> {
        self.stage = Stage::Working;
        self.parts = parts.into_iter().map(|part| (part, State::Waiting)).collect();
        self.go_on()
    }

    fn ended(&mut self, place: usize, end: SubtaskEnd) -> Vec<Effect> {
        let Some((_, state @ State::Running)) = self.parts.get_mut(place) else { return Vec::new() };
        *state = match end {
            SubtaskEnd::Done(text) if text.trim().is_empty() => State::Failed("it had nothing to say".to_owned()),
            SubtaskEnd::Done(text) => State::Done(text),
            SubtaskEnd::Failed(why) => State::Failed(why),
        };
        self.go_on()
    }

    fn late(&mut self) -> Vec<Effect> {
        for (_, state) in &mut self.parts {
            if matches!(state, State::Waiting | State::Running) {
                *state = State::Late;
            }
        }
        self.stage = Stage::Joining;
        vec![Effect::Join]
    }

    /// Begins what waits for nothing any more; when everything is over, it is time to join.
    fn go_on(&mut self) -> Vec<Effect> {
        let ready: Vec<usize> = (0..self.parts.len()).filter(|place| self.is_ready(*place)).collect();
        let effects: Vec<Effect> = ready.iter().map(|place| Effect::Run(*place, self.assignment(*place))).collect();
        for place in ready {
            self.parts[place].1 = State::Running;
        }
        if self.parts.iter().all(|(_, state)| state.is_over()) {
            self.stage = Stage::Joining;
            return vec![Effect::Join];
        }
        effects
    }

    fn is_ready(&self, place: usize) -> bool {
        let (part, state) = &self.parts[place];
        *state == State::Waiting && part.after.iter().all(|before| self.parts[*before].1.is_over())
    }

    /// What a member is told to do, with what was done before.
    fn assignment(&self, place: usize) -> String {
        let part = &self.parts[place].0;
        let mut text = part.assignment.clone();
        for before in &part.after {
            let (earlier, state) = &self.parts[*before];
            let result = match state {
                State::Done(result) => short(result, RESULT_BYTES_MAX),
                State::Waiting | State::Running | State::Failed(_) | State::Late => "(nothing came of it)".to_owned(),
            };
            let heading = format!("\n\nWhat {} did before ({}):\n\n", earlier.member.display_name, earlier.assignment);
            text.push_str(&heading);
            text.push_str(&result);
        }
        text
    }
}

impl State {
    fn is_over(&self) -> bool {
        match self {
            Self::Waiting | Self::Running => false,
            Self::Done(_) | Self::Failed(_) | Self::Late => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{
            panel::circle,
            samples::{config, members, turn},
        },
        *,
    };

    fn begin(responder: &str) -> (Work, Vec<Effect>, Circle) {
        let circle = circle(&config(), &turn(responder));
        let (work, effects) = Work::begin(&circle);
        (work, effects, circle)
    }

    fn run(place: usize, assignment: &str) -> Effect {
        Effect::Run(place, assignment.to_owned())
    }

    fn done(place: usize, text: &str) -> Event {
        Event::Ended(place, SubtaskEnd::Done(text.to_owned()))
    }

    fn part(name: &str, assignment: &str, after: &[usize]) -> Part {
        let member = members(&[name]).remove(0);
        Part { member, assignment: assignment.to_owned(), after: after.to_vec() }
    }

    #[test]
    fn a_collaborating_team_begins_at_once() {
        let (mut work, effects, circle) = begin("club");
        assert_eq!(effects, [run(0, ""), run(1, "")]);
        assert_eq!(work.on(done(1, "b"), &circle), []);
        assert_eq!(work.on(Event::Ended(0, SubtaskEnd::Failed("broke".to_owned())), &circle), [Effect::Join]);
        let results: Vec<&str> = work.results().into_iter().map(|(_, text)| text).collect();
        assert_eq!(results, ["b"]);
        assert_eq!(work.parts()[0].1, State::Failed("broke".to_owned()));
    }

    #[test]
    fn a_coordinated_team_follows_its_plan() {
        let (mut work, effects, circle) = begin("kitchen");
        assert_eq!(effects, [Effect::Plan]);
        let plan = vec![part("cook", "soup", &[]), part("baker", "bread", &[0]), part("baker", "cake", &[])];
        assert_eq!(work.on(Event::Planned(Some(plan)), &circle), [run(0, "soup"), run(2, "cake")]);
        assert_eq!(work.on(done(2, "a cake"), &circle), []);
        assert_eq!(work.on(done(0, "a soup"), &circle), [run(1, "bread\n\nWhat Cook did before (soup):\n\na soup")]);
        assert_eq!(work.on(done(1, "a bread"), &circle), [Effect::Join]);
        assert_eq!(work.on(done(1, "twice"), &circle), []);
    }

    /// Without a plan, everybody works at once; so do agents gathered for a question (fallback collaborate).
    #[test]
    fn without_a_plan_everybody_works() {
        for responder in ["kitchen", "cook+baker"] {
            let (mut work, effects, circle) = begin(responder);
            assert_eq!(effects, [Effect::Plan]);
            assert_eq!(work.on(Event::Planned(None), &circle), [run(0, ""), run(1, "")]);
        }
        assert_eq!(begin("cook+gone").1, [run(0, "")], "one alone needs no plan");
        assert_eq!(begin("gone").1, [Effect::Join], "and nobody needs no work");
    }

    /// By the deadline what is done is delivered, and who isn't done is named.
    #[test]
    fn the_deadline_joins_what_is_there() {
        let (mut work, _, circle) = begin("club");
        work.on(done(0, "a"), &circle);
        assert_eq!(work.on(Event::Late, &circle), [Effect::Join]);
        assert_eq!((work.results().len(), &work.parts()[1].1), (1, &State::Late));
        assert_eq!(work.on(done(1, "late"), &circle), []);
        let (mut planning, _, circle) = begin("kitchen");
        assert_eq!(planning.on(Event::Late, &circle), [Effect::Join]);
    }

    #[test]
    fn an_empty_answer_is_none() {
        let (mut work, _, circle) = begin("club");
        work.on(done(0, " "), &circle);
        assert_eq!(work.parts()[0].1, State::Failed("it had nothing to say".to_owned()));
    }

    proptest! {
        /// Whatever the plan and whoever fails: every part runs once, after what it waits for, and the work is joined once.
        #[test]
        fn work_always_ends(waits in prop::collection::vec(prop::collection::vec(any::<usize>(), 0..3), 1..8),
                            order in prop::collection::vec((any::<usize>(), any::<bool>()), 0..8)) {
            let (mut work, _, circle) = begin("kitchen");
            let after = |place: usize, waits: &[usize]| -> Vec<usize> {
                waits.iter().filter(|_| place > 0).map(|wait| wait % place.max(1)).collect()
            };
            let plan: Vec<Part> = waits.iter().enumerate().map(|(at, waits)| part("cook", "x", &after(at, waits))).collect();
            let mut open = work.on(Event::Planned(Some(plan.clone())), &circle);
            let (mut over, mut joined, mut order) = (Vec::new(), 0, order.into_iter());
            while !open.is_empty() {
                let (pick, good) = order.next().unwrap_or((0, true));
                match open.remove(pick % open.len()) {
                    Effect::Run(place, _) => {
                        prop_assert!(plan[place].after.iter().all(|before| over.contains(before)));
                        prop_assert!(!over.contains(&place));
                        over.push(place);
                        let end = if good { SubtaskEnd::Done("y".into()) } else { SubtaskEnd::Failed("z".into()) };
                        open.extend(work.on(Event::Ended(place, end), &circle));
                    }
                    Effect::Join => joined += 1,
                    Effect::Plan => prop_assert!(false, "planned already"),
                }
            }
            prop_assert_eq!((over.len(), joined), (plan.len(), 1));
        }
    }
}
