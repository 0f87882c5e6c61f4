//! Fetches what people attached, never more of it than asked for, and makes it readable where it is encrypted.

use std::{
    io::{Cursor, Read as _},
    sync::Arc,
};

use futures_util::StreamExt as _;
use matrix_sdk::ruma::{MxcUri, events::room::EncryptedFile};
use matrix_sdk_base::crypto::AttachmentDecryptor;
use reqwest::{Response, StatusCode};
use serde::Deserialize as _;
use serde_json::Value;

use super::line::Line;
use crate::{
    matrix::{MatrixError, error::failure_of, wire::root_cause},
    model::Secret,
};

/// Where homeservers keep media for those who are logged in, and where old ones keep it.
const PATHS: [&str; 2] = ["/_matrix/client/v1/media/download", "/_matrix/media/v3/download"];

/// Gives the file of an event's content, of at most `bytes_max`.
pub(super) async fn fetch(line: &Arc<Line>, content: &Value, bytes_max: usize) -> Result<Vec<u8>, MatrixError> {
    let attached = Attached::of(content)?;
    if attached.claimed > bytes_max {
        return Err(MatrixError::TooLarge { bytes_max });
    }
    let wait = line.shared.request_timeout;
    let download = download(line, attached.uri(), bytes_max);
    let bytes =
        tokio::time::timeout(wait, download).await.map_err(|_elapsed| MatrixError::TimedOut { after: wait })??;
    attached.open(bytes)
}

/// What an event says about its file.
struct Attached {
    source: Source,
    /// How long the file is, if that is true.
    claimed: usize,
}

enum Source {
    Plain(String),
    Sealed(EncryptedFile),
}

impl Attached {
    fn of(content: &Value) -> Result<Self, MatrixError> {
        let source = match (content.get("file"), content.get("url").and_then(Value::as_str)) {
            (Some(file), _) => {
                Source::Sealed(EncryptedFile::deserialize(file).map_err(|error| nonsense(&error.to_string()))?)
            }
            (None, Some(url)) => Source::Plain(url.to_owned()),
            (None, None) => return Err(nonsense("an attachment without a file")),
        };
        let claimed = content.pointer("/info/size").and_then(Value::as_u64).unwrap_or(0);
        Ok(Self { source, claimed: usize::try_from(claimed).unwrap_or(usize::MAX) })
    }

    fn uri(&self) -> &str {
        match &self.source {
            Source::Plain(url) => url,
            Source::Sealed(file) => file.url.as_str(),
        }
    }

    fn open(self, bytes: Vec<u8>) -> Result<Vec<u8>, MatrixError> {
        let Source::Sealed(file) = self.source else { return Ok(bytes) };
        let mut plain = Vec::with_capacity(bytes.len());
        let mut sealed = Cursor::new(bytes);
        let mut opened =
            AttachmentDecryptor::new(&mut sealed, file.into()).map_err(|error| nonsense(&error.to_string()))?;
        // It fails where the bytes aren't those that the event vouches for.
        opened.read_to_end(&mut plain).map_err(|error| nonsense(&error.to_string()))?;
        Ok(plain)
    }
}

/// Loads the bytes at `uri`. The SDK could do it, but would take in a file of any size.
async fn download(line: &Arc<Line>, uri: &str, bytes_max: usize) -> Result<Vec<u8>, MatrixError> {
    let (server, id) = <&MxcUri>::from(uri).parts().map_err(|error| nonsense(&error.to_string()))?;
    let mut failed = nonsense("no place for media");
    for path in PATHS {
        let address = format!("{}{path}/{server}/{id}", line.shared.url.trim_end_matches('/'));
        let token = line.token()?;
        let mut response = ask(line, &token, &address).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            // The token may only be too old.
            response = ask(line, &line.token_after(token).await?, &address).await?;
        }
        if response.status().is_success() {
            return take(response, bytes_max).await;
        }
        failed = refusal(response).await;
        if !failed.has_code("M_UNRECOGNIZED") {
            break;
        }
    }
    Err(failed)
}

async fn ask(line: &Line, token: &Secret, address: &str) -> Result<Response, MatrixError> {
    line.shared.http.get(address).bearer_auth(token.reveal()).send().await.map_err(|error| broke(&error))
}

/// Takes in the body, and gives up as soon as it is too long.
async fn take(response: Response, bytes_max: usize) -> Result<Vec<u8>, MatrixError> {
    let too_large = || MatrixError::TooLarge { bytes_max };
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).unwrap_or(usize::MAX) > bytes_max {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| broke(&error))?;
        if bytes.len() + chunk.len() > bytes_max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What an answer that isn't a success means. Only the beginning of it is looked at.
async fn refusal(response: Response) -> MatrixError {
    const BODY_BYTES_MAX: usize = 64 * 1024;
    let status = response.status().as_u16();
    let body = take(response, BODY_BYTES_MAX).await.unwrap_or_default();
    failure_of(status, &serde_json::from_slice(&body).unwrap_or(Value::Null), None)
}

fn broke(error: &reqwest::Error) -> MatrixError {
    MatrixError::Unreachable { cause: root_cause(error) }
}

fn nonsense(cause: &str) -> MatrixError {
    MatrixError::Nonsense { cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use matrix_sdk_base::crypto::AttachmentEncryptor;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_is_found_in_the_content() {
        let check = |content: Value, uri: &str, claimed: usize| {
            let attached = Attached::of(&content).unwrap();
            assert_eq!((attached.uri(), attached.claimed), (uri, claimed));
        };
        check(json!({"url": "mxc://s/a", "info": {"size": 12}}), "mxc://s/a", 12);
        check(json!({"url": "mxc://s/a"}), "mxc://s/a", 0);
        check(json!({"url": "mxc://s/a", "info": {"size": -1}}), "mxc://s/a", 0);
        assert!(Attached::of(&json!({"body": "a"})).is_err());
        assert!(Attached::of(&json!({"file": {"url": "mxc://s/a"}})).is_err());
    }

    #[test]
    fn a_sealed_file_is_opened_and_a_changed_one_is_not() {
        let mut plain = Cursor::new(b"what Ada attached".to_vec());
        let mut encryptor = AttachmentEncryptor::new(&mut plain);
        let mut sealed = Vec::new();
        encryptor.read_to_end(&mut sealed).unwrap();
        let mut file = serde_json::to_value(encryptor.finish()).unwrap();
        file["url"] = json!("mxc://s/a");
        let attached = || Attached::of(&json!({ "file": file })).unwrap();
        assert_eq!(attached().uri(), "mxc://s/a");
        assert_eq!(attached().open(sealed.clone()).unwrap(), b"what Ada attached");
        sealed[3] ^= 1;
        assert!(attached().open(sealed).is_err());
    }
}
