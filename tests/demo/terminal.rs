//! The demo on a full screen: the real binary in a terminal of ours, by what a person would see there.

use std::{path::Path, process::Stdio};

use rustix::process::{Signal, kill_process};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::{DEADLINE, descendants, install, pid_of_number, without_models};

const COLUMNS: u16 = 110;
const LINES: u16 = 40;
const ESCAPE: &str = "\x1b";
const UP: &str = "\x1b[A";
const CTRL_C: &str = "\x03";
const CTRL_S: &str = "\x13";
const CTRL_Y: &str = "\x19";

/// A terminal with a demo in it.
struct Terminal {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    screen: vt100::Parser,
}

impl Terminal {
    async fn start() -> Self {
        install().await;
        let bridge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo/terminal.py");
        let mut command = Command::new("python3");
        let size = [COLUMNS.to_string(), LINES.to_string()];
        command.arg(bridge).args(size).args([env!("CARGO_BIN_EXE_maitre"), "demo", "--scripted"]);
        without_models(&mut command).env("TERM", "xterm-256color").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output, screen: vt100::Parser::new(LINES, COLUMNS, 0) }
    }

    async fn presses(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).await.unwrap();
    }

    /// Waits until the screen looks so, and gives what it shows.
    async fn shows(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let waited =
            timeout(DEADLINE, async { while !fits(&self.screen.screen().contents()) && self.goes_on().await {} });
        let in_time = waited.await.is_ok();
        let contents = self.screen.screen().contents();
        assert!(in_time && fits(&contents), "waited in vain for {what}, and saw:\n{contents}");
        contents
    }

    async fn shows_text(&mut self, text: &str) -> String {
        self.shows(text, |screen| screen.contains(text)).await
    }

    /// Reads on. Says whether there was something.
    async fn goes_on(&mut self) -> bool {
        let mut shown = [0; 4096];
        let length = self.output.read(&mut shown).await.unwrap();
        self.screen.process(&shown[..length]);
        length > 0
    }

    /// Waits for its end: with the terminal as it was before.
    async fn ends_well(mut self) {
        let ended = timeout(DEADLINE, async {
            while self.goes_on().await {}
            self.child.wait().await.unwrap()
        });
        let status = ended.await.expect("the demo ends in time");
        let contents = self.screen.screen().contents();
        assert_eq!(status.code(), Some(0), "99 is a terminal that isn't as it was:\n{contents}");
        assert!(!self.screen.screen().alternate_screen() && !self.screen.screen().hide_cursor(), "{contents}");
        assert!(!self.screen.screen().bracketed_paste(), "{contents}");
        assert!(contents.contains("stopped; nothing is left"), "{contents}");
    }
}

/// S1, C1: a person mentions an agent, sees the answer grow in a thread, reacts, looks around and leaves.
#[tokio::test]
async fn a_person_chats_on_a_full_screen() {
    let mut terminal = Terminal::start().await;
    terminal.shows_text("Some things to say").await;
    terminal.shows_text("The agents speak from a script, as you wish.").await;
    terminal.presses(ESCAPE).await;
    terminal.shows("the lobby", |screen| screen.contains("Router: Welcome!") && !screen.contains("any key")).await;
    terminal.presses("@cod\t").await;
    terminal.shows_text("> @coder").await;
    terminal.presses("what is a mutex?\r").await;
    terminal.shows_text("You: @coder what is a mutex?").await;
    terminal.shows("an answer that grows", |screen| screen.contains("┆") && screen.contains('▍')).await;
    let whole = |screen: &str| screen.contains("no model wrote it") && !screen.contains('▍');
    let screen = terminal.shows("the whole answer", whole).await;
    let answer = screen.lines().find(|line| line.contains("Coder: A **mutex**"));
    assert!(answer.is_some_and(|line| line.contains("┆")), "in a thread, indented:\n{screen}");
    terminal.presses(CTRL_Y).await;
    terminal.shows_text("✅ ×1•").await;
    terminal.presses(CTRL_Y).await;
    terminal.shows("no reaction any more", |screen| !screen.contains("✅ ×1•")).await;
    terminal.presses(&format!("{UP}and how long is it held?\r")).await;
    let screen = terminal.shows_text("You: and how long is it held?").await;
    let question = screen.lines().find(|line| line.contains("how long is it held?")).unwrap();
    assert!(question.contains("┆"), "in the thread of the selected message:\n{screen}");
    terminal.presses(&format!("{ESCAPE}\t")).await;
    terminal.shows_text("›2 Workshop").await;
    terminal.presses("/who\r").await;
    terminal.shows_text("@researcher:localhost").await;
    terminal.presses("\r/help\r").await;
    terminal.shows_text("Ctrl-R").await;
    terminal.presses(CTRL_C).await;
    terminal.ends_well().await;
}

/// S4: 🛑 by key stops an answer that grows, and what was said stays.
#[tokio::test]
async fn s4_an_answer_is_stopped_by_key() {
    let mut terminal = Terminal::start().await;
    terminal.shows_text("Some things to say").await;
    terminal.presses("@coder what is a mutex?\r").await;
    terminal.shows("an answer that grows", |screen| screen.contains("Coder: A") && screen.contains('▍')).await;
    terminal.presses(CTRL_S).await;
    let screen = terminal.shows_text("(stopped)").await;
    assert!(!screen.contains("no model wrote it"), "{screen}");
    terminal.presses("/quit\r").await;
    terminal.ends_well().await;
}

/// I8: a signal leaves the terminal as it was, too.
#[tokio::test]
async fn a_signal_gives_the_terminal_back() {
    let mut terminal = Terminal::start().await;
    terminal.shows_text("Some things to say").await;
    let demo = descendants(terminal.child.id().unwrap())[0];
    kill_process(pid_of_number(demo), Signal::TERM).unwrap();
    terminal.ends_well().await;
}
