//! An entity's account on the homeserver: what is kept so that it is the same user and the same device for life.

use super::{DeviceId, EntityName, Secret, UserId};

/// Everything needed to be this user again after a restart.
///
/// It is written *before* each step that it makes repeatable: the password before the registration, the device before
/// the login, the tokens before their first use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose account it is.
    pub entity: EntityName,
    /// The local part of the user id.
    pub localpart: String,
    /// The full user id, known from the first login on: only the homeserver knows its own name.
    pub user: Option<UserId>,
    /// The one device, chosen by us before the first login.
    pub device: DeviceId,
    /// The password, when the account has one that we know.
    pub password: Option<Password>,
    /// The tokens, once logged in.
    pub tokens: Option<Tokens>,
    /// The key that unlocks the account's secret storage, once cross-signing is set up.
    pub recovery_key: Option<Secret>,
    /// The 32 bytes, in hexadecimal, that encrypt this account's store of keys.
    pub store_key: Secret,
}

/// A password and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password {
    /// The password itself.
    pub secret: Secret,
    /// Whether we chose it, for an account that we registered or are about to.
    pub ours: bool,
}

/// What a login gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Proves who we are with each request.
    pub access: Secret,
    /// Buys the next pair, when the homeserver gives short-lived ones.
    pub refresh: Option<Secret>,
}
