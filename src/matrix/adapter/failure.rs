//! The SDK's failures in our words.

use matrix_sdk::{
    HttpError, RefreshTokenError,
    ruma::api::error::{ErrorKind, RetryAfter},
};
use matrix_sdk_base::crypto::{MegolmError, OlmError};

use crate::matrix::{MatrixError, Retry, wire::root_cause};

/// Translates a failed request.
pub(super) fn request(error: &HttpError) -> MatrixError {
    if let Some(api) = error.as_client_api_error() {
        return refusal(api);
    }
    match error {
        HttpError::Reqwest(network) => MatrixError::Unreachable { cause: root_cause(network) },
        HttpError::RefreshToken(RefreshTokenError::MatrixAuth(refresh)) => match request(refresh) {
            // A homeserver in trouble hasn't said anything about the token.
            trouble if trouble.retry() != Retry::Never => trouble,
            _ => MatrixError::LoggedOut,
        },
        HttpError::RefreshToken(_) => MatrixError::LoggedOut,
        HttpError::Cached(inner) => request(inner),
        other => MatrixError::Nonsense { cause: other.to_string() },
    }
}

/// Translates a failed verb of the SDK.
pub(super) fn verb(error: &matrix_sdk::Error) -> MatrixError {
    match error {
        matrix_sdk::Error::Http(http) => request(http),
        matrix_sdk::Error::CryptoStoreError(store) => MatrixError::KeyStore { cause: store.to_string() },
        matrix_sdk::Error::OlmError(olm) => encryption(olm, matches!(**olm, OlmError::Store(_))),
        matrix_sdk::Error::MegolmError(megolm) => encryption(megolm, matches!(**megolm, MegolmError::Store(_))),
        matrix_sdk::Error::StateStore(store) => MatrixError::KeyStore { cause: store.to_string() },
        other => MatrixError::Nonsense { cause: other.to_string() },
    }
}

/// A failure to encrypt or decrypt, or only to keep the keys for it.
fn encryption(error: &dyn std::fmt::Display, of_the_store: bool) -> MatrixError {
    let cause = error.to_string();
    if of_the_store { MatrixError::KeyStore { cause } } else { MatrixError::Nonsense { cause } }
}

fn refusal(error: &matrix_sdk::ruma::api::error::Error) -> MatrixError {
    let status = error.status_code.as_u16();
    let Some(kind) = error.error_kind() else {
        return match status {
            // A proxy's limits speak no Matrix.
            429 => MatrixError::RateLimited { after: None },
            500.. => MatrixError::ServerTrouble { status },
            _ => MatrixError::Nonsense { cause: format!("status {status} without a Matrix error code") },
        };
    };
    match kind {
        ErrorKind::UnknownToken(_) | ErrorKind::MissingToken => MatrixError::LoggedOut,
        ErrorKind::LimitExceeded(limit) => {
            let after = match &limit.retry_after {
                Some(RetryAfter::Delay(delay)) => Some(*delay),
                Some(RetryAfter::DateTime(_)) | None => None,
            };
            MatrixError::RateLimited { after }
        }
        _ if status >= 500 => MatrixError::ServerTrouble { status },
        kind => MatrixError::Refused { code: kind.errcode().to_string(), message: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{
        api::error::{Error, ErrorBody},
        exports::http::StatusCode,
    };
    use matrix_sdk_base::crypto::CryptoStoreError;
    use serde_json::json;

    use super::*;

    /// A full disk is no nonsense of the homeserver's.
    #[test]
    fn a_key_store_that_fails_is_named() {
        let check = |error: &matrix_sdk::Error| {
            let failure = verb(error);
            assert!(matches!(failure, MatrixError::KeyStore { .. }), "{failure:?}");
        };
        check(&matrix_sdk::Error::CryptoStoreError(Box::new(CryptoStoreError::AccountUnset)));
        check(&matrix_sdk::Error::OlmError(Box::new(OlmError::Store(CryptoStoreError::AccountUnset))));
        check(&matrix_sdk::Error::MegolmError(Box::new(MegolmError::Store(CryptoStoreError::AccountUnset))));
    }

    /// S1: a refusal tells what to do even where a proxy gave it, which speaks no Matrix.
    #[test]
    fn a_status_alone_tells_enough() {
        let check = |status: u16, expected: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = refusal(&Error::new(status, ErrorBody::Json(json!({"message": "slow down"}))));
            assert!(format!("{failure:?}").starts_with(expected), "{failure:?} is not {expected}");
        };
        check(429, "RateLimited");
        check(502, "ServerTrouble");
        check(404, "Nonsense");
    }
}
