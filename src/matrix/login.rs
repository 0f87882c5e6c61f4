//! What to do so that an account exists and is logged in.

use super::Applicant;
use crate::{
    config::Credential,
    model::{Account, DeviceId, Password, Secret},
};

/// What comes next.
#[derive(Debug, PartialEq)]
pub(super) enum LoginStep {
    /// Write this account down, then ask again.
    Save(Account),
    /// Find out whose token the operator gave.
    Adopt(Secret),
    /// Register with our own password, then log in. The name may be ours from before a crash.
    Register(Secret),
    /// Log in with the operator's password; where the account does not exist, register it with that password.
    LogIn(Secret),
    /// There are tokens: nothing to do.
    Done,
    /// There is no account and no means to make one.
    Impossible,
}

/// Random values for an account that is about to be made.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    pub(super) device: DeviceId,
    pub(super) password: Secret,
    pub(super) store_key: Secret,
}

/// Decides the next step from what is written down and what the operator gave.
///
/// What is written down wins, since user and device are kept for life; but a changed password replaces the old one.
pub(super) fn login_step(
    account: Option<Account>,
    applicant: &Applicant,
    can_register: bool,
    fresh: Fresh,
) -> LoginStep {
    let Some(mut account) = account else { return first_step(applicant, can_register, fresh) };
    match (&applicant.credential, &account.password) {
        (Some(Credential::Password(given)), known) if known.as_ref().is_none_or(|known| known.secret != *given) => {
            account.password = Some(Password { secret: given.clone(), ours: false });
            return LoginStep::Save(account);
        }
        _ => {}
    }
    if account.tokens.is_some() {
        return LoginStep::Done;
    }
    match (&applicant.credential, account.password) {
        (Some(Credential::AccessToken(token)), _) => LoginStep::Adopt(token.clone()),
        (_, Some(Password { secret, ours: false })) => LoginStep::LogIn(secret),
        (_, Some(Password { secret, ours: true })) => LoginStep::Register(secret),
        (_, None) => LoginStep::Impossible,
    }
}

fn first_step(applicant: &Applicant, can_register: bool, fresh: Fresh) -> LoginStep {
    let password = match &applicant.credential {
        Some(Credential::Password(given)) => Some(Password { secret: given.clone(), ours: false }),
        Some(Credential::AccessToken(_)) => None,
        None if can_register => Some(Password { secret: fresh.password, ours: true }),
        None => return LoginStep::Impossible,
    };
    LoginStep::Save(Account {
        entity: applicant.entity.clone(),
        localpart: applicant.localpart.clone(),
        user: None,
        device: fresh.device,
        password,
        tokens: None,
        recovery_key: None,
        store_key: fresh.store_key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EntityName, Tokens};

    fn fresh() -> Fresh {
        Fresh { device: DeviceId::parse("NEW").unwrap(), password: Secret::new("random"), store_key: Secret::new("00") }
    }

    fn applicant(credential: Option<Credential>) -> Applicant {
        Applicant { entity: EntityName::parse("ada").unwrap(), localpart: "ada".to_owned(), credential }
    }

    fn account(password: Option<Password>, logged_in: bool) -> Account {
        Account {
            entity: EntityName::parse("ada").unwrap(),
            localpart: "ada".to_owned(),
            user: None,
            device: DeviceId::parse("OLD").unwrap(),
            password,
            tokens: logged_in.then(|| Tokens { access: Secret::new("t"), refresh: None }),
            recovery_key: None,
            store_key: Secret::new("11"),
        }
    }

    fn ours(text: &str) -> Password {
        Password { secret: Secret::new(text), ours: true }
    }

    fn given(text: &str) -> Password {
        Password { secret: Secret::new(text), ours: false }
    }

    /// I1, I2: what is written down is used for life; accounts that don't exist are made by what is configured.
    #[test]
    fn the_next_step_follows_from_what_is_known() {
        let check =
            |account: Option<Account>, credential: Option<Credential>, can_register: bool, expected: &LoginStep| {
                assert_eq!(login_step(account, &applicant(credential), can_register, fresh()), *expected);
            };
        let password = |text: &str| Some(Credential::Password(Secret::new(text)));
        let begun = |password| {
            LoginStep::Save(Account {
                device: fresh().device,
                store_key: Secret::new("00"),
                ..account(password, false)
            })
        };
        check(None, None, false, &LoginStep::Impossible);
        check(None, None, true, &begun(Some(ours("random"))));
        check(None, password("pw"), false, &begun(Some(given("pw"))));
        check(None, Some(Credential::AccessToken(Secret::new("t"))), false, &begun(None));
        check(Some(account(Some(ours("random")), false)), None, true, &LoginStep::Register(Secret::new("random")));
        check(Some(account(Some(given("pw")), false)), password("pw"), true, &LoginStep::LogIn(Secret::new("pw")));
        check(
            Some(account(Some(given("old")), false)),
            password("new"),
            true,
            &LoginStep::Save(account(Some(given("new")), false)),
        );
        check(Some(account(Some(ours("random")), true)), None, false, &LoginStep::Done);
        let token = Some(Credential::AccessToken(Secret::new("t")));
        check(Some(account(None, false)), token, false, &LoginStep::Adopt(Secret::new("t")));
        check(Some(account(None, false)), None, true, &LoginStep::Impossible);
    }
}
