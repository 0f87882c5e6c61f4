//! What waits: for the leader, for members, and for whoever reads.

mod run;
#[cfg(test)]
mod tests;

pub use run::Panel;
