//! N6: whether a question that an earlier life left is still to be answered.

use std::collections::{BTreeMap, BTreeSet};

use super::Halted;
use crate::{
    config::Config,
    model::{EntityName, Responder, RoomKey, UserId},
    store::Membership,
};

/// What is known of the room of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ground {
    /// What the configuration may call it.
    pub(super) names: Vec<RoomKey>,
    /// How our entities stand towards it.
    pub(super) standings: BTreeMap<EntityName, Membership>,
}

/// Why `responder` is not to answer `asker` any more: who would speak has gone, or whoever asked may no longer. `own` are
/// the users of our entities, who ask on somebody's behalf.
pub(super) fn lapsed(
    config: &Config,
    own: &BTreeSet<UserId>,
    ground: &Ground,
    (asker, responder): (&UserId, &Responder),
) -> Option<Halted> {
    let speaker = responder.speaker();
    // Whoever has just joined may not have heard of it.
    let gone = ground.standings.get(speaker).is_some_and(|standing| match standing {
        Membership::Left | Membership::Kicked | Membership::Banned => true,
        Membership::Invited | Membership::Joined => false,
    });
    if gone || config.entity(speaker).is_none() {
        return Some(Halted::Gone);
    }
    let authorization = &config.authorization;
    let allowed = own.contains(asker)
        || authorization.may_use_known_as(asker, &ground.names)
            && responder.names().iter().all(|name| authorization.exists_for(name, asker));
    (!allowed).then_some(Halted::Stopped)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::compile_text;

    const CONFIG: &str = "
homeserver: {url: \"http://localhost:1\"}
agents: {ada: {role: A., rooms: [lab]}, bob: {role: B., rooms: [lab]}}
authorization:
  global_users: [\"@al:s\"]
  room_permissions: {lab: [\"@kim:s\"]}
  aliases: {\"@al:s\": [\"@al2:s\"]}
  agent_reply_permissions: {bob: [\"@kim:s\"]}
";

    fn user(text: &str) -> UserId {
        UserId::parse(format!("@{text}:s")).unwrap()
    }

    /// N6: the sender is still allowed, here and with whoever is to answer, and that one is still here.
    #[test]
    fn a_question_lapses_with_those_who_ask_and_answer() {
        let config = compile_text(CONFIG, Path::new("/"), &BTreeMap::new()).unwrap().config;
        let own = BTreeSet::from([user("ada")]);
        let check = |asker: &str, responder: &str, standing: Option<Membership>, expected: Option<Halted>| {
            let responder = Responder::try_from(responder.to_owned()).unwrap();
            let standings = standing.map(|standing| (responder.speaker().clone(), standing)).into_iter().collect();
            let ground = Ground { names: vec![RoomKey::parse("lab").unwrap()], standings };
            let found = lapsed(&config, &own, &ground, (&user(asker), &responder));
            assert_eq!(found, expected, "{asker} {responder} {standing:?}");
        };
        let joined = Some(Membership::Joined);
        check("al", "ada", joined, None);
        check("al2", "ada", joined, None);
        check("kim", "ada+bob", joined, None);
        check("ada", "bob", joined, None);
        check("joe", "ada", joined, Some(Halted::Stopped));
        check("al", "ada+bob", joined, Some(Halted::Stopped));
        check("al", "eve", joined, Some(Halted::Gone));
        check("al", "ada", Some(Membership::Kicked), Some(Halted::Gone));
        check("al", "ada", Some(Membership::Left), Some(Halted::Gone));
        check("al", "ada", Some(Membership::Invited), None);
        check("al", "ada", None, None);
    }
}
