//! The configuration as commands use it: loaded, or all its problems told.

use std::{io, path::Path};

use super::{
    exit::{Exit, Failure},
    terminal::{colour, tell},
};
use crate::config::{Loaded, load, render};

/// The configuration in `path`; where it can't be used, the person is told everything that is wrong.
pub(super) fn load_or_tell(path: &Path) -> Result<Loaded, Failure> {
    load(path).map_err(|problems| {
        tell(&render(&problems, colour(&io::stderr())));
        Failure::said(Exit::Config)
    })
}
