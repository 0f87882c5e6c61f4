//! A house of a given size: many small rooms, and one room with everybody.

/// How many small rooms there are, whatever the number of agents.
pub(crate) const ROOMS: usize = 20;
/// How many agents share a small room.
const AGENTS_PER_ROOM: usize = 3;
/// The key of the room with everybody.
pub(crate) const HALL: &str = "hall";
/// Who asks.
pub(crate) const PERSON: &str = "person";

/// A router, agents, and where they sit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct House {
    pub(crate) agents: usize,
}

impl House {
    /// What the configuration says of it, with a model at `model`.
    pub(crate) fn config(self, server: &str, model: &str) -> String {
        let agents: String = (0..self.agents).map(|number| self.agent(number)).collect();
        format!(
            "models: {{default: {{provider: openai, id: stub, api_key: none, base_url: \"{model}\"}}}}\n\
             authorization: {{global_users: [\"@{PERSON}:{server}\"]}}\nagents:\n{agents}"
        )
    }

    /// Who is asked with the question of this number in a small room.
    pub(crate) fn asked(self, room: usize, question: usize) -> usize {
        (room * AGENTS_PER_ROOM + question % AGENTS_PER_ROOM) % self.agents
    }

    fn agent(self, number: usize) -> String {
        let sits = |room: &usize| (0..AGENTS_PER_ROOM).any(|seat| self.asked(*room, seat) == number);
        let rooms: Vec<String> = (0..ROOMS).filter(sits).map(key).chain([HALL.to_owned()]).collect();
        format!("  {}: {{role: \"Knows subject {number}.\", rooms: [{}]}}\n", name(number), rooms.join(", "))
    }
}

/// The key of a small room.
pub(crate) fn key(room: usize) -> String {
    format!("room{room}")
}

/// The name of an agent, which is also the local part of its user.
pub(crate) fn name(agent: usize) -> String {
    format!("agent{agent}")
}
