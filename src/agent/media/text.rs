//! The text in a file that is text, in whatever alphabet it was written down.

/// How far a file is searched for what no text holds.
const SAMPLE_BYTES: usize = 8 * 1024;

/// The text, or nothing where it is none after all.
#[must_use]
pub(super) fn text_of(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => Some(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Some(utf16(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => Some(String::from_utf8_lossy(rest).into_owned()),
        _ if bytes.iter().take(SAMPLE_BYTES).any(|byte| *byte == 0) => None,
        _ => Some(String::from_utf8(bytes.to_vec()).unwrap_or_else(|_error| latin(bytes))),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Old files are mostly in Latin-1 where they aren't in UTF-8. A few damaged bytes in UTF-8 aren't worth giving that up.
fn latin(bytes: &[u8]) -> String {
    let repaired = String::from_utf8_lossy(bytes);
    let damages = repaired.matches(char::REPLACEMENT_CHARACTER).count();
    let beyond_ascii = repaired.chars().filter(|character| !character.is_ascii()).count();
    if damages * 2 < beyond_ascii { repaired.into_owned() } else { bytes.iter().copied().map(char::from).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_usual_alphabets() {
        let check = |bytes: &[u8], expected: Option<&str>| assert_eq!(text_of(bytes).as_deref(), expected, "{bytes:?}");
        check("größer".as_bytes(), Some("größer"));
        check(b"\xef\xbb\xbfgr\xc3\xb6\xc3\x9fer", Some("größer"));
        check(b"gr\xf6\xdfer", Some("größer"));
        check(b"\xff\xfeg\x00r\x00\xf6\x00", Some("grö"));
        check(b"\xfe\xff\x00g\x00r\x00\xf6", Some("grö"));
        check(b"\xc3\xa4\xc3\xb6\xc3\xbc\xff", Some("äöü\u{fffd}"));
        check(b"PK\x03\x04\x00\x00", None);
        check(b"", Some(""));
    }
}
