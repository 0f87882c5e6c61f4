//! The house that most conversations take place in: one program for all of them, each in rooms of its own.

use std::sync::{LazyLock, mpsc};

use maitre::nursery;

use crate::house::{Maitre, Site, Stub, shared};

use super::stage::House;

/// What everybody in the house is and knows, without the models.
const RESIDENTS: &str = r#"
agents:
  alpha: {role: "Writes and reviews Rust programs.", model: alpha, tools: [time, read_thread, react, ask_person, remember, recall]}
  beta: {role: "Cooks, and knows every recipe for soup.", model: beta}
  gamma: {role: "Plans journeys by train.", model: gamma}
teams:
  duo: {role: "Programs that cook.", agents: [alpha, beta], mode: collaborate, model: duo}
  crew: {role: "Journeys with good food.", agents: [beta, gamma], mode: coordinate, model: crew}
router: {model: picker, timeout: 3s}
authorization: {global_users: ["@friend-*:localhost"], admins: ["@friend-admin-*:localhost"]}
bot_accounts: ["@bridge-*:localhost"]
"#;

/// The models, one for each mind, so that the stub knows who asks.
const MODELS: [&str; 5] = ["alpha", "beta", "duo", "crew", "picker"];
/// The one among them that can't look at pictures.
const BLIND: &str = "gamma";

/// How much of what the program said is shown when a test fails, in bytes.
const SAID_BYTES_MAX: usize = 4_000;

/// A program that runs, with its models.
pub(super) struct Hall {
    pub(super) stub: Stub,
    pub(super) maitre: Maitre,
}

impl Hall {
    /// A program of one's own with this configuration, at the homeserver as it is reached from `site`.
    pub(super) async fn open(site: &Site, stub: Stub, config: &str) -> Self {
        let mut maitre = Maitre::new(site, config);
        maitre.start_ready().await;
        Self { stub, maitre }
    }
}

impl House for Hall {
    fn user(&self, entity: &str) -> String {
        self.maitre.user(entity)
    }

    fn stub(&self) -> &Stub {
        &self.stub
    }

    fn said(&self) -> String {
        let said = self.maitre.said();
        said[said.ceil_char_boundary(said.len().saturating_sub(SAID_BYTES_MAX))..].to_owned()
    }
}

/// The configuration of the shared house, for one with models of its own.
pub(super) fn config(stub: &Stub) -> String {
    let blind = stub.model_with(BLIND, ", vision: false");
    let models: String = MODELS.iter().map(|name| stub.model(name)).chain([blind]).collect();
    format!("models:\n{models}{RESIDENTS}")
}

/// The house of this test run, which nobody may stop. It ends when the test process does.
pub(super) fn hall() -> &'static Hall {
    static HALL: LazyLock<Hall> = LazyLock::new(|| {
        let (tell, told) = mpsc::sync_channel(1);
        // Each test has a runtime of its own, which ends with the test; this one lasts.
        nursery::thread("shared house", move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let stub = Stub::start().await;
                let mut maitre = Maitre::new(shared(), &config(&stub));
                maitre.start_guarded().await;
                tell.send(Hall { stub, maitre }).unwrap();
                std::future::pending::<()>().await;
            });
        })
        .unwrap();
        told.recv().expect("the house opens")
    });
    &HALL
}
