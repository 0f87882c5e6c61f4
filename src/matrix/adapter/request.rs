//! One request in an account's name, without the library: it has to know nothing of those that keys don't matter for.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock, time::Duration};

use matrix_sdk::{
    HttpError,
    ruma::{
        api::{
            IncomingResponse as _, MatrixVersion, OutgoingRequest, SupportedVersions,
            auth_scheme::{AuthScheme, SendAccessToken},
            error::{Error as ApiError, ErrorKind},
            path_builder::{PathBuilder, SinglePath, VersionHistory},
        },
        exports::http,
    },
};

use super::{client::Shared, failure};
use crate::{
    matrix::{MatrixError, wire::root_cause},
    model::Secret,
};

/// All that we ask has stood where it stands since this version.
static VERSIONS: LazyLock<SupportedVersions> =
    LazyLock::new(|| SupportedVersions { versions: BTreeSet::from([MatrixVersion::V1_1]), features: BTreeSet::new() });

/// A request that we make by ourselves.
pub(super) trait Plain:
    OutgoingRequest<EndpointError = ApiError, Authentication: Token, PathBuilder: Paths>
{
}

impl<R: OutgoingRequest<EndpointError = ApiError, Authentication: Token, PathBuilder: Paths>> Plain for R {}

/// Why there is no answer.
pub(super) enum Unanswered {
    /// The homeserver doesn't take the token, or no longer.
    TokenRefused,
    /// Anything else.
    Failed(MatrixError),
}

/// Makes `request` with `token`; the answer may take `within`.
pub(super) async fn ask<R: Plain>(
    shared: &Shared,
    token: &Secret,
    request: R,
    within: Duration,
) -> Result<R::IncomingResponse, Unanswered> {
    let authentication = R::Authentication::input(token.reveal());
    let request: http::Request<Vec<u8>> = request
        .try_into_http_request(&shared.url, authentication, R::PathBuilder::input())
        .map_err(|error| Unanswered::Failed(MatrixError::Nonsense { cause: error.to_string() }))?;
    let answer = exchange(shared, request, within).await.map_err(|error| {
        let cause = root_cause(&error);
        Unanswered::Failed(MatrixError::Unreachable { cause })
    })?;
    R::IncomingResponse::try_from_http_response(answer).map_err(|error| refusal(&HttpError::from(error)))
}

async fn exchange(
    shared: &Shared,
    request: http::Request<Vec<u8>>,
    within: Duration,
) -> Result<http::Response<Vec<u8>>, reqwest::Error> {
    let mut request = reqwest::Request::try_from(request)?;
    *request.timeout_mut() = Some(within);
    let mut answer = shared.http.execute(request).await?;
    let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    let mut response = http::Response::new(answer.bytes().await?.into());
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

fn refusal(error: &HttpError) -> Unanswered {
    match error.client_api_error_kind() {
        Some(ErrorKind::UnknownToken(_)) => Unanswered::TokenRefused,
        Some(_) | None => Unanswered::Failed(failure::request(error)),
    }
}

/// How a request carries a token.
pub(super) trait Token: AuthScheme {
    /// The form in which it wants it.
    fn input(token: &str) -> Self::Input<'_>;
}

impl<A> Token for A
where
    A: for<'a> AuthScheme<Input<'a> = SendAccessToken<'a>>,
{
    fn input(token: &str) -> Self::Input<'_> {
        SendAccessToken::IfRequired(token)
    }
}

/// How a request finds its path.
pub(super) trait Paths: PathBuilder {
    /// What it must know of the homeserver for that.
    fn input() -> Self::Input<'static>;
}

impl Paths for SinglePath {
    fn input() -> Self::Input<'static> {}
}

impl Paths for VersionHistory {
    fn input() -> Self::Input<'static> {
        Cow::Borrowed(&*VERSIONS)
    }
}
