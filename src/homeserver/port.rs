//! A free port on loopback.

use std::net::{Ipv4Addr, TcpListener};

use rand::{TryRngCore as _, rngs::OsRng};

/// Ports are taken from below those that the system gives to outgoing connections. A client that keeps trying to reach
/// a stopped server on one of *those* may be given the very port as its own, connect to itself, and keep the server out.
const FIRST: u16 = 17_000;
const COUNT: u16 = 15_000;
/// How many are tried.
const TRIES_MAX: usize = 200;

/// `wanted` if it is free, else a random port that is.
pub(super) fn free(wanted: Option<u16>) -> Option<u16> {
    first(wanted, is_free)
}

fn first(wanted: Option<u16>, is_free: impl Fn(u16) -> bool) -> Option<u16> {
    wanted.into_iter().chain((0..TRIES_MAX).map(|_| random())).find(|port| is_free(*port))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn random() -> u16 {
    let mut bytes = [0; 2];
    OsRng.try_fill_bytes(&mut bytes).expect("the operating system always has random bytes");
    FIRST + u16::from_le_bytes(bytes) % COUNT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wanted_port_is_given_when_it_is_free() {
        assert_eq!(first(Some(8008), |_| true), Some(8008));
        let other = first(Some(8008), |port| port != 8008).unwrap();
        assert!((FIRST..FIRST + COUNT).contains(&other), "{other}");
        assert_eq!(first(Some(8008), |_| false), None);
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_free() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(held.local_addr().unwrap().port()));
    }
}
