//! An error with everything that led to it, in one line.

use std::{error::Error, fmt};

/// Shows an error and its causes, joined by colons; a cause that its parent has quoted already is not said again.
#[derive(Debug)]
pub struct Causes<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    fn chain(texts: &[&'static str]) -> Option<Box<Link>> {
        let (text, rest) = texts.split_first()?;
        Some(Box::new(Link { text, source: chain(rest) }))
    }

    #[test]
    fn causes_are_said_once_each() {
        let check = |texts: &[&'static str], expected: &str| {
            assert_eq!(Causes(&*chain(texts).unwrap()).to_string(), expected);
        };
        check(&["no sync"], "no sync");
        check(&["no sync", "no answer", "refused"], "no sync: no answer: refused");
        check(&["no sync: no answer", "no answer", "refused"], "no sync: no answer: refused");
    }
}
