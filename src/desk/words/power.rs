//! Who has power over a room.
#![expect(unreachable_pub, reason = "mod.rs hands these up to the desk, and there is no visibility in between")]

use serde_json::Value;

use crate::model::UserId;

/// How much power it takes to count as an admin of a room: what most rooms want for changing their settings.
const ADMIN_POWER: i64 = 50;
/// What a room's creator has where nothing else is said.
const CREATOR_POWER: i64 = 100;
/// From this room version on, creators stand above all levels.
const CREATORS_RULE_FROM_VERSION: u32 = 12;

/// Whether `user` may change a room, by its `m.room.power_levels` (the content, if there is one) and its `m.room.create`
/// (the whole event).
#[must_use]
pub fn is_room_admin(user: &UserId, levels: Option<&Value>, create: Option<&Value>) -> bool {
    let created = create.is_some_and(|create| is_creator(user, create));
    if created && create.is_some_and(creators_rule) {
        return true;
    }
    match levels {
        Some(levels) => power(user, levels) >= ADMIN_POWER,
        None => created && CREATOR_POWER >= ADMIN_POWER,
    }
}

fn power(user: &UserId, levels: &Value) -> i64 {
    number(&levels["users"][user.as_str()]).or_else(|| number(&levels["users_default"])).unwrap_or(0)
}

/// Old rooms may hold levels as text.
fn number(level: &Value) -> Option<i64> {
    level.as_i64().or_else(|| level.as_str()?.trim().parse().ok())
}

fn is_creator(user: &UserId, create: &Value) -> bool {
    let more = create["content"]["additional_creators"].as_array().into_iter().flatten();
    create["sender"] == user.as_str() || more.filter(|_| creators_rule(create)).any(|other| other == user.as_str())
}

fn creators_rule(create: &Value) -> bool {
    let version = create["content"]["room_version"].as_str().unwrap_or("1");
    version.parse::<u32>().map_or(true, |version| version >= CREATORS_RULE_FROM_VERSION)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// X: a room's admins are those with power in it; in newer rooms its creators always.
    #[test]
    fn power_is_read_as_the_room_means_it() {
        let user = UserId::parse("@ada:s").unwrap();
        let check = |levels: Option<Value>, create: Option<Value>, expected: bool| {
            assert_eq!(is_room_admin(&user, levels.as_ref(), create.as_ref()), expected, "{levels:?} {create:?}");
        };
        let create = |sender: &str, version: &str, more: &[&str]| {
            Some(json!({"sender": sender, "content": {"room_version": version, "additional_creators": more}}))
        };
        check(Some(json!({"users": {"@ada:s": 50}})), None, true);
        check(Some(json!({"users": {"@ada:s": "100"}})), None, true);
        check(Some(json!({"users": {"@ada:s": 49}})), None, false);
        check(Some(json!({"users_default": 50})), None, true);
        check(Some(json!({"users_default": 50, "users": {"@ada:s": 0}})), None, false);
        check(Some(json!({})), None, false);
        check(None, None, false);
        check(None, create("@ada:s", "11", &[]), true);
        check(None, create("@bob:s", "11", &["@ada:s"]), false);
        check(Some(json!({})), create("@ada:s", "11", &[]), false);
        check(Some(json!({})), create("@ada:s", "12", &[]), true);
        check(Some(json!({})), create("@bob:s", "12", &["@ada:s"]), true);
        check(Some(json!({"users": "nonsense"})), create("@bob:s", "12", &[]), false);
    }
}
