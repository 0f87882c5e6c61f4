//! Attachments as models are told of them.

use std::fmt::Write as _;

use serde_json::json;

use super::{Attachment, Reading};

/// A PDF with these pages, each a program in the language of pages.
fn pdf(pages: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        String::new(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut kids = Vec::new();
    for page in pages {
        let number = objects.len() + 1;
        kids.push(format!("{number} 0 R"));
        let resources = "<< /Font << /F1 3 0 R >> >>";
        let contents = number + 1;
        objects.push(format!("<< /Type /Page /Parent 2 0 R /Resources {resources} /Contents {contents} 0 R >>"));
        objects.push(format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()));
    }
    objects[1] = format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), kids.len());
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        writeln!(file, "{} 0 obj\n{object}\nendobj", index + 1).unwrap();
    }
    let table = file.len();
    writeln!(file, "xref\n0 {}\n0000000000 65535 f ", objects.len() + 1).unwrap();
    for place in places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    let size = objects.len() + 1;
    writeln!(file, "trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF").unwrap();
    file.into_bytes()
}

fn file(name: &str) -> Attachment {
    let msgtype = if name == "a.png" { "m.image" } else { "m.file" };
    Attachment::of(&json!({"msgtype": msgtype, "body": name, "url": "mxc://s/a"})).unwrap()
}

fn told(name: &str, bytes: &[u8]) -> String {
    Reading::of(&file(name), bytes.to_vec()).text
}

#[test]
fn the_text_of_text_files_is_told() {
    let expected = "(Attached: a text file, a.txt. It says:)\nHello\n(End of the file.)";
    assert_eq!(told("a.txt", b"Hello"), expected);
    let long = told("a.txt", "ä".repeat(50_000).as_bytes());
    assert_eq!(long.matches('ä').count(), 40_000);
    assert!(long.ends_with("(Left out: the rest.)"), "{}", &long[long.len() - 60..]);
    assert!(told("a.txt", b"\x00\x01").ends_with("You can't look into it: it isn't text.)"));
}

#[test]
fn the_text_of_pdfs_is_told_in_lines_and_words() {
    let page = "BT /F1 12 Tf 72 720 Td (Hello,) Tj 40 0 Td (world!) Tj 0 -14 Td [(sec) -20 (ond) -300 (line)] TJ T* (third) Tj ET";
    let expected = "(Attached: a PDF, a.pdf. It says:)\nHello, world!\nsecond line\nthird\n\nmore\n(End of the file.)";
    assert_eq!(told("a.pdf", &pdf(&[page, "BT /F1 9 Tf 1 0 0 1 72 700 Tm (more) Tj ET"])), expected);
}

#[test]
fn of_long_pdfs_the_beginning_is_told() {
    let pages = vec!["BT /F1 12 Tf (word) Tj ET"; 70];
    let told = told("a.pdf", &pdf(&pages));
    assert_eq!(told.matches("word").count(), 60);
    assert!(told.ends_with("(Left out: pages 61 to 70.)"));
}

#[test]
fn bad_pdfs_harm_nobody() {
    assert!(told("a.pdf", b"%PDF-1.4 nothing").ends_with("it is damaged or locked.)"));
    assert!(told("a.pdf", &pdf(&["q Q"])).ends_with("there is no text in it.)"));
    let good = pdf(&["BT /F1 12 Tf (word) Tj ET"]);
    for end in 0..good.len() {
        assert!(told("a.pdf", &good[..end]).starts_with("(Attached: a PDF, a.pdf."));
    }
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        assert!(told("a.pdf", &bad).starts_with("(Attached: a PDF, a.pdf."));
    }
    let nested = format!("{}BT ET", "[".repeat(200_000));
    assert!(told("a.pdf", &pdf(&[nested.as_str()])).starts_with("(Attached: a PDF, a.pdf."));
}

#[test]
fn pictures_are_shown_if_they_are_what_models_take() {
    let Reading { text, picture } = Reading::of(&file("a.png"), b"\xff\xd8\xff\xe0rest".to_vec());
    assert_eq!(text, "(Attached: a picture, a.png.)");
    assert_eq!(picture.unwrap().mime, "image/jpeg", "whatever its name says");
    let odd = Reading::of(&file("a.png"), b"BM".to_vec());
    assert!(odd.picture.is_none() && odd.text.contains("only PNG, JPEG, GIF and WebP"), "{}", odd.text);
}

#[test]
fn everything_else_is_named() {
    let info = json!({"size": 3_000_000});
    let clip = json!({"msgtype": "m.video", "body": "clip.mp4", "url": "mxc://s/a", "info": info});
    let clip = Attachment::of(&clip).unwrap();
    let expected = "(Attached: a video, clip.mp4, 3 MB. You can't look into it: this kind of file can't be read.)";
    assert_eq!(Reading::of(&clip, Vec::new()).text, expected);
    let voice = json!({"msgtype": "m.audio", "body": "", "url": "mxc://s/a", "org.matrix.msc3245.voice": {}});
    assert!(Reading::of(&Attachment::of(&voice).unwrap(), Vec::new()).text.contains("will only come later"));
    assert!(Reading::without(&clip, "it is gone").text.ends_with("You can't look into it: it is gone.)"));
    assert!(Reading::of(&file("a.png"), Vec::new()).text.contains("you can't see pictures"));
}
