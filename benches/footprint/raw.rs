//! The measure that starts are held against: a client that asks the homeserver the same things and knows nothing else.

use std::{
    convert::Infallible,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    future::try_join,
    stream::{self, FuturesUnordered},
};
use maitre::{homeserver::Homeserver, nursery, store::Store};
use reqwest::RequestBuilder;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::{program::Started, raw_client};

/// How many accounts ask at the same time, as our program's `logins_max` is by default.
const ACCOUNTS_AT_ONCE_MAX: usize = 8;
/// How many rooms are asked about at the same time.
const ROOMS_AT_ONCE_MAX: usize = 4;
/// How long a long-poll lasts.
const POLL: Duration = Duration::from_secs(30);

/// What can't happen as long as the client runs.
const NO_POLLS: &str = "nobody polls any more";

/// What the client asks for.
#[derive(Debug, Serialize, Deserialize)]
struct Plan {
    url: String,
    /// The router comes first.
    accounts: Vec<Account>,
    /// Rooms whose members the router asks for.
    rooms: Vec<String>,
}

/// One account where its last run left it.
#[derive(Debug, Serialize, Deserialize)]
struct Account {
    user: String,
    device: String,
    token: String,
    since: String,
    /// What the homeserver calls the filter, as our program knows it from its first boot.
    filter: String,
}

/// Starts the client on the accounts that the program left behind, and waits until everybody has been answered once.
pub(crate) async fn start(homeserver: &Homeserver, state: &Path) -> Result<Started> {
    raw_client::start(&plan(homeserver, state).await?).await
}

/// What our program's restart asks for, as its own store knows.
async fn plan(homeserver: &Homeserver, state: &Path) -> Result<Plan> {
    let store = Store::open(state).await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut accounts = Vec::new();
    for account in store.accounts().await? {
        let since = store.position(&account.entity).await?.context("an account without a position")?;
        let user = account.user.context("an account without a user")?;
        let token = account.tokens.context("an account without tokens")?.access.reveal().to_owned();
        let router = account.entity.as_str() == "router";
        let (device, since) = (account.device.to_string(), since.as_str().to_owned());
        let filter = name_filter(&http, homeserver, user.as_str(), &token).await?;
        accounts.push((router, Account { user: user.to_string(), device, token, since, filter }));
    }
    accounts.sort_by_key(|(router, _)| !router);
    let rooms = store.rooms().await?.into_iter().map(|room| room.room.to_string());
    let plan = Plan {
        url: homeserver.url(),
        accounts: accounts.into_iter().map(|(_, account)| account).collect(),
        rooms: rooms.collect(),
    };
    store.close().await;
    Ok(plan)
}

/// Has the homeserver name what our program's filter says.
async fn name_filter(http: &reqwest::Client, homeserver: &Homeserver, user: &str, token: &str) -> Result<String> {
    let filter = json!({
        "presence": { "types": [] },
        "room": {
            "state": { "lazy_load_members": true },
            "timeline": { "limit": 50, "lazy_load_members": true },
            "ephemeral": { "types": [] },
        },
    });
    let url = format!("{}/_matrix/client/v3/user/{user}/filter", homeserver.url());
    let request = http.post(url).json(&filter).bearer_auth(token);
    let answer: Value = serde_json::from_slice(&request.send().await?.error_for_status()?.bytes().await?)?;
    Ok(answer["filter_id"].as_str().context("a filter without a name")?.to_owned())
}

/// The client itself.
pub(crate) async fn run() -> Result<()> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let plan: Plan = serde_json::from_str(&line)?;
    let parent_gone = end_of_input()?;
    let client = Client { http: reqwest::Client::builder().no_proxy().http1_only().build()?, url: plan.url };
    let (router, others) = plan.accounts.split_first().context("no accounts")?;
    let since = client.begin(router).await?;
    let (polling, polls) = mpsc::channel(plan.accounts.len());
    polling.send((router, since)).await.ok().context(NO_POLLS)?;
    let accounts = stream::iter(others).map(Ok).try_for_each_concurrent(ACCOUNTS_AT_ONCE_MAX, async |account| {
        let since = client.begin(account).await?;
        polling.send((account, since)).await.ok().context(NO_POLLS)
    });
    let rooms = stream::iter(&plan.rooms)
        .map(Ok)
        .try_for_each_concurrent(ROOMS_AT_ONCE_MAX, async |room| client.members(router, room).await);
    let everybody = async {
        try_join(accounts, rooms).await?;
        raw_client::tell_ready();
        std::future::pending().await
    };
    tokio::select! {
        outcome = everybody => outcome,
        outcome = listen(&client, polls) => outcome,
        _ = parent_gone => Ok(()),
    }
}

/// Long-polls for everybody who has begun.
async fn listen(client: &Client, mut polls: mpsc::Receiver<(&Account, String)>) -> Result<()> {
    let mut lines = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some((account, since)) = polls.recv() => lines.push(client.listen(account, since)),
            Some(line) = lines.next() => line?,
        }
    }
}

/// Resolves when whoever writes our input has gone.
fn end_of_input() -> Result<oneshot::Receiver<Infallible>> {
    let (gone, waiting) = oneshot::channel();
    nursery::thread("input", move || {
        // However it ends, it has ended. Dropping the sender tells.
        drop(io::stdin().read_to_end(&mut Vec::new()));
        drop(gone);
    })?;
    Ok(waiting)
}

/// Requests by hand.
struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    /// Are the keys ours, and what is new? Gives the position after that.
    async fn begin(&self, account: &Account) -> Result<String> {
        let query = json!({ "device_keys": { account.user.as_str(): [account.device.as_str()] } });
        let keys = self.http.post(format!("{}/_matrix/client/v3/keys/query", self.url)).json(&query);
        answer(account, keys).await?;
        self.sync(account, &account.since, Duration::ZERO).await
    }

    /// Long-polls for ever.
    async fn listen(&self, account: &Account, mut since: String) -> Result<()> {
        loop {
            since = self.sync(account, &since, POLL).await?;
        }
    }

    async fn sync(&self, account: &Account, since: &str, wait: Duration) -> Result<String> {
        let wait = wait.as_millis().to_string();
        let query =
            [("filter", account.filter.as_str()), ("since", since), ("timeout", &wait), ("set_presence", "offline")];
        let url = Url::parse_with_params(&format!("{}/_matrix/client/v3/sync", self.url), query)?;
        let next = answer(account, self.http.get(url)).await?;
        Ok(next["next_batch"].as_str().context("a sync response without a position")?.to_owned())
    }

    async fn members(&self, router: &Account, room: &str) -> Result<()> {
        let room = room.replace('!', "%21").replace(':', "%3A");
        let request = self.http.get(format!("{}/_matrix/client/v3/rooms/{room}/members", self.url));
        answer(router, request).await.map(drop)
    }
}

async fn answer(account: &Account, request: RequestBuilder) -> Result<Value> {
    let answer = request.bearer_auth(&account.token).send().await?.error_for_status()?;
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}
