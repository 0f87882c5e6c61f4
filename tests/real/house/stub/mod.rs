//! A language model for tests: it speaks OpenAI's protocol, says what it is told to, and remembers what it was asked.

mod act;
mod asked;
mod rule;
mod serve;
mod shape;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use maitre::nursery::{Nursery, Stop};
use serde_json::json;
use tokio::net::TcpListener;

pub(crate) use act::{Act, Gate};
pub(crate) use asked::Asked;

use super::wait_for;
use asked::Record;
use rule::Rule;

/// How long a test waits for a call.
const WITHIN: Duration = Duration::from_secs(30);

/// A model that runs. It stops when it is dropped.
pub(crate) struct Stub {
    url: String,
    shared: Shared,
    stop: Stop,
}

/// What the tests and the server both hold.
#[derive(Clone, Default)]
struct Shared {
    rules: Arc<Mutex<Vec<Arc<Rule>>>>,
    record: Record,
    /// What it does where no rule fits.
    otherwise: Arc<Mutex<Option<Arc<Otherwise>>>>,
    /// How long the model thinks before the first word.
    latency: Duration,
}

/// What the model does with a call that no rule is for.
type Otherwise = dyn Fn(&Asked) -> Act + Send + Sync;

impl Drop for Stub {
    fn drop(&mut self) {
        self.stop.insist();
    }
}

impl Stub {
    /// A model that answers at once. What no rule is for is answered with `(no rule)`.
    pub(crate) async fn start() -> Self {
        Self::start_with_latency(Duration::ZERO).await
    }

    /// A model that thinks for so long before each answer.
    pub(crate) async fn start_with_latency(latency: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let shared = Shared { latency, ..Shared::default() };
        let stop = Stop::default();
        let (nursery, _exits) = Nursery::new(stop.clone());
        nursery.forever("model", serve::serve(listener, shared.clone()));
        Self { url, shared, stop }
    }

    /// A model of this name for a configuration's `models:`.
    pub(crate) fn model(&self, name: &str) -> String {
        self.model_with(name, "")
    }

    /// The same with more settings, such as `, vision: false`.
    pub(crate) fn model_with(&self, name: &str, more: &str) -> String {
        format!("  {name}: {{provider: openai, id: {name}, api_key: none, base_url: \"{}\"{more}}}\n", self.url)
    }

    // What it says.

    /// Where the last thing that was said to the model holds `needle`, it does this.
    pub(crate) fn when(&self, needle: &str, act: Act) {
        self.add(Rule::new(None, &[needle], vec![act]));
    }

    /// The same with something else each time, and the last one from then on.
    pub(crate) fn when_in_turn(&self, needle: &str, acts: Vec<Act>) {
        self.add(Rule::new(None, &[needle], acts));
    }

    /// The same for the model of one entity, where all of `needles` stand there.
    pub(crate) fn when_asks(&self, who: &str, needles: &[&str], act: Act) {
        self.add(Rule::new(Some(who), needles, vec![act]));
    }

    /// Asked who should answer something that holds `needle`, it names this one.
    pub(crate) fn picks(&self, needle: &str, name: &str) {
        self.when_picking(needle, Act::say(&json!({"name": name, "reason": "a test says so"}).to_string()));
    }

    /// Asked for something in a given form, where `needle` stands anywhere in the prompt, it does this.
    pub(crate) fn when_picking(&self, needle: &str, act: Act) {
        self.add(Rule::new(None, &[needle], vec![act]).shaped());
    }

    /// Where no rule fits and no form is asked for, it does what `act` says.
    pub(crate) fn otherwise(&self, act: impl Fn(&Asked) -> Act + Send + Sync + 'static) {
        *self.shared.otherwise.lock().unwrap() = Some(Arc::new(act));
    }

    fn add(&self, rule: Rule) {
        self.shared.rules.lock().unwrap().push(Arc::new(rule));
    }

    // What it was asked.

    /// The calls whose prompt holds `needle` anywhere, oldest first.
    pub(crate) fn heard_of(&self, needle: &str) -> Vec<Asked> {
        self.shared.record.all().into_iter().filter(|asked| asked.holds(needle)).collect()
    }

    /// The calls that were to answer something that holds `needle`, oldest first. Questions with a form don't count.
    pub(crate) fn asked(&self, needle: &str) -> Vec<Asked> {
        let calls = self.shared.record.all().into_iter();
        calls.filter(|asked| asked.form.is_none() && asked.last.contains(needle)).collect()
    }

    /// The calls whose answer was to have a form and whose prompt holds `needle`, oldest first.
    pub(crate) fn forms(&self, needle: &str) -> Vec<Asked> {
        self.heard_of(needle).into_iter().filter(|asked| asked.form.is_some()).collect()
    }

    /// Waits until it was asked so often to answer something that holds `needle`.
    pub(crate) async fn wait_asked(&self, needle: &str, times: usize) -> Vec<Asked> {
        wait_for(&format!("the model to be asked about {needle}"), WITHIN, async || {
            let asked = self.asked(needle);
            if asked.len() >= times { Ok(asked) } else { Err(asked.len()) }
        })
        .await
    }

    /// Waits until whoever asked about `needle` has gone away before the answer was over.
    pub(crate) async fn wait_gone(&self, needle: &str) {
        wait_for(&format!("the client to go away from {needle}"), WITHIN, async || {
            let asked = self.asked(needle);
            if asked.iter().any(|asked| asked.gone) { Ok(()) } else { Err(asked.len()) }
        })
        .await;
    }

    /// Waits until something that holds `needle` was answered to its end.
    pub(crate) async fn wait_over(&self, needle: &str, deadline: Duration) {
        wait_for(&format!("the model to have answered {needle}"), deadline, async || {
            let over = self.shared.record.newest(needle, |asked| asked.over);
            if over == Some(true) { Ok(()) } else { Err(over) }
        })
        .await;
    }

    /// How many calls there are right now.
    pub(crate) fn in_flight(&self) -> usize {
        self.shared.record.in_flight()
    }

    /// How many calls there were at once, at most.
    pub(crate) fn in_flight_max(&self) -> usize {
        self.shared.record.in_flight_max()
    }
}
