//! Where a demo lives: its homeserver, its folder, and the configuration that is made for both.

use std::{
    collections::BTreeMap,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};

use crate::{
    cli::exit::{Exit, Failure, OrExit as _},
    config::{Colour, Config, compile_text, render},
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

    /// The configuration of the house.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let variables = BTreeMap::from(
            [
                ("HOMESERVER", self.url.as_str()),
                ("SERVER", self.server),
                ("SHARED_SECRET", self.shared_secret.reveal()),
                ("PASSWORD", self.password.reveal()),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let loaded = compile_text(CONFIG, &self.folder, &variables);
        let loaded = loaded.map_err(|problems| anyhow!("{}", render(&problems, Colour::Never)))?;
        Ok(loaded.config)
    }
}

/// Makes a folder, and those above it where they are missing, for its owner alone.
fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EntityKind;

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

    #[test]
    fn the_built_in_configuration_is_a_small_house() {
        let config = site().config().unwrap();
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

    #[test]
    fn the_built_in_configuration_gives_no_warning() {
        let given = ["HOMESERVER=http://h", "SERVER=localhost", "SHARED_SECRET=a", "PASSWORD=b"];
        let variables = given.iter().filter_map(|line| line.split_once('='));
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let loaded = compile_text(CONFIG, Path::new("/d"), &variables).unwrap();
        assert_eq!(loaded.warnings, []);
    }
}
