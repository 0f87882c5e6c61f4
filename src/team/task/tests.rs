//! Teams with a leader that is made up and members that answer by hand.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use super::Panel;
use crate::{
    broker::{Halted, Halter},
    llm::{Driver, LlmError, Models, Piece, Places},
    matrix::Switchboard,
    model::{Handoff, Priority, Prompt, Reply, Subtask, SubtaskEnd, Usage},
    store::Store,
    team::samples::{config, turn},
};

/// A leader that gives these answers, one after the other.
#[derive(Default)]
struct Leader(Mutex<VecDeque<Vec<Result<Piece, LlmError>>>>);

impl Driver for Leader {
    fn ask(&self, _: Prompt, _: Duration) -> BoxStream<'static, Result<Piece, LlmError>> {
        let next = self.0.lock().unwrap().pop_front();
        stream::iter(next.unwrap_or_else(|| vec![Err(LlmError::Auth)])).boxed()
    }
}

fn says(texts: &[&str]) -> Vec<Result<Piece, LlmError>> {
    let pieces = texts.iter().map(|text| Ok(Piece::Text((*text).to_owned())));
    pieces.chain([Ok(Piece::Done(Usage::default()))]).collect()
}

/// What the members of a play answer; those who aren't named never do.
type Deeds = BTreeMap<&'static str, SubtaskEnd>;

fn done(text: &str) -> SubtaskEnd {
    SubtaskEnd::Done(text.to_owned())
}

/// Everything that `responder` replies, and what its members were told to do.
async fn play(
    responder: &str,
    leader: Vec<Vec<Result<Piece, LlmError>>>,
    deeds: Deeds,
) -> (Vec<Reply>, Vec<(String, String)>) {
    let leader: Arc<dyn Driver> = Arc::new(Leader(Mutex::new(leader.into())));
    let (_keep, config) = watch::channel(Arc::new(config()));
    let (_board, lines) = Switchboard::new();
    let (store, _memory) = Store::memory();
    let (subtasks, mut handed) = mpsc::channel::<Handoff<Subtask, SubtaskEnd>>(8);
    let models = Models::of([("m", Arc::clone(&leader)), ("lead", leader)]);
    let panel = Panel::new(config, models, Places::new(1, 0), store, lines, subtasks);
    let (replies, mut heard) = mpsc::channel(64);
    let (_halter, halt) = Halter::new();
    let (turn, mut told) = (turn(responder), Vec::new());
    let mut open = Vec::new();
    let members = async {
        while let Some(Handoff { value, answer }) = handed.recv().await {
            told.push((value.agent.to_string(), value.assignment));
            match deeds.get(value.agent.as_str()).cloned() {
                Some(end) => answer.send(end).unwrap(),
                None => open.push(answer),
            }
        }
    };
    tokio::select! {
        biased;
        () = panel.answer(&turn, halt, replies) => {}
        () = members => panic!("the panel is gone"),
    }
    let mut said = Vec::new();
    while let Ok(reply) = heard.try_recv() {
        said.push(reply);
    }
    (said, told)
}

/// The whole answer.
fn answer(said: &[Reply]) -> &str {
    match said {
        [.., Reply::Text(text), Reply::Finished] => text,
        [.., Reply::Failed(sentence)] => sentence,
        other => panic!("{other:?}"),
    }
}

fn shows(said: &[Reply], part: &str) -> bool {
    said.iter().any(|reply| matches!(reply, Reply::Text(text) if text.contains(part)))
}

/// A leader plans, members run in order, the leader joins; people see who works and who is done.
#[tokio::test]
async fn a_team_coordinates() {
    let plan = r#"{"order": "in_order", "subtasks": [
        {"agent": "baker", "assignment": "Bake bread", "after": []}, {"agent": "cook", "assignment": "Cook", "after": []}]}"#;
    let deeds = Deeds::from([("cook", done("Soup.")), ("baker", done("Bread."))]);
    let (said, told) = play("kitchen", vec![says(&[plan]), says(&["Soup ", "and bread."])], deeds).await;
    let told: Vec<(&str, &str)> = told.iter().map(|(who, what)| (who.as_str(), what.as_str())).collect();
    assert_eq!(told, [("baker", "Bake bread"), ("cook", "Cook\n\nWhat Baker did before (Bake bread):\n\nBread.")]);
    assert_eq!(answer(&said), "Soup and bread.");
    for part in ["sharing out the work", "⏳ Baker: Bake bread", "✅ Baker: Bake bread", "⏳ Cook: Cook"] {
        assert!(shows(&said, part), "{part}: {said:?}");
    }
    assert!(said.contains(&Reply::Text("Soup ".to_owned())), "the joined answer grows");
}

/// A leader has a place for each question of its own, and none while members work: with one place for all of them the team
/// comes to its end, and while somebody else has it, the leader waits.
#[tokio::test(start_paused = true)]
async fn a_leader_takes_a_place_only_while_it_is_asked() {
    let leader: Arc<dyn Driver> = Arc::new(Leader(Mutex::new(vec![says(&["no plan"]), says(&["Both."])].into())));
    let (_keep, config) = watch::channel(Arc::new(config()));
    let ((_board, lines), (store, _memory)) = (Switchboard::new(), Store::memory());
    let (subtasks, mut handed) = mpsc::channel::<Handoff<Subtask, SubtaskEnd>>(8);
    let (models, places) = (Models::of([("m", Arc::clone(&leader)), ("lead", leader)]), Places::new(1, 0));
    let panel = Panel::new(config, models, places.clone(), store, lines, subtasks);
    let ((replies, mut heard), (_halter, halt)) = (mpsc::channel(64), Halter::new());
    let taken = places.place(Priority::Person).await;
    let turn = turn("cook+poet");
    let members = async {
        assert!(timeout(Duration::from_mins(1), handed.recv()).await.is_err(), "the leader waits for the place");
        drop(taken);
        while let Some(Handoff { value, answer }) = handed.recv().await {
            let place = timeout(Duration::from_secs(1), places.place(Priority::Person)).await;
            let _place = place.expect("the leader holds none while members work");
            answer.send(done(value.agent.as_str())).unwrap();
        }
    };
    tokio::select! {
        biased;
        () = panel.answer(&turn, halt, replies) => {}
        () = members => panic!("the panel is gone"),
    }
    let mut said = Vec::new();
    while let Ok(reply) = heard.try_recv() {
        said.push(reply);
    }
    assert!(answer(&said).contains("Both."), "{said:?}");
}

/// All at once, then one synthesis. A member that fails is named, the rest is delivered.
#[tokio::test]
async fn a_team_collaborates() {
    let deeds = Deeds::from([("cook", done("Soup.")), ("poet", SubtaskEnd::Failed("It broke.".to_owned()))]);
    let (said, told) = play("club", vec![], deeds).await;
    assert_eq!(told.len(), 2);
    assert_eq!(answer(&said), "Soup.\n\n*Poet could not take part: It broke.*  ");
}

/// W2: agents gathered for a question collaborate where the model doesn't say how; without a synthesis, side by side.
#[tokio::test]
async fn gathered_agents_collaborate_without_a_plan() {
    let deeds = Deeds::from([("cook", done("Soup.")), ("poet", done("Ode."))]);
    let (said, told) = play("cook+poet", vec![says(&["no plan"])], deeds).await;
    assert!(told.iter().all(|(_, assignment)| assignment.is_empty()), "{told:?}");
    assert_eq!(answer(&said), "**Cook, Poet**\n\n### Cook\n\nSoup.\n\n### Poet\n\nOde.");
}

/// By the deadline the rest is delivered, and who isn't done is named.
#[tokio::test(start_paused = true)]
async fn the_deadline_delivers_the_rest() {
    let (said, _) = play("club", vec![], Deeds::from([("cook", done("Soup."))])).await;
    assert_eq!(answer(&said), "Soup.\n\n*Poet was not done in time.*  ");
}

/// S6: nobody could: one sentence, with why and an id.
#[tokio::test]
async fn nobody_could() {
    let failed = || SubtaskEnd::Failed("It broke.".to_owned());
    let (said, _) = play("club", vec![], Deeds::from([("cook", failed()), ("poet", failed())])).await;
    assert!(answer(&said).starts_with("None of us could answer. Cook could not take part: It broke."), "{said:?}");
    assert!(answer(&said).ends_with("(id 0123456789)"));
}

/// S4: a halt ends it at once, and its members' work with it.
#[tokio::test]
async fn a_halt_ends_it_at_once() {
    let (_keep, config) = watch::channel(Arc::new(config()));
    let (_board, lines) = Switchboard::new();
    let (store, _memory) = Store::memory();
    let (subtasks, mut handed) = mpsc::channel(8);
    let panel = Panel::new(config, Models::of([]), Places::new(1, 0), store, lines, subtasks);
    let (replies, _heard) = mpsc::channel(64);
    let (halter, halt) = Halter::new();
    let turn = turn("club");
    let member = async {
        let Handoff { mut answer, .. } = handed.recv().await.unwrap();
        halter.pull(Halted::Stopped);
        answer.closed().await;
    };
    tokio::join!(panel.answer(&turn, halt, replies), member);
}
