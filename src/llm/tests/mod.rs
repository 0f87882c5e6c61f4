//! Models as their callers see them: over real connections to a stub, and with made-up sources where time matters.

mod faults;
mod patience;
mod stub;
mod talk;
mod work;
