//! One skill: what its `SKILL.md` says, or everything that is wrong with it.
//!
//! Such a file begins with `name` and `description` between two lines of `---`, in YAML; what follows are instructions in
//! Markdown. Other keys belong to other programs and are passed over.

use std::path::Path;

use super::{
    Problem, Severity,
    budget::Budget,
    fault::{Fault, VALUE, problems},
    key_path::KeyPath,
    node::{FileId, Node, Span, Value},
    parse::{Origin, parse},
    read::{Unreadable, read_text},
    sources::Sources,
};

/// How large the file may be, in bytes: it is a part of what a model reads.
const SKILL_BYTES_MAX: usize = 64 << 10;
/// How long a description may be, in characters: a model is shown all of them in every answer.
const DESCRIPTION_CHARS_MAX: usize = 1_024;
/// Stands alone on the lines around name and description.
const FENCE: &str = "---";
/// What a skill looks like, for a hint.
const SHAPE: &str = "begin the file with `---`, `name: …`, `description: …` and `---`, a line each";

/// Something that an agent knows how to do, as somebody wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skill {
    /// Its name, and that of its folder.
    pub name: String,
    /// What it is for and when to use it, on one line.
    pub description: String,
    /// How it is done, in Markdown. Never empty.
    pub instructions: String,
}

/// Reads the skill called `name` from its `SKILL.md`. It blocks on the file system only, and never for long: only small
/// regular files are read.
///
/// # Errors
/// Everything that is wrong with it, at once. None of it keeps the configuration from being used.
pub fn read_skill(name: &str, file: &Path) -> Result<Skill, Vec<Problem>> {
    match read_text(file) {
        Ok(text) => skill(name, file, text),
        Err(error) => Err(vec![unreadable(file, &error)]),
    }
}

fn skill(name: &str, file: &Path, text: String) -> Result<Skill, Vec<Problem>> {
    let mut sources = Sources::default();
    let id = sources.add(file.to_owned(), text);
    let (mut reader, root) = Reader::open(name, id, &mut sources);
    let found = reader.skill(sources.text(id), root.as_ref());
    let faults: Vec<Fault> = reader.faults.into_iter().map(Fault::warning).collect();
    found.filter(|_| faults.is_empty()).ok_or_else(|| problems(&faults, root.as_ref(), &mut sources))
}

/// Reads one file and notes what is wrong with it.
struct Reader<'a> {
    name: &'a str,
    /// Stands for the file as a whole.
    first_line: Span,
    /// Where the instructions begin.
    seam: usize,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// A reader, and what stands between the fences.
    fn open(name: &'a str, file: FileId, sources: &mut Sources) -> (Self, Option<Node>) {
        let text = sources.text(file);
        let end = text.find('\n').unwrap_or(text.len());
        let first_line = Span { file, line: 1, column: 1, start: 0, end };
        let mut reader = Reader { name, first_line, seam: 0, faults: Vec::new() };
        if text.len() > SKILL_BYTES_MAX {
            let (is, may) = (text.len().div_ceil(1 << 10), SKILL_BYTES_MAX >> 10);
            reader.note(format!("this has {is} KiB, and a skill may have {may}"), "keep what is always needed");
            return (reader, None);
        }
        let (front, seam) = match seam(text) {
            Ok(seam) => seam,
            Err(missing) => {
                reader.note(missing, SHAPE);
                return (reader, None);
            }
        };
        reader.seam = seam;
        let origin = Origin { file, path: &KeyPath::default() };
        let parsed = parse(&text[..front], &origin, &mut Budget::full());
        let root = parsed.root.filter(|root| !matches!(&root.value, Value::Scalar(scalar) if scalar.is_null()));
        if root.is_none() && parsed.faults.is_empty() {
            reader.note("name and description are missing", SHAPE);
        }
        reader.faults.extend(parsed.faults);
        sources.set_secrets(file, parsed.secrets);
        (reader, root)
    }

    fn skill(&mut self, text: &str, root: Option<&Node>) -> Option<Skill> {
        let root = root?;
        if !matches!(root.value, Value::Map(_)) {
            self.note(format!("this begins with {}, not with `key: value` lines", root.sort()), SHAPE);
            return None;
        }
        let (name, description) = (self.field(root, "name"), self.field(root, "description"));
        if name.as_deref().is_some_and(|name| name != self.name) {
            let message = format!("the skill is called {VALUE}, but its folder `{}`", self.name);
            let fault = Fault::value(&KeyPath::of(&["name"]), message);
            self.faults.push(fault.hint("give both the same name, by which agents name it"));
        }
        let description = description.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        if description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX) {
            let message = format!("a description may have {DESCRIPTION_CHARS_MAX} characters");
            let fault = Fault::key(&KeyPath::of(&["description"]), message);
            self.faults.push(fault.hint("say what it is for and when to use it; the rest are instructions"));
        }
        let instructions = text[self.seam..].trim();
        if instructions.is_empty() {
            self.note("there are no instructions", "write them below the second `---`");
        }
        Some(Skill { name: name?, description: description?, instructions: instructions.to_owned() })
    }

    /// The text of a key. Where it isn't text, that is noted.
    fn field(&mut self, root: &Node, key: &str) -> Option<String> {
        let path = KeyPath::of(&[key]);
        match root.get(key).map(|node| &node.value) {
            Some(Value::Scalar(scalar)) if !scalar.is_null() && !scalar.text.trim().is_empty() => {
                return Some(scalar.text.trim().to_owned());
            }
            None => self.faults.push(Fault::at(self.first_line, &path, format!("`{key}` is missing")).hint(SHAPE)),
            Some(Value::Scalar(_) | Value::List(_) | Value::Map(_) | Value::Include(_)) => {
                self.faults.push(Fault::value(&path, "this must be text").hint("write it behind the colon"));
            }
            // Noted already.
            Some(Value::Gone) => {}
        }
        None
    }

    /// Notes something about the file as a whole.
    fn note(&mut self, message: impl Into<String>, hint: &str) {
        self.faults.push(Fault::at(self.first_line, &KeyPath::default(), message).hint(hint));
    }
}

/// Where the second fence begins and where it ends, or what is missing.
fn seam(text: &str) -> Result<(usize, usize), &'static str> {
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let is_fence = line.trim_end() == FENCE;
        if number == 0 && !is_fence {
            break;
        }
        if number > 0 && is_fence {
            return Ok((at, at + line.len()));
        }
        at += line.len();
    }
    Err(if at == 0 { "a skill begins with its name and description" } else { "the second `---` is missing" })
}

fn unreadable(file: &Path, error: &Unreadable) -> Problem {
    Problem {
        severity: Severity::Warning,
        file: file.to_owned(),
        spot: None,
        path: String::new(),
        message: error.to_string(),
        hint: Some("a skill is a folder with a SKILL.md, which this user may read".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Skill, Vec<String>> {
        let file = Path::new("/skills/minutes/SKILL.md");
        let line = |problem: &Problem| {
            let line = problem.spot.as_ref().map_or(0, |spot| spot.line);
            assert_eq!(problem.severity, Severity::Warning, "{problem}");
            format!("{line}: {}", problem.message)
        };
        skill("minutes", file, text.to_owned()).map_err(|problems| problems.iter().map(line).collect())
    }

    /// S12: name and description between fences, then instructions; what other programs write there is passed over.
    #[test]
    fn a_skill_is_read() {
        let check = |text: &str, description: &str, instructions: &str| {
            let (description, instructions) = (description.to_owned(), instructions.to_owned());
            assert_eq!(read(text), Ok(Skill { name: "minutes".to_owned(), description, instructions }), "{text}");
        };
        check(
            "---\nname: minutes\ndescription: Writes minutes.\n---\n\n# How\nBriefly.\n",
            "Writes minutes.",
            "# How\nBriefly.",
        );
        check("---\r\nname: minutes\r\ndescription: Writes.\r\n--- \r\nBriefly.\r\n", "Writes.", "Briefly.");
        let other = "---\nname: \"minutes\"\nlicense: MIT\nmetadata: {author: ada, tags: [a]}\nallowed-tools: Read\ndescription: >\n  Writes\n  minutes.\n---\nBriefly.\n\n---\nName: x";
        check(other, "Writes minutes.", "Briefly.\n\n---\nName: x");
    }

    /// H9: everything that is wrong is told, with its line.
    #[test]
    fn a_broken_skill_is_told_with_its_lines() {
        let check = |text: &str, expected: &[&str]| assert_eq!(read(text).unwrap_err(), expected, "{text}");
        check("", &["1: a skill begins with its name and description"]);
        check("# Minutes\n---\n---\n", &["1: a skill begins with its name and description"]);
        check("---\nname: minutes\n", &["1: the second `---` is missing"]);
        check("---\n---\nBriefly.\n", &["1: name and description are missing"]);
        check("---\n- name\n---\nBriefly.", &["1: this begins with a list, not with `key: value` lines"]);
        check("---\nname: minutes\n---\nBriefly.", &["1: `description` is missing"]);
        check(
            "---\nname: minutes\ndescription: Use: x\n---\nBriefly.",
            &["3: this is not YAML: mapping values are not allowed in this context"],
        );
        check(
            "---\nname: hours\ndescription: [a]\n---\n",
            &[
                "1: there are no instructions",
                "2: the skill is called \"hours\", but its folder `minutes`",
                "3: this must be text",
            ],
        );
        check("---\nname:\ndescription: \" \"\n---\nBriefly.", &["2: this must be text", "3: this must be text"]);
        check(
            "---\nname: minutes\nname: minutes\ndescription: Writes.\n---\nB.",
            &["3: this key stands here twice, first on line 2"],
        );
        let long = format!("---\nname: minutes\ndescription: {}\n---\nBriefly.", "x".repeat(DESCRIPTION_CHARS_MAX + 1));
        check(&long, &["3: a description may have 1024 characters"]);
        let large = format!("---\nname: minutes\ndescription: Writes.\n---\n{}", "x".repeat(SKILL_BYTES_MAX));
        check(&large, &["1: this has 65 KiB, and a skill may have 64"]);
    }

    #[test]
    fn what_is_no_file_is_said() {
        let problems = read_skill("minutes", Path::new("/dev/zero")).unwrap_err();
        assert_eq!(problems[0].message, "this is a device, not a file");
    }
}
