//! The name and picture that people see.

use std::time::UNIX_EPOCH;

use crate::{
    config::Entity,
    matrix::{MatrixError, Session},
    store::Store,
};

/// The largest picture that is uploaded.
const AVATAR_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Shows `entity`'s name and picture, if they are not shown already.
pub(super) async fn show_profile(entity: &Entity, session: &dyn Session, store: &Store) -> Result<(), MatrixError> {
    let fact = format!("profile.{}", entity.name);
    let wanted = fingerprint(entity);
    let book = |error| MatrixError::AccountBook(Box::new(error));
    let shown = store.fact(&fact).await.map_err(book)?;
    if shown.as_deref() == Some(wanted.as_str()) {
        return Ok(());
    }
    session.set_display_name(entity.display_name.clone()).await?;
    if let Some((picture, mime)) = picture(entity).await {
        session.set_avatar(picture, mime).await?;
    } else if entity.avatar.is_none() && shown.is_some_and(|shown| had_picture(&shown)) {
        session.remove_avatar().await?;
    }
    store.save_fact(&fact, &wanted).await.map_err(book)
}

/// What changes when the profile has to be shown anew.
fn fingerprint(entity: &Entity) -> String {
    let picture = entity.avatar.as_ref().and_then(|path| {
        let file = std::fs::metadata(path).ok()?;
        let changed = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(format!("{} {} {}", path.display(), file.len(), changed.as_millis()))
    });
    format!("{}\n{}", entity.display_name, picture.unwrap_or_default())
}

/// Whether a fingerprint is that of a profile with a picture, which it names in its second line.
fn had_picture(fingerprint: &str) -> bool {
    !fingerprint.ends_with('\n')
}

/// The picture and its type. One that is missing, too large or of another type is left out: a face is no reason to stay
/// away.
async fn picture(entity: &Entity) -> Option<(Vec<u8>, &'static str)> {
    let path = entity.avatar.as_ref()?;
    let mime = match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        _ => return None,
    };
    let size = tokio::fs::metadata(path).await.ok()?.len();
    if size > AVATAR_BYTES_MAX {
        return None;
    }
    Some((tokio::fs::read(path).await.ok()?, mime))
}
