//! The matrix of faults: each sort of request suffers each fault, and a client that takes no detour counts what came of it.

use std::{fmt, time::Duration};

use super::{
    tally::Tally,
    town::{Size, Town, drawl},
};
use crate::house::{Fault, Operation, Proxy, Site, wait_for};

/// How long anything may take, with all pauses that a fault brings, on a machine that has other things to do.
const WITHIN: Duration = Duration::from_mins(10);

/// What one fault did to each sort of request.
#[derive(Debug)]
pub(crate) struct Row {
    fault: Fault,
    /// How many requests of each sort suffered it, in the order of [`Operation::ALL`].
    pub(crate) hits: Vec<usize>,
    /// What is wrong with pictures and memberships.
    pub(crate) wrong: Vec<String>,
    pub(crate) tally: Tally,
}

/// All rows.
#[derive(Debug)]
pub(crate) struct Matrix(pub(crate) Vec<Row>);

/// A house behind a proxy that breaks one thing at a time.
struct Patient {
    proxy: Proxy,
    town: Town,
    fault: Fault,
}

impl Row {
    /// A new house with so many agents suffers `fault` with each sort of request in turn.
    pub(crate) async fn suffer(site: &Site, fault: Fault, agents: usize) -> Self {
        let proxy = Proxy::start(site).await;
        let town = Town::found(&proxy.site, site, Size { agents, rooms: 1, people: 2 }).await;
        let mut patient = Patient { proxy, town, fault };
        patient.proxy.afflict(Operation::Upload, fault);
        patient.town.open().await;
        let mut wrong = patient.wrong_faces().await;
        patient.afflict(Operation::Join);
        wrong.extend(patient.join().await);
        patient.afflict(Operation::Sync);
        patient.ask(agents).await;
        patient.afflict(Operation::Send);
        patient.ask(agents).await;
        patient.afflict(Operation::Edit);
        patient.town.stub.otherwise(drawl);
        patient.ask(agents).await;
        patient.proxy.heal();
        let Patient { proxy, mut town, .. } = patient;
        // What comes late, or twice, is there when it has stopped.
        assert!(town.maitre.stop().await.success());
        let hits = Operation::ALL.iter().map(|operation| proxy.hits(*operation, fault)).collect();
        Self { fault, hits, wrong, tally: town.tally().await }
    }

    /// Whether everything there is was there once.
    pub(crate) fn is_clean(&self) -> bool {
        self.tally.is_clean() && self.wrong.is_empty()
    }
}

impl Patient {
    fn afflict(&self, operation: Operation) {
        self.proxy.heal();
        self.proxy.afflict(operation, self.fault);
    }

    /// Has everybody asked, and answered. What suffers when nothing is said, like a long-poll, suffers by then, too.
    async fn ask(&mut self, agents: usize) {
        self.town.writers.ask_some(agents).await;
        self.town.wait_complete(WITHIN).await;
    }

    /// Those whose picture nobody can see, or who doesn't vouch for the device with which they speak.
    async fn wrong_faces(&self) -> Vec<String> {
        let witness = self.town.writers.witness();
        let mut wrong = Vec::new();
        for agent in self.town.writers.agents() {
            if witness.avatar_of(agent).await.is_none() {
                wrong.push(format!("{agent} has no picture"));
            }
            let keys = witness.keys_of(agent).await;
            let devices = keys["device_keys"][agent].as_object().into_iter().flatten();
            // A device signs itself; the account signs it, too.
            let signed =
                devices.filter(|(_, keys)| keys["signatures"][agent].as_object().is_some_and(|all| all.len() > 1));
            if keys["master_keys"][agent].is_null() || signed.count() != 1 {
                wrong.push(format!("{agent} doesn't vouch for its device"));
            }
        }
        wrong
    }

    /// Asks everybody into a room. Gives those who did not come in exactly once.
    async fn join(&mut self) -> Vec<String> {
        let room = self.town.writers.gather().await;
        let (witness, agents) = (self.town.writers.witness(), self.town.writers.agents());
        wait_for("everybody to come in", WITHIN, async || {
            let joined = witness.joined(&room).await;
            let missing: Vec<&String> = agents.iter().filter(|agent| !joined.contains(*agent)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
        })
        .await;
        let history = witness.history(&room).await;
        let joins = |user: &String| {
            let of_user = history.iter().filter(|event| event["state_key"] == *user);
            of_user.filter(|event| event["content"]["membership"] == "join").count()
        };
        agents
            .iter()
            .filter(|agent| joins(agent) != 1)
            .map(|agent| format!("{agent} joined {} times", joins(agent)))
            .collect()
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Fault | send | edit | sync | join | upload | Answered once | Wrong |")?;
        writeln!(f, "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        for row in &self.0 {
            write!(f, "| {} |", row.fault.words())?;
            for hits in &row.hits {
                write!(f, " {hits} |")?;
            }
            let Tally { questions, lost, doubled, unfinished, disordered } = &row.tally;
            let wrong = [lost.len(), doubled.len(), unfinished.len(), disordered.len(), row.wrong.len()];
            let answered = questions - lost.len() - doubled.len();
            writeln!(f, " {answered} of {questions} | {} |", wrong.iter().sum::<usize>())?;
        }
        Ok(())
    }
}
