//! What answers look like, whatever a model writes.

use crate::house::{Act, Shown, Sort};

use super::stage::{Stage, topic};

/// Conversation 29. S3: a long answer with code arrives whole, as code.
pub(super) async fn code(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha"]).await;
    let topic = topic();
    let lines: Vec<String> = (0..60).map(|number| format!("    let x{number} = a < {number} && b > \"c\";")).collect();
    let text = format!("Here it is:\n\n```rust\nfn main() {{\n{}\n}}\n```\n\nThat was *all*.", lines.join("\n"));
    stage.stub().when(&topic, Act::say(&text));
    stage.say(&topic).await;
    let answer = stage.answer("alpha", &text).await;
    assert!(answer.html.contains("<pre><code class=\"language-rust\">fn main() {\n"), "{}", answer.html);
    assert!(answer.html.contains("let x59 = a &lt; 59 &amp;&amp; b &gt; "), "{}", answer.html);
    assert!(answer.html.contains("<em>all</em>"), "{}", answer.html);
    stage.only(&[&answer]).await;
}

#[tokio::test]
async fn a_long_answer_with_code_arrives_whole() {
    code(Sort::Open).await;
}

/// Conversation 30. S3, N3: an answer that no event can hold comes in several messages, in order, in one thread; a code
/// block that is cut is closed and opened again, and not a word is lost.
pub(super) async fn oversized(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha"]).await;
    let topic = topic();
    let lines: Vec<String> = (0..2_500).map(|number| format!("line {number} of a very long program")).collect();
    stage.stub().when(&topic, Act::say(&format!("Code:\n\n```text\n{}\n```\n\nThe end.", lines.join("\n"))));
    let question = stage.say(&topic).await;
    let last = stage.answer_with("alpha", &["The end."]).await;
    let alpha = stage.user("alpha");
    let of_alpha = |messages: &[Shown]| {
        let parts: Vec<_> = messages.iter().filter(|message| message.sender == alpha).cloned().collect();
        parts.iter().all(|part| part.is_final).then_some(parts)
    };
    let parts = stage.asker.see(&stage.room, "all parts", of_alpha).await;
    assert!(parts.len() >= 2 && parts.last().map(|part| &part.event) == Some(&last.event), "{} parts", parts.len());
    for part in &parts {
        assert_eq!(part.root.as_deref(), Some(&*question));
        assert_eq!(part.body.matches("```").count() % 2, 0, "every part closes its code");
    }
    let found: Vec<&str> =
        parts.iter().flat_map(|part| part.body.lines()).filter(|line| line.starts_with("line ")).collect();
    assert_eq!(found, lines, "every line, in order");
    stage.only(&parts.iter().collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn an_oversized_answer_comes_in_parts() {
    oversized(Sort::Open).await;
}

/// Conversation 31. S3: nothing that a model writes becomes HTML that does something.
#[tokio::test]
async fn html_in_an_answer_is_harmless() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let topic = topic();
    let text = "Look: <script>alert(1)</script> <img src=\"https://evil.example/p.png\" onerror=\"alert(2)\"> \
                <b onclick=\"alert(3)\">bold</b> [click](javascript:alert(4)) ![p](https://evil.example/q.png) \
                <iframe src=\"https://evil.example\"></iframe> <a href=\"https://ok.example\" style=\"position:fixed\">ok</a>";
    stage.stub().when(&topic, Act::say(&format!("{text} done")));
    stage.say(&topic).await;
    let answer = stage.answer_with("alpha", &["done"]).await;
    let tags: Vec<&str> =
        answer.html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag).collect();
    let is_harmless = |tag: &str| {
        let link = tag.strip_prefix("a href=\"https://").and_then(|rest| rest.strip_suffix('"'));
        ["p", "/p", "/a", "b", "/b"].contains(&tag) || link.is_some_and(|link| !link.contains(['"', ' ']))
    };
    assert!(tags.iter().all(|tag| is_harmless(tag)), "{tags:?} in {}", answer.html);
    stage.only(&[&answer]).await;
}

/// Conversation 32. S2: an answer can't call the whole room, and calls whom it names once, at its end.
#[tokio::test]
async fn an_answer_calls_whom_it_names_once() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let topic = topic();
    let user = stage.asker.user().to_owned();
    let (act, gate) = Act::held(&format!("Hey @room and {user}, dinner"), " is ready.");
    stage.stub().when(&topic, act);
    stage.say(&topic).await;
    let alpha = stage.user("alpha");
    let begun = stage.see("the beginning", |message| message.sender == alpha && message.body.ends_with("dinner")).await;
    assert!(begun.pings.is_empty() && begun.mentions.is_empty(), "nobody is called before the end: {begun:#?}");
    gate.open();
    let answer = stage.answer_with("alpha", &["dinner is ready."]).await;
    assert_eq!(answer.mentions, std::slice::from_ref(&user));
    assert_eq!(answer.pings, [(user, 1)].into());
    assert!(!answer.body.contains("@room") && !answer.html.contains("@room"), "{answer:#?}");
    stage.only(&[&answer]).await;
}

/// Conversation 33. S1: one message per answer, however long it takes: a placeholder, then edits that become rarer.
#[tokio::test]
async fn a_slow_answer_is_one_message_that_grows() {
    let mut stage = Stage::open(Sort::Open, &["alpha"]).await;
    let topic = topic();
    let words: Vec<String> = (0..80).map(|number| format!("word{number}")).collect();
    stage.stub().when(&topic, Act::Slowly(words.join(" "), std::time::Duration::from_millis(50)));
    stage.say(&topic).await;
    let answer = stage.answer("alpha", &words.join(" ")).await;
    assert!((3..=12).contains(&answer.edits), "four seconds of growing in {} edits", answer.edits);
    assert!(answer.wordings.is_sorted_by_key(String::len), "it only grows: {:#?}", answer.wordings);
    stage.only(&[&answer]).await;
}
