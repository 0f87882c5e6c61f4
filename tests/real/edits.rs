//! A configuration that changes while every room has an answer in flight: who isn't meant doesn't notice.

use crate::{
    house::shared,
    trials::{Extent, Findings},
};

/// H1, H2, H3, H4: another role is there for the next message each time, an agent comes, answers and goes, and a mistake is told
/// and mended; the others' streams go on without a break or a login, and all their answers are whole. `cargo run --example edits`
/// does the same in twenty rooms, fifty times, and says how long things take.
#[tokio::test]
async fn edits_disturb_nobody_else() {
    let findings = Findings::gather(shared(), Extent { rooms: 6, agents: 3, edits: 4 }).await;
    println!("{findings}");
    assert!(findings.is_clean(), "{findings:#?}");
    assert!(findings.in_flight.iter().any(|answers| *answers > 0), "{findings:#?}");
}
