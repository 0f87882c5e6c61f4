//! The configuration as commands use it: loaded or all its problems told, and its secrets kept out of the log.

use std::{io, path::Path};

use super::{
    exit::{Exit, Failure},
    terminal::{colour, tell},
};
use crate::{
    config::{Config, Credential, Loaded, Registration, load, render},
    observe::register_secret,
};

/// The configuration in `path`; where it can't be used, the person is told everything that is wrong.
pub(super) fn load_or_tell(path: &Path) -> Result<Loaded, Failure> {
    load(path).map_err(|problems| {
        tell(&render(&problems, colour(&io::stderr())));
        Failure::said(Exit::Config)
    })
}

/// From now on no log line shows a secret of `config`.
pub(super) fn hide_secrets(config: &Config) {
    for registration in &config.accounts.registration {
        match registration {
            Registration::SharedSecret(secret) | Registration::Token(secret) => register_secret(secret),
            Registration::Open => {}
        }
    }
    for credential in config.entities.iter().filter_map(|entity| entity.credential.as_ref()) {
        match credential {
            Credential::Password(secret) | Credential::AccessToken(secret) => register_secret(secret),
        }
    }
    let keys = config.models.values().filter_map(|model| model.api_key.as_ref());
    let password = config.user.as_ref().and_then(|user| user.password.as_ref());
    keys.chain(password).chain(&config.http.token).for_each(register_secret);
}
