//! Names transactions: whatever is sent again is sent under the same name, so that the homeserver drops the double (N3).

use crate::model::{TransactionId, TurnId};

/// The message in which an answer grows. The same for every attempt: there is one, until people take it back.
pub(super) fn first(turn: &TurnId, withdrawals: u32) -> TransactionId {
    match withdrawals {
        0 => named(format!("{turn}.first")),
        _ => named(format!("{turn}.first.{withdrawals}")),
    }
}

/// Edit number `number` of an answer that still grows.
pub(super) fn growth(turn: &TurnId, attempt: u32, number: u32) -> TransactionId {
    named(format!("{turn}.{attempt}.edit.{number}"))
}

/// Part number `part` of the whole answer.
pub(super) fn closing(turn: &TurnId, attempt: u32, part: u32) -> TransactionId {
    named(format!("{turn}.{attempt}.final.{part}"))
}

/// The removal of a part that the whole answer no longer needs.
pub(super) fn removal(turn: &TurnId, attempt: u32, part: u32) -> TransactionId {
    named(format!("{turn}.{attempt}.removed.{part}"))
}

/// The offer to stop.
pub(super) fn offer(turn: &TurnId, attempt: u32) -> TransactionId {
    named(format!("{turn}.{attempt}.stop"))
}

/// Taking back what was sent under `transaction`.
pub(super) fn retraction(transaction: &TransactionId) -> TransactionId {
    named(format!("{transaction}.back"))
}

/// Part number `part` of a notice in this wording.
pub(super) fn notice(id: &str, wording: u32, part: usize) -> TransactionId {
    named(format!("n{:032x}.{wording}.{part}", digest(id)))
}

/// Option number `option` of a notice that asks something.
pub(super) fn tap(id: &str, option: usize) -> TransactionId {
    named(format!("n{:032x}.tap.{option}", digest(id)))
}

fn named(text: String) -> TransactionId {
    TransactionId::parse(text).expect("turn ids are short and printable")
}

/// FNV-1a in 128 bits: the ids of notices are free text, and this must stay the same for ever.
fn digest(text: &str) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes().fold(BASIS, |digest, byte| (digest ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// N3: a function of turn and part, and no two things share a name.
    #[test]
    fn every_event_has_a_name_of_its_own() {
        let (one, two) = (TurnId::parse("a1").unwrap(), TurnId::parse("a2").unwrap());
        let all = |turn: &TurnId| {
            let reused = offer(turn, 1);
            [
                first(turn, 0),
                first(turn, 1),
                growth(turn, 1, 0),
                growth(turn, 1, 1),
                growth(turn, 2, 0),
                closing(turn, 1, 0),
                closing(turn, 1, 1),
                closing(turn, 2, 0),
                removal(turn, 1, 0),
                retraction(&reused),
                reused,
            ]
        };
        let notices = [notice("x", 1, 0), notice("x", 2, 0), notice("x", 1, 1), notice("y z\n", 1, 0), tap("x", 0)];
        let names: BTreeSet<String> =
            all(&one).into_iter().chain(all(&two)).chain(notices).map(|name| name.to_string()).collect();
        assert_eq!(names.len(), 27);
        assert_eq!(first(&one, 0).as_str(), "a1.first");
    }

    /// N3: the digest is the one that is published, so it is the same in every version.
    #[test]
    fn a_notices_name_never_changes() {
        assert_eq!(digest(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(digest("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(digest("foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }
}
