//! A house to route in, for tests.

use std::{collections::BTreeMap, path::Path};

use super::candidates::{Candidate, candidates};
use crate::{
    config::{Config, compile_text},
    model::EntityName,
};

const CONFIG: &str = "
homeserver: { url: 'http://localhost' }
models:
  m: { provider: openai, id: gpt-4o }
agents:
  coder:
    role: Writes and reviews programs.
    instructions: [Show working code., Prefer Rust.]
    tools: [time]
    rooms: [lobby]
  cook: { role: Knows recipes and cooking., instructions: [Weigh everything in grams.], rooms: [lobby] }
  poet: { display_name: The Bard, role: Writes poems., rooms: [lobby] }
teams:
  kitchen: { role: Plans dinners together., agents: [cook, poet], mode: coordinate, rooms: [lobby] }
router: { model: m }
authorization: { global_users: ['@ada:home'] }
";

pub(super) fn config() -> Config {
    compile_text(CONFIG, Path::new("/"), &BTreeMap::new()).unwrap().config
}

pub(super) fn name(text: &str) -> EntityName {
    EntityName::parse(text).unwrap()
}

pub(super) fn names(texts: &[&str]) -> Vec<EntityName> {
    texts.iter().copied().map(name).collect()
}

pub(super) fn some(texts: &[&str]) -> Vec<Candidate> {
    candidates(&config(), &names(texts))
}
