//! The proxy in front of the homeserver has its bad days: whatever it does to a request, everything comes once.

use futures_util::{FutureExt as _, StreamExt as _, stream};

use crate::{
    house::{Fault, shared},
    trials::{Matrix, Row},
};

/// N1, N2, N3, I5, I7, E6: answers of the homeserver are lost, late, cut short or given twice, it refuses with 429 and 502,
/// and connections are cut, for new messages, edits, sync, joins and uploads alike: every question is answered once,
/// everybody comes in once, every picture is there, and everybody vouches for their device. `cargo run --example matrix` does the same with each cell twenty times.
#[tokio::test]
async fn whatever_the_way_does_everything_comes_once() {
    let rows = Fault::ALL.map(|fault| Row::suffer(shared(), fault, 2).boxed_local());
    let matrix = Matrix(stream::iter(rows).buffered(Fault::ALL.len()).collect().await);
    println!("{matrix}");
    for row in &matrix.0 {
        assert!(row.is_clean(), "{row:#?}");
        assert!(row.hits.iter().all(|hits| *hits >= 2), "every cell is hit: {row:#?}");
    }
}
