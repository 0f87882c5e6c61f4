//! The sections about the house itself: homeserver, accounts, state, status server, time zone, bots.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    time::Duration,
};

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::model::Secret;

use super::{
    Accounts, Entity, Homeserver, Http, Registration, State, UserPattern,
    compile::Compiler,
    fault::{Fault, VALUE},
    key_path::KeyPath,
    values::Bounds,
};

/// How many entities may log in at the same time, at most.
const LOGINS_MAX: usize = 64;
/// How many pages may be fetched for one gap, at most.
const GAP_PAGES_MAX: usize = 10_000;
/// How the paths of all of a homeserver's requests begin, behind its address.
const MATRIX_PATHS: &str = "/_matrix";
/// Where the status server listens if nothing else is said.
const BIND_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8766);
/// How long what is settled is kept.
const RETENTION: Bounds = Bounds {
    default: Duration::from_hours(90 * 24),
    allowed: Duration::from_hours(24)..=Duration::from_hours(3650 * 24),
};
/// How long one long-poll may last.
const SYNC_TIMEOUT: Bounds =
    Bounds { default: Duration::from_secs(30), allowed: Duration::from_secs(1)..=Duration::from_mins(10) };
/// How long any other request may take.
const REQUEST_TIMEOUT: Bounds =
    Bounds { default: Duration::from_secs(30), allowed: Duration::from_secs(1)..=Duration::from_mins(10) };

impl Compiler<'_> {
    pub(super) fn homeserver(&mut self) -> Option<Homeserver> {
        let raw = &self.raw.homeserver;
        let path = KeyPath::of(&["homeserver"]);
        let url = self.homeserver_url();
        let sync_timeout = self.duration(raw.sync_timeout.as_deref(), &path.key("sync_timeout"), &SYNC_TIMEOUT);
        let request_timeout =
            self.duration(raw.request_timeout.as_deref(), &path.key("request_timeout"), &REQUEST_TIMEOUT);
        let logins_max = self.number(raw.logins_max, &path.key("logins_max"), 8, 1..=LOGINS_MAX);
        let gap_pages_max = self.number(raw.gap_pages_max, &path.key("gap_pages_max"), 50, 1..=GAP_PAGES_MAX);
        Some(Homeserver {
            url: url?,
            sync_timeout,
            request_timeout,
            logins_max: NonZeroUsize::new(logins_max).unwrap_or(NonZeroUsize::MIN),
            gap_pages_max,
        })
    }

    fn homeserver_url(&mut self) -> Option<String> {
        let path = KeyPath::of(&["homeserver", "url"]);
        if let Some(url) = &self.raw.homeserver.url {
            let address = self.address(url, &path)?;
            if let Some((homeserver, _)) = address.split_once(MATRIX_PATHS) {
                let fault = Fault::value(&path, format!("{VALUE} goes on behind the address of the homeserver"));
                self.note(fault.hint(format!("write {homeserver}")));
                return None;
            }
            return Some(address);
        }
        if self.given.vault.get("MATRIX_HOMESERVER").is_some() {
            return self.address_from("MATRIX_HOMESERVER", &path);
        }
        let fault = Fault::missing(&path, "the address of the homeserver is missing");
        self.note(
            fault.hint("add `homeserver: {url: https://…}`, or set the environment variable `MATRIX_HOMESERVER`"),
        );
        None
    }

    pub(super) fn accounts(&mut self) -> Accounts {
        let raw = &self.raw.accounts;
        let path = KeyPath::of(&["accounts"]);
        let device_name = self.caption(raw.device_name.as_deref(), &path.key("device_name"), || "Maitre".to_owned());
        let secret = self.secret(raw.registration_shared_secret.as_ref(), &path.key("registration_shared_secret"));
        let token = self.secret(raw.registration_token.as_ref(), &path.key("registration_token"));
        let open = raw.open_registration.unwrap_or(false);
        let mut registration = Vec::new();
        registration.extend(secret.map(Registration::SharedSecret));
        registration.extend(token.map(Registration::Token));
        if open {
            registration.push(Registration::Open);
        }
        if registration.is_empty() {
            let vault = self.given.vault;
            let from = |name: &str| vault.get_or_file(name).map(Secret::new);
            registration.extend(from("MATRIX_REGISTRATION_SHARED_SECRET").map(Registration::SharedSecret));
            registration.extend(from("MATRIX_REGISTRATION_TOKEN").map(Registration::Token));
        }
        Accounts { device_name, registration, deactivate_removed: raw.deactivate_removed.unwrap_or(false) }
    }

    /// A secret that must not be empty.
    pub(super) fn secret(&mut self, secret: Option<&Secret>, path: &KeyPath) -> Option<Secret> {
        let secret = secret?;
        if secret.reveal().trim().is_empty() {
            self.note(Fault::value(path, "this secret is empty").hint("fill it in, or remove the line"));
            return None;
        }
        Some(secret.clone())
    }

    /// Says so when some entities can only be used if their accounts were made earlier.
    pub(super) fn warn_of_missing_accounts(&mut self, accounts: &Accounts, entities: &[Entity]) {
        let without = entities.iter().filter(|entity| entity.credential.is_none()).count();
        if !accounts.registration.is_empty() || without == 0 {
            return;
        }
        let whose = if without == 1 { "one entity has".to_owned() } else { format!("{without} entities have") };
        let message = format!("there is no way to register accounts, and {whose} no password or token");
        let fault = Fault::missing(&KeyPath::of(&["accounts"]), message).warning();
        self.note(fault.hint(
            "unless their accounts were made earlier, give `accounts.registration_shared_secret`, \
             `accounts.registration_token` or `accounts.open_registration`",
        ));
    }

    pub(super) fn state(&mut self) -> State {
        let path = KeyPath::of(&["state", "folder"]);
        let folder = self.caption(self.raw.state.folder.as_deref(), &path, || "state".to_owned());
        let path = KeyPath::of(&["state", "retention"]);
        let retention = self.duration(self.raw.state.retention.as_deref(), &path, &RETENTION);
        State { folder: self.given.folder.join(folder), retention }
    }

    /// A picture, absolute. Where it can't be shown there is a face less, which is no reason to stay away.
    pub(super) fn picture(&mut self, file: Option<&str>, path: &KeyPath) -> Option<PathBuf> {
        let file = file?;
        let file = self.given.folder.join(self.caption(Some(file), path, String::new));
        if !file.is_file() {
            let fault = Fault::value(path, format!("there is no picture {VALUE}"));
            self.note(fault.hint(format!("it would be {}", file.display())).warning());
        }
        Some(file)
    }

    pub(super) fn http(&mut self) -> Http {
        let raw = &self.raw.http;
        let path = KeyPath::of(&["http"]);
        let token = self.secret(raw.token.as_ref(), &path.key("token"));
        let bind = match raw.bind.as_deref().map(str::trim) {
            None => Some(BIND_DEFAULT),
            Some("off" | "false") => None,
            Some(text) => {
                let address = text.parse::<SocketAddr>().ok();
                if address.is_none() {
                    let fault = Fault::value(&path.key("bind"), format!("{VALUE} is not an address with a port"));
                    self.note(
                        fault.hint("write an IP address and a port, such as 127.0.0.1:8766 or \"[::1]:8766\", or off"),
                    );
                }
                address
            }
        };
        let elsewhere = bind.is_some_and(|address| !address.ip().is_loopback());
        // A token that couldn't be filled in was noted already.
        let noted = self.given.tree.at(&path.key("token")).is_some_and(|(node, _)| node.is_gone());
        if elsewhere && raw.token.is_none() && !noted {
            let fault = Fault::value(
                &path.key("bind"),
                format!("{VALUE} can be reached from other machines, and there is no token"),
            );
            self.note(fault.hint("set `http.token`, such as `${MAITRE_TOKEN}`, or bind to 127.0.0.1"));
        }
        Http { bind, token }
    }

    pub(super) fn timezone(&mut self) -> Option<Tz> {
        let Some(text) = self.raw.timezone.as_deref() else { return Some(Tz::UTC) };
        let Ok(zone) = text.trim().parse::<Tz>() else {
            let near = self.did_you_mean(text, TZ_VARIANTS.iter().map(|zone| zone.name()));
            let fault = Fault::value(&KeyPath::of(&["timezone"]), format!("{VALUE} is not a time zone"));
            self.note(fault.hint("write a name such as Europe/Berlin or UTC").maybe_hint(near));
            return None;
        };
        Some(zone)
    }

    pub(super) fn bot_accounts(&mut self) -> Vec<UserPattern> {
        self.patterns(&self.raw.bot_accounts, &KeyPath::of(&["bot_accounts"]))
    }
}
