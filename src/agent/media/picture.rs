//! Which pictures models can be shown. Their bytes tell: senders often don't, and providers refuse what is mislabelled.

/// The media type of a picture that models can be shown.
#[must_use]
pub(super) fn mime_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_a_picture_is() {
        let check = |bytes: &[u8], expected: Option<&str>| assert_eq!(mime_of(bytes), expected, "{bytes:?}");
        check(b"\x89PNG\r\n\x1a\n", Some("image/png"));
        check(b"\xff\xd8\xff\xe0", Some("image/jpeg"));
        check(b"GIF89a", Some("image/gif"));
        check(b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some("image/webp"));
        check(b"RIFF\x01\x02\x03\x04WAVE", None);
        check(b"BM", None);
        check(b"", None);
    }
}
