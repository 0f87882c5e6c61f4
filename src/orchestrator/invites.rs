//! Whether an invitation is accepted.

use std::collections::BTreeSet;

use crate::{
    config::{Config, Entity},
    model::UserId,
};

/// What to do about an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InviteAnswer {
    /// Join.
    Accept,
    /// Stay away, for this reason.
    Decline(&'static str),
}

/// Decides about an invitation of `entity` by `inviter`. `own` are our own accounts: they may always invite each other.
pub(super) fn invite_answer(
    config: &Config,
    entity: &Entity,
    inviter: &UserId,
    own: &BTreeSet<UserId>,
) -> InviteAnswer {
    if own.contains(inviter) {
        InviteAnswer::Accept
    } else if !entity.accept_invites {
        InviteAnswer::Decline("it accepts no invitations")
    } else if config.authorization.may_use(inviter, None) {
        InviteAnswer::Accept
    } else {
        InviteAnswer::Decline("the inviter is not authorized")
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::{config::compile_text, model::EntityName};

    /// I5: authorized people are followed, others are declined; entities that accept no invitations decline all but ours.
    #[test]
    fn an_invitation_is_answered_by_who_sends_it() {
        let text = "
homeserver: {url: \"http://localhost:1\"}
agents: {open: {role: Open.}, shut: {role: Shut., accept_invites: false}}
authorization: {global_users: [\"@friend:s\"]}
";
        let config = compile_text(text, Path::new("/"), &BTreeMap::new()).unwrap().config;
        let own = BTreeSet::from([UserId::parse("@router:s").unwrap()]);
        let check = |entity: &str, by: &str, expected: bool| {
            let entity = config.entity(&EntityName::parse(entity).unwrap()).unwrap();
            let answer = invite_answer(&config, entity, &UserId::parse(by).unwrap(), &own);
            assert_eq!(answer == InviteAnswer::Accept, expected, "{by}: {answer:?}");
        };
        check("open", "@friend:s", true);
        check("open", "@stranger:s", false);
        check("shut", "@friend:s", false);
        check("shut", "@router:s", true);
    }
}
