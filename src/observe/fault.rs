//! Faults put in on purpose: a debug build dies or breaks a rule where a test asks for it; a release build never does.
//!
//! Armed by `MAITRE_FAULT=name,other:3`: `name` at each pass, `other` at its third one only. A simulation, which shares its
//! process with others, arms what counts on its own thread.

/// Dies at once, as by `kill -9`, when the fault `name` is armed and due.
#[cfg(debug_assertions)]
pub fn fault_point(name: &str) {
    if fault_switch(name) {
        std::process::abort();
    }
}

/// Dies at once when a fault is armed; in this release build none can be.
#[cfg(not(debug_assertions))]
#[inline]
pub fn fault_point(_name: &str) {}

/// Does `work`, the step of this name, and dies right before it at `<step>.before`, or right after it at `<step>.after`, when
/// that fault is armed and due.
pub async fn fault_around<T>(step: &str, work: impl Future<Output = T>) -> T {
    if cfg!(debug_assertions) {
        fault_point(&format!("{step}.before"));
    }
    let done = work.await;
    if cfg!(debug_assertions) {
        fault_point(&format!("{step}.after"));
    }
    done
}

/// Whether the rule that the fault `name` breaks is to be broken at this pass.
#[cfg(debug_assertions)]
#[must_use]
pub fn fault_switch(name: &str) -> bool {
    armed::FAULTS.is_due(name) || armed::HERE.with_borrow(|here| here.as_ref().is_some_and(|here| here.is_due(name)))
}

/// Arms `faults`, written as in the environment, on this thread alone. Empty disarms.
#[cfg(debug_assertions)]
pub fn arm_faults_here(faults: &str) {
    armed::HERE.set(Some(armed::Faults::parse(faults)));
}

/// Arms nothing: in this release build there are no faults.
#[cfg(not(debug_assertions))]
pub fn arm_faults_here(_faults: &str) {}

/// Whether a rule is to be broken on purpose; in this release build none ever is.
#[cfg(not(debug_assertions))]
#[inline]
#[must_use]
pub fn fault_switch(_name: &str) -> bool {
    false
}

#[cfg(debug_assertions)]
mod armed {
    use std::{
        cell::RefCell,
        sync::{
            LazyLock,
            atomic::{AtomicU64, Ordering},
        },
    };

    thread_local! {
        /// What this thread armed.
        pub(super) static HERE: RefCell<Option<Faults>> = const { RefCell::new(None) };
    }

    /// What the environment armed, read once.
    #[expect(clippy::disallowed_methods, reason = "a fault must be armed before there is a configuration to read")]
    pub(super) static FAULTS: LazyLock<Faults> =
        LazyLock::new(|| Faults::parse(&std::env::var("MAITRE_FAULT").unwrap_or_default()));

    /// The faults that are armed.
    pub(super) struct Faults(Vec<Fault>);

    struct Fault {
        name: String,
        /// The one pass at which it is due, counted from 1, or every pass.
        pass: Option<u64>,
        passes: AtomicU64,
    }

    impl Faults {
        pub(super) fn parse(text: &str) -> Self {
            Self(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Fault::parse).collect())
        }

        /// Counts a pass of `name` and tells whether its fault is due now.
        pub(super) fn is_due(&self, name: &str) -> bool {
            // Every entry of that name counts each pass, so that `a:1,a:3` means the first and the third.
            self.0.iter().filter(|fault| fault.name == name && fault.pass_once()).count() > 0
        }
    }

    impl Fault {
        fn parse(item: &str) -> Self {
            let (name, pass) = match item.split_once(':') {
                // A test that mistypes the number should see its fault at once rather than never.
                Some((name, pass)) => (name, Some(pass.parse().unwrap_or(1))),
                None => (item, None),
            };
            Self { name: name.to_owned(), pass, passes: AtomicU64::new(0) }
        }

        fn pass_once(&self) -> bool {
            let this = self.passes.fetch_add(1, Ordering::Relaxed) + 1;
            self.pass.is_none_or(|due| due == this)
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::{armed::Faults, *};

    #[test]
    fn what_a_thread_arms_concerns_no_other() {
        arm_faults_here("rule");
        assert!(fault_switch("rule") && !fault_switch("other"));
        std::thread::scope(|others| assert!(!others.spawn(|| fault_switch("rule")).join().unwrap()));
        arm_faults_here("");
        assert!(!fault_switch("rule"));
    }

    #[test]
    fn faults_are_due_when_they_were_armed_for() {
        let check = |armed: &str, name: &str, due: [bool; 3]| {
            let faults = Faults::parse(armed);
            assert_eq!([(); 3].map(|()| faults.is_due(name)), due, "{armed} at {name}");
        };
        check("", "commit", [false; 3]);
        check("commit", "commit", [true; 3]);
        check("commit", "other", [false; 3]);
        check("commit:2", "commit", [false, true, false]);
        check("commit:1, commit:3", "commit", [true, false, true]);
        check("other,commit:1", "commit", [true, false, false]);
        check("commit:x", "commit", [true, false, false]);
    }
}
