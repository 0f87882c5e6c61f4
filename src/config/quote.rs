//! How text that somebody typed is shown inside a message: short, on one line, in quotes.

/// How much of a text is shown, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// The beginning of `text`, with an ellipsis when something was left out.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// `text` in quotes, clipped, with control characters escaped.
pub(super) fn quote(text: &str) -> String {
    format!("{:?}", clip(text))
}
