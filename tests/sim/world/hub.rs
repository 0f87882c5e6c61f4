//! The homeserver's door, for one life of the program: makes accounts and logs them in as the adapter does.

use std::sync::Arc;

use futures_util::FutureExt as _;
use maitre::{
    matrix::{AccountBook, Answer, Applicant, Homeserver, MatrixError, Session},
    model::{Account, DeviceId, Password, RoomId, Secret, Tokens},
};

use super::{World, line::Line, user, wire::Life};

/// The door.
pub(super) struct Hub {
    pub(super) world: World,
    pub(super) accounts: Arc<dyn AccountBook>,
    pub(super) life: u64,
}

impl Homeserver for Hub {
    fn reach(&self) -> Answer<'_, ()> {
        self.world.request(Life(self.life), "reach", |_| Ok(())).boxed()
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
            if let Some(account) = self.accounts.load(&applicant.entity).await? {
                self.accounts.save(Account { tokens: None, ..account }).await?;
            }
            let account = self.account_of(&applicant).await?;
            self.line(account)
        }
        .boxed()
    }

    /// Nobody goes for good here.
    fn deactivate(&self, _: Account) -> Answer<'_, ()> {
        async { Ok(()) }.boxed()
    }

    /// Nothing here is encrypted.
    fn remember_encrypted(&self, _: &[RoomId]) {}
}

impl Hub {
    /// The account, made and logged in where it wasn't: each thing is written down before it is used.
    async fn account_of(&self, applicant: &Applicant) -> Result<Account, MatrixError> {
        let account = if let Some(account) = self.accounts.load(&applicant.entity).await? {
            account
        } else {
            let account = self.fresh(applicant);
            self.accounts.save(account.clone()).await?;
            account
        };
        if account.tokens.is_some() {
            return Ok(account);
        }
        let account = self.log_in(account).await?;
        self.accounts.save(account.clone()).await?;
        Ok(account)
    }

    /// Registers and logs in. A name that is taken may be ours from before a crash: then our password fits.
    async fn log_in(&self, account: Account) -> Result<Account, MatrixError> {
        let (life, who) = (Life(self.life), user(&account.localpart));
        let secret = account.password.as_ref().map(|password| password.secret.reveal().to_owned()).unwrap_or_default();
        let (registrant, password) = (who.clone(), secret.clone());
        let registered = self.world.request(life, "register", move |server| server.register(&registrant, &password));
        let taken = match registered.await {
            Err(error @ MatrixError::NameTaken { .. }) => Some(error),
            Err(error) => return Err(error),
            Ok(()) => None,
        };
        let (owner, device) = (who.clone(), account.device.clone());
        let logged_in = self.world.request(life, "log in", move |server| server.log_in(&owner, &secret, &device));
        match (logged_in.await, taken) {
            (Ok(access), _) => {
                let tokens = Tokens { access: Secret::new(access), refresh: None };
                Ok(Account { user: Some(who), tokens: Some(tokens), ..account })
            }
            (Err(MatrixError::WrongPassword { .. }), Some(taken)) => Err(taken),
            (Err(error), _) => Err(error),
        }
    }

    fn fresh(&self, applicant: &Applicant) -> Account {
        let drawn = || format!("{:016x}", self.world.dice.next());
        Account {
            entity: applicant.entity.clone(),
            localpart: applicant.localpart.clone(),
            user: None,
            device: DeviceId::parse(format!("SIM{}", drawn())).expect("letters and digits are a device id"),
            password: Some(Password { secret: Secret::new(drawn()), ours: true }),
            tokens: None,
            recovery_key: None,
            store_key: Secret::new([(); 4].map(|()| drawn()).concat()),
        }
    }

    fn line(&self, account: Account) -> Result<Arc<dyn Session>, MatrixError> {
        let (Some(user), Some(tokens)) = (account.user.clone(), account.tokens.clone()) else {
            return Err(MatrixError::NotOpen);
        };
        let (world, accounts) = (self.world.clone(), Arc::clone(&self.accounts));
        Ok(Arc::new(Line::new(world, accounts, Life(self.life), account, (user, tokens.access))))
    }
}
