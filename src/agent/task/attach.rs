//! What was attached to messages is fetched and read, so that a model can look at it.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::time::timeout;

use super::job::{Job, Means};
use crate::{
    agent::{
        media::{Attachment, Reading},
        session::{Line, quoted},
    },
    matrix::MatrixError,
    nursery,
};

/// How many attachments are looked into: the newest ones. The others are named.
const ATTACHMENTS_MAX: usize = 8;
/// How many are fetched at once.
const FETCHED_AT_ONCE: usize = 4;
/// How long one may take to come.
const FETCH_MAX: Duration = Duration::from_secs(30);
/// How long one may take to read.
const READ_MAX: Duration = Duration::from_secs(20);

/// Adds what was attached to `lines`, as far as a model that `sees` pictures, or doesn't, can be given it.
pub(super) async fn attach(means: &Means, job: &Job, sees: bool, lines: &mut [Line]) {
    let with_media = lines.iter().rposition(|line| line.media.is_some());
    if with_media.is_none() {
        return;
    }
    let mut found: Vec<(usize, Value, Attachment)> = Vec::new();
    for (index, line) in lines.iter_mut().enumerate() {
        let Some(content) = line.media.take() else { continue };
        match Attachment::of(&content) {
            Some(attachment) => found.push((index, content, attachment)),
            None => line.utterance.text.push_str(" (Something is attached that can't be read.)"),
        }
    }
    let newest = found.split_off(found.len().saturating_sub(ATTACHMENTS_MAX));
    for (index, _, attachment) in found {
        add(&mut lines[index], Reading::without(&attachment, "it is too long ago"));
    }
    let readings = stream::iter(newest)
        .map(
            |(index, content, attachment)| async move { (index, reading(means, job, sees, content, attachment).await) },
        )
        .buffered(FETCHED_AT_ONCE)
        .collect::<Vec<_>>();
    for (index, reading) in readings.await {
        add(&mut lines[index], reading);
    }
}

async fn reading(means: &Means, job: &Job, sees: bool, content: Value, attachment: Attachment) -> Reading {
    let Some((source, bytes_max)) = attachment.source(&content, sees) else {
        return read(attachment, Vec::new()).await;
    };
    let Some(session) = means.lines.of(job.turn.responder.speaker()) else {
        return Reading::without(&attachment, "it can't be fetched right now");
    };
    match timeout(FETCH_MAX, session.media(source, bytes_max)).await {
        Ok(Ok(bytes)) => read(attachment, bytes).await,
        Ok(Err(MatrixError::TooLarge { .. })) => Reading::without(&attachment, "it is too large"),
        Ok(Err(_)) | Err(_) => Reading::without(&attachment, "it can't be fetched"),
    }
}

/// Reads on a thread of its own: a file can be made so that it takes long.
async fn read(attachment: Attachment, bytes: Vec<u8>) -> Reading {
    let without = Reading::without(&attachment, "reading it takes too long");
    let work = move || Reading::of(&attachment, bytes);
    let Ok(answer) = nursery::answered_by_thread("read-attachment", work) else { return without };
    match timeout(READ_MAX, answer).await {
        Ok(Ok(reading)) => reading,
        Ok(Err(_)) | Err(_) => without,
    }
}

/// The text that a client puts into the message of a file is its name, which the reading tells, too.
fn add(line: &mut Line, reading: Reading) {
    let Reading { text, picture } = reading;
    if !line.utterance.text.is_empty() {
        line.utterance.text.push('\n');
    }
    line.utterance.text.push_str(&quoted(text, &line.utterance.at));
    line.utterance.pictures.extend(picture);
}
