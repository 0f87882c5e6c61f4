//! What the person types, line by line, read by a thread of its own: waiting for a person must hold up nobody.

use std::io::{self, BufRead, Read as _};

use tokio::sync::mpsc;

use crate::nursery;

/// How many lines may wait to be taken up; the thread waits while it is full, and with it whoever writes to us.
const LINES_WAITING_MAX: usize = 64;
/// What is longer comes in pieces, in bytes. Far below what one event may hold.
const LINE_BYTES_MAX: u64 = 16 * 1024;

/// The lines of standard input. The channel closes at its end.
///
/// The thread can't be told to stop while it waits for a line; it ends with the process.
pub(super) fn lines() -> io::Result<mpsc::Receiver<String>> {
    let (lines, typed) = mpsc::channel(LINES_WAITING_MAX);
    nursery::thread("typing", move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next_line(&mut input) {
            if lines.blocking_send(line).is_err() {
                break;
            }
        }
    })?;
    Ok(typed)
}

/// The next line; nothing at the end, or when there is nothing to read from any more.
fn next_line(input: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    let length = input.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).ok()?;
    (length > 0).then(|| String::from_utf8_lossy(&line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_never_too_long() {
        let long = "x".repeat(usize::try_from(LINE_BYTES_MAX).unwrap());
        let text = format!("one\n\ntwo \u{fc}\n{long}y\nend");
        let mut input = text.as_bytes();
        let lines: Vec<String> = std::iter::from_fn(|| next_line(&mut input)).collect();
        assert_eq!(lines, ["one\n", "\n", "two ü\n", &long, "y\n", "end"]);
        assert_eq!(next_line(&mut &b"a\xffb"[..]), Some("a\u{fffd}b".to_owned()));
    }
}
