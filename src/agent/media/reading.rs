//! What a model is told of an attachment.

use super::{
    attachment::{Attachment, AttachmentKind},
    pdf, picture, text,
};
use crate::model::Picture;

/// What is passed on of a text.
const TEXT_CHARS_MAX: usize = 40_000;

/// What a model is given of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it is told.
    pub text: String,
    /// What it is shown.
    pub picture: Option<Picture>,
}

impl Reading {
    /// Of an attachment that was fetched, or that there was no use in fetching. It may take long: call it where that holds
    /// up nobody.
    #[must_use]
    pub fn of(attachment: &Attachment, bytes: Vec<u8>) -> Self {
        match attachment.kind {
            // Nobody fetches a picture for a model without eyes.
            AttachmentKind::Picture if bytes.is_empty() => Self::without(attachment, "you can't see pictures"),
            AttachmentKind::Picture => shown(attachment, bytes),
            AttachmentKind::Text => match text::text_of(&bytes) {
                Some(text) => said(attachment, &text, None),
                None => Self::without(attachment, "it isn't text"),
            },
            AttachmentKind::Pdf => match pdf::text_of(&bytes, TEXT_CHARS_MAX) {
                Some(pdf) if pdf.text.is_empty() => Self::without(attachment, "there is no text in it"),
                Some(pdf) => {
                    let left_out = (pdf.read < pdf.pages).then(|| format!("pages {} to {}", pdf.read + 1, pdf.pages));
                    said(attachment, &pdf.text, left_out)
                }
                None => Self::without(attachment, "it is damaged or locked"),
            },
            AttachmentKind::Voice => Self::without(attachment, "listening to voice messages will only come later"),
            AttachmentKind::Sound | AttachmentKind::Video | AttachmentKind::File => {
                Self::without(attachment, "this kind of file can't be read")
            }
        }
    }

    /// Of an attachment that nobody could read, `why` being the end of the sentence, such as `it is too long`.
    #[must_use]
    pub fn without(attachment: &Attachment, why: &str) -> Self {
        Self::told(format!("(Attached: {}. You can't look into it: {why}.)", attachment.in_words()))
    }

    fn told(text: String) -> Self {
        Self { text, picture: None }
    }
}

fn shown(attachment: &Attachment, bytes: Vec<u8>) -> Reading {
    let Some(mime) = picture::mime_of(&bytes) else {
        return Reading::without(attachment, "only PNG, JPEG, GIF and WebP can be shown to you");
    };
    let picture = Picture { mime: mime.to_owned(), bytes: bytes.into() };
    Reading { text: format!("(Attached: {}.)", attachment.in_words()), picture: Some(picture) }
}

fn said(attachment: &Attachment, text: &str, left_out: Option<String>) -> Reading {
    let (begun, cut) = match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    };
    let left_out = left_out.or_else(|| cut.then(|| "the rest".to_owned()));
    let end = left_out.map_or_else(|| "End of the file".to_owned(), |what| format!("Left out: {what}"));
    Reading::told(format!("(Attached: {}. It says:)\n{begun}\n({end}.)", attachment.in_words()))
}
