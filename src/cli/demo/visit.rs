//! What the person does in the house: waits until everybody is there, looks around, and stays for a chat or goes.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{brain::Brain, chat::chat, guest::Guest, hall::Hall, screen, show, site::Site};
use crate::{
    cli::{args::DemoArgs, exit::Failure, terminal::print},
    matrix::Page,
    model::{RoomId, Status, SyncToken},
    nursery::Nursery,
    store::Store,
};

/// How long everybody may take to get ready. It usually takes a few seconds.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// Comes in, and goes again after one look or when the person wants to.
pub(super) async fn visit(
    args: &DemoArgs,
    site: &Site,
    brain: &Brain,
    mut status: watch::Receiver<Status>,
    book: Store,
    nursery: &Nursery,
) -> Result<(), Failure> {
    let deadline = Instant::now() + READY_WITHIN;
    let rooms = everybody_ready(&mut status, deadline).await?;
    let arrived = Guest::arrive(site, book, deadline).await;
    let (guest, page) = arrived.with_context(|| format!("{} can't log in", site.user))?;
    let mut hall = Hall::new(guest.user().clone());
    let since = gather(&guest, &mut hall, page, &rooms, deadline).await?;
    if args.once {
        return Ok(print(&show::once(hall.rooms()))?);
    }
    let access = show::greeting(&site.url, &site.user, site.password.reveal(), brain);
    if on_a_screen(args) {
        screen::show(guest, hall, format!("{access}\n{}", show::TRY), since, nursery).await
    } else {
        chat(guest, hall, format!("\n{access}"), since, nursery).await
    }
}

/// Whether there is a terminal that the chat can have for itself.
fn on_a_screen(args: &DemoArgs) -> bool {
    let for_us = args.log.is_none() || !io::stderr().is_terminal();
    for_us && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Waits until everything that is configured is up. Gives the managed rooms.
async fn everybody_ready(status: &mut watch::Receiver<Status>, deadline: Instant) -> Result<Vec<RoomId>, Failure> {
    let waited = timeout_at(deadline, status.wait_for(|status| status.ready)).await;
    let ready = waited.map(|outcome| outcome.map(|status| status.rooms.clone()));
    match ready {
        Ok(Ok(rooms)) => Ok(rooms.into_iter().filter_map(|room| room.room).collect()),
        // The house has ended. Whoever keeps it is about to say why.
        Ok(Err(_closed)) => std::future::pending().await,
        Err(_elapsed) => {
            let lines = show::unready(&status.borrow());
            Err(anyhow!("not everybody got ready within {} s:{lines}", READY_WITHIN.as_secs()).into())
        }
    }
}

/// Looks around until the person is in all `rooms`. Gives the place in the stream from which to listen on.
async fn gather(
    guest: &Guest,
    hall: &mut Hall,
    mut page: Page,
    rooms: &[RoomId],
    deadline: Instant,
) -> Result<SyncToken, Failure> {
    let since = loop {
        let since = page.token.clone();
        guest.take_in(hall, page).await;
        if rooms.iter().all(|room| hall.knows(room)) {
            break since;
        }
        let waited = timeout_at(deadline, guest.sync(since)).await;
        page = waited.map_err(|_elapsed| {
            let missing = rooms.iter().filter(|room| !hall.knows(room)).map(RoomId::as_str).collect::<Vec<_>>();
            anyhow!(
                "the person at the keyboard didn't get into {} within {} s",
                missing.join(", "),
                READY_WITHIN.as_secs()
            )
        })??;
    };
    for room in rooms {
        hall.see(guest.look(room).await?);
    }
    hall.sort();
    Ok(since)
}
