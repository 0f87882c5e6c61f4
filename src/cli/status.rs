//! `maitre status`: asks the running house how it is.

use std::{io, net::SocketAddr, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use reqwest::{Client, StatusCode};
use serde_json::Value;

use super::{
    args::StatusArgs,
    configuration::load_or_tell,
    exit::{Exit, Failure, OrExit as _},
    report::report,
    runtime,
    terminal::{colour, print},
};
use crate::model::{Secret, Status};

/// How long the house may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes; a house of thousands stays far below.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where to ask, and what to show there.
#[derive(Debug, PartialEq)]
struct Place {
    url: String,
    token: Option<Secret>,
}

/// Prints how the house is; the exit code tells whether it is ready, or merely there.
pub(super) fn run(args: &StatusArgs) -> Result<Exit, Failure> {
    let place = place(args)?;
    let answer = runtime::build()?.block_on(ask(&place)).or_exit(Exit::Unavailable)?;
    let status: Status = serde_json::from_value(answer.clone())
        .with_context(|| format!("{} doesn't answer as a house of this version does", place.url))
        .or_exit(Exit::Unavailable)?;
    let text = if args.json { format!("{answer:#}\n") } else { report(&status, colour(&io::stdout())) };
    print(&text)?;
    Ok(if status.ready || args.alive { Exit::Success } else { Exit::NotReady })
}

fn place(args: &StatusArgs) -> Result<Place, Failure> {
    let token = args.token.as_deref().map(Secret::new);
    if let Some(url) = &args.url {
        return Ok(Place { url: url.clone(), token });
    }
    let http = load_or_tell(&args.config)?.config.http;
    let Some(bind) = http.bind else {
        let file = args.config.display();
        return Err(Failure::because(Exit::Unavailable, anyhow!("{file} switches the status server off (http.bind)")));
    };
    Ok(Place { url: format!("http://{}", from_here(bind)), token: token.or(http.token) })
}

/// The address at which a server that listens on `bind` is reached from its own machine.
fn from_here(bind: SocketAddr) -> SocketAddr {
    let mut address = bind;
    if bind.ip().is_unspecified() {
        address.set_ip(match bind {
            SocketAddr::V4(_) => [127, 0, 0, 1].into(),
            SocketAddr::V6(_) => [0, 0, 0, 0, 0, 0, 0, 1].into(),
        });
    }
    address
}

async fn ask(place: &Place) -> anyhow::Result<Value> {
    let url = &place.url;
    // Never through a proxy: the token is for the house alone.
    let client = Client::builder().no_proxy().timeout(ANSWER_TIME_MAX).build()?;
    let mut request = client.get(format!("{url}/api/status"));
    if let Some(token) = &place.token {
        request = request.bearer_auth(token.reveal());
    }
    let mut response = request.send().await.map_err(|error| {
        // The links in between only say that a request is a request.
        let error = anyhow!(error);
        anyhow!("nobody answers at {url} ({}); is `maitre run` running?", error.root_cause())
    })?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => bail!("{url} wants its token (http.token), and this isn't it"),
        other => bail!("{url} answers {other}"),
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.with_context(|| format!("{url} stopped amid its answer"))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            bail!("{url} answers more than a house has to say");
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).with_context(|| format!("{url} doesn't answer as a house does"))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn a_server_on_every_address_is_asked_on_loopback() {
        let check = |bind: &str, expected: &str| assert_eq!(from_here(bind.parse().unwrap()).to_string(), expected);
        check("127.0.0.1:8766", "127.0.0.1:8766");
        check("0.0.0.0:8766", "127.0.0.1:8766");
        check("[::]:8766", "[::1]:8766");
        check("192.0.2.1:80", "192.0.2.1:80");
    }

    #[test]
    fn an_address_on_the_line_needs_no_configuration() {
        let args = |token: Option<&str>| StatusArgs {
            config: "/nonexistent/config.yaml".into(),
            url: Some("http://127.0.0.1:1".to_owned()),
            token: token.map(str::to_owned),
            json: false,
            alive: false,
        };
        let url = "http://127.0.0.1:1".to_owned();
        assert_eq!(place(&args(None)).unwrap(), Place { url: url.clone(), token: None });
        assert_eq!(place(&args(Some("x"))).unwrap(), Place { url, token: Some(Secret::new("x")) });
    }

    #[tokio::test]
    async fn silence_and_nonsense_are_told_apart() {
        let check = async |reply: Option<&'static str>, expected: &str| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let serving = match reply {
                None => {
                    drop(listener);
                    None
                }
                Some(reply) => Some(crate::nursery::thread("reply", move || {
                    let (mut stream, _) = listener.accept().unwrap();
                    assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
                    stream.write_all(reply.as_bytes()).unwrap();
                })),
            };
            let error = ask(&Place { url, token: None }).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            if let Some(thread) = serving {
                thread.unwrap().join().unwrap();
            }
        };
        check(None, "nobody answers at http://127.0.0.1:").await;
        check(Some("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n"), "wants its token").await;
        check(Some("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"), "answers 500").await;
        check(Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"), "doesn't answer as a house does").await;
        check(Some("HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\nhi"), "stopped amid its answer").await;
    }
}
