//! Whom an answer can mention: those of ours who are up, and the room's members once their names are needed.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    courier::Courier,
    rosters::{may_mention, roster},
};
use crate::{
    bot::Roster,
    config::Config,
    matrix::Session,
    model::{EntityName, UserId},
};

/// What is known of the room's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Unneeded,
    Asked,
    Known,
}

/// Everybody whom an answer can mention.
#[derive(Debug)]
pub(super) struct Audience {
    speaker: EntityName,
    names: Names,
    roster: Roster,
}

impl Audience {
    /// Nobody yet.
    pub(super) fn of(speaker: EntityName) -> Self {
        Self { speaker, names: Names::Unneeded, roster: Roster::of_nobody() }
    }

    /// Everybody who is known by now.
    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whether names were asked for and haven't come.
    pub(super) fn is_awaited(&self) -> bool {
        self.names == Names::Asked
    }

    /// The line over which to ask for names because of `text`, once; what comes of it must come back to [`Self::learn`].
    /// Most answers mention nobody.
    pub(super) fn wanted_for(&mut self, text: &str, courier: &Courier, config: &Config) -> Option<Arc<dyn Session>> {
        if self.names != Names::Unneeded || !may_mention(text) {
            return None;
        }
        self.gather(courier, config, &BTreeMap::new());
        let line = courier.lines.of(&self.speaker)?;
        self.names = Names::Asked;
        Some(line)
    }

    /// This is what the room's members are called.
    pub(super) fn learn(&mut self, courier: &Courier, config: &Config, names: &BTreeMap<UserId, String>) {
        self.names = Names::Known;
        self.gather(courier, config, names);
    }

    /// Without a line nobody knows who speaks; then nothing is sent either.
    fn gather(&mut self, courier: &Courier, config: &Config, names: &BTreeMap<UserId, String>) {
        if let Some(line) = courier.lines.of(&self.speaker) {
            self.roster = roster(config, &courier.lines, (&self.speaker, line.user()), names);
        }
    }
}
