//! The homeservers that tests run against.

use std::{
    sync::{LazyLock, mpsc},
    time::Duration,
};

use maitre::{
    homeserver::{Data, Homeserver, Installation, Options, Places, Registrar, SYNAPSE},
    model::Secret,
    nursery,
};

/// How long the first installation on a machine may take.
const INSTALL_WITHIN: Duration = Duration::from_mins(15);

/// Where this machine keeps things.
#[expect(clippy::disallowed_methods, reason = "a test has nobody above it who could pass the environment down")]
pub(crate) fn places() -> Places {
    Places::from_environment(std::env::vars_os()).unwrap()
}

/// Synapse, installed.
pub(crate) async fn installation() -> Installation {
    Installation::ready(&SYNAPSE, &places(), INSTALL_WITHIN, &|_| ()).await.unwrap()
}

/// A homeserver for one test alone, open to everything.
pub(crate) fn temporary() -> Options {
    Options::new(Data::Temporary(places().temporary))
}

/// A homeserver as somebody knows it who may make accounts on it.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) secret: Secret,
}

impl Site {
    pub(crate) fn of(homeserver: &Homeserver) -> Self {
        Self { url: homeserver.url(), secret: homeserver.shared_secret().clone() }
    }

    pub(crate) fn registrar(&self) -> Registrar {
        Registrar::new(self.url.clone(), self.secret.clone())
    }
}

/// The homeserver of this test run, which nobody may stop. Its guard ends it when the test process is gone.
pub(crate) fn shared() -> &'static Site {
    static SHARED: LazyLock<Site> = LazyLock::new(|| {
        let (tell, told) = mpsc::sync_channel(1);
        // Each test has a runtime of its own, which ends with the test; this one lasts.
        nursery::thread("shared homeserver", move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let homeserver = Homeserver::start(&installation().await, &temporary()).await.unwrap();
                tell.send(Site::of(&homeserver)).unwrap();
                std::future::pending::<()>().await;
            });
        })
        .unwrap();
        told.recv().expect("the shared homeserver starts")
    });
    &SHARED
}
