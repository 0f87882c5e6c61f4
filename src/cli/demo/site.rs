//! Where a demo lives: its homeserver, its folder, and the configuration that is made for both.

use std::{
    collections::BTreeMap,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};

use super::brain::Brain;
use crate::{
    cli::exit::{Exit, Failure, OrExit as _},
    config::{Colour, Config, Loaded, compile_text, render},
    homeserver::Homeserver,
    model::Secret,
};

/// The configuration, with variables for what differs from one demo to the next.
const CONFIG: &str = include_str!("config.yaml");
/// The local part of the person's user id, as the configuration has it.
pub(super) const PERSON: &str = "you";

/// What a demo on one homeserver goes by.
pub(super) struct Site {
    /// The folder for everything but the homeserver's own data.
    pub(super) folder: PathBuf,
    /// The homeserver's base address.
    pub(super) url: String,
    /// The person's user id.
    pub(super) user: String,
    /// The person's password. It stays the same while the data is kept.
    pub(super) password: Secret,
    server: &'static str,
    shared_secret: Secret,
}

impl Site {
    /// The site on `homeserver`, in `keep` or else beside the homeserver's data, with which it goes.
    pub(super) fn on(homeserver: &Homeserver, keep: Option<&Path>) -> Result<Self, Failure> {
        // Inside the homeserver's folder, since the guard removes that even when we are killed.
        let folder = keep.map_or_else(|| homeserver.folder().join("maitre"), Path::to_owned);
        make_private(&folder).with_context(|| folder.display().to_string()).or_exit(Exit::State)?;
        let server = homeserver.server_name();
        Ok(Self {
            folder,
            url: homeserver.url(),
            user: format!("@{PERSON}:{server}"),
            password: homeserver.password_of(PERSON),
            server,
            shared_secret: homeserver.shared_secret().clone(),
        })
    }

    /// Where the log goes that would disturb the chat.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("maitre.log")
    }

    /// Where the chat keeps its own device.
    pub(super) fn chat(&self) -> PathBuf {
        self.folder.join("chat")
    }

    /// The configuration of the house that thinks with `brain`.
    pub(super) fn config(&self, brain: &Brain) -> Result<Config, Failure> {
        Ok(self.load(brain)?.config)
    }

    fn load(&self, brain: &Brain) -> Result<Loaded, Failure> {
        let own = [
            ("HOMESERVER", self.url.as_str()),
            ("SERVER", self.server),
            ("SHARED_SECRET", self.shared_secret.reveal()),
            ("PASSWORD", self.password.reveal()),
        ];
        let mut variables: BTreeMap<String, String> = brain.variables();
        variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let loaded = compile_text(&format!("{CONFIG}\n{}", brain.models()), &self.folder, &variables);
        Ok(loaded.map_err(|problems| anyhow!("{}", render(&problems, Colour::Never)))?)
    }
}

/// Makes a folder, and those above it where they are missing, for its owner alone.
fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        cli::demo::brain::{SERVICES, Why},
        config::{Entity, Role},
        model::EntityKind,
    };

    fn site() -> Site {
        Site {
            folder: "/d".into(),
            url: "http://127.0.0.1:1".to_owned(),
            user: "@you:localhost".to_owned(),
            password: Secret::new("b"),
            server: "localhost",
            shared_secret: Secret::new("a"),
        }
    }

    fn brains() -> [Brain; 3] {
        let key = Secret::new("k");
        [
            Brain::Script(Why::Wanted),
            Brain::Ollama { model: "llama3.2:latest".to_owned() },
            Brain::Hosted { service: &SERVICES[0], key, model: "m".to_owned(), base_url: None },
        ]
    }

    #[test]
    fn the_built_in_configuration_is_a_small_house() {
        for brain in brains() {
            let config = site().config(&brain).unwrap();
            let count = |kind: EntityKind| config.entities.iter().filter(|entity| entity.kind() == kind).count();
            assert_eq!([EntityKind::Router, EntityKind::Agent, EntityKind::Team].map(count), [1, 3, 1]);
            assert_eq!(config.rooms.len(), 2);
            assert_eq!(config.http.bind, None);
            assert_eq!(config.state.folder, Path::new("/d/state"));
            let person = config.user.as_ref().unwrap();
            assert_eq!((person.localpart.as_str(), person.password.as_ref()), (PERSON, Some(&Secret::new("b"))));
            let user = crate::model::UserId::parse(site().user).unwrap();
            assert!(config.authorization.may_use(&user, None), "the person may use everything");
        }
    }

    #[test]
    fn the_built_in_configuration_gives_no_warning() {
        for brain in brains() {
            assert_eq!(site().load(&brain).unwrap().warnings, [], "{brain:?}");
        }
    }

    /// Everybody has a model, and a script of its own where there is only a script.
    #[test]
    fn everybody_has_somebody_to_ask() {
        for (brain, models) in brains().iter().zip([5, 1, 1]) {
            let config = site().config(brain).unwrap();
            let model = |entity: &Entity| match &entity.role {
                Role::Router(router) => router.model.clone(),
                Role::Agent(agent) => agent.model.clone(),
                Role::Team(team) => team.model.clone(),
            };
            let used: BTreeSet<String> = config.entities.iter().map(|entity| model(entity).unwrap()).collect();
            assert_eq!(used.len(), models, "{brain:?}: {used:?}");
        }
    }
}
