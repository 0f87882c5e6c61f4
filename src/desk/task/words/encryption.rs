//! Switches encryption on, and finds out how it is doing.

use serde_json::json;

use super::clerk::Visit;
use crate::{
    desk::words::{SealFacts, Switched},
    matrix::MatrixError,
    store::StoreError,
};

/// How many unreadable messages are looked through.
const SEALED_MAX: usize = 500;

impl Visit<'_> {
    pub(super) async fn is_encrypted(&self) -> Result<bool, StoreError> {
        Ok(self.clerk.store.encrypted_rooms().await?.contains(&self.room))
    }

    /// E4: switches encryption on, and counts the room as encrypted before anybody else says anything in it.
    pub(super) async fn encrypt(&self) -> Result<Switched, StoreError> {
        if self.is_encrypted().await? {
            return Ok(Switched::Already);
        }
        let line = self.speaker.as_ref().and_then(|speaker| self.clerk.lines.of(speaker));
        let Some(line) = line else { return Ok(Switched::Failed(MatrixError::NotOpen.to_string())) };
        let content = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
        match line.set_state(self.room.clone(), "m.room.encryption", String::new(), content).await {
            Ok(()) => {
                self.clerk.store.mark_encrypted(&self.room).await?;
                Ok(Switched::On)
            }
            Err(error) => Ok(Switched::Failed(error.to_string())),
        }
    }

    pub(super) async fn seals(&self) -> Result<SealFacts, StoreError> {
        let accounts = self.clerk.store.accounts().await?;
        let mut facts = SealFacts {
            encrypted: self.is_encrypted().await?,
            unread: self.clerk.store.sealed_senders(&self.room, SEALED_MAX).await?,
            ..SealFacts::default()
        };
        for entity in self.config.entities.iter().filter(|entity| self.present.contains(&entity.name)) {
            let account = accounts.iter().find(|account| account.entity == entity.name);
            let ours = account.is_some_and(|account| account.recovery_key.is_some());
            let names = if ours { &mut facts.signed } else { &mut facts.foreign };
            names.push(entity.display_name.clone());
        }
        Ok(facts)
    }
}
