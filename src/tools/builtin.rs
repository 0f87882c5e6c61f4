//! The tools that come with the house.

use std::sync::Arc;

use super::{
    Tool, ask_person::AskPerson, react::React, read_thread::ReadThread, recall::Recall, remember::Remember, time::Time,
};

/// Every one of them.
pub(super) fn all() -> Vec<Arc<dyn Tool>> {
    vec![
        Arc::new(Time),
        Arc::new(ReadThread),
        Arc::new(React),
        Arc::new(AskPerson),
        Arc::new(Remember),
        Arc::new(Recall),
    ]
}
