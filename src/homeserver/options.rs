//! How a private homeserver is to be set up.

use std::{path::PathBuf, time::Duration};

use serde_json::{Map, Value};

/// How long Synapse may take to answer for the first time, unless said otherwise. It usually takes two seconds.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// How a private homeserver is to be set up. [`Options::new`] gives one that is open to everything.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where its data goes and how long it stays.
    pub data: Data,
    /// The port on 127.0.0.1, where it matters. Else the one that kept data was served on before, if it is free, or a
    /// random one.
    pub port: Option<u16>,
    /// Who may register an account without knowing the shared secret.
    pub registration: Registration,
    /// The version of rooms whose creator doesn't ask for one, where it isn't Synapse's own default.
    pub room_version: Option<String>,
    /// Whether people see who is online.
    pub presence: bool,
    /// How long the access tokens live that are given together with a refresh token, if not Synapse's five minutes.
    pub refreshable_token_lifetime: Option<Duration>,
    /// How long it may take to answer for the first time.
    pub ready_within: Duration,
    /// Synapse's own settings, which win over everything here.
    pub extra: Map<String, Value>,
}

impl Options {
    /// A homeserver without limits on anybody's rate, where anybody may register.
    #[must_use]
    pub fn new(data: Data) -> Self {
        Self {
            data,
            port: None,
            registration: Registration::Open,
            room_version: None,
            presence: false,
            refreshable_token_lifetime: None,
            ready_within: READY_WITHIN,
            extra: Map::new(),
        }
    }
}

/// Where a homeserver's data goes and how long it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Into a new folder inside this one; removed when the homeserver stops, however that comes about.
    Temporary(PathBuf),
    /// Into this folder, for good: the next homeserver that is started on it has the same users and rooms.
    Kept(PathBuf),
}

/// Who may register an account without knowing the shared secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Anybody.
    Open,
    /// Whoever has a registration token.
    Token,
    /// Nobody.
    Closed,
}
