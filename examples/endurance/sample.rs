//! How much of everything there is, again and again, and whether it grows.

use std::fmt;

use super::house::Maitre;

/// What is counted, by its name among the metrics, and how much more of it at the end is no growth, in hundredths.
const FIGURES: [(&str, &str, f64); 4] = [
    ("Tasks", "maitre_tasks", 10.0),
    ("Open descriptors", "process_open_fds", 10.0),
    ("Conversations kept in mind", "maitre_lanes", 25.0),
    ("Memory, resident, in MB", "process_resident_memory_bytes", 10.0),
];
/// How many bytes a figure of memory counts in.
const MEGABYTE: f64 = 1_000_000.0;
/// How many samples a minute has.
const PER_MINUTE: usize = 12;

/// All samples, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<[f64; FIGURES.len()]>);

/// The second minute and the last one: the most that there was of each figure.
#[derive(Debug)]
pub(crate) struct Growth {
    early: [f64; FIGURES.len()],
    late: [f64; FIGURES.len()],
}

impl Samples {
    /// Counts once more, if the program answers. One that stands still is waited for.
    pub(crate) async fn take(&mut self, maitre: &Maitre) {
        // Where it stood still it has closed the connection by now.
        if let Ok((_, text)) = maitre.try_get("/metrics").await {
            self.0.push(FIGURES.map(|(_, name, _)| figure(&text, name)));
        }
    }

    /// The second minute and the last one, if there were as many.
    pub(crate) fn growth(&self) -> Option<Growth> {
        let early = self.0.get(PER_MINUTE..2 * PER_MINUTE)?;
        let late = self.0.get(self.0.len().checked_sub(PER_MINUTE)?.max(2 * PER_MINUTE)..)?;
        Some(Growth { early: most(early), late: most(late) })
    }
}

impl Growth {
    /// Whether there is no more of anything at the end than is no growth.
    pub(crate) fn is_none(&self) -> bool {
        FIGURES
            .iter()
            .zip(self.early.iter().zip(&self.late))
            .all(|((.., allowed), (early, late))| *late <= early * (1.0 + allowed / 100.0) + 1.0)
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| At most | Second minute | Last minute |\n| :--- | ---: | ---: |")?;
        for ((words, ..), (early, late)) in FIGURES.iter().zip(self.early.iter().zip(&self.late)) {
            let unit = if words.ends_with("MB") { MEGABYTE } else { 1.0 };
            writeln!(f, "| {words} | {:.0} | {:.0} |", early / unit, late / unit)?;
        }
        Ok(())
    }
}

fn most(samples: &[[f64; FIGURES.len()]]) -> [f64; FIGURES.len()] {
    let mut most = [0.0; FIGURES.len()];
    for sample in samples {
        for (most, figure) in most.iter_mut().zip(sample) {
            *most = figure.max(*most);
        }
    }
    most
}

fn figure(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|figure| figure.parse().ok()).unwrap_or_default()
}
