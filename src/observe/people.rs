//! Log lines for people: `13:45:07.123 INFO  room joined  entity=ada room=!x`.

use std::fmt;

use chrono::{Local, TimeZone as _};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Writes an event as one line, with colours where the writer takes them.
pub(super) struct ForPeople;

impl<S, N> FormatEvent<S, N> for ForPeople
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut words = Words::default();
        event.record(&mut words);
        let clock = clock(super::now().0);
        line(&mut writer, &clock, event.metadata(), &words)?;
        writeln!(writer)
    }
}

fn clock(millis: u64) -> String {
    let moment = i64::try_from(millis).ok().and_then(|millis| Local.timestamp_millis_opt(millis).single());
    moment.map_or_else(|| "--:--:--.---".to_owned(), |moment| moment.format("%H:%M:%S%.3f").to_string())
}

fn line(writer: &mut Writer<'_>, clock: &str, metadata: &Metadata<'_>, words: &Words) -> fmt::Result {
    let paint = Paint(writer.has_ansi_escapes());
    paint.write(writer, DIM, clock)?;
    writer.write_char(' ')?;
    let level = *metadata.level();
    paint.write(writer, colour(level), &format!("{level:<5}"))?;
    let target = words.target.as_deref().unwrap_or_else(|| metadata.target());
    if !target.starts_with(env!("CARGO_PKG_NAME")) {
        writer.write_char(' ')?;
        paint.write(writer, DIM, target)?;
    }
    write!(writer, " {}", words.message)?;
    for (index, (name, value)) in words.fields.iter().enumerate() {
        writer.write_str(if index == 0 { "  " } else { " " })?;
        paint.write(writer, DIM, &format!("{name}="))?;
        writer.write_str(value)?;
    }
    Ok(())
}

const DIM: &str = "2";

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "1;31",
        Level::WARN => "33",
        Level::INFO => "32",
        Level::DEBUG => "34",
        Level::TRACE => "35",
    }
}

struct Paint(bool);

impl Paint {
    fn write(&self, writer: &mut Writer<'_>, code: &str, text: &str) -> fmt::Result {
        if self.0 { write!(writer, "\x1b[{code}m{text}\x1b[0m") } else { writer.write_str(text) }
    }
}

/// What an event says, ready to print.
#[derive(Default)]
struct Words {
    message: String,
    /// Where a line comes from that came in through the `log` crate.
    target: Option<String>,
    fields: Vec<(&'static str, String)>,
}

impl Words {
    fn take(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            "log.target" => self.target = Some(value),
            // What else that crate adds is where its source lay when it was built.
            name if name.starts_with("log.") => {}
            name => self.fields.push((name, value)),
        }
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, harmless(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        // The message is a sentence and needs no quotes around it.
        let value = if field.name() == "message" { on_one_line(&value) } else { harmless(&value) };
        self.take(field, value);
    }
}

/// `value`, in quotes where it couldn't be told from what stands around it.
fn harmless(value: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '"' && c != '=';
    if !value.is_empty() && value.chars().all(plain) { value.to_owned() } else { format!("{value:?}") }
}

/// Control characters could forge a line or recolour the terminal.
fn on_one_line(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(ansi: bool, log: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(ansi)
            .event_format(ForPeople)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_has_time_level_message_and_fields() {
        let entity = "ada";
        let line = written(false, || tracing::info!(entity, number = 3, why = "no answer", "room joined"));
        let (clock, rest) = line.split_at(13);
        assert!(clock.bytes().all(|b| b.is_ascii_digit() || b":. ".contains(&b)), "{clock}");
        assert_eq!(rest, "INFO  room joined  entity=ada number=3 why=\"no answer\"\n");
    }

    #[test]
    fn a_foreign_line_says_where_it_comes_from() {
        let line = written(false, || tracing::warn!(target: "matrix_sdk::client", "slow"));
        assert!(line.ends_with("WARN  matrix_sdk::client slow\n"), "{line}");
        let log = || tracing::event!(target: "log", Level::WARN, log.target = "hyper", log.line = 3, "slow");
        let line = written(false, log);
        assert!(line.ends_with("WARN  hyper slow\n"), "{line}");
    }

    #[test]
    fn what_people_wrote_can_not_forge_a_line() {
        let name = "x\n12:00:00.000 ERROR forged\x1b[2J";
        let line = written(false, || tracing::info!(name, shown = %name, "{name}"));
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(!line.contains('\x1b'), "{line:?}");
        assert!(line.contains(r#"name="x\n12:00:00.000 ERROR forged\u{1b}[2J""#), "{line}");
    }

    #[test]
    fn colours_only_add_escapes() {
        let log = || tracing::error!(a = 1, "broke");
        let mut coloured = written(true, log);
        assert!(coloured.contains("\x1b[1;31mERROR"), "{coloured:?}");
        for code in ["0", DIM, "1;31"] {
            coloured = coloured.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(coloured[13..], written(false, log)[13..]);
    }
}
