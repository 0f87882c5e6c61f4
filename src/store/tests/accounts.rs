//! Conformance: accounts.

use super::{samples::entity, stage::Stage};
use crate::{
    model::{Account, DeviceId, Password, Secret, Tokens, UserId},
    store::{Retirement, Retry, StoreError},
};

pub(super) fn bare(name: &str) -> Account {
    Account {
        entity: entity(name),
        localpart: name.to_owned(),
        user: None,
        device: DeviceId::parse("MAITRE01").unwrap(),
        password: None,
        tokens: None,
        recovery_key: None,
        store_key: Secret::new("store key of it"),
    }
}

fn full(name: &str) -> Account {
    Account {
        user: Some(UserId::parse(format!("@{name}:home.org")).unwrap()),
        password: Some(Password { secret: Secret::new("its password"), ours: true }),
        tokens: Some(tokens("first")),
        recovery_key: Some(Secret::new("its recovery key")),
        ..bare(name)
    }
}

fn tokens(which: &str) -> Tokens {
    Tokens {
        access: Secret::new(format!("{which} access token")),
        refresh: Some(Secret::new(format!("{which} refresh token"))),
    }
}

/// I1: user, device and tokens are the same after a crash.
pub(super) async fn an_account_comes_back_as_it_was(stage: &mut Stage) {
    stage.store.save_account(full("writer")).await.unwrap();
    stage.store.save_account(bare("user")).await.unwrap();
    stage.crash().await;
    let kept = stage.store.account(&entity("writer")).await.unwrap();
    assert_eq!(kept, Some(full("writer")));
    assert_eq!(stage.store.accounts().await.unwrap(), [bare("user"), full("writer")]);
    assert_eq!(stage.store.account(&entity("nobody")).await.unwrap(), None);
    let printed = format!("{kept:?} {:?}", stage.store);
    for secret in ["password\"", "its", "access token", "store key of"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

pub(super) async fn an_account_may_know_little_at_first(stage: &mut Stage) {
    stage.store.save_account(bare("writer")).await.unwrap();
    assert_eq!(stage.store.account(&entity("writer")).await.unwrap(), Some(bare("writer")));
}

pub(super) async fn a_newer_account_replaces_the_older(stage: &mut Stage) {
    stage.store.save_account(full("writer")).await.unwrap();
    let access_only = Tokens { refresh: None, ..tokens("second") };
    let newer = Account { tokens: Some(access_only), recovery_key: None, ..full("writer") };
    stage.store.save_account(newer.clone()).await.unwrap();
    assert_eq!(stage.store.accounts().await.unwrap(), [newer]);
}

/// I1: tokens are stored before their first use, by a caller that stands on a thread that runs tasks.
pub(super) async fn tokens_are_kept_before_they_are_used(stage: &mut Stage) {
    stage.store.save_account(full("writer")).await.unwrap();
    stage.store.save_tokens_blocking(&entity("writer"), tokens("second")).unwrap();
    stage.crash().await;
    let kept = stage.store.account(&entity("writer")).await.unwrap();
    assert_eq!(kept, Some(Account { tokens: Some(tokens("second")), ..full("writer") }));
}

/// E6: the recovery key is kept with the other secrets.
pub(super) async fn a_recovery_key_leaves_newer_tokens_alone(stage: &mut Stage) {
    stage.store.save_account(full("writer")).await.unwrap();
    stage.store.save_tokens_blocking(&entity("writer"), tokens("second")).unwrap();
    stage.store.save_recovery_key(&entity("writer"), Secret::new("a new key")).await.unwrap();
    let kept = stage.store.account(&entity("writer")).await.unwrap().unwrap();
    assert_eq!((kept.tokens, kept.recovery_key), (Some(tokens("second")), Some(Secret::new("a new key"))));
}

/// H10: how far the end of an account is outlives the program; what has begun can't be taken back.
pub(super) async fn the_end_of_an_account_is_kept(stage: &mut Stage) {
    for name in ["writer", "reader"] {
        stage.store.save_account(full(name)).await.unwrap();
        stage.store.retire(&entity(name), Retirement::Due).await.unwrap();
    }
    stage.store.retire(&entity("writer"), Retirement::Begun).await.unwrap();
    for name in ["writer", "reader"] {
        stage.store.stay(&entity(name)).await.unwrap();
    }
    stage.crash().await;
    assert_eq!(stage.store.retirements().await.unwrap(), [(entity("writer"), Retirement::Begun)]);
    let writer = stage.store.account_in_use(&entity("writer")).await.unwrap();
    assert_eq!(writer, (Some(full("writer")), Some(Retirement::Begun)));
    assert_eq!(stage.store.account_in_use(&entity("reader")).await.unwrap(), (Some(full("reader")), None));
}

pub(super) async fn there_are_no_tokens_without_an_account(stage: &mut Stage) {
    let error = stage.store.save_tokens_blocking(&entity("ghost"), tokens("first")).unwrap_err();
    assert!(matches!(&error, StoreError::NoAccount { entity: ghost } if *ghost == entity("ghost")), "{error:?}");
    assert_eq!(error.retry(), Retry::Never);
    let error = stage.store.save_recovery_key(&entity("ghost"), Secret::new("key")).await.unwrap_err();
    assert!(matches!(error, StoreError::NoAccount { .. }), "{error:?}");
}
