//! The account book that the homeserver's door writes in: our store.

use futures_util::FutureExt as _;

use crate::{
    matrix::{AccountBook, Answer, MatrixError},
    model::{Account, EntityName, Secret, Tokens},
    observe::{TokensRefreshed, register_secret, register_token},
    store::{Retirement, Store, StoreError},
};

/// Accounts, kept in the store.
pub struct Book(pub Store);

impl AccountBook for Book {
    fn load<'a>(&'a self, entity: &'a EntityName) -> Answer<'a, Option<Account>> {
        async move {
            let (account, retirement) = self.0.account_in_use(entity).await.map_err(failed)?;
            account.iter().for_each(hide);
            match (account, retirement) {
                (Some(Account { localpart, .. }), Some(Retirement::Begun | Retirement::Done)) => {
                    Err(MatrixError::Deactivated { localpart })
                }
                (account, Some(_) | None) => Ok(account),
            }
        }
        .boxed()
    }

    fn save(&self, account: Account) -> Answer<'_, ()> {
        async move {
            hide(&account);
            self.0.save_account(account).await.map_err(failed)
        }
        .boxed()
    }

    fn save_recovery_key<'a>(&'a self, entity: &'a EntityName, key: Secret) -> Answer<'a, ()> {
        async move {
            register_secret(&key);
            self.0.save_recovery_key(entity, key).await.map_err(failed)
        }
        .boxed()
    }

    fn save_tokens(&self, entity: &EntityName, tokens: Tokens) -> Result<(), MatrixError> {
        hide_tokens(&tokens);
        self.0.save_tokens_blocking(entity, tokens).map_err(failed)?;
        TokensRefreshed { entity }.emit();
        Ok(())
    }
}

/// Keeps the account's secrets out of every log line.
fn hide(account: &Account) {
    register_secret(&account.store_key);
    account
        .recovery_key
        .iter()
        .chain(account.password.iter().map(|password| &password.secret))
        .for_each(register_secret);
    account.tokens.iter().for_each(hide_tokens);
}

fn hide_tokens(tokens: &Tokens) {
    register_token(&tokens.access);
    tokens.refresh.iter().for_each(register_token);
}

fn failed(error: StoreError) -> MatrixError {
    MatrixError::AccountBook(Box::new(error))
}
