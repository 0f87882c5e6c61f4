//! What was asked of the homeserver, by kind, from its own log of requests.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use maitre::homeserver::Options;
use serde_json::json;
use tempfile::TempDir;

/// The homeserver's log of requests. Writing it costs the homeserver time, so nothing is timed beside it.
#[derive(Debug)]
pub(crate) struct RequestLog {
    folder: TempDir,
    /// How much of it was read.
    read: usize,
}

/// How often each kind of request was made.
pub(crate) type Requests = BTreeMap<String, usize>;

impl RequestLog {
    /// Has a homeserver with these options keep one.
    pub(crate) fn of(options: &mut Options) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let settings = json!({
            "version": 1,
            "formatters": { "line": { "format": "%(message)s" } },
            "handlers": { "file": {
                "class": "logging.FileHandler", "filename": file(folder.path()), "formatter": "line",
            } },
            "loggers": { "synapse.access": { "level": "INFO", "handlers": ["file"], "propagate": false } },
            "disable_existing_loggers": false,
        });
        let path = folder.path().join("log.yaml");
        fs::write(&path, settings.to_string())?;
        options.extra.insert("log_config".to_owned(), json!(path));
        Ok(Self { folder, read: 0 })
    }

    /// What was asked since the last time.
    pub(crate) fn news(&mut self) -> Result<Requests> {
        let text = fs::read_to_string(file(self.folder.path()))?;
        let news = &text[std::mem::replace(&mut self.read, text.len())..];
        let mut requests = Requests::new();
        for kind in news.lines().filter_map(kind) {
            *requests.entry(kind).or_default() += 1;
        }
        Ok(requests)
    }
}

/// The table, in Markdown: a column for each of the three.
pub(crate) fn table(columns: [&Requests; 3]) -> String {
    let mut table = "| Request | First boot | Restart | Raw client |\n| :--- | ---: | ---: | ---: |\n".to_owned();
    let mut kinds: Vec<&String> = columns.iter().flat_map(|requests| requests.keys()).collect();
    kinds.sort();
    kinds.dedup();
    for kind in kinds {
        let counts = columns.map(|requests| requests.get(kind).copied().unwrap_or_default().to_string());
        writeln!(table, "| {kind} | {} |", counts.join(" | ")).expect("a string takes everything");
    }
    table
}

fn file(folder: &Path) -> PathBuf {
    folder.join("requests.log")
}

/// The kind of request behind a line such as `… 200 "GET /_matrix/client/v3/sync?since=1 HTTP/1.1" …`.
fn kind(line: &str) -> Option<String> {
    let (_, rest) = line.split_once('"')?;
    let (method, rest) = rest.split_once(' ')?;
    let path = rest.split(['?', ' ']).next()?;
    let parts = path.split('/').filter(|part| !["", "_matrix", "client", "v3", "r0"].contains(part));
    // What stands for one room, user, alias, event or transaction is no kind of its own.
    let is_id =
        |part: &str| part.contains(['%', '@', '!', '#', '$', ':']) || part.bytes().any(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = parts.map(|part| if is_id(part) { "…" } else { part }).collect();
    Some(format!("{method} {}", parts.join("/")))
}
