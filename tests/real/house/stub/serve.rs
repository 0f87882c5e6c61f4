//! The model's side of the network.

use std::{collections::VecDeque, convert::Infallible, future::pending};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{Request, Response},
};
use futures_util::stream;
use tokio::{net::TcpListener, time::sleep};

use super::{Act, Asked, Shared, act::Step, asked::Call, rule, shape::sample};

/// The largest request that is read: a long conversation with a picture.
const REQUEST_BYTES_MAX: usize = 32 << 20;

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, shared: Shared) {
    let routes = Router::new().fallback(answer).with_state(shared);
    axum::serve(listener, routes).await.unwrap();
}

async fn answer(State(shared): State<Shared>, request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let body = axum::body::to_bytes(request.into_body(), REQUEST_BYTES_MAX).await.unwrap();
    let asked = Asked::read(&serde_json::from_slice(&body).unwrap());
    let act = act(&shared, &asked);
    let wire = act.wire(&asked.outcomes);
    let call = shared.record.begin(asked);
    sleep(shared.latency).await;
    if act.is_silent() {
        pending::<()>().await;
    }
    let mut response = Response::builder().status(wire.status);
    if let Some(retry_after) = wire.retry_after {
        response = response.header("retry-after", retry_after);
    }
    Ok(response.body(body_of(wire.steps, call)).unwrap())
}

fn act(shared: &Shared, asked: &Asked) -> Act {
    let rules = shared.rules.lock().unwrap();
    match (rule::act(&rules, asked), &asked.form) {
        (Some(act), _) => act,
        (None, Some(form)) => Act::say(&sample(form).to_string()),
        (None, None) => {
            let otherwise = shared.otherwise.lock().unwrap().clone();
            otherwise.map_or_else(|| Act::say("(no rule)"), |act| act(asked))
        }
    }
}

/// The steps as a body. The call is over when the last of them was taken.
fn body_of(steps: Vec<Step>, call: Call) -> Body {
    let state = (VecDeque::from(steps), call);
    Body::from_stream(stream::unfold(state, |(mut steps, call)| async move {
        loop {
            match steps.pop_front() {
                Some(Step::Bytes(bytes)) => return Some((Ok::<_, Infallible>(Bytes::from(bytes)), (steps, call))),
                Some(Step::Pause(pause)) => sleep(pause).await,
                Some(Step::Wait(mut gate)) => {
                    // Nobody is left to open it: the test is over.
                    if gate.wait_for(|open| *open).await.is_err() {
                        pending::<()>().await;
                    }
                }
                Some(Step::Hang) => pending().await,
                None => {
                    call.over();
                    return None;
                }
            }
        }
    }))
}
