//! The few requests that are made before there is a session: is it there, register, log in, who am I.

use std::time::Duration;

use hmac::{Hmac, Mac as _};
use reqwest::{Method, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use sha1::Sha1;

use super::{
    MatrixError,
    error::failure_of,
    hex::to_hex,
    register::{NextStage, next_stage},
};
use crate::{
    config::Registration,
    model::{DeviceId, Secret, Tokens, UserId},
};

/// How many answers a registration dialogue may take before we suspect it of going in circles.
const STAGES_MAX: usize = 5;

/// Requests without a session.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    http: reqwest::Client,
    base: String,
    timeout: Duration,
}

/// What a login gave.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) user: UserId,
    pub(super) device: DeviceId,
    pub(super) tokens: Tokens,
}

impl Wire {
    pub(super) fn new(http: reqwest::Client, base: &str, timeout: Duration) -> Self {
        Self { http, base: base.trim_end_matches('/').to_owned(), timeout }
    }

    /// Asks for the supported versions: the cheapest sign of life.
    pub(super) async fn versions(&self) -> Result<(), MatrixError> {
        self.call(Method::GET, "/_matrix/client/versions", None, None).await?.success().map(drop)
    }

    /// Registers `localpart` by `means`, without logging in.
    pub(super) async fn register(
        &self,
        localpart: &str,
        password: &Secret,
        means: &Registration,
    ) -> Result<(), MatrixError> {
        let outcome = match means {
            Registration::SharedSecret(secret) => self.register_by_secret(localpart, password, secret).await,
            Registration::Token(_) | Registration::Open => self.register_in_stages(localpart, password, means).await,
        };
        match outcome {
            Err(error) if error.has_code("M_USER_IN_USE") => {
                Err(MatrixError::NameTaken { localpart: localpart.to_owned() })
            }
            outcome => outcome,
        }
    }

    async fn register_by_secret(&self, localpart: &str, password: &Secret, secret: &Secret) -> Result<(), MatrixError> {
        let path = "/_synapse/admin/v1/register";
        let first = self.call(Method::GET, path, None, None).await?;
        if first.status == StatusCode::NOT_FOUND {
            return Err(MatrixError::MeansRefused { means: "a shared secret" });
        }
        let answer = first.success()?;
        let nonce = answer["nonce"].as_str().unwrap_or_default();
        let body = json!({
            "nonce": nonce, "username": localpart, "password": password.reveal(), "admin": false, "inhibit_login": true,
            "mac": registration_mac(secret, nonce, localpart, password),
        });
        let reply = self.call(Method::POST, path, None, Some(&body)).await?;
        if reply.status == StatusCode::FORBIDDEN {
            return Err(MatrixError::MeansRefused { means: "this shared secret" });
        }
        reply.success().map(drop)
    }

    async fn register_in_stages(
        &self,
        localpart: &str,
        password: &Secret,
        means: &Registration,
    ) -> Result<(), MatrixError> {
        let mut body = json!({"username": localpart, "password": password.reveal(), "inhibit_login": true});
        for _ in 0..STAGES_MAX {
            let reply = self.call(Method::POST, "/_matrix/client/v3/register", None, Some(&body)).await?;
            if reply.status != StatusCode::UNAUTHORIZED || reply.body["flows"].is_null() {
                return reply.success().map(drop);
            }
            match next_stage(&reply.body, means) {
                NextStage::Answer(auth) => body["auth"] = auth,
                NextStage::Impossible => break,
            }
        }
        let means = match means {
            Registration::SharedSecret(_) => "a shared secret",
            Registration::Token(_) => "this registration token",
            Registration::Open => "open registration",
        };
        Err(MatrixError::MeansRefused { means })
    }

    /// Logs in on `device`, which is made if it doesn't exist and kept if it does.
    pub(super) async fn log_in(
        &self,
        localpart: &str,
        password: &Secret,
        device: &DeviceId,
        device_name: &str,
    ) -> Result<Login, MatrixError> {
        let body = json!({
            "type": "m.login.password", "password": password.reveal(), "refresh_token": true,
            "identifier": {"type": "m.id.user", "user": localpart},
            "device_id": device.as_str(), "initial_device_display_name": device_name,
        });
        let reply = self.call(Method::POST, "/_matrix/client/v3/login", None, Some(&body)).await?;
        match reply.success() {
            Ok(answer) => {
                let access = answer["access_token"].as_str().ok_or_else(|| nonsense("a login without a token"))?;
                let refresh = answer["refresh_token"].as_str().map(Secret::new);
                let tokens = Tokens { access: Secret::new(access), refresh };
                Ok(Login { user: user_in(&answer)?, device: device.clone(), tokens })
            }
            Err(error) if error.has_code("M_USER_DEACTIVATED") => {
                Err(MatrixError::Deactivated { localpart: localpart.to_owned() })
            }
            Err(error) if error.has_code("M_FORBIDDEN") => {
                Err(MatrixError::WrongPassword { localpart: localpart.to_owned() })
            }
            Err(error) => Err(error),
        }
    }

    /// Deactivates the account that `login` was given for. The homeserver wants the password once more.
    pub(super) async fn deactivate(&self, login: &Login, password: &Secret) -> Result<(), MatrixError> {
        let path = "/_matrix/client/v3/account/deactivate";
        let mut body = json!({ "erase": false });
        let mut reply = self.call(Method::POST, path, Some(&login.tokens.access), Some(&body)).await?;
        if reply.status == StatusCode::UNAUTHORIZED && !reply.body["flows"].is_null() {
            body["auth"] = json!({
                "type": "m.login.password", "password": password.reveal(), "session": reply.body["session"],
                "identifier": {"type": "m.id.user", "user": login.user.as_str()},
            });
            reply = self.call(Method::POST, path, Some(&login.tokens.access), Some(&body)).await?;
            if reply.status == StatusCode::UNAUTHORIZED && !reply.body["flows"].is_null() {
                // It wants something that a program can't give.
                return Err(MatrixError::MeansRefused { means: "password alone" });
            }
        }
        reply.success().map(drop)
    }

    /// Whose token this is.
    pub(super) async fn who_am_i(&self, access: &Secret) -> Result<Login, MatrixError> {
        let reply = self.call(Method::GET, "/_matrix/client/v3/account/whoami", Some(access), None).await?;
        let answer = reply.success()?;
        let device = answer["device_id"].as_str().ok_or_else(|| nonsense("an access token without a device"))?;
        let device = DeviceId::parse(device).map_err(|error| nonsense(&error.to_string()))?;
        Ok(Login { user: user_in(&answer)?, device, tokens: Tokens { access: access.clone(), refresh: None } })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        access: Option<&Secret>,
        body: Option<&Value>,
    ) -> Result<Reply, MatrixError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).timeout(self.timeout);
        if let Some(access) = access {
            request = request.bearer_auth(access.reveal());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.network(&error))?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(seconds);
        let bytes = response.bytes().await.map_err(|error| self.network(&error))?;
        // What isn't JSON counts as an empty answer: the status says enough.
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Reply { status, body, retry_after })
    }

    fn network(&self, error: &reqwest::Error) -> MatrixError {
        if error.is_timeout() {
            MatrixError::TimedOut { after: self.timeout }
        } else {
            MatrixError::Unreachable { cause: root_cause(error) }
        }
    }
}

/// One HTTP answer.
struct Reply {
    status: StatusCode,
    body: Value,
    retry_after: Option<Duration>,
}

impl Reply {
    fn success(self) -> Result<Value, MatrixError> {
        if self.status.is_success() {
            Ok(self.body)
        } else {
            Err(failure_of(self.status.as_u16(), &self.body, self.retry_after))
        }
    }
}

/// The innermost reason of a network failure: `connection refused` rather than `error sending request for url (…)`.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

fn seconds(header: &str) -> Option<Duration> {
    header.trim().parse().ok().map(Duration::from_secs)
}

fn nonsense(cause: &str) -> MatrixError {
    MatrixError::Nonsense { cause: cause.to_owned() }
}

fn user_in(answer: &Value) -> Result<UserId, MatrixError> {
    UserId::parse(answer["user_id"].as_str().unwrap_or_default()).map_err(|error| nonsense(&error.to_string()))
}

/// Proves to Synapse that we know its registration secret.
fn registration_mac(secret: &Secret, nonce: &str, localpart: &str, password: &Secret) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.reveal().as_bytes()).expect("an HMAC takes a key of any length");
    mac.update(format!("{nonce}\0{localpart}\0{}\0notadmin", password.reveal()).as_bytes());
    to_hex(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mac_is_what_synapse_expects() {
        // Computed with Python's hmac module.
        let mac = registration_mac(&Secret::new("s3cret"), "n0nce", "ada", &Secret::new("pw"));
        assert_eq!(mac, "a17258fea995506a0d07aa7b0e64d1e258adcf69");
    }

    #[test]
    fn retry_after_is_read_in_seconds() {
        assert_eq!(seconds(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(seconds("Fri, 20 Nov 2026 13:00:00 GMT"), None);
    }
}
