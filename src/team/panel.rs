//! Who works together on an answer, and how: a configured team, or agents gathered for one question.

use crate::{
    config::{Config, Entity, Role, TeamMode},
    model::{EntityName, Missing, Responder, Turn},
};

/// Those who work on one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Circle {
    /// What a team is called; none for agents gathered for one question.
    pub(super) team: Option<String>,
    /// What it is for.
    pub(super) purpose: String,
    /// How they work together; none where that is for the leader to say.
    pub(super) mode: Option<TeamMode>,
    pub(super) members: Vec<Member>,
    /// The leader's model, by name.
    pub(super) model: Option<String>,
    /// Who was asked as well and can't answer.
    pub(super) missing: Vec<Missing>,
}

/// Somebody who works on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: EntityName,
    pub(super) display_name: String,
    pub(super) purpose: String,
}

/// The circle that gives `turn`. It may have no members: a configuration can change under a question.
pub(super) fn circle(config: &Config, turn: &Turn) -> Circle {
    let missing = turn.missing.clone();
    match &turn.responder {
        Responder::Together(names) => {
            let members = members(config, names);
            // They have no leader of their own, so the one who speaks lends its model.
            let model = names.iter().find_map(|name| model_of(config.entity(name)?));
            Circle { team: None, purpose: String::new(), mode: None, members, model, missing }
        }
        Responder::One(name) => match config.entity(name).map(|entity| (entity, &entity.role)) {
            Some((entity, Role::Team(team))) => {
                let members = members(config, &team.members);
                let of_member = || team.members.iter().find_map(|name| model_of(config.entity(name)?));
                let model = team.model.clone().or_else(of_member);
                let (title, purpose) = (entity.display_name.clone(), entity.purpose.clone());
                Circle { team: Some(title), purpose, mode: Some(team.mode), members, model, missing }
            }
            Some((entity, Role::Agent(_) | Role::Router(_))) => Circle {
                team: Some(entity.display_name.clone()),
                purpose: entity.purpose.clone(),
                mode: Some(TeamMode::Collaborate),
                members: members(config, std::slice::from_ref(name)),
                model: model_of(entity),
                missing,
            },
            None => Circle {
                team: Some(name.to_string()),
                purpose: String::new(),
                mode: Some(TeamMode::Collaborate),
                members: Vec::new(),
                model: None,
                missing,
            },
        },
    }
}

fn members(config: &Config, names: &[EntityName]) -> Vec<Member> {
    let agent = |name: &EntityName| match config.entity(name) {
        Some(Entity { role: Role::Agent(_), display_name, purpose, .. }) => {
            Some(Member { name: name.clone(), display_name: display_name.clone(), purpose: purpose.clone() })
        }
        Some(Entity { role: Role::Router(_) | Role::Team(_), .. }) | None => None,
    };
    names.iter().filter_map(agent).collect()
}

fn model_of(entity: &Entity) -> Option<String> {
    match &entity.role {
        Role::Agent(agent) => agent.model.clone(),
        Role::Team(team) => team.model.clone(),
        Role::Router(router) => router.model.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{config, turn},
        *,
    };

    fn found(responder: &str) -> Circle {
        circle(&config(), &turn(responder))
    }

    fn names(circle: &Circle) -> Vec<&str> {
        circle.members.iter().map(|member| member.name.as_str()).collect()
    }

    /// W3: a configured team answers with exactly its members, in its mode.
    #[test]
    fn a_team_is_what_the_configuration_says() {
        let circle = found("kitchen");
        assert_eq!((circle.team.as_deref(), circle.mode), (Some("Kitchen"), Some(TeamMode::Coordinate)));
        assert_eq!((names(&circle), circle.model.as_deref()), (vec!["cook", "baker"], Some("lead")));
        assert_eq!(found("club").model.as_deref(), Some("m"), "a member lends its model");
    }

    /// W2: those who were asked work together, headed by all of them; how, is for the model to say.
    #[test]
    fn agents_are_gathered_for_a_question() {
        let circle = found("baker+cook");
        assert_eq!((circle.team.as_deref(), circle.mode, names(&circle)), (None, None, vec!["baker", "cook"]));
        assert_eq!(circle.model.as_deref(), Some("m"));
    }

    #[test]
    fn who_is_gone_is_no_member() {
        assert_eq!(names(&found("baker+gone")), ["baker"]);
        assert_eq!(names(&found("gone")), [""; 0]);
    }
}
