//! Makes accounts and registration tokens on a private homeserver, through Synapse's admin interface.

use std::time::Duration;

use hmac::{Hmac, Mac as _};
use serde::Deserialize;
use serde_json::{Value, json};
use sha1::Sha1;

use super::AccountError;
use crate::model::{DeviceId, Secret, UserId};

/// How long one request may take.
const WITHIN: Duration = Duration::from_mins(1);

/// Makes accounts, by the shared secret.
#[derive(Debug, Clone)]
pub struct Registrar {
    url: String,
    secret: Secret,
    http: reqwest::Client,
}

/// An account that was just made, with its first device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The user.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
    /// Proves to be this device.
    pub access_token: Secret,
}

#[derive(Deserialize)]
struct RegisterAnswer {
    user_id: UserId,
    device_id: DeviceId,
    access_token: Secret,
}

#[derive(Deserialize)]
struct NonceAnswer {
    nonce: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Secret,
}

/// What an account may do.
#[derive(Clone, Copy)]
enum Standing {
    User,
    Admin,
}

impl Standing {
    /// As the signature names it.
    fn word(self) -> &'static str {
        match self {
            Self::User => "notadmin",
            Self::Admin => "admin",
        }
    }
}

impl Registrar {
    /// For the homeserver at this base address, with this shared secret.
    #[must_use]
    pub fn new(url: String, secret: Secret) -> Self {
        Self { url, secret, http: client(WITHIN) }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// [`AccountError::Refused`] with status 400 when the name is taken.
    pub async fn register(&self, localpart: &str, password: &Secret) -> Result<Registered, AccountError> {
        self.register_as(Standing::User, localpart, password).await
    }

    /// Makes an account that may use Synapse's admin interface.
    ///
    /// # Errors
    /// [`AccountError::Refused`] with status 400 when the name is taken.
    pub async fn register_admin(&self, localpart: &str, password: &Secret) -> Result<Registered, AccountError> {
        self.register_as(Standing::Admin, localpart, password).await
    }

    /// Makes a registration token that any number of accounts may be made with.
    ///
    /// # Errors
    /// [`AccountError::Refused`] when `admin` isn't an admin's access token.
    pub async fn new_token(&self, admin: &Secret) -> Result<Secret, AccountError> {
        let request = self.http.post(self.admin_url("registration_tokens/new")).bearer_auth(admin.reveal());
        let answer: TokenAnswer = answer(request.json(&json!({}))).await?;
        Ok(answer.token)
    }

    async fn register_as(
        &self,
        standing: Standing,
        localpart: &str,
        password: &Secret,
    ) -> Result<Registered, AccountError> {
        let url = self.admin_url("register");
        let NonceAnswer { nonce } = answer(self.http.get(&url)).await?;
        let signed = [&nonce, localpart, password.reveal(), standing.word()].join("\0");
        let body: Value = json!({
            "nonce": nonce,
            "username": localpart,
            "password": password.reveal(),
            "admin": matches!(standing, Standing::Admin),
            "mac": signature(self.secret.reveal(), &signed),
        });
        let made: RegisterAnswer = answer(self.http.post(&url).json(&body)).await?;
        Ok(Registered { user: made.user_id, device: made.device_id, access_token: made.access_token })
    }

    fn admin_url(&self, path: &str) -> String {
        format!("{}/_synapse/admin/v1/{path}", self.url)
    }
}

/// An HTTP client for loopback.
pub(super) fn client(within: Duration) -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(within).build();
    client.expect("a client without special wishes can always be built")
}

async fn answer<T: serde::de::DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, AccountError> {
    let response = request.send().await?;
    let status = response.status();
    if status.is_success() {
        return Ok(response.json().await?);
    }
    Err(AccountError::Refused { status: status.as_u16(), body: response.text().await? })
}

/// HMAC-SHA1 in hexadecimal, as Synapse wants it.
pub(super) fn signature(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("a key may have any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().fold(String::new(), |mut hex, byte| {
        use std::fmt::Write as _;
        write!(hex, "{byte:02x}").expect("a String takes everything");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_hmac_sha1() {
        // RFC 2202, test case 2.
        let check = |secret: &str, text: &str, expected: &str| assert_eq!(signature(secret, text), expected);
        check("Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }
}
