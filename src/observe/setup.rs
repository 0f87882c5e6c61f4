//! Where log lines go: through a filter and the redaction to standard error, or to a file.

use std::{
    fs::File,
    io,
    os::unix::fs::OpenOptionsExt as _,
    panic,
    path::{Path, PathBuf},
    sync::Arc,
};

use tracing_subscriber::{EnvFilter, fmt::writer::BoxMakeWriter, util::SubscriberInitExt as _};

use super::{people::ForPeople, redact::redact, secrets::with_secrets};

/// What is logged unless somebody asks for more: our own facts, and what worries the libraries.
const FILTER: &str = "info,matrix_sdk=warn,matrix_sdk::http_client=off,matrix_sdk::room=off,matrix_sdk_base=warn,\
                      matrix_sdk_crypto=warn,matrix_sdk_crypto::backups=error,matrix_sdk_crypto::identities::manager=error,matrix_sdk_sqlite=warn,\
                      hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,rusqlite_migration=warn,genai=off";

/// How the log is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// In which form.
    pub form: LogForm,
    /// What is logged beyond, or instead of, the default: `debug`, `maitre=trace,matrix_sdk=info`.
    pub filter: Option<String>,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogForm {
    /// A line for people.
    Plain,
    /// The same with colours, for a terminal.
    Coloured,
    /// One JSON object a line, for machines.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The filter can't be understood.
    #[error("the log filter {filter:?} is not one: {source}")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file can't be written to.
    #[error("the log can't be written to {}: {source}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody else receives this process' log already.
    #[error("another receiver of log lines is installed in this process")]
    Taken,
}

/// Starts the log on standard error. Panics go through it from then on, too, so that no secret reaches the terminal in one.
///
/// # Errors
/// [`LogsError`] when the filter is wrong or the process logs elsewhere already.
pub fn start_logs(logs: &Logs) -> Result<(), LogsError> {
    start(logs, BoxMakeWriter::new(|| Redacting(io::stderr())))
}

/// Starts the log at the end of the file `path`, which only its owner may read, where standard error is for people.
///
/// # Errors
/// As [`start_logs`], and when the file can't be written to.
pub fn start_logs_in(path: &Path, logs: &Logs) -> Result<(), LogsError> {
    let opened = File::options().create(true).append(true).mode(0o600).open(path);
    let file = Arc::new(opened.map_err(|source| LogsError::File { path: path.to_owned(), source })?);
    start(logs, BoxMakeWriter::new(move || Redacting(Arc::clone(&file))))
}

fn start(logs: &Logs, writer: BoxMakeWriter) -> Result<(), LogsError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(logs.filter.as_deref())?)
        .with_ansi(logs.form == LogForm::Coloured)
        .with_writer(writer);
    let started = match logs.form {
        LogForm::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).finish().try_init()
        }
        LogForm::Plain | LogForm::Coloured => lines.event_format(ForPeople).finish().try_init(),
    };
    started.map_err(|_taken| LogsError::Taken)?;
    panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(tracing::field::display);
        let thread = std::thread::current();
        tracing::error!(message = "panic", said = panic.payload_as_str(), at, thread = thread.name());
    }));
    Ok(())
}

fn filter(wish: Option<&str>) -> Result<EnvFilter, LogsError> {
    // The wish comes last and so overrides a default for the same place, but `debug` alone doesn't open the libraries.
    let directives = match wish.map(str::trim).filter(|wish| !wish.is_empty()) {
        Some(wish) => format!("{FILTER},{wish}"),
        None => FILTER.to_owned(),
    };
    EnvFilter::builder()
        .parse(directives)
        .map_err(|source| LogsError::Filter { filter: wish.unwrap_or_default().to_owned(), source: Box::new(source) })
}

/// Takes whole lines, masks their secrets and passes them on.
struct Redacting<W>(W);

impl<W: io::Write> io::Write for Redacting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let shown = with_secrets(|secrets| redact(&line, secrets).into_owned());
        self.0.write_all(shown.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::{model::Secret, observe::register_secret};

    #[test]
    fn a_wish_is_added_to_the_default() {
        let shown = |wish: Option<&str>| filter(wish).map(|filter| filter.to_string());
        let has = |wish: Option<&str>, directive: &str| shown(wish).unwrap().split(',').any(|part| part == directive);
        assert!(has(None, "info") && has(None, "matrix_sdk=warn"));
        assert!(has(Some("debug"), "debug") && !has(Some("debug"), "info"), "a level alone is ours");
        assert!(has(Some("debug"), "matrix_sdk=warn"), "it doesn't open the libraries");
        assert!(has(Some("matrix_sdk=trace"), "matrix_sdk=trace") && !has(Some("matrix_sdk=trace"), "matrix_sdk=warn"));
        assert!(has(Some(" "), "info"));
        let error = filter(Some("maitre=loud")).unwrap_err().to_string();
        assert!(error.starts_with("the log filter \"maitre=loud\" is not one: "), "{error}");
    }

    #[test]
    fn what_is_written_is_redacted() {
        register_secret(&Secret::new("correct horse"));
        let mut page = Redacting(Vec::new());
        page.write_all(b"tried correct horse with access_token=abc \xff\n").unwrap();
        page.flush().unwrap();
        assert_eq!(String::from_utf8(page.0).unwrap(), "tried *** with access_token=*** \u{fffd}\n");
    }
}
