//! What a message attaches, as far as the message itself tells.

use serde_json::{Value, json};

/// Longer names are cut: they stand in a prompt, and anybody may choose them.
const NAME_CHARS_MAX: usize = 100;
/// What is read of a text.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// How long a PDF may be.
const PDF_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Providers take 5 MB, after Base64 has made four bytes of three.
const PICTURE_BYTES_MAX: usize = 3_700_000;

/// Names of text files end in one of these, whatever type their sender thinks they have.
const TEXT_ENDINGS: &[&str] = &[
    "bash", "bat", "c", "cc", "cfg", "conf", "cpp", "cs", "css", "csv", "diff", "eml", "env", "go", "h", "hpp", "htm",
    "html", "ics", "ini", "java", "js", "json", "jsonl", "jsx", "kt", "log", "lua", "md", "org", "patch", "php", "pl",
    "py", "r", "rb", "rs", "rst", "scala", "sh", "sql", "srt", "svg", "swift", "tex", "toml", "ts", "tsv", "tsx",
    "txt", "vcf", "vue", "xml", "yaml", "yml", "zig",
];
/// Types that are text without saying so.
const TEXT_TYPES: &[&str] = &[
    "application/json",
    "application/x-ndjson",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/javascript",
    "application/x-javascript",
    "application/typescript",
    "application/sql",
    "application/x-sh",
    "application/x-shellscript",
    "application/x-tex",
    "application/x-python-code",
    "message/rfc822",
];

/// What is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What kind of thing it is.
    pub kind: AttachmentKind,
    /// What its sender calls it.
    pub name: String,
    /// How long it is, if the sender says so.
    pub bytes: Option<u64>,
    /// How long it plays, in milliseconds, if the sender says so.
    pub millis: Option<u64>,
}

/// What kind of thing an attachment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentKind {
    /// A picture.
    Picture,
    /// A file that is text.
    Text,
    /// A PDF.
    Pdf,
    /// Something that somebody spoke.
    Voice,
    /// Another sound.
    Sound,
    /// A video.
    Video,
    /// Something else.
    File,
}

impl Attachment {
    /// What the content of a message or a sticker attaches, if it attaches something.
    #[must_use]
    pub fn of(content: &Value) -> Option<Self> {
        if content.get("url").is_none() && content.get("file").is_none() {
            return None;
        }
        let text = |pointer: &str| content.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let number = |pointer: &str| content.pointer(pointer).and_then(Value::as_u64);
        let name = if text("/filename").is_empty() { text("/body") } else { text("/filename") };
        let is_voice = content.get("org.matrix.msc3245.voice").or_else(|| content.get("m.voice")).is_some();
        let kind = match text("/msgtype") {
            "m.audio" if is_voice => AttachmentKind::Voice,
            "m.audio" => AttachmentKind::Sound,
            "m.video" => AttachmentKind::Video,
            "m.image" => kind_of_file(text("/info/mimetype"), name).unwrap_or(AttachmentKind::Picture),
            "m.file" => kind_of_file(text("/info/mimetype"), name).unwrap_or(AttachmentKind::File),
            // A sticker has no type of message.
            "" => AttachmentKind::Picture,
            _ => return None,
        };
        Some(Self { kind, name: harmless(name), bytes: number("/info/size"), millis: number("/info/duration") })
    }

    /// The content to fetch it by, and how long it may be. Nothing, where it can't be read anyway.
    ///
    /// Of a picture that is too large, it is the small one that most clients send along.
    #[must_use]
    pub fn source(&self, content: &Value, sees: bool) -> Option<(Value, usize)> {
        let bytes_max = match self.kind {
            AttachmentKind::Picture if sees => PICTURE_BYTES_MAX,
            AttachmentKind::Text => TEXT_BYTES_MAX,
            AttachmentKind::Pdf => PDF_BYTES_MAX,
            AttachmentKind::Picture
            | AttachmentKind::Voice
            | AttachmentKind::Sound
            | AttachmentKind::Video
            | AttachmentKind::File => return None,
        };
        let is_too_large = self.bytes.is_some_and(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX) > bytes_max);
        let small = (is_too_large && self.kind == AttachmentKind::Picture).then(|| thumbnail(content)).flatten();
        Some((small.unwrap_or_else(|| content.clone()), bytes_max))
    }

    /// It, with what is known of it: `a video, clip.mp4, 3 MB`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let kind = match self.kind {
            AttachmentKind::Picture => "a picture",
            AttachmentKind::Text => "a text file",
            AttachmentKind::Pdf => "a PDF",
            AttachmentKind::Voice => "a voice message",
            AttachmentKind::Sound => "a sound file",
            AttachmentKind::Video => "a video",
            AttachmentKind::File => "a file",
        };
        let length = self.millis.map(|millis| format!("{} s", millis.div_ceil(1000)));
        let name = (!self.name.is_empty()).then(|| self.name.clone());
        let parts = [Some(kind.to_owned()), name, self.bytes.map(weight), length];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// What a file is by its type or, where that says little, by the end of its name.
fn kind_of_file(mime: &str, name: &str) -> Option<AttachmentKind> {
    let mime = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let is_text = mime.starts_with("text/")
        || mime.ends_with("+json")
        || mime.ends_with("+xml")
        || mime.ends_with("+yaml")
        || TEXT_TYPES.contains(&mime.as_str());
    match mime.split('/').next().unwrap_or_default() {
        _ if mime == "application/pdf" || ending == "pdf" => Some(AttachmentKind::Pdf),
        _ if is_text || TEXT_ENDINGS.contains(&ending.as_str()) => Some(AttachmentKind::Text),
        "image" => Some(AttachmentKind::Picture),
        "audio" => Some(AttachmentKind::Sound),
        "video" => Some(AttachmentKind::Video),
        _ => None,
    }
}

/// The small picture beside a large one, in the form of a content that attaches it.
fn thumbnail(content: &Value) -> Option<Value> {
    let info = content.get("info")?;
    let about = info.get("thumbnail_info");
    match (info.get("thumbnail_file"), info.get("thumbnail_url")) {
        (Some(file), _) => Some(json!({ "file": file, "info": about })),
        (None, Some(url)) => Some(json!({ "url": url, "info": about })),
        (None, None) => None,
    }
}

/// A name without line breaks and the like, and not too long.
fn harmless(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(NAME_CHARS_MAX).collect()
}

fn weight(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_is_told_by_its_message() {
        let check = |content: Value, expected: Option<AttachmentKind>| {
            assert_eq!(Attachment::of(&content).map(|attachment| attachment.kind), expected, "{content}");
        };
        let file = |name: &str, mime: &str| {
            let info = json!({ "mimetype": mime });
            json!({"msgtype": "m.file", "body": name, "url": "mxc://s/a", "info": info})
        };
        check(json!({"msgtype": "m.text", "body": "Hi"}), None);
        check(json!({"msgtype": "m.location", "body": "Hi", "url": "mxc://s/a"}), None);
        check(json!({"msgtype": "m.image", "body": "a.png", "url": "mxc://s/a"}), Some(AttachmentKind::Picture));
        check(
            json!({"msgtype": "m.image", "body": "a.png", "file": {"url": "mxc://s/a"}}),
            Some(AttachmentKind::Picture),
        );
        check(json!({"body": "a cat", "url": "mxc://s/a", "info": {}}), Some(AttachmentKind::Picture));
        check(json!({"msgtype": "m.audio", "body": "a.ogg", "url": "mxc://s/a"}), Some(AttachmentKind::Sound));
        let voice = json!({"msgtype": "m.audio", "body": "a", "url": "mxc://s/a", "org.matrix.msc3245.voice": {}});
        check(voice, Some(AttachmentKind::Voice));
        check(json!({"msgtype": "m.video", "body": "a.mp4", "url": "mxc://s/a"}), Some(AttachmentKind::Video));
        check(file("notes", "text/plain; charset=utf-8"), Some(AttachmentKind::Text));
        check(file("main.rs", "application/octet-stream"), Some(AttachmentKind::Text));
        check(file("a.geojson", "application/geo+json"), Some(AttachmentKind::Text));
        check(file("Thesis.PDF", ""), Some(AttachmentKind::Pdf));
        check(file("a", "application/pdf"), Some(AttachmentKind::Pdf));
        check(file("a.jpg", "image/jpeg"), Some(AttachmentKind::Picture));
        check(file("logo.svg", "image/svg+xml"), Some(AttachmentKind::Text));
        check(file("a.zip", "application/zip"), Some(AttachmentKind::File));
    }

    #[test]
    fn it_is_named_with_what_is_known_of_it() {
        let check = |content: Value, expected: &str| {
            assert_eq!(Attachment::of(&content).unwrap().in_words(), expected);
        };
        let info = json!({"size": 3_400_000, "duration": 11_200});
        let clip =
            json!({"msgtype": "m.video", "body": "Our trip", "filename": "clip.mp4", "url": "mxc://s/a", "info": info});
        check(clip, "a video, clip.mp4, 3 MB, 12 s");
        check(json!({"msgtype": "m.file", "body": "a\nb.zip", "url": "mxc://s/a"}), "a file, ab.zip");
        check(
            json!({"msgtype": "m.image", "body": "", "url": "mxc://s/a", "info": {"size": 12}}),
            "a picture, 12 bytes",
        );
        let long = Attachment::of(&json!({"msgtype": "m.file", "body": "ä".repeat(300), "url": "mxc://s/a"})).unwrap();
        assert_eq!(long.name.chars().count(), NAME_CHARS_MAX);
    }

    #[test]
    fn what_can_be_read_is_fetched_and_of_large_pictures_the_small_one() {
        let picture = |size: u64| {
            let info = json!({"size": size, "thumbnail_url": "mxc://s/b", "thumbnail_info": {"size": 12}});
            json!({"msgtype": "m.image", "body": "a.png", "url": "mxc://s/a", "info": info})
        };
        let check = |content: Value, sees: bool, expected: Option<(&str, usize)>| {
            let source = Attachment::of(&content).unwrap().source(&content, sees);
            let found = source.as_ref().map(|(content, bytes_max)| (content["url"].as_str().unwrap(), *bytes_max));
            assert_eq!(found, expected, "{content}");
        };
        check(picture(9), true, Some(("mxc://s/a", PICTURE_BYTES_MAX)));
        check(picture(9_000_000), true, Some(("mxc://s/b", PICTURE_BYTES_MAX)));
        check(picture(9), false, None);
        check(
            json!({"msgtype": "m.file", "body": "a.txt", "url": "mxc://s/a"}),
            false,
            Some(("mxc://s/a", TEXT_BYTES_MAX)),
        );
        check(
            json!({"msgtype": "m.file", "body": "a.pdf", "url": "mxc://s/a"}),
            false,
            Some(("mxc://s/a", PDF_BYTES_MAX)),
        );
        check(json!({"msgtype": "m.video", "body": "a.mp4", "url": "mxc://s/a"}), true, None);
    }
}
