//! A private Synapse for the demo and the tests: installed once, started on loopback, gone when its owner is gone.
//!
//! Synapse is a Python program, so an [`Installation`] is a Python environment with pinned packages, described by a
//! [`Recipe`] and made once under the user's cache folder. A [`Homeserver`] is one running process with its own data.
//! Between it and us stands a small guard, a process that ends Synapse even when we are killed without a word.

mod error;
mod guard;
mod identity;
mod installation;
mod lock;
mod options;
mod places;
mod port;
mod python;
mod recipe;
mod registrar;
mod server;
mod settings;

pub use error::{AccountError, InstallError, StartError};
pub use installation::Installation;
pub use options::{Data, Options, Registration};
pub use places::Places;
pub use recipe::{Recipe, SYNAPSE, Step};
pub use registrar::{Registered, Registrar};
pub use server::Homeserver;
