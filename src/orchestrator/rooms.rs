//! What must be done so that one managed room holds whom the configuration says.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    matrix::Presence,
    model::{EntityName, UserId},
    store::Membership,
};

/// What is known about one managed room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RoomFacts {
    /// Everybody who has to do with it, as the homeserver says.
    pub(super) members: BTreeMap<UserId, Presence>,
    /// Our own accounts that the configuration puts here.
    pub(super) wanted: BTreeMap<UserId, Own>,
    /// Our own accounts that the configuration does not put here.
    pub(super) unwanted: BTreeMap<UserId, Own>,
    /// People who should find an invitation.
    pub(super) people: BTreeSet<UserId>,
}

/// One of our own accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    /// Its name; those who are no longer configured have kept theirs.
    pub(super) entity: EntityName,
    /// Whether it is up and can act by itself.
    pub(super) up: bool,
    /// How it stands to the room, as its own stream last told.
    pub(super) membership: Option<Membership>,
    /// Whether somebody's departure is final for this account even if it left by itself: people decide for themselves.
    pub(super) person: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RoomStep {
    /// The router invites.
    Invite(UserId),
    /// The entity joins.
    Join(EntityName),
    /// The entity leaves.
    Leave(EntityName),
    /// The router takes out an account that can't leave by itself.
    Remove(UserId),
}

/// Plans the steps: invitations before joins, since a private room lets nobody in without one.
pub(super) fn room_steps(facts: &RoomFacts) -> Vec<RoomStep> {
    let presence = |user: &UserId| facts.members.get(user).copied();
    let mut steps = Vec::new();
    for user in &facts.people {
        if presence(user).is_none() {
            steps.push(RoomStep::Invite(user.clone()));
        }
    }
    for (user, own) in facts.wanted.iter().filter(|(_, own)| may_enter(own)) {
        match presence(user) {
            Some(Presence::Joined | Presence::Banned) => continue,
            // Why it departed is known only when its own stream has told.
            Some(Presence::Departed) if own.person || !own.up => continue,
            Some(Presence::Invited) => {}
            Some(Presence::Departed) | None => steps.push(RoomStep::Invite(user.clone())),
        }
        if own.up {
            steps.push(RoomStep::Join(own.entity.clone()));
        }
    }
    for (user, own) in &facts.unwanted {
        match presence(user) {
            Some(Presence::Joined | Presence::Invited) if own.up => steps.push(RoomStep::Leave(own.entity.clone())),
            Some(Presence::Joined | Presence::Invited) => steps.push(RoomStep::Remove(user.clone())),
            Some(Presence::Departed | Presence::Banned) | None => {}
        }
    }
    steps
}

/// Who of our own accounts is as it should be: in the room, or put out and thus rightly away.
pub(super) fn settled(facts: &RoomFacts) -> BTreeSet<EntityName> {
    let fine = |user: &UserId, own: &Own| match facts.members.get(user) {
        Some(Presence::Joined | Presence::Banned) => true,
        Some(Presence::Invited | Presence::Departed) | None => !may_enter(own),
    };
    facts.wanted.iter().filter(|(user, own)| fine(user, own)).map(|(_, own)| own.entity.clone()).collect()
}

/// I11: who was put out by somebody does not come back by itself.
fn may_enter(own: &Own) -> bool {
    !matches!(own.membership, Some(Membership::Kicked | Membership::Banned))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(format!("@{name}:s")).unwrap()
    }

    fn own(name: &str, up: bool, membership: Option<Membership>) -> (UserId, Own) {
        let entity = EntityName::parse(name).unwrap();
        (user(name), Own { entity, up, membership, person: false })
    }

    fn join(name: &str) -> RoomStep {
        RoomStep::Join(EntityName::parse(name).unwrap())
    }

    /// I4: responders are invited and join, people are invited once, those no longer named leave.
    #[test]
    fn a_room_is_brought_to_what_the_configuration_says() {
        let check = |members: &[(&str, Presence)],
                     wanted: &[(UserId, Own)],
                     unwanted: &[(UserId, Own)],
                     expected: &[RoomStep]| {
            let facts = RoomFacts {
                members: members.iter().map(|(name, presence)| (user(name), *presence)).collect(),
                wanted: wanted.iter().cloned().collect(),
                unwanted: unwanted.iter().cloned().collect(),
                people: BTreeSet::from([user("you")]),
            };
            assert_eq!(room_steps(&facts), expected);
        };
        let you = ("you", Presence::Joined);
        let invite = |name: &str| RoomStep::Invite(user(name));
        check(&[], &[], &[], &[invite("you")]);
        check(&[("you", Presence::Departed)], &[], &[], &[]);
        check(&[you], &[own("ada", true, None)], &[], &[invite("ada"), join("ada")]);
        check(&[you], &[own("ada", false, None)], &[], &[invite("ada")]);
        check(&[you, ("ada", Presence::Invited)], &[own("ada", true, None)], &[], &[join("ada")]);
        check(&[you, ("ada", Presence::Joined)], &[own("ada", true, None)], &[], &[]);
        check(
            &[you, ("ada", Presence::Departed)],
            &[own("ada", true, Some(Membership::Left))],
            &[],
            &[invite("ada"), join("ada")],
        );
        let leave = RoomStep::Leave(EntityName::parse("ada").unwrap());
        check(&[you, ("ada", Presence::Joined)], &[], &[own("ada", true, None)], &[leave]);
        check(&[you, ("ada", Presence::Joined)], &[], &[own("ada", false, None)], &[RoomStep::Remove(user("ada"))]);
        check(&[you, ("ada", Presence::Departed)], &[], &[own("ada", true, None)], &[]);
    }

    /// I11: kicked or banned, an entity stays away. I12: the person's account that left stays away, too.
    #[test]
    fn who_was_put_out_stays_out() {
        let check = |presence: Presence, own: (UserId, Own)| {
            let (who, own) = own;
            let facts = RoomFacts {
                members: BTreeMap::from([(who.clone(), presence)]),
                wanted: BTreeMap::from([(who, own)]),
                ..RoomFacts::default()
            };
            assert_eq!(room_steps(&facts), vec![]);
        };
        check(Presence::Departed, own("ada", true, Some(Membership::Kicked)));
        // Kicked while nobody listened: what its stream told last is old.
        check(Presence::Departed, own("ada", false, Some(Membership::Joined)));
        check(Presence::Banned, own("ada", true, Some(Membership::Banned)));
        check(Presence::Banned, own("ada", true, None));
        let (who, person) = own("user", true, None);
        check(Presence::Departed, (who, Own { person: true, ..person }));
    }

    /// I11: who was put out keeps nobody waiting for it.
    #[test]
    fn who_was_put_out_is_as_it_should_be() {
        let check = |presence: Option<Presence>, membership: Option<Membership>, expected: bool| {
            let (who, own) = own("ada", true, membership);
            let members = presence.map(|presence| (who.clone(), presence)).into_iter().collect();
            let facts = RoomFacts { members, wanted: BTreeMap::from([(who, own)]), ..RoomFacts::default() };
            assert_eq!(!settled(&facts).is_empty(), expected, "{presence:?} {membership:?}");
        };
        check(Some(Presence::Joined), Some(Membership::Joined), true);
        check(Some(Presence::Departed), Some(Membership::Kicked), true);
        check(Some(Presence::Banned), None, true);
        check(Some(Presence::Invited), Some(Membership::Invited), false);
        check(Some(Presence::Departed), Some(Membership::Left), false);
        check(None, None, false);
    }

    proptest! {
        /// Doing what is planned, and planning again, gives nothing to do: no invitation is ever repeated.
        #[test]
        fn a_plan_carried_out_needs_no_other(seed in proptest::collection::vec((0u8..5, any::<bool>(), any::<bool>()), 0..8)) {
            let mut facts = RoomFacts::default();
            for (index, (presence, up, wanted)) in seed.iter().enumerate() {
                let (who, own) = own(&format!("e{index}"), *up, None);
                let known = [None, Some(Presence::Joined), Some(Presence::Invited), Some(Presence::Departed), Some(Presence::Banned)];
                if let Some(presence) = known[usize::from(*presence)] {
                    facts.members.insert(who.clone(), presence);
                }
                if *wanted { facts.wanted.insert(who, own) } else { facts.unwanted.insert(who, own) };
            }
            let users: BTreeMap<EntityName, UserId> = facts.wanted.iter().chain(&facts.unwanted)
                .map(|(user, own)| (own.entity.clone(), user.clone())).collect();
            for step in room_steps(&facts) {
                match step {
                    RoomStep::Invite(user) => facts.members.insert(user, Presence::Invited),
                    RoomStep::Join(entity) => facts.members.insert(users[&entity].clone(), Presence::Joined),
                    RoomStep::Leave(entity) => facts.members.insert(users[&entity].clone(), Presence::Departed),
                    RoomStep::Remove(user) => facts.members.insert(user, Presence::Departed),
                };
            }
            prop_assert_eq!(room_steps(&facts), vec![]);
        }
    }
}
