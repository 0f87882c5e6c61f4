//! The text in a PDF, page by page, within bounds: a small file may claim to hold a huge one.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use lopdf::{
    Document, Encoding, LoadOptions, Object, ObjectId,
    content::{Content, Operation},
};

/// What one compressed part may become.
const UNPACKED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What comes after this many pages is left out.
const PAGES_MAX: usize = 60;
/// From here on, in thousandths of the letters' height, a gap inside a line is a space.
const SPACE_WIDTH: f32 = 180.0;

/// What a PDF says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pdf {
    /// The text of the pages that were read, up to the bound.
    pub(super) text: String,
    /// How many pages there are.
    pub(super) pages: usize,
    /// How many of them were read.
    pub(super) read: usize,
}

/// Reads a PDF up to about `chars_max`, or gives nothing where it can't be read. It may take long: call it where that
/// holds up nobody.
#[must_use]
pub(super) fn text_of(bytes: &[u8], chars_max: usize) -> Option<Pdf> {
    // The library has no promise never to panic, and these files come from anybody. Nothing of it outlives the call.
    catch_unwind(AssertUnwindSafe(|| extract(bytes, chars_max))).ok().flatten()
}

fn extract(bytes: &[u8], chars_max: usize) -> Option<Pdf> {
    let options = LoadOptions::with_max_decompressed_size(UNPACKED_BYTES_MAX);
    let document = Document::load_mem_with_options(bytes, options).ok()?;
    let pages: Vec<ObjectId> = document.page_iter().collect();
    let mut pdf = Pdf { text: String::new(), pages: pages.len(), read: 0 };
    for page in pages.into_iter().take(PAGES_MAX) {
        if pdf.text.chars().count() >= chars_max {
            break;
        }
        // A page that can't be read is an empty one: the others may still be worth reading.
        let text = page_text(&document, page).unwrap_or_default();
        pdf.text.push_str(text.trim());
        pdf.text.push_str("\n\n");
        pdf.read += 1;
    }
    pdf.text.truncate(pdf.text.trim_end().len());
    Some(pdf)
}

fn page_text(document: &Document, page: ObjectId) -> lopdf::Result<String> {
    let fonts = document.get_page_fonts(page)?;
    let known = fonts.into_iter().filter_map(|(name, font)| {
        let encoding = font.get_font_encoding_with_limit(document, UNPACKED_BYTES_MAX).ok()?;
        Some((name, encoding))
    });
    let mut pen = Pen { encodings: known.collect(), font: Vec::new(), text: String::new(), line: None };
    let content = document.get_page_content_with_limit(page, UNPACKED_BYTES_MAX)?;
    for operation in Content::decode(&content)?.operations {
        pen.follow(&operation);
    }
    Ok(pen.text)
}

/// Follows the operations that write a page. Where exactly things stand doesn't matter, only where lines and words end.
struct Pen<'a> {
    encodings: BTreeMap<Vec<u8>, Encoding<'a>>,
    font: Vec<u8>,
    text: String,
    /// The height of the line that is being written, where it was set outright.
    line: Option<f32>,
}

impl Pen<'_> {
    fn follow(&mut self, operation: &Operation) {
        let operands = operation.operands.as_slice();
        match (operation.operator.as_str(), operands) {
            ("Tf", [Object::Name(font), ..]) => self.font.clone_from(font),
            ("Tj", [shown, ..]) => self.show(shown),
            ("TJ", [Object::Array(parts)]) => parts.iter().for_each(|part| self.show(part)),
            ("'", [shown]) | ("\"", [_, _, shown]) => {
                self.end_line();
                self.show(shown);
            }
            ("Td" | "TD", [right, down]) => self.step(right, down),
            ("Tm", [.., height]) => self.jump(height),
            ("T*" | "ET", _) => self.end_line(),
            _ => {}
        }
    }

    fn show(&mut self, shown: &Object) {
        match shown {
            Object::String(bytes, _) => {
                let decoded = self.encodings.get(&self.font).map(|encoding| Document::decode_text(encoding, bytes));
                if let Some(Ok(text)) = decoded {
                    self.text.push_str(&text);
                }
            }
            // Numbers between the parts of a line move what follows: to the right where they are negative.
            Object::Array(parts) => parts.iter().for_each(|part| self.show(part)),
            number if number.as_float().is_ok_and(|gap| gap < -SPACE_WIDTH) => self.end_word(),
            _ => {}
        }
    }

    fn step(&mut self, right: &Object, down: &Object) {
        if down.as_float().is_ok_and(|down| down.abs() > f32::EPSILON) {
            self.end_line();
        } else if right.as_float().is_ok_and(|right| right > 0.0) {
            self.end_word();
        }
    }

    fn jump(&mut self, height: &Object) {
        let height = height.as_float().ok();
        if height == self.line {
            self.end_word();
        } else {
            self.end_line();
        }
        self.line = height;
    }

    fn end_word(&mut self) {
        if self.text.ends_with(|last: char| !last.is_whitespace()) {
            self.text.push(' ');
        }
    }

    fn end_line(&mut self) {
        if self.text.ends_with(|last| last != '\n') {
            self.text.push('\n');
        }
    }
}
