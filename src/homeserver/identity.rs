//! What makes a homeserver the same one when it is started again: its keys, and the port that it is known by.

use std::{fs, io, path::Path};

use rand::{TryRngCore as _, rngs::OsRng};
use serde::{Deserialize, Serialize};

use super::{StartError, settings};

const FILE: &str = "identity.json";
/// The digits of Base64, in order.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8; 16] = b"0123456789abcdef";
/// How many hexadecimal digits a secret has.
const SECRET_DIGITS: usize = 40;

/// The keys and the port. It has no `Debug`: it is made of secrets.
#[derive(Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) registration_secret: String,
    pub(super) macaroon_secret: String,
    pub(super) form_secret: String,
    pub(super) signing_key: String,
    pub(super) port: Option<u16>,
}

impl Identity {
    /// The one that the folder keeps, or a new one.
    pub(super) fn of(folder: &Path) -> Result<Self, StartError> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| StartError::Identity { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::new()),
            Err(source) => Err(StartError::File { path, source }),
        }
    }

    /// Has the folder keep it.
    pub(super) fn keep_in(&self, folder: &Path) -> Result<(), StartError> {
        let text = serde_json::to_string_pretty(self).expect("strings and a number are always JSON");
        settings::write(&folder.join(FILE), &text)
    }

    fn new() -> Self {
        Self {
            registration_secret: random_hex(SECRET_DIGITS),
            macaroon_secret: random_hex(SECRET_DIGITS),
            form_secret: random_hex(SECRET_DIGITS),
            signing_key: signing_key(),
            port: None,
        }
    }
}

/// Random hexadecimal digits.
pub(super) fn random_hex(count: usize) -> String {
    random_bytes(count).iter().map(|byte| char::from(HEX[usize::from(byte % 16)])).collect()
}

/// 32 random bytes in unpadded Base64, as Synapse keeps its signing key. The last digit carries four bits only.
fn signing_key() -> String {
    let mut digits: Vec<u8> = random_bytes(43).iter().map(|byte| byte % 64).collect();
    digits[42] &= 0b11_1100;
    let key: String = digits.iter().map(|digit| char::from(BASE64[usize::from(*digit)])).collect();
    format!("ed25519 a_1 {key}\n")
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    OsRng.try_fill_bytes(&mut bytes).expect("the operating system always has random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Identity::of(folder.path()).unwrap();
        first.port = Some(17_001);
        first.keep_in(folder.path()).unwrap();
        let second = Identity::of(folder.path()).unwrap();
        assert!(first.signing_key == second.signing_key && first.registration_secret == second.registration_secret);
        assert_eq!(second.port, Some(17_001));
    }

    #[test]
    fn no_two_are_alike() {
        let (one, two) = (Identity::new(), Identity::new());
        assert!(one.registration_secret != two.registration_secret && one.signing_key != two.signing_key);
        assert!(one.registration_secret != one.macaroon_secret);
        assert_eq!(one.registration_secret.len(), SECRET_DIGITS);
    }

    #[test]
    fn a_damaged_identity_is_an_error_not_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(matches!(Identity::of(folder.path()), Err(StartError::Identity { .. })));
    }

    #[test]
    fn a_signing_key_is_43_digits_of_which_the_last_is_short() {
        for _ in 0..50 {
            let line = signing_key();
            let key = line.strip_prefix("ed25519 a_1 ").unwrap().trim_end();
            assert_eq!(key.len(), 43);
            let last = BASE64.iter().position(|digit| Some(digit) == key.as_bytes().last()).unwrap();
            assert_eq!(last % 4, 0, "{key}");
        }
    }
}
