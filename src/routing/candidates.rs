//! Those who could answer, with what tells them apart.

use crate::{
    config::{Config, Entity, Role, TeamMode},
    model::EntityName,
};

/// Somebody who could answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) name: EntityName,
    pub(super) display_name: String,
    /// What it is for.
    pub(super) purpose: String,
    /// How it works. A model is shown the first of them.
    pub(super) instructions: Vec<String>,
    pub(super) tools: Vec<String>,
    pub(super) team: Option<Team>,
}

/// What a team is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Team {
    pub(super) mode: TeamMode,
    pub(super) members: Vec<Candidate>,
}

/// Those of `names` that the configuration knows as agents or teams, in that order.
pub(super) fn candidates(config: &Config, names: &[EntityName]) -> Vec<Candidate> {
    names.iter().filter_map(|name| candidate(config, config.entity(name)?)).collect()
}

fn candidate(config: &Config, entity: &Entity) -> Option<Candidate> {
    let (instructions, tools, team) = match &entity.role {
        Role::Router(_) => return None,
        Role::Agent(agent) => (agent.instructions.clone(), agent.tools.clone(), None),
        Role::Team(team) => {
            let members = team.members.iter().filter_map(|member| agent_of(config, member)).collect();
            (Vec::new(), Vec::new(), Some(Team { mode: team.mode, members }))
        }
    };
    let (name, display_name, purpose) = (entity.name.clone(), entity.display_name.clone(), entity.purpose.clone());
    Some(Candidate { name, display_name, purpose, instructions, tools, team })
}

/// A member of a team. Teams have no teams as members.
fn agent_of(config: &Config, name: &EntityName) -> Option<Candidate> {
    let entity = config.entity(name)?;
    match &entity.role {
        Role::Agent(_) => candidate(config, entity),
        Role::Team(_) | Role::Router(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::some, *};

    /// R1: role, tools, instructions; of a team its members and its mode.
    #[test]
    fn a_candidate_is_what_the_configuration_says() {
        let found = some(&["kitchen", "coder", "router", "gone"]);
        let names: Vec<&str> = found.iter().map(|candidate| candidate.name.as_str()).collect();
        assert_eq!(names, ["kitchen", "coder"]);
        let team = found[0].team.as_ref().unwrap();
        let members: Vec<&str> = team.members.iter().map(|member| member.display_name.as_str()).collect();
        assert_eq!((team.mode, members), (TeamMode::Coordinate, vec!["Cook", "The Bard"]));
        assert_eq!(found[1].purpose, "Writes and reviews programs.");
        assert_eq!((found[1].instructions.len(), found[1].tools.as_slice()), (2, &["time".to_owned()][..]));
    }
}
