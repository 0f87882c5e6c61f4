//! A chat in lines: what is typed is said, what is said elsewhere is shown.

use std::{collections::BTreeSet, io, time::Duration};

use anyhow::anyhow;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    guest::{self, Guest},
    hall::{Hall, Happenings},
    harmless::harmless,
    input::{Input, input},
    room::{News, Room},
    show, typing,
};
use crate::{
    cli::{
        exit::Failure,
        terminal::{colour, print},
    },
    config::Colour,
    matrix::{MatrixError, Page},
    model::{EventId, SyncToken},
    nursery::Nursery,
    observe::time_of_day,
};

/// How many messages are shown of a room when the person comes in.
const SHOWN_MAX: usize = 20;
/// How many responses may wait to be shown; the line waits while it is full.
const NEWS_WAITING_MAX: usize = 4;
/// How long the person's last words may take to be seen in the room.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(5);

/// Lets the person chat until the person leaves, or nothing more can come.
pub(super) async fn chat(
    guest: Guest,
    hall: Hall,
    access: String,
    since: SyncToken,
    nursery: &Nursery,
) -> Result<(), Failure> {
    let (sender, mut news) = mpsc::channel(NEWS_WAITING_MAX);
    nursery.once("guest", guest.listen(since, sender));
    let mut typed = typing::lines()?;
    let colour = colour(&io::stdout());
    let mut chat = Chat { guest, hall, access, colour, unseen: BTreeSet::new(), cut_off: false };
    print(&format!("{}\n{}\n", chat.access, show::HELP))?;
    print(&show::room_list(chat.hall.rooms(), chat.hall.here()))?;
    chat.come_in()?;
    let mut gone_at: Option<Instant> = None;
    loop {
        let end = gone_at.unwrap_or_else(Instant::now);
        tokio::select! {
            biased;
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
    /// Who answers, and how to get in with another client.
    access: String,
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
            Input::Access => print(&self.access),
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
        let earlier = room.messages.len().saturating_sub(SHOWN_MAX);
        let whole = room.messages.iter().skip(earlier).filter(|message| !message.words.growing);
        whole.map(|message| &message.event).try_for_each(|event| self.show(room, event))
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        let Some(room) = self.hall.here().map(|room| room.id.clone()) else {
            return self.note("not sent: you are in no room");
        };
        match self.guest.say(&room, None, text).await {
            Ok(event) => {
                let seen = self.hall.room(&room).is_some_and(|room| room.message(&event).is_some());
                if !seen {
                    self.unseen.insert(event);
                }
                Ok(())
            }
            Err(error) => self.note(&format!("not sent: {error}")),
        }
    }

    async fn hear(&mut self, news: Option<guest::News>) -> Result<(), Failure> {
        match news {
            Some(guest::News::Page(page)) => Ok(self.take_in(page).await?),
            Some(guest::News::CutOff(error)) => Ok(self.tell_cut_off(&error)?),
            Some(guest::News::Over(error)) => Err(error.into()),
            None => Err(anyhow!("the chat's line to the homeserver broke").into()),
        }
    }

    async fn take_in(&mut self, page: Page) -> io::Result<()> {
        if std::mem::take(&mut self.cut_off) {
            self.note("the homeserver is back")?;
        }
        let Happenings { joined, left, gaps, heard, changed: _ } = self.guest.take_in(&mut self.hall, page).await;
        for (number, room) in self.hall.rooms().iter().enumerate().filter(|(_, room)| joined.contains(&room.id)) {
            self.note(&format!("you are now in {} as well: /{}", room.name, number + 1))?;
        }
        for name in left {
            self.note(&format!("you are no longer in {name}"))?;
        }
        for room in gaps.iter().filter_map(|room| self.hall.room(room)) {
            self.note(&format!("more was said in {} than is shown here", room.name))?;
        }
        for (room, message, news) in heard {
            self.unseen.remove(&message);
            if let Some(room) = self.hall.room(&room) {
                self.tell(room, &message, news)?;
            }
        }
        Ok(())
    }

    /// Shows what became of a message: in lines, an answer is shown once it is whole.
    fn tell(&self, room: &Room, message: &EventId, news: News) -> io::Result<()> {
        let whole = room.message(message).is_some_and(|message| !message.words.growing);
        match news {
            News::Said | News::Whole | News::Edited if whole => self.show(room, message),
            News::Said | News::Whole | News::Edited | News::Grown | News::Reacted | News::Gone => Ok(()),
        }
    }

    fn tell_cut_off(&mut self, error: &MatrixError) -> io::Result<()> {
        if std::mem::replace(&mut self.cut_off, true) {
            return Ok(());
        }
        self.note(&format!("nothing comes at present: {error}"))
    }

    fn show(&self, room: &Room, message: &EventId) -> io::Result<()> {
        let Some(message) = room.message(message) else { return Ok(()) };
        let elsewhere = self.hall.here().is_none_or(|here| here.id != room.id);
        let place = elsewhere.then_some(room.name.as_str());
        print(&show::message(room, message, &time_of_day(message.at), place, self.colour))
    }

    fn note(&self, text: &str) -> io::Result<()> {
        print(&show::note(&harmless(text), self.colour))
    }
}
