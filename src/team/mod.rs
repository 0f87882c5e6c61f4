//! A team: several agents work on one question and give one answer.
//!
//! Reading order: who is in it (`panel`), what the leader is asked and answers (`question`, `plan`), how the work goes (the
//! machine in `work`), what people see of it (`merge`), and the task that waits for models and members.
//!
//! **Invariant**: what members have done is delivered, whoever else fails and whatever the leader says.

mod merge;
mod panel;
mod plan;
mod question;
mod task;
mod work;

#[cfg(test)]
mod samples;

pub use task::Panel;
