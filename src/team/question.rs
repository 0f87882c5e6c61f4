//! What the leader is asked: first for a plan, then for one answer out of many.

use serde_json::{Value, json};

use super::panel::{Circle, Member};
use crate::{
    model::{Prompt, Shape, Speaker, Utterance},
    routing::Said,
};

/// How many messages of the conversation the leader is shown.
pub(super) const MESSAGES_MAX: usize = 40;
/// How much of each message and of each result it is shown, in bytes.
const TEXT_BYTES_MAX: usize = 12_000;
/// How many bytes of text a token stands for at least.
const BYTES_PER_TOKEN: usize = 3;

/// What members did: who, on what, and the result.
pub(super) struct Finding<'a> {
    pub(super) member: &'a Member,
    pub(super) assignment: &'a str,
    pub(super) text: &'a str,
}

/// How many bytes of text the leader may be shown, whose model takes in so many tokens: half of what that can hold at
/// least, since who is in the team, the forms and the answer take room, too.
pub(super) fn room(context_tokens: u32) -> usize {
    usize::try_from(context_tokens).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_TOKEN) / 2
}

/// The question for a plan, with `room` for what was said.
pub(super) fn plan(circle: &Circle, said: &[Said], room: usize) -> Prompt {
    let mut system = leader(circle);
    system.push_str(
        "\n\nThe last message is to be answered. Share out the work: give each part to the one who is best at it, with an \
         assignment that can be understood without the others. Few parts are better than many, and nobody has to get one. A \
         part that needs the result of an earlier one names its number, counted from 1, in `after`; with `order` `in_order` \
         each waits for the one before it, else they run in parallel.",
    );
    if circle.mode.is_none() {
        system.push_str(
            " With `mode` `coordinate` the work is shared out like that. With `mode` `collaborate` each answers the whole \
             message from their own side; choose this when several views are wanted, and leave `subtasks` empty.",
        );
    }
    let shape = Some(Shape { name: "plan", schema: plan_form(circle) });
    Prompt { system, messages: newest(said, room), tools: Vec::new(), shape }
}

fn plan_form(circle: &Circle) -> Value {
    let names: Vec<&str> = circle.members.iter().map(|member| member.name.as_str()).collect();
    let subtask = json!({
        "type": "object",
        "properties": {
            "agent": { "type": "string", "enum": names },
            "assignment": { "type": "string", "description": "What to do." },
            "after": { "type": "array", "items": { "type": "integer" }, "description": "Numbers of parts to wait for." },
        },
        "required": ["agent", "assignment", "after"],
        "additionalProperties": false,
    });
    let mut properties = json!({
        "order": { "type": "string", "enum": ["parallel", "in_order"] },
        "subtasks": { "type": "array", "items": subtask },
    });
    let mut required = vec!["order", "subtasks"];
    if circle.mode.is_none() {
        properties["mode"] = json!({ "type": "string", "enum": ["coordinate", "collaborate"] });
        required.push("mode");
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// The question for one answer out of what members did, with `room` for that and what was said.
pub(super) fn join(circle: &Circle, said: &[Said], findings: &[Finding<'_>], room: usize) -> Prompt {
    let mut system = leader(circle);
    system.push_str(
        "\n\nThe members have worked on the last message. Put their results, which follow the conversation, together into one \
         answer to it, as plain Markdown: keep what is right and useful, leave out what is said twice, and where they \
         disagree, say so and who says what. Add nothing of your own, and don't speak about the work itself.",
    );
    let mut messages = newest(said, room / 2);
    let share = room / 2 / findings.len().max(1);
    messages.extend(findings.iter().map(|finding| {
        let task =
            if finding.assignment.is_empty() { String::new() } else { format!(" on “{}”", finding.assignment) };
        let text = format!("[Result of {}{task}]\n\n{}", finding.member.display_name, short(finding.text, share));
        Utterance::words(Speaker::Person, "", text)
    }));
    Prompt { system, messages, tools: Vec::new(), shape: None }
}

fn leader(circle: &Circle) -> String {
    let title = circle.team.as_ref().map_or_else(
        || "You lead agents that were asked together in a chat room.".to_owned(),
        |team| format!("You lead the team {team} in a chat room. {}", circle.purpose),
    );
    let member = |member: &Member| format!("\n- {} ({}): {}", member.name, member.display_name, member.purpose);
    let members: String = circle.members.iter().map(member).collect();
    format!("{} Its members:\n{members}", title.trim())
}

/// What was said, from the end backwards as far as there is room. The last message is always there.
fn newest(said: &[Said], room: usize) -> Vec<Utterance> {
    let mut left = room;
    let mut messages: Vec<Utterance> = Vec::new();
    for said in said.iter().rev() {
        let text = short(&said.text, room);
        if text.len() > left && !messages.is_empty() {
            break;
        }
        left = left.saturating_sub(text.len());
        messages.push(Utterance::words(Speaker::Person, said.name.clone(), text));
    }
    messages.reverse();
    messages
}

/// The beginning of a text.
pub(super) fn short(text: &str, bytes_max: usize) -> String {
    let bytes_max = bytes_max.min(TEXT_BYTES_MAX);
    if text.len() <= bytes_max {
        text.to_owned()
    } else {
        format!("{}…", &text[..text.floor_char_boundary(bytes_max)])
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            panel::circle,
            samples::{config, turn},
        },
        *,
    };

    fn said(text: &str) -> Said {
        Said { name: "Ada".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn the_leader_is_asked_for_a_plan() {
        let prompt = plan(&circle(&config(), &turn("kitchen")), &[said("Dinner for six!")], 1_000);
        for part in ["the team Kitchen", "Plans dinners.", "- cook (Cook): Knows recipes.", "- baker (Baker): Bakes."] {
            assert!(prompt.system.contains(part), "{part}\n{}", prompt.system);
        }
        assert_eq!(prompt.messages, [Utterance::words(Speaker::Person, "Ada", "Dinner for six!")]);
        let schema = prompt.shape.unwrap().schema;
        assert_eq!(schema["properties"]["subtasks"]["items"]["properties"]["agent"]["enum"], json!(["cook", "baker"]));
        assert_eq!(schema["properties"].get("mode"), None, "its mode is configured");
    }

    #[test]
    fn gathered_agents_are_asked_how_they_work() {
        let prompt = plan(&circle(&config(), &turn("cook+poet")), &[said("Hi")], 1_000);
        assert!(prompt.system.contains("`collaborate`"), "{}", prompt.system);
        let schema = prompt.shape.unwrap().schema;
        assert_eq!(schema["properties"]["mode"]["enum"], json!(["coordinate", "collaborate"]));
    }

    #[test]
    fn the_leader_joins_what_was_done() {
        let circle = circle(&config(), &turn("cook+poet"));
        let found = |at: usize, assignment, text| Finding { member: &circle.members[at], assignment, text };
        let long = "x".repeat(20_000);
        let prompt = join(&circle, &[said("Hi")], &[found(0, "", "Soup."), found(1, "a rhyme", &long)], 100_000);
        assert_eq!(prompt.messages[1].text, "[Result of Cook]\n\nSoup.");
        assert!(prompt.messages[2].text.starts_with("[Result of Poet on “a rhyme”]\n\nxxx"));
        assert!(prompt.messages[2].text.len() < 13_000, "bounded");
        assert_eq!(prompt.shape, None);
    }

    #[test]
    fn a_leader_with_little_room_is_shown_the_end() {
        let circle = circle(&config(), &turn("cook+poet"));
        let earlier = [said(&"a".repeat(400)), said(&"b".repeat(400)), said(&"ö".repeat(400))];
        let shown = |room: usize| -> Vec<usize> {
            plan(&circle, &earlier, room).messages.iter().map(|message| message.text.chars().count()).collect()
        };
        assert_eq!(shown(2_000), [400, 400, 400]);
        assert_eq!(shown(1_300), [400, 400]);
        assert_eq!(shown(301), [151], "the last message is cut where it must be");
        let finding = Finding { member: &circle.members[0], assignment: "", text: &"x".repeat(400) };
        let prompt = join(&circle, &earlier, &[finding], 200);
        assert!(prompt.messages.iter().all(|message| message.text.len() < 140), "{prompt:?}");
        assert_eq!(room(4_096), 6_144);
    }
}
