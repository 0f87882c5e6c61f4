//! A house of a given size: which agents sit in which rooms, and the configuration that says so.

/// How many rooms each agent is in.
const ROOMS_PER_AGENT: usize = 3;
/// How many agents share a room. With the router, a room has one member more.
const AGENTS_PER_ROOM_MAX: usize = 9;

/// A router, and agents in rooms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct House {
    agents: usize,
}

impl House {
    /// A house with this many entities, the router among them.
    pub(crate) fn of(entities: usize) -> Self {
        Self { agents: entities.saturating_sub(1) }
    }

    /// The router and the agents.
    pub(crate) fn entities(self) -> usize {
        self.agents + 1
    }

    /// As few rooms as these agents fit into.
    pub(crate) fn rooms(self) -> usize {
        (self.agents * ROOMS_PER_AGENT).div_ceil(AGENTS_PER_ROOM_MAX).max(ROOMS_PER_AGENT)
    }

    /// The section about agents. Seats are dealt round the rooms, so that every room has about as many agents as any
    /// other.
    pub(crate) fn agents(self) -> String {
        let agent = |number: usize| {
            let seats = number * ROOMS_PER_AGENT..(number + 1) * ROOMS_PER_AGENT;
            let rooms: Vec<_> = seats.map(|seat| format!("room{}", seat % self.rooms())).collect();
            format!("  agent{number}: {{role: \"Knows subject {number}.\", rooms: [{}]}}\n", rooms.join(", "))
        };
        format!("agents:\n{}", (0..self.agents).map(agent).collect::<String>())
    }
}
