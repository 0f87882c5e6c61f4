//! Waits for keys, news and errands done, and shows what became of the screen.

use std::{io, time::Duration};

use anyhow::anyhow;
use crossterm::event;
use tokio::{sync::mpsc, time::timeout};

use super::{
    courier::{carry, not_done},
    curtain::Curtain,
    keys::{Key, key},
    state::{Effect, Event, Screen},
};
use crate::{
    cli::{
        demo::{
            guest::{Guest, News},
            hall::Hall,
        },
        exit::Failure,
    },
    model::SyncToken,
    nursery::{self, Nursery},
    observe::now,
};

/// How many responses may wait to be shown; the line to the homeserver waits while it is full.
const NEWS_WAITING_MAX: usize = 4;
/// How many keys may wait; the thread that reads them waits while it is full.
const KEYS_WAITING_MAX: usize = 256;
/// How many errands may wait. What is too much is refused, and the person is told.
const ERRANDS_WAITING_MAX: usize = 64;
/// How many outcomes may wait; the courier waits while it is full.
const OUTCOMES_WAITING_MAX: usize = 16;
/// How often the thread that waits for keys sees whether anybody still wants them.
const LOOK_UP_EVERY: Duration = Duration::from_millis(200);
/// How long the person's last words may take.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(5);

/// Lets the person chat until the person leaves, or nothing more can come.
#[expect(unreachable_pub, reason = "mod.rs hands it up, and there is no visibility in between")]
pub async fn show(
    guest: Guest,
    hall: Hall,
    access: String,
    since: SyncToken,
    nursery: &Nursery,
) -> Result<(), Failure> {
    let (sender, mut news) = mpsc::channel(NEWS_WAITING_MAX);
    nursery.once("guest", guest.listen(since, sender));
    let (errands, waiting) = mpsc::channel(ERRANDS_WAITING_MAX);
    let (sender, mut outcomes) = mpsc::channel(OUTCOMES_WAITING_MAX);
    nursery.once("courier", carry(guest, waiting, sender));
    let mut curtain = Curtain::raise()?;
    let mut keys = keys()?;
    let mut screen = Screen::new(hall, access);
    screen.size = curtain.size()?;
    loop {
        curtain.show(&screen)?;
        let event = tokio::select! {
            biased;
            key = keys.recv() => Event::Key(key.unwrap_or(Key::Leave)),
            news = news.recv() => told(news)?,
            Some(outcome) = outcomes.recv() => outcome,
        };
        for effect in screen.on(event, now()) {
            if effect == Effect::Leave {
                drop(errands);
                last_words(outcomes).await;
                return Ok(());
            }
            if errands.try_send(effect).is_err() {
                screen.on(Event::Failed("not done: too much at once".to_owned()), now());
            }
        }
    }
}

/// Waits until the courier has come back.
async fn last_words(mut outcomes: mpsc::Receiver<Event>) {
    // What takes longer has been waited for long enough.
    drop(timeout(LAST_WORDS_WITHIN, async { while outcomes.recv().await.is_some() {} }).await);
}

fn told(news: Option<News>) -> Result<Event, Failure> {
    match news {
        Some(News::Page(page)) => Ok(Event::Arrived(page)),
        Some(News::CutOff(error)) => Ok(Event::CutOff(not_done(&error))),
        Some(News::Over(error)) => Err(error.into()),
        None => Err(anyhow!("the chat's line to the homeserver broke").into()),
    }
}

/// What the person presses, read by a thread of its own. The channel closes when there is no terminal any more.
fn keys() -> io::Result<mpsc::Receiver<Key>> {
    let (sender, pressed) = mpsc::channel(KEYS_WAITING_MAX);
    nursery::thread("keys", move || {
        while !sender.is_closed() {
            let key = match event::poll(LOOK_UP_EVERY) {
                Ok(false) => continue,
                Ok(true) => event::read().map(key),
                Err(error) => Err(error),
            };
            let gone = match key {
                Ok(None) => false,
                Ok(Some(key)) => sender.blocking_send(key).is_err(),
                Err(_no_terminal) => true,
            };
            if gone {
                return;
            }
        }
    })?;
    Ok(pressed)
}
