//! Opens the door: signs accounts in and gives each its line.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::FutureExt as _;
use rand::{TryRngCore as _, rngs::OsRng};

use super::{
    client::{self, Shared},
    line::Line,
    session::SharedLine,
};
use crate::{
    config::Registration,
    matrix::{
        Answer, Applicant, Homeserver, MatrixError, Section, Session,
        hex::to_hex,
        login::{Fresh, LoginStep, login_step},
        marks::Marks,
        wire::{Login, Wire},
    },
    model::{Account, DeviceId, Password, RoomId, Secret},
    observe::{AccountRegistered, KeysSetAside},
};

/// How many key stores of earlier lives are kept for one account.
const ASIDE_MAX: u32 = 100;

/// The homeserver as all accounts share it.
struct Hub {
    section: Section,
    shared: Shared,
    wire: Wire,
    marks: Arc<Marks>,
}

/// Opens the door to the homeserver. Nothing is asked of it yet.
///
/// # Errors
/// When no HTTP client can be made.
pub fn open(section: Section) -> Result<Arc<dyn Homeserver>, MatrixError> {
    let http = client::http_client(section.request_timeout)?;
    let wire = Wire::new(http.clone(), &section.url, section.request_timeout);
    let (url, request_timeout, watch) = (section.url.clone(), section.request_timeout, Arc::default());
    let shared = Shared { http, url, request_timeout, watch };
    Ok(Arc::new(Hub { section, shared, wire, marks: Arc::new(Marks::default()) }))
}

impl Homeserver for Hub {
    fn reach(&self) -> Answer<'_, ()> {
        self.wire.versions().boxed()
    }

    fn sign_in(&self, applicant: Applicant) -> Answer<'_, Arc<dyn Session>> {
        async move {
            let account = self.account_of(&applicant).await?;
            self.line(account)
        }
        .boxed()
    }

    fn sign_in_again(&self, applicant: Applicant) -> Answer<'_, Arc<dyn Session>> {
        async move {
            if let Some(account) = self.section.accounts.load(&applicant.entity).await? {
                self.section.accounts.save(Account { tokens: None, ..account }).await?;
            }
            let account = self.account_of(&applicant).await?;
            self.line(account)
        }
        .boxed()
    }

    fn deactivate(&self, account: Account) -> Answer<'_, ()> {
        async move {
            let Some(Password { secret, ours: true }) = &account.password else {
                return Err(MatrixError::NoAccount { localpart: account.localpart });
            };
            // The tokens that are kept may be out of date.
            match self.wire_log_in(&account, secret).await {
                Ok(login) => self.wire.deactivate(&login, secret).await,
                Err(MatrixError::Deactivated { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        }
        .boxed()
    }

    fn remember_encrypted(&self, rooms: &[RoomId]) {
        for room in rooms {
            self.marks.encrypted(room);
        }
    }
}

impl Hub {
    /// The account, made and logged in where it wasn't.
    async fn account_of(&self, applicant: &Applicant) -> Result<Account, MatrixError> {
        let accounts = &self.section.accounts;
        loop {
            let account = accounts.load(&applicant.entity).await?;
            let can_register = !self.section.registration.is_empty();
            match (login_step(account.clone(), applicant, can_register, fresh()?), account) {
                (LoginStep::Done, Some(account)) => return Ok(account),
                (LoginStep::Save(account), Some(_)) => accounts.save(account).await?,
                (LoginStep::Save(account), None) => {
                    self.set_aside_keys(&account)?;
                    accounts.save(account).await?;
                }
                (LoginStep::Adopt(token), Some(account)) => {
                    let login = self.wire.who_am_i(&token).await.map_err(of_a_given_token)?;
                    accounts.save(logged_in(account, login)).await?;
                }
                (LoginStep::Register(password), Some(account)) => {
                    let login = self.register(&account, &password).await?;
                    AccountRegistered { entity: &account.entity, user: &login.user }.emit();
                    accounts.save(logged_in(account, login)).await?;
                }
                (LoginStep::LogIn(password), Some(account)) => {
                    let login = self.log_in(&account, &password).await?;
                    accounts.save(logged_in(account, login)).await?;
                }
                (LoginStep::Impossible, _) | (_, None) => {
                    return Err(MatrixError::NoAccount { localpart: applicant.localpart.clone() });
                }
            }
        }
    }

    /// Moves the keys of an earlier life away, of which our book knows nothing any more: what opens them stood there. They are
    /// kept, for the book may come back from a backup.
    fn set_aside_keys(&self, account: &Account) -> Result<(), MatrixError> {
        let folder = self.section.folder.join(account.entity.as_str());
        match set_aside(&folder) {
            Ok(None) => Ok(()),
            Ok(Some(aside)) => {
                KeysSetAside { entity: &account.entity, folder: &aside }.emit();
                Ok(())
            }
            Err(error) => Err(MatrixError::KeyStore { cause: error.to_string() }),
        }
    }

    /// Registers and logs in. A name that is taken may have been registered by us just before a crash: then our
    /// password fits.
    async fn register(&self, account: &Account, password: &Secret) -> Result<Login, MatrixError> {
        let taken = match self.register_by_any_means(account, password).await {
            Err(error @ MatrixError::NameTaken { .. }) => Some(error),
            Err(error) => return Err(error),
            Ok(()) => None,
        };
        match (self.wire_log_in(account, password).await, taken) {
            (Err(MatrixError::WrongPassword { .. }), Some(taken)) => Err(taken),
            (outcome, _) => outcome,
        }
    }

    /// Logs in with the operator's password; homeservers say the same of a wrong password and of a missing account, so
    /// where registration is configured the account is made, and only a taken name proves the password wrong.
    async fn log_in(&self, account: &Account, password: &Secret) -> Result<Login, MatrixError> {
        let wrong = match self.wire_log_in(account, password).await {
            Err(error @ MatrixError::WrongPassword { .. }) if !self.section.registration.is_empty() => error,
            outcome => return outcome,
        };
        match self.register_by_any_means(account, password).await {
            Ok(()) => self.wire_log_in(account, password).await,
            Err(MatrixError::NameTaken { .. }) => Err(wrong),
            Err(error) => Err(error),
        }
    }

    async fn wire_log_in(&self, account: &Account, password: &Secret) -> Result<Login, MatrixError> {
        self.wire.log_in(&account.localpart, password, &account.device, &self.section.device_name).await
    }

    /// Tries the configured means in order; a means that this homeserver doesn't offer gives way to the next.
    async fn register_by_any_means(&self, account: &Account, password: &Secret) -> Result<(), MatrixError> {
        let mut outcome = Err(MatrixError::NoAccount { localpart: account.localpart.clone() });
        for means in &self.section.registration {
            outcome = self.wire.register(&account.localpart, password, means).await;
            match (&outcome, means) {
                (Err(MatrixError::MeansRefused { .. } | MatrixError::Refused { .. }), _) => {}
                (_, Registration::SharedSecret(_) | Registration::Token(_) | Registration::Open) => break,
            }
        }
        outcome
    }

    fn line(&self, account: Account) -> Result<Arc<dyn Session>, MatrixError> {
        let Some(user) = account.user.clone() else { return Err(MatrixError::NotOpen) };
        let folder = self.section.folder.join(account.entity.as_str());
        private_folder(&folder).map_err(|error| MatrixError::KeyStore { cause: error.to_string() })?;
        let (accounts, marks) = (Arc::clone(&self.section.accounts), Arc::clone(&self.marks));
        Ok(Arc::new(SharedLine(Line::new(self.shared.clone(), folder, user, account, accounts, marks))))
    }
}

/// A token that the operator gave and that opens nothing never did, as far as we know.
fn of_a_given_token(error: MatrixError) -> MatrixError {
    if !matches!(error, MatrixError::LoggedOut) {
        return error;
    }
    let message = "it does not know the token in `accounts.access_tokens`".to_owned();
    MatrixError::Refused { code: "M_UNKNOWN_TOKEN".to_owned(), message }
}

fn logged_in(account: Account, login: Login) -> Account {
    Account { user: Some(login.user), device: login.device, tokens: Some(login.tokens), ..account }
}

/// Moves `folder` beside itself, under the first name that is free, and tells which; nothing if there is no folder.
fn set_aside(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    if !folder.try_exists()? {
        return Ok(None);
    }
    let names = (1..=ASIDE_MAX).map(|number| folder.with_extension(format!("lost-{number}")));
    for aside in names {
        if !aside.try_exists()? {
            fs::rename(folder, &aside)?;
            return Ok(Some(aside));
        }
    }
    Err(std::io::Error::other(format!("{} was set aside {ASIDE_MAX} times already", folder.display())))
}

/// Makes the folder for one account's keys, for our eyes only.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

fn fresh() -> Result<Fresh, MatrixError> {
    let device = format!("MAITRE{}", random_hex::<5>()?.to_uppercase());
    Ok(Fresh {
        device: DeviceId::parse(device).expect("letters and digits are a device id"),
        password: Secret::new(random_hex::<24>()?),
        store_key: Secret::new(random_hex::<32>()?),
    })
}

fn random_hex<const BYTES: usize>() -> Result<String, MatrixError> {
    let mut bytes = [0u8; BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| MatrixError::KeyStore { cause: error.to_string() })?;
    Ok(to_hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I1: keys that nobody can open any more make room, and none of them is lost.
    #[test]
    fn orphaned_keys_are_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("ada");
        assert_eq!(set_aside(&keys).unwrap(), None);
        for number in 1..=2 {
            fs::create_dir(&keys).unwrap();
            fs::write(keys.join("store"), number.to_string()).unwrap();
            let aside = folder.path().join(format!("ada.lost-{number}"));
            assert_eq!(set_aside(&keys).unwrap(), Some(aside.clone()));
            assert_eq!(fs::read_to_string(aside.join("store")).unwrap(), number.to_string());
            assert!(!keys.exists());
        }
    }
}
