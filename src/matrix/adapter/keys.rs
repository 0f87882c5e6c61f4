//! The room keys that reach one client, from other devices or from its backup.

use std::{collections::BTreeSet, pin::Pin};

use futures_util::{FutureExt as _, Stream, StreamExt as _};
use matrix_sdk::Client;

use crate::{matrix::Keys, model::RoomId};

/// What came and was not asked for yet.
pub(super) struct Arrivals(Pin<Box<dyn Stream<Item = Keys> + Send>>);

impl Arrivals {
    /// Listens from now on.
    pub(super) async fn of(client: &Client) -> Option<Self> {
        let stream = client.encryption().room_keys_received_stream().await?;
        let translated = stream.map(|keys| match keys {
            Ok(keys) => Keys::Of(
                keys.into_iter()
                    .filter_map(|key| Some((RoomId::parse(key.room_id.as_str()).ok()?, key.session_id)))
                    .collect(),
            ),
            // The library keeps only so many for a slow listener.
            Err(_) => Keys::Many,
        });
        Some(Self(Box::pin(translated)))
    }

    /// Everything that came since the last look, without waiting.
    pub(super) fn so_far(&mut self) -> Keys {
        let mut all = BTreeSet::new();
        let mut uncounted = false;
        while let Some(Some(keys)) = self.0.next().now_or_never() {
            match keys {
                Keys::Of(keys) => all.extend(keys),
                Keys::Many => uncounted = true,
            }
        }
        if uncounted { Keys::Many } else { Keys::Of(all) }
    }
}
