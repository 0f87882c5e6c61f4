//! A configuration that changes again and again while every room has an answer in flight.

mod findings;
mod streams;
mod street;

use std::time::Duration;

use tokio::time::{Instant, sleep};

pub(crate) use findings::Findings;
use streams::Streams;
use street::{PROBE, Street};

use crate::house::{Proxy, Site, View, wait_for};

/// How long anything may take, on a machine that has other things to do.
const WITHIN: Duration = Duration::from_mins(5);
/// How often is looked whether a file that was saved is in use.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long somebody rests between two edits.
const REST: Duration = Duration::from_millis(500);

/// How large a trial is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// How many rooms have an answer in flight.
    pub(crate) rooms: usize,
    /// How many agents give them. The first one is the one that is edited.
    pub(crate) agents: usize,
    /// How often.
    pub(crate) edits: usize,
}

/// How a newcomer fared, each from the moment in which the file was saved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newcomer {
    /// Until it was in its room.
    pub(crate) came: Duration,
    /// Until it had answered somebody there.
    pub(crate) answered: Duration,
    /// Until it had left, when it was taken out of the file.
    pub(crate) left: Duration,
}

/// How a mistake fared, each from the moment in which the file was saved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mistake {
    /// Until the admins' room showed it, with its line and a caret.
    pub(crate) told: Duration,
    /// Until the admins' room said that it was mended.
    pub(crate) mended: Duration,
}

impl Findings {
    /// Edits an agent's role, adds and removes another agent, makes a mistake and mends it, all in a house on the homeserver
    /// at `site` whose rooms always have an answer in flight.
    pub(crate) async fn gather(site: &Site, extent: Extent) -> Self {
        let proxy = Proxy::start(site).await;
        let mut street = Street::open(&proxy.site, site, extent).await;
        let untouched = street.untouched();
        let began = Instant::now();
        let Street { house, writers, guest } = &mut street;
        let traffic = street::keep_writing(writers, &house.stub);
        let mut findings = tokio::select! {
            biased;
            findings = house.change(guest, extent, &proxy) => findings,
            () = traffic => unreachable!("people write on"),
        };
        street.wait_complete(WITHIN).await;
        findings.streams = Streams::of(&proxy.passages(), &untouched, began);
        assert!(street.house.maitre.stop().await.success());
        street.count(&mut findings).await;
        findings
    }
}

impl street::House {
    /// Everything that is done to the file.
    async fn change(&self, guest: &mut street::Guest, extent: Extent, proxy: &Proxy) -> Findings {
        // Not before there is something to lose.
        wait_for("answers to be in flight", WITHIN, async || {
            let in_flight = self.stub.in_flight();
            if in_flight > extent.rooms / 2 { Ok(()) } else { Err(in_flight) }
        })
        .await;
        let mut findings = Findings::default();
        let logins = || proxy.passages().iter().filter(|passage| passage.is_login()).count();
        let before = logins();
        for number in 1..=extent.edits {
            sleep(REST).await;
            findings.in_flight.push(self.stub.in_flight());
            let saved = Instant::now();
            self.save(&self.text(number, ""));
            self.wait_applied(number).await;
            findings.lives.push(saved.elapsed());
            let user = self.maitre.user(&street::agent(0));
            let probe = self.probe(guest, &user, number).await;
            let system = self.stub.wait_asked(&probe, 1).await[0].system.clone();
            findings.stale += usize::from(!system.contains(&street::role(number)));
        }
        findings.logins = logins() - before;
        findings.newcomer = Some(self.have_newcomer(guest, extent.edits).await);
        findings.mistake = Some(self.make_mistake(guest, extent.edits).await);
        findings
    }

    /// Saves the file in place.
    fn save(&self, text: &str) {
        self.maitre.configure(text);
    }

    /// Waits until as many changes were taken over.
    async fn wait_applied(&self, count: usize) {
        let end = Instant::now() + WITHIN;
        while self.applied().await < count {
            assert!(Instant::now() < end, "the file is not in use: {:#?}", self.maitre.status().await.reloads);
            sleep(LOOK_EVERY).await;
        }
    }

    /// An agent comes, answers and goes.
    async fn have_newcomer(&self, guest: &mut street::Guest, edition: usize) -> Newcomer {
        let user = self.maitre.user(street::NEWCOMER);
        let saved = Instant::now();
        self.save(&self.text(edition, &street::newcomer()));
        let room = guest.room.clone();
        let inside = |view: &View, wanted: bool| (view.joined(&room).contains(&user) == wanted).then_some(());
        guest.person.wait_until("the newcomer", WITHIN, |view| inside(view, true)).await;
        let came = saved.elapsed();
        let probe = self.probe(guest, &user, edition + 1).await;
        let is_it = |(sender, body): (&str, &str)| sender == user && body.ends_with(street::NOTED);
        let said = |view: &View| view.texts(&room).into_iter().any(is_it).then_some(());
        guest.person.wait_until("the newcomer's answer", WITHIN, said).await;
        let answered = saved.elapsed();
        assert_eq!(self.stub.asked(&probe).len(), 1);
        let saved = Instant::now();
        self.save(&self.text(edition, ""));
        guest.person.wait_until("the newcomer to leave", WITHIN, |view| inside(view, false)).await;
        Newcomer { came, answered, left: saved.elapsed() }
    }

    /// The file is wrong for a while.
    async fn make_mistake(&self, guest: &mut street::Guest, edition: usize) -> Mistake {
        let (room, router) = (guest.admins.clone(), self.maitre.user("router"));
        let told = |view: &View, word: &str| {
            let is_it = |(sender, body): (&str, &str)| sender == router && body.contains(word);
            view.texts(&room).into_iter().any(is_it).then_some(())
        };
        let saved = Instant::now();
        self.save(&self.text(edition, "router: {modle: default}\n"));
        guest.person.wait_until("the mistake to be told", WITHIN, |view| told(view, "^^^^^")).await;
        let shown = saved.elapsed();
        let saved = Instant::now();
        self.save(&self.text(edition, ""));
        guest.person.wait_until("the mending to be told", WITHIN, |view| told(view, "in order again")).await;
        Mistake { told: shown, mended: saved.elapsed() }
    }

    /// Asks an agent something that it answers at once. Gives the word by which that is known.
    async fn probe(&self, guest: &mut street::Guest, user: &str, number: usize) -> String {
        let probe = format!("{PROBE}{number}.");
        guest.ask(user, &probe).await;
        probe
    }
}
