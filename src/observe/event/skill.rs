//! Facts about agents' skills: read, found broken, gone.

use std::{error::Error, path::Path};

use metrics::counter;
use tracing::{debug, warn};

use super::{super::metric, cause::Causes};

/// A skill was read from the disk; until it changes there, it isn't read again.
#[derive(Debug)]
pub struct SkillRead<'a> {
    /// Which.
    pub skill: &'a str,
    /// From where.
    pub file: &'a Path,
}

impl SkillRead<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        debug!(skill = self.skill, file = %self.file.display(), "skill read");
        counter!(metric::SKILLS_READ, "outcome" => "read").increment(1);
    }
}

/// A skill was read from the disk and can't be used.
#[derive(Debug)]
pub struct SkillBroken<'a> {
    /// Which.
    pub skill: &'a str,
    /// What is wrong, with file and line.
    pub problems: &'a str,
    /// Whether agents go on with what it was before.
    pub kept: bool,
}

impl SkillBroken<'_> {
    /// Logs and counts it.
    pub fn emit(&self) {
        warn!(skill = self.skill, problems = self.problems, kept = self.kept, "skill broken");
        counter!(metric::SKILLS_READ, "outcome" => "broken").increment(1);
    }
}

/// A skill that agents may use was taken away.
#[derive(Debug)]
pub struct SkillGone<'a> {
    /// Which.
    pub skill: &'a str,
}

impl SkillGone<'_> {
    /// Logs it.
    pub fn emit(&self) {
        warn!(skill = self.skill, "skill gone");
    }
}

/// Nobody knows what agents' skills say: the place where they are kept does not answer.
#[derive(Debug)]
pub struct SkillsUnseen<'a> {
    /// Why.
    pub error: &'a (dyn Error + 'a),
}

impl SkillsUnseen<'_> {
    /// Logs it.
    pub fn emit(&self) {
        warn!(error = %Causes(self.error), "skills unseen");
    }
}
