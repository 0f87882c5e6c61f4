//! Conversations about what an agent knows how to do, while somebody changes that.

use serde_json::json;

use crate::house::{Act, Gate, Maitre, Sort, Stub, shared};

use super::{
    hall::{Hall, config},
    stage::{Stage, topic},
};

/// A skill whose instructions are these.
fn skill(instructions: &str) -> String {
    format!("---\nname: minutes\ndescription: How minutes are written.\n---\n{instructions}\n")
}

/// How often the program has read a skill, with this outcome.
async fn read(maitre: &Maitre, outcome: &str) -> u32 {
    let (_, metrics) = maitre.get("/metrics").await;
    let name = format!("maitre_skills_read_total{{outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or_default()
}

/// Conversation 75. S12, H9: a skill that is edited while its agent answers: that answer goes by what it said before, the next
/// one by what it says now. It is read once for each change. A broken one changes nothing, and the log names file and line.
#[tokio::test]
async fn a_skill_is_edited_while_its_agent_answers() {
    const FILE: &str = "skills/minutes/SKILL.md";
    let stub = Stub::start().await;
    let skilled = config(&stub).replace("model: alpha, tools", "model: alpha, skills: [minutes], tools");
    let mut maitre = Maitre::new(shared(), &skilled);
    maitre.write(FILE, &skill("Begin with the date."));
    maitre.start_ready().await;
    let house = Hall { stub, maitre };
    let mut stage = Stage::open_in(&house, Sort::Open, &["alpha"]).await;
    let [old, new, again, broken] = [topic(), topic(), topic(), topic()];
    let ask = |word: &str| {
        let then = format!("{word}: {{outcome}}");
        Act::Use { tool: "use_skill", input: json!({"name": "minutes"}), then }
    };
    let gate = Gate::closed();
    house.stub.when(&old, gate.then(ask("Old")));
    for (topic, word) in [(&new, "New"), (&again, "Again"), (&broken, "Broken")] {
        house.stub.when(topic, ask(word));
    }
    stage.say(&old).await;
    let asked = house.stub.wait_asked(&old, 1).await;
    assert!(asked[0].system.contains("minutes: How minutes are written."), "{asked:#?}");
    assert_eq!((read(&house.maitre, "read").await, read(&house.maitre, "broken").await), (1, 0));

    house.maitre.write(FILE, &skill("Begin with who was there."));
    gate.open();
    let first = stage.answer_with("alpha", &["Old: ", "Begin with the date."]).await;
    stage.say(&new).await;
    let second = stage.answer_with("alpha", &["New: ", "Begin with who was there."]).await;
    stage.say(&again).await;
    let third = stage.answer_with("alpha", &["Again: ", "Begin with who was there."]).await;
    assert_eq!((read(&house.maitre, "read").await, read(&house.maitre, "broken").await), (2, 0));

    house.maitre.write(FILE, &skill("Nothing.").replace("name: minutes", "name: seconds"));
    stage.say(&broken).await;
    let fourth = stage.answer_with("alpha", &["Broken: ", "Begin with who was there."]).await;
    stage.only_in_any_order(&[&first, &second, &third, &fourth]).await;
    assert_eq!((read(&house.maitre, "read").await, read(&house.maitre, "broken").await), (2, 1));
    let said = house.maitre.said();
    assert!(said.contains("SKILL.md:2:7: name: the skill is called"), "{said}");
}
