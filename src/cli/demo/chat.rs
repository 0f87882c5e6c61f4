//! A chat in lines: what is typed is said, what is said elsewhere is shown.

use std::{collections::BTreeSet, io, time::Duration};

use anyhow::anyhow;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    guest::{Guest, Happenings, News},
    hall::{Hall, Message, Room},
    harmless::harmless,
    input::{Input, input},
    show, typing,
};
use crate::{
    cli::{
        exit::Failure,
        terminal::{colour, print},
    },
    config::Colour,
    matrix::{MatrixError, Page},
    model::{EventId, RoomId, SyncToken},
    nursery::Nursery,
    observe::time_of_day,
};

/// How many responses may wait to be shown; the line waits while it is full.
const NEWS_WAITING_MAX: usize = 4;
/// How long the person's last words may take to be seen in the room.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(5);

/// Lets the person chat until the person leaves, or nothing more can come.
pub(super) async fn chat(guest: Guest, hall: Hall, since: SyncToken, nursery: &Nursery) -> Result<(), Failure> {
    let (sender, mut news) = mpsc::channel(NEWS_WAITING_MAX);
    nursery.once("guest", guest.listen(since, sender));
    let mut typed = typing::lines()?;
    let mut chat = Chat { guest, hall, colour: colour(&io::stdout()), unseen: BTreeSet::new(), cut_off: false };
    print(&show::room_list(chat.hall.rooms(), chat.hall.here()))?;
    chat.come_in()?;
    let mut gone_at: Option<Instant> = None;
    loop {
        let end = gone_at.unwrap_or_else(Instant::now);
        tokio::select! {
            line = typed.recv(), if gone_at.is_none() => match line.as_deref().map_or(Input::Quit, input) {
                Input::Quit => gone_at = Some(Instant::now() + LAST_WORDS_WITHIN),
                wish => chat.obey(wish).await?,
            },
            news = news.recv() => chat.hear(news).await?,
            () = sleep_until(end), if gone_at.is_some() => return Ok(()),
        }
        if gone_at.is_some() && chat.unseen.is_empty() {
            return Ok(());
        }
    }
}

struct Chat {
    guest: Guest,
    hall: Hall,
    colour: Colour,
    /// What was sent and not seen in its room yet.
    unseen: BTreeSet<EventId>,
    /// Whether the person was told that nothing comes at present.
    cut_off: bool,
}

impl Chat {
    async fn obey(&mut self, wish: Input) -> io::Result<()> {
        match wish {
            Input::Nothing | Input::Quit => Ok(()),
            Input::Say(text) => self.say(&text).await,
            Input::Rooms => print(&show::room_list(self.hall.rooms(), self.hall.here())),
            Input::Join(room) if self.hall.go(&room) => self.come_in(),
            Input::Join(room) => self.note(&format!("there is no room {}; /rooms lists them", harmless(&room))),
            Input::Who => self.hall.here().map_or(Ok(()), |room| print(&show::who(room))),
            Input::Help => print(show::HELP),
            Input::Unknown(line) => {
                self.note(&format!("{} is not something this chat knows", harmless(&line)))?;
                print(show::HELP)
            }
        }
    }

    /// Shows the room that the person is in now.
    fn come_in(&self) -> io::Result<()> {
        let Some(room) = self.hall.here() else { return Ok(()) };
        print(&show::room_heading(room, self.colour))?;
        room.messages.iter().try_for_each(|message| self.show(message, None))
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        let Some(room) = self.hall.here().map(|room| room.id.clone()) else {
            return self.note("not sent: you are in no room");
        };
        match self.guest.say(&room, text).await {
            Ok(event) => {
                let seen = self.room(&room).is_some_and(|room| room.has(&event));
                if !seen {
                    self.unseen.insert(event);
                }
                Ok(())
            }
            Err(error) => self.note(&format!("not sent: {error}")),
        }
    }

    async fn hear(&mut self, news: Option<News>) -> Result<(), Failure> {
        match news {
            Some(News::Page(page)) => Ok(self.take_in(page).await?),
            Some(News::CutOff(error)) => Ok(self.tell_cut_off(&error)?),
            Some(News::Over(error)) => Err(error.into()),
            None => Err(anyhow!("the chat's line to the homeserver broke").into()),
        }
    }

    async fn take_in(&mut self, page: Page) -> io::Result<()> {
        if std::mem::take(&mut self.cut_off) {
            self.note("the homeserver is back")?;
        }
        let Happenings { joined, left, gaps, messages } = self.guest.take_in(&mut self.hall, page).await;
        for (number, room) in self.hall.rooms().iter().enumerate().filter(|(_, room)| joined.contains(&room.id)) {
            self.note(&format!("you are now in {} as well: /{}", room.name, number + 1))?;
        }
        for name in left {
            self.note(&format!("you are no longer in {name}"))?;
        }
        for room in gaps.iter().filter_map(|room| self.room(room)) {
            self.note(&format!("more was said in {} than is shown here", room.name))?;
        }
        for (room, message) in messages {
            self.unseen.remove(&message.event);
            let elsewhere = self.hall.here().is_none_or(|here| here.id != room);
            let place = if elsewhere { self.room(&room).map(|room| room.name.clone()) } else { None };
            self.show(&message, place.as_deref())?;
        }
        Ok(())
    }

    fn tell_cut_off(&mut self, error: &MatrixError) -> io::Result<()> {
        if std::mem::replace(&mut self.cut_off, true) {
            return Ok(());
        }
        self.note(&format!("nothing comes at present: {error}"))
    }

    fn show(&self, message: &Message, elsewhere: Option<&str>) -> io::Result<()> {
        print(&show::message(message, &time_of_day(message.at), elsewhere, self.colour))
    }

    fn note(&self, text: &str) -> io::Result<()> {
        print(&show::note(&harmless(text), self.colour))
    }

    fn room(&self, id: &RoomId) -> Option<&Room> {
        self.hall.rooms().iter().find(|room| room.id == *id)
    }
}
