//! SIGINT and SIGTERM: the first asks everything to end, the second insists. SIGHUP: has the configuration read.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{config::Nudge, nursery::Stop, observe::SignalReceived};

/// The signals that stop the house. From its making on they no longer end the process by themselves.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes the signals over. Needs the runtime.
    pub(super) fn take() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Pulls `stop` as signals ask for it, until `done`.
    pub(super) async fn obey(mut self, stop: Stop, done: Stop) {
        tokio::select! {
            biased;
            () = done.soft() => {}
            () = self.pull(&stop) => {}
        }
    }

    async fn pull(&mut self, stop: &Stop) {
        self.next().await;
        stop.ask();
        self.next().await;
        stop.insist();
        // There is nothing beyond; further ones change nothing.
        std::future::pending::<()>().await;
    }

    async fn next(&mut self) {
        let signal = tokio::select! {
            biased;
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        };
        SignalReceived { signal }.emit();
    }
}

/// The signal that has the configuration read. From its making on it no longer ends the process by itself.
pub(super) struct HangUps(Signal);

impl HangUps {
    /// Takes the signal over. Needs the runtime.
    pub(super) fn take() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Nudges whoever reads the configuration each time, until `done`.
    pub(super) async fn obey(mut self, nudge: Nudge, done: Stop) {
        loop {
            tokio::select! {
                biased;
                () = done.soft() => return,
                _ = self.0.recv() => {}
            }
            SignalReceived { signal: "SIGHUP" }.emit();
            nudge.look();
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal as Sent, getpid, kill_process};

    use super::*;
    use crate::nursery::Nursery;

    #[tokio::test]
    async fn the_first_signal_asks_and_the_second_insists() {
        let (stop, done) = (Stop::default(), Stop::default());
        let (nursery, _exits) = Nursery::new(Stop::default());
        nursery.forever("signals", Signals::take().unwrap().obey(stop.clone(), done.clone()));
        kill_process(getpid(), Sent::TERM).unwrap();
        stop.soft().await;
        let hard = stop.hard();
        tokio::pin!(hard);
        assert!(futures_util::poll!(&mut hard).is_pending(), "one signal doesn't insist");
        kill_process(getpid(), Sent::INT).unwrap();
        hard.await;
        done.ask();
        nursery.empty().await;
    }
}
