//! The process between us and Synapse, which ends Synapse even when we are killed.
//!
//! A parent that is killed can't end its children, and asking the kernel to do it takes code that we forbid ourselves.
//! So the program is the child of a small script, `guard.py`, whose input we hold open: when it ends, so does all else.

use std::{io, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
    time::timeout,
};

use super::{Installation, settings::Layout};

/// How long the guard may take for its own work: starting a process, or removing a folder.
const WITHIN: Duration = Duration::from_secs(30);

/// A guard that runs, and the program it runs.
#[derive(Debug)]
pub(super) struct Guard {
    child: Child,
    orders: ChildStdin,
    news: Lines<BufReader<ChildStdout>>,
    running: bool,
}

/// What becomes of the folder when the guard goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    Kept,
    Removed,
}

/// Something to be done to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Term,
    Kill,
    Pause,
    Resume,
}

impl Signal {
    fn word(self) -> &'static str {
        match self {
            Self::Term => "term",
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

impl Guard {
    /// Starts the guard, and not yet the program.
    pub(super) fn new(
        installation: &Installation,
        layout: &Layout<'_>,
        afterwards: Afterwards,
        arguments: &[&str],
    ) -> io::Result<Self> {
        let mut command = installation.python();
        // A process group of its own, so that Ctrl-C reaches us alone and we end things in order.
        command.arg("-IS").arg(layout.guard()).process_group(0);
        command.arg(layout.output()).arg(match afterwards {
            Afterwards::Kept => Path::new(""),
            Afterwards::Removed => layout.0,
        });
        command.arg(installation.program()).args(arguments).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let orders = child.stdin.take().expect("it was just made as a pipe");
        let news = BufReader::new(child.stdout.take().expect("it was just made as a pipe")).lines();
        Ok(Self { child, orders, news, running: false })
    }

    /// Starts the program. Gives its process id.
    pub(super) async fn start(&mut self) -> io::Result<u32> {
        debug_assert!(!self.running, "one program at a time");
        self.say("start").await?;
        let (word, number) = timeout(WITHIN, self.hear()).await??;
        let pid = u32::try_from(number).ok().filter(|_| word == "started").ok_or_else(|| unexpected(&word))?;
        self.running = true;
        Ok(pid)
    }

    pub(super) async fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if self.running { self.say(signal.word()).await } else { Ok(()) }
    }

    /// Waits for the program's end, for ever. Gives its exit code, or the negated number of the signal that killed it.
    /// Nothing is lost when the future is dropped.
    pub(super) async fn exited(&mut self) -> io::Result<i32> {
        let (word, code) = self.hear().await?;
        self.running = false;
        i32::try_from(code).ok().filter(|_| word == "exited").ok_or_else(|| unexpected(&word))
    }

    /// Asks the program to end, kills it when the grace is over, and waits for its end.
    pub(super) async fn end(&mut self, grace: Duration) -> io::Result<()> {
        if !self.running {
            return Ok(());
        }
        self.signal(Signal::Resume).await?;
        self.signal(Signal::Term).await?;
        if let Ok(exited) = timeout(grace, self.exited()).await {
            return exited.map(drop);
        }
        self.kill().await
    }

    /// Kills the program and waits for its end.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        if !self.running {
            return Ok(());
        }
        self.signal(Signal::Kill).await?;
        timeout(WITHIN, self.exited()).await?.map(drop)
    }

    /// Sends the guard away and waits until it is gone. Just dropping it does the same without waiting.
    pub(super) async fn dismiss(mut self) -> io::Result<()> {
        drop(self.orders);
        timeout(WITHIN, self.child.wait()).await?.map(drop)
    }

    async fn say(&mut self, word: &str) -> io::Result<()> {
        self.orders.write_all(format!("{word}\n").as_bytes()).await
    }

    async fn hear(&mut self) -> io::Result<(String, i64)> {
        let line = self.news.next_line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let (word, number) = line.split_once(' ').ok_or_else(|| unexpected(&line))?;
        Ok((word.to_owned(), number.parse().map_err(|_| unexpected(&line))?))
    }
}

fn unexpected(line: &str) -> io::Error {
    io::Error::other(format!("the guard said {line:?}"))
}
