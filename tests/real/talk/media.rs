//! Conversations about files.

use serde_json::{Value, json};

use crate::house::{Act, Post, Sort};

use super::stage::{Stage, topic};

/// The smallest picture: one pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 6,
    0, 0, 0, 0x1F, 0x15, 0xC4, 0x89, 0, 0, 0, 13, b'I', b'D', b'A', b'T', 0x78, 0x9C, 0x63, 0xF8, 0xCF, 0xC0, 0xF0,
    0x1F, 0, 5, 0, 1, 0xFF, 0x89, 0x99, 0x3D, 0x1D, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xAE, 0x42, 0x60, 0x82,
];

/// A text file.
const LIST: &[u8] = b"milk\nbread\nthe-secret-ingredient\n";

/// Conversation 43. C5, A3: a text file is read with the question that comes with it; a picture is shown to a model that sees,
/// and named to one that doesn't.
pub(super) async fn files(sort: Sort) {
    let mut stage = Stage::open(sort, &["alpha", "gamma"]).await;
    let (file, seen, unseen) = (topic(), topic(), topic());
    stage.stub().when_asks("alpha", &[&file], Act::say("A fine list."));
    stage.stub().when_asks("alpha", &[&seen], Act::say("A dot."));
    stage.stub().when_asks("gamma", &[&unseen], Act::say("I can't see it."));
    let list = attachment(&mut stage, ("list.txt", "text/plain", "m.file"), LIST).await;
    let post = Post::file(&file, list).to(&[&stage.user("alpha")]);
    stage.post(&post).await;
    let one = stage.answer("alpha", "A fine list.").await;
    assert!(stage.stub().asked(&file)[0].holds("the-secret-ingredient"), "{:#?}", stage.stub().asked(&file));
    let pixel = attachment(&mut stage, ("pixel.png", "image/png", "m.image"), PIXEL).await;
    let post = Post::file(&seen, pixel.clone()).to(&[&stage.user("alpha")]);
    stage.post(&post).await;
    let two = stage.answer("alpha", "A dot.").await;
    let post = Post::file(&unseen, pixel).to(&[&stage.user("gamma")]);
    stage.post(&post).await;
    let three = stage.answer("gamma", "I can't see it.").await;
    let (seen, unseen) = (stage.stub().asked(&seen), stage.stub().asked(&unseen));
    assert_eq!((seen[0].pictures, unseen[0].pictures), (1, 0), "{seen:#?} {unseen:#?}");
    assert!(unseen[0].holds("pixel.png"), "{unseen:#?}");
    stage.only(&[&one, &two, &three]).await;
}

#[tokio::test]
async fn files_are_read() {
    files(Sort::Open).await;
}

/// Conversation 57. C5: a file without a word waits for the words that many clients send after it, and whoever they are for looks
/// at both, in one answer. The router isn't asked about it.
#[tokio::test]
async fn the_words_after_a_file_decide_who_reads_it() {
    let mut stage = Stage::open(Sort::Open, &["alpha", "beta", "gamma"]).await;
    let (name, words) = (format!("{}txt", topic()), topic());
    stage.stub().when_asks("beta", &[&words], Act::say("Milk and bread."));
    let list = attachment(&mut stage, (&name, "text/plain", "m.file"), LIST).await;
    let file = stage.post(&Post::file(&name, list)).await;
    stage.ask(&["beta"], &words).await;
    let answer = stage.answer("beta", "Milk and bread.").await;
    assert_eq!(answer.root.as_deref(), Some(&*file));
    let asked = stage.stub().asked(&words);
    assert!(asked.len() == 1 && asked[0].holds("the-secret-ingredient"), "{asked:#?}");
    stage.only(&[&answer]).await;
    assert!(stage.stub().forms(&name).is_empty(), "the router had nothing to pick");
}

/// Conversation 58. C5: a file after which nothing comes is for whom the router picks.
#[tokio::test]
async fn a_file_without_words_is_routed() {
    let mut stage = Stage::open(Sort::Open, &["alpha", "beta", "gamma"]).await;
    let name = format!("{}txt", topic());
    stage.stub().picks(&name, "gamma");
    stage.stub().when_asks("gamma", &[&name], Act::say("A list."));
    let list = attachment(&mut stage, (&name, "text/plain", "m.file"), LIST).await;
    let file = stage.post(&Post::file(&name, list)).await;
    let answer = stage.answer("gamma", "A list.").await;
    assert_eq!(answer.root.as_deref(), Some(&*file));
    stage.only(&[&answer]).await;
}

/// What a message needs to name a file: its name, its type, and as what it is sent.
async fn attachment(stage: &mut Stage<'_>, (name, mime, kind): (&str, &str, &str), bytes: &[u8]) -> Value {
    let mut content = stage.asker.upload(name, mime, bytes).await;
    content["msgtype"] = json!(kind);
    content["filename"] = json!(name);
    content["info"] = json!({ "mimetype": mime, "size": bytes.len() });
    content
}
