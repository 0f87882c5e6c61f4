//! Finds out whether somebody may give a command that changes the room or the house.

use super::clerk::{Call, Visit};
use crate::{
    desk::words::{self, Request},
    matrix::{MatrixError, Provenance},
    model::UserId,
    store::StoreError,
};

/// Whether a command may be carried out.
pub(super) enum Permission {
    /// It may.
    Given,
    /// Whoever gave it has no power over the room, or the house.
    Refused,
    /// They have, but their device may be somebody else's.
    Unverified,
    /// The homeserver didn't tell.
    Unknown(MatrixError),
}

impl Visit<'_> {
    /// A4: whether what `call` asks for may be carried out.
    pub(super) async fn permission(&self, request: &Request, call: &Call<'_>) -> Result<Permission, StoreError> {
        if request.needs_house_admin() {
            if !self.config.authorization.is_admin(&call.message.sender) {
                return Ok(Permission::Refused);
            }
            if !request.changes_house() {
                return Ok(Permission::Given);
            }
        } else if request.needs_room_admin() {
            match self.is_room_admin(&call.message.sender).await {
                Ok(true) => {}
                Ok(false) => return Ok(Permission::Refused),
                Err(error) => return Ok(Permission::Unknown(error)),
            }
        } else {
            return Ok(Permission::Given);
        }
        if !self.config.authorization.require_verified || !self.is_encrypted().await? {
            return Ok(Permission::Given);
        }
        Ok(match self.provenance(call).await {
            Ok(Provenance::Verified) => Permission::Given,
            Ok(Provenance::Unverified | Provenance::Clear) => Permission::Unverified,
            Err(error) => Permission::Unknown(error),
        })
    }

    /// A4: whether `user` may change the room, by its own rules or ours.
    pub(super) async fn is_room_admin(&self, user: &UserId) -> Result<bool, MatrixError> {
        if self.config.authorization.is_admin(user) {
            return Ok(true);
        }
        let line = self.speaker.as_ref().and_then(|speaker| self.clerk.lines.of(speaker));
        let line = line.ok_or(MatrixError::NotOpen)?;
        let levels = line.state(self.room.clone(), "m.room.power_levels", String::new()).await?;
        let create = line.state_event(self.room.clone(), "m.room.create", String::new()).await?;
        Ok(words::is_room_admin(user, levels.as_ref(), create.as_ref()))
    }

    async fn provenance(&self, call: &Call<'_>) -> Result<Provenance, MatrixError> {
        let line = self.speaker.as_ref().and_then(|speaker| self.clerk.lines.of(speaker));
        let line = line.ok_or(MatrixError::NotOpen)?;
        let message = call.message;
        line.provenance(message.room.clone(), message.event.clone(), message.wording.content.clone()).await
    }
}
