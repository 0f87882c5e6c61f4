//! One house on a homeserver of its own: questions in turn to its agents and to the raw client, then a burst.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use maitre::{
    homeserver::{Homeserver, Installation, Options},
    nursery::{Nursery, Stop},
};
use tokio::time::Instant;

use super::{
    house::{HALL, House, ROOMS, key, name},
    pace::Pace,
    process::{Memory, Process, wait_until_quiet},
    program::{Cost, Program, Started},
    samples::Samples,
    stub::Stub,
    town::{Asked, Town},
};

/// What is measured.
#[derive(Debug)]
pub(crate) struct Task {
    /// How many agents there are, house by house.
    pub(crate) sizes: Vec<usize>,
    /// How many questions are asked at each pace.
    pub(crate) questions: usize,
    /// How many questions a burst has in each room.
    pub(crate) burst_each: usize,
}

/// What homeservers are started from.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) installation: Installation,
    pub(crate) options: Options,
}

/// Our answers, and those of the raw client in between.
#[derive(Debug, Default)]
pub(crate) struct Pair {
    pub(crate) ours: Samples,
    pub(crate) floor: Samples,
}

/// The figures of one kind of room.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) paces: BTreeMap<Pace, Pair>,
    /// What each answer took of our processor time.
    pub(crate) cpu_each: Duration,
}

/// Many questions at the same time.
#[derive(Debug)]
pub(crate) struct Burst {
    pub(crate) answers: Samples,
    /// From the first question to the last word.
    pub(crate) wall: Duration,
    pub(crate) cpu_each: Duration,
    /// How many questions the model had at the same time.
    pub(crate) most_at_once: usize,
}

/// The figures of one house.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) agents: usize,
    pub(crate) start: Cost,
    pub(crate) small: Round,
    pub(crate) hall: Round,
    pub(crate) routed: Pair,
    pub(crate) burst: Burst,
    /// Before the first question and after the last answer.
    pub(crate) memory: [Memory; 2],
    pub(crate) descriptors: usize,
}

/// Measures a house of this many agents on a homeserver of its own.
pub(crate) async fn run(site: &Site, task: &Task, agents: usize, tell: impl Fn(&str)) -> Result<Trial> {
    let homeserver = Homeserver::start(&site.installation, &site.options).await?;
    let stop = Stop::default();
    let (nursery, mut exits) = Nursery::new(stop.clone());
    let trial = tokio::select! {
        trial = live(&homeserver, &nursery, task, House { agents }, tell) => trial,
        Some(exit) = exits.recv() => bail!("the {} ended: {:?}", exit.name, exit.ending),
    };
    stop.insist();
    nursery.empty().await;
    homeserver.stop().await?;
    trial
}

async fn live(
    homeserver: &Homeserver,
    nursery: &Nursery,
    task: &Task,
    house: House,
    tell: impl Fn(&str),
) -> Result<Trial> {
    let stub = Stub::start(nursery).await?;
    let program = Program::new(homeserver, &house.config(homeserver.server_name(), stub.address()))?;
    tell(&format!("{} agents: first boot", house.agents));
    let Started { process, cost: start } = program.start().await?;
    let town = Town::open(homeserver, nursery, house, stub.address()).await?;
    // Whoever has just made the keys of all accounts holds them for a minute, which most of a house's life is not.
    wait_until_quiet(homeserver.pid()).await?;
    process.stop().await?;
    let Started { process, .. } = program.start().await?;
    wait_until_quiet(homeserver.pid()).await?;
    let before = process.memory_at_rest().await?;
    tell(&format!("{} agents: small rooms", house.agents));
    let small = round(&town, &process, task.questions, &Place::Small).await?;
    tell(&format!("{} agents: a room with all of them", house.agents));
    let hall = round(&town, &process, task.questions, &Place::Hall).await?;
    tell(&format!("{} agents: routed", house.agents));
    let routed = routed(&town, task.questions).await?;
    tell(&format!("{} agents: a burst", house.agents));
    wait_until_quiet(homeserver.pid()).await?;
    let burst = burst(&town, &process, &stub, task.burst_each).await?;
    let memory = [before, process.memory_at_rest().await?];
    let descriptors = process.descriptors()?;
    process.stop().await?;
    Ok(Trial { agents: house.agents, start, small, hall, routed, burst, memory, descriptors })
}

/// Where questions are asked.
enum Place {
    /// In many rooms with few agents each; the raw client is alone with the person.
    Small,
    /// In a room with everybody; the raw client has as many accounts there.
    Hall,
}

impl Place {
    /// Our room for a question, and who is asked in it.
    fn ours(&self, town: &Town, question: usize) -> (String, usize) {
        match self {
            Self::Small => {
                let room = question % ROOMS;
                (key(room), town.house.asked(room, question))
            }
            Self::Hall => (HALL.to_owned(), question % town.house.agents),
        }
    }

    fn floor<'a>(&self, town: &'a Town) -> &'a str {
        match self {
            Self::Small => &town.floor_small,
            Self::Hall => &town.floor_hall,
        }
    }
}

/// Questions by mention, at every pace, in turn with the raw client.
async fn round(town: &Town, process: &Process, questions: usize, place: &Place) -> Result<Round> {
    // What is loaded and connected once is no part of any answer.
    for question in 0..3 {
        let (room, agent) = place.ours(town, question);
        town.ask_floor(place.floor(town), Pace::AtOnce).await?;
        town.ask(&room, Some(&name(agent)), Pace::AtOnce).await?;
    }
    let mut round = Round::default();
    let before = process.cpu()?;
    for question in 0..questions {
        for pace in Pace::ALL {
            let (room, agent) = place.ours(town, question);
            let pair = round.paces.entry(pace).or_default();
            pair.floor.add(town.ask_floor(place.floor(town), pace).await?);
            pair.ours.add(town.ask(&room, Some(&name(agent)), pace).await?);
        }
    }
    round.cpu_each = each(process.cpu()?.saturating_sub(before), questions * Pace::ALL.len())?;
    Ok(round)
}

/// Questions without a mention in small rooms, where the router's model picks who answers.
async fn routed(town: &Town, questions: usize) -> Result<Pair> {
    let mut pair = Pair::default();
    for question in 0..questions {
        pair.floor.add(town.ask_floor(&town.floor_small, Pace::AtOnce).await?);
        pair.ours.add(town.ask(&key(question % ROOMS), None, Pace::AtOnce).await?);
    }
    Ok(pair)
}

/// Several questions in every small room, one after the other, in all rooms at the same time.
async fn burst(town: &Town, process: &Process, stub: &Stub, questions: usize) -> Result<Burst> {
    stub.most_at_once();
    let (began, before) = (Instant::now(), process.cpu()?);
    let asked: Vec<Vec<Asked>> = stream::iter(0..ROOMS)
        .map(async |room| {
            let mut asked = Vec::new();
            for question in 0..questions {
                let agent = name(town.house.asked(room, question));
                asked.push(town.send(&key(room), Some(&agent), Pace::Later).await?);
            }
            anyhow::Ok(asked)
        })
        .buffer_unordered(ROOMS)
        .try_collect()
        .await?;
    let mut answers = Samples::default();
    for asked in asked.into_iter().flatten() {
        answers.add(town.wait(asked).await?);
    }
    let wall = began.elapsed();
    let cpu_each = each(process.cpu()?.saturating_sub(before), answers.count())?;
    Ok(Burst { answers, wall, cpu_each, most_at_once: stub.most_at_once() })
}

fn each(all: Duration, count: usize) -> Result<Duration> {
    Ok(all / u32::try_from(count).context("too many")?.max(1))
}
