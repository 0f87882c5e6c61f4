//! Keeps the secrets of a configuration out of every log line.

use crate::{
    config::{Config, Credential, Registration},
    observe::register_secret,
};

/// From now on no log line shows a secret of `config`.
pub fn hide_secrets(config: &Config) {
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
