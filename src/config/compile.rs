//! Compiling section by section: what goes from one to the next, and what comes out.

use std::path::Path;

use crate::model::RoomKey;

use super::{
    Config, Severity,
    budget::FAULTS_KEPT_MAX,
    fault::{Fault, note},
    names::Names,
    nearest::did_you_mean,
    node::Node,
    raw::Raw,
    vault::Vault,
};

/// What compiling needs.
pub(super) struct Given<'a> {
    /// What was typed.
    pub(super) raw: &'a Raw,
    /// The tree that it was read from; it also knows what was taken out.
    pub(super) tree: &'a Node,
    /// The environment.
    pub(super) vault: &'a Vault,
    /// The folder of the configuration, absolute.
    pub(super) folder: &'a Path,
}

/// The configuration, unless something is wrong with it. What is wrong, here or before, is in `faults`.
pub(super) fn compile(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Config> {
    let mut compiler = Compiler { given, raw: given.raw, names: Names::of(given.tree), faults };
    let homeserver = compiler.homeserver();
    let accounts = compiler.accounts();
    let state = compiler.state();
    let models = compiler.models();
    let skill_folders = compiler.skill_folders();
    let mut entities = compiler.entities(&models, &skill_folders);
    let rooms = compiler.rooms(&entities, &models);
    if let Some(router) = entities.first_mut() {
        router.rooms = rooms.keys().cloned().collect();
    }
    let space = compiler.space();
    let user = compiler.user(&entities);
    let authorization = compiler.authorization();
    let bot_accounts = compiler.bot_accounts();
    // What is wrong with it was noted with the rooms.
    let admin_room = compiler.raw.admin_room.as_deref().and_then(|room| RoomKey::parse(room.trim()).ok());
    let conversation = compiler.conversation();
    let http = compiler.http();
    let timezone = compiler.timezone();
    if compiler.faults.iter().any(|fault| fault.severity() == Severity::Error) {
        return None;
    }
    compiler.warn_of_missing_accounts(&accounts, &entities);
    compiler.warn_of_missing_model();
    compiler.warn_of_a_forbidden_person(user.as_ref(), &authorization);
    Some(Config {
        homeserver: homeserver?,
        accounts,
        state,
        models: models.usable,
        skill_folders,
        entities,
        rooms,
        space,
        user,
        authorization,
        bot_accounts,
        admin_room,
        conversation,
        http,
        timezone: timezone?,
    })
}

/// Compiles section by section. Each section has a method, in the file of its name; a method notes what is wrong and
/// goes on with the default, so that later sections don't stumble over it again.
pub(super) struct Compiler<'a> {
    pub(super) given: &'a Given<'a>,
    pub(super) raw: &'a Raw,
    pub(super) names: Names,
    pub(super) faults: &'a mut Vec<Fault>,
}

impl Compiler<'_> {
    /// The hint that names the nearest candidate; looked for only as long as faults are still kept.
    pub(super) fn did_you_mean<'a>(&self, word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
        if self.faults.len() < FAULTS_KEPT_MAX { did_you_mean(word, candidates) } else { None }
    }

    pub(super) fn note(&mut self, fault: Fault) {
        note(self.faults, fault);
    }
}
