//! The house that is simulated: two agents, a team, four rooms, and tight bounds.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use maitre::config::{Config, compile_text};

/// How many answers may be given at once.
pub(crate) const TURNS_MAX: usize = 3;

/// The team.
pub(crate) const TEAM: &str = "crew";

const HOUSE: &str = "
homeserver: { url: 'http://home', sync_timeout: 20s, request_timeout: 10s, gap_pages_max: 50 }
models:
  big: { provider: openai, id: gpt-4o }
agents:
  ada: { display_name: Ada, role: 'Counts numbers and sums.', rooms: [solo, duo], model: big }
  bob: { display_name: Bob, role: 'Draws pictures and plants.', rooms: [duo, hall], model: big, streaming: final }
teams:
  crew: { display_name: Crew, role: 'Does what takes several.', agents: [ada, bob], rooms: [trio] }
router: { model: big, timeout: 5s }
rooms:
  hall: { thread_mode: room }
authorization: { global_users: ['@al:home', '@bea:home'] }
conversation:
  turns_max: 3
  turns_reserved: 1
  turn_timeout: 60s
  # Nothing that crashes here is a message's own fault.
  attempts_max: 100
  # Nobody here taps: what was missed is answered without a question.
  catch_up_max: 1000
  lanes_active_max: 4
  lane_idle: 10s
";

/// The configuration.
pub(crate) fn house() -> Arc<Config> {
    let config = compile_text(HOUSE, Path::new("/"), &BTreeMap::new()).expect("it is written right above").config;
    debug_assert_eq!(config.conversation.turns_max.get(), TURNS_MAX);
    Arc::new(config)
}
