//! Synapse's configuration files, written for the quickest start on loopback.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::{Options, Registration, StartError, identity::Identity};

/// The part of user ids after the colon. Nobody else ever sees this homeserver, so all have the same.
pub(super) const SERVER_NAME: &str = "localhost";
/// Under this key the homeserver publishes [`Running::mark`].
pub(super) const MARK: &str = "org.maitre.mark";
/// High enough never to be reached.
const RATE: u32 = 1_000_000;

/// The files in a homeserver's folder.
pub(super) struct Layout<'a>(pub(super) &'a Path);

impl Layout<'_> {
    pub(super) fn config(&self) -> PathBuf {
        self.0.join("homeserver.yaml")
    }

    pub(super) fn output(&self) -> PathBuf {
        self.0.join("homeserver.log")
    }

    pub(super) fn guard(&self) -> PathBuf {
        self.0.join("guard.py")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    fn log_config(&self) -> PathBuf {
        self.0.join("log.yaml")
    }

    fn signing_key(&self) -> PathBuf {
        self.0.join("signing.key")
    }
}

/// What changes from one run to the next.
pub(super) struct Running<'a> {
    /// The port that it listens on.
    pub(super) port: u16,
    /// Tells this run from any other server that may answer on the same port.
    pub(super) mark: &'a str,
}

/// Writes everything that Synapse reads at its start.
pub(super) fn write_all(
    layout: &Layout<'_>,
    options: &Options,
    identity: &Identity,
    running: &Running<'_>,
) -> Result<(), StartError> {
    // YAML includes JSON, where no text can be mistaken for anything else.
    write(&layout.config(), &homeserver(layout, options, identity, running).to_string())?;
    write(&layout.log_config(), &log().to_string())?;
    write(&layout.signing_key(), &identity.signing_key)?;
    write(&layout.guard(), include_str!("guard.py"))
}

/// Writes a file that only its owner may read.
pub(super) fn write(path: &Path, text: &str) -> Result<(), StartError> {
    let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| StartError::File { path: path.to_owned(), source })
}

fn homeserver(layout: &Layout<'_>, options: &Options, identity: &Identity, running: &Running<'_>) -> Value {
    let folder = layout.0;
    let port = running.port;
    let mut settings = json!({
        "server_name": SERVER_NAME,
        "public_baseurl": format!("http://127.0.0.1:{port}/"),
        "serve_client_wellknown": true,
        "extra_well_known_client_content": { MARK: running.mark },
        "pid_file": folder.join("pid"),
        "log_config": layout.log_config(),
        "signing_key_path": layout.signing_key(),
        "media_store_path": folder.join("media"),
        "database": { "name": "sqlite3", "args": { "database": folder.join("homeserver.db") } },
        "listeners": [{
            "port": port,
            "type": "http",
            "tls": false,
            "bind_addresses": ["127.0.0.1"],
            "x_forwarded": false,
            "resources": [{ "names": ["client"], "compress": false }],
        }],
        "registration_shared_secret": identity.registration_secret,
        "macaroon_secret_key": identity.macaroon_secret,
        "form_secret": identity.form_secret,
        "enable_registration": options.registration != Registration::Closed,
        "enable_registration_without_verification": options.registration == Registration::Open,
        "registration_requires_token": options.registration == Registration::Token,
        // Passwords here guard nothing; the usual cost would make every login slow.
        "bcrypt_rounds": 4,
        "presence": { "enabled": options.presence },
        // Otherwise a first sync is answered from memory for two minutes.
        "caches": { "sync_response_cache_duration": "0s" },
        // Nothing leaves this machine.
        "report_stats": false,
        "trusted_key_servers": [],
        "suppress_key_server_warning": true,
        "federation_domain_whitelist": [],
        "url_preview_enabled": false,
    });
    let given = settings.as_object_mut().expect("it was written as an object");
    given.extend(rates());
    if let Some(version) = &options.room_version {
        given.insert("default_room_version".to_owned(), json!(version));
    }
    if let Some(lifetime) = options.refreshable_token_lifetime {
        given.insert("refreshable_access_token_lifetime".to_owned(), json!(milliseconds(lifetime)));
    }
    given.extend(options.extra.clone());
    settings
}

fn rates() -> Map<String, Value> {
    let rate = json!({ "per_second": RATE, "burst_count": RATE });
    let plain = [
        "rc_message",
        "rc_registration",
        "rc_registration_token_validity",
        "rc_admin_redaction",
        "rc_joins_per_room",
        "rc_key_requests",
        "rc_3pid_validation",
        "rc_third_party_invite",
        "rc_media_create",
        "rc_delayed_event_mgmt",
        "rc_room_creation",
        "rc_reports",
        "rc_user_directory",
        "rc_profile",
    ];
    let grouped = [
        ("rc_login", vec!["address", "account", "failed_attempts"]),
        ("rc_joins", vec!["local", "remote"]),
        ("rc_invites", vec!["per_room", "per_user", "per_issuer"]),
        ("rc_presence", vec!["per_user"]),
    ];
    let plain = plain.into_iter().map(|name| (name.to_owned(), rate.clone()));
    let grouped = grouped.into_iter().map(|(name, parts)| {
        let parts: Map<_, _> = parts.into_iter().map(|part| (part.to_owned(), rate.clone())).collect();
        (name.to_owned(), Value::Object(parts))
    });
    plain.chain(grouped).collect()
}

/// Warnings go to the standard error output, which the guard turns into the one log file.
fn log() -> Value {
    json!({
        "version": 1,
        "formatters": { "line": { "format": "%(asctime)s %(levelname)s %(name)s: %(message)s" } },
        "handlers": { "console": { "class": "logging.StreamHandler", "formatter": "line" } },
        "root": { "level": "WARNING", "handlers": ["console"] },
        "disable_existing_loggers": false,
    })
}

/// Synapse reads a bare number as milliseconds.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{super::Data, *};

    fn settings(change: impl FnOnce(&mut Options)) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(Data::Kept(folder.path().to_owned()));
        change(&mut options);
        let identity = Identity::of(folder.path()).unwrap();
        homeserver(&Layout(Path::new("/d")), &options, &identity, &Running { port: 17_001, mark: "m" })
    }

    #[test]
    fn it_listens_on_loopback_only() {
        let settings = settings(|_| ());
        assert_eq!(settings["listeners"].as_array().unwrap().len(), 1);
        assert_eq!(settings["listeners"][0]["bind_addresses"], json!(["127.0.0.1"]));
        assert_eq!(settings["listeners"][0]["resources"][0]["names"], json!(["client"]));
        assert_eq!(settings["federation_domain_whitelist"], json!([]));
    }

    #[test]
    fn who_may_register_is_said_in_three_switches() {
        let check = |registration, expected: [bool; 3]| {
            let settings = settings(|options| options.registration = registration);
            let names =
                ["enable_registration", "enable_registration_without_verification", "registration_requires_token"];
            assert_eq!(names.map(|name| settings[name].as_bool().unwrap()), expected, "{registration:?}");
        };
        check(Registration::Open, [true, true, false]);
        check(Registration::Token, [true, false, true]);
        check(Registration::Closed, [false, false, false]);
    }

    #[test]
    fn extra_settings_win() {
        let settings = settings(|options| {
            options.room_version = Some("11".to_owned());
            options.refreshable_token_lifetime = Some(Duration::from_secs(3));
            options.extra.insert("bcrypt_rounds".to_owned(), json!(12));
        });
        assert_eq!(settings["bcrypt_rounds"], 12);
        assert_eq!(settings["default_room_version"], "11");
        assert_eq!(settings["refreshable_access_token_lifetime"], 3000);
        assert_eq!(settings["rc_joins"]["local"]["per_second"], RATE);
    }

    #[test]
    fn what_is_written_is_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write(&path, "secret").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
