//! The figures as a table for people.

use std::{fmt::Write as _, time::Duration};

use super::{
    process::Memory,
    program::Cost,
    trial::{Run, Trial},
};

/// Megabytes as disks and memory limits count them.
const MEGABYTE: f64 = 1_000_000.0;

/// The table, in Markdown.
pub(crate) fn table(small: &Trial, large: &Trial) -> String {
    let mut table = String::new();
    let columns = [small, large].map(|trial| trial.house.entities());
    row(&mut table, "Entities, router included", &columns.map(|entities| entities.to_string()));
    table.push_str("| :--- | ---: | ---: |\n");
    let mut add =
        |name: &str, figure: &dyn Fn(&Trial) -> String| row(&mut table, name, &[figure(small), figure(large)]);
    add("Rooms", &|trial| trial.house.rooms().to_string());
    add("First boot, wall", &|trial| seconds(trial.first.start.wall));
    add("First boot, own CPU", &|trial| seconds(trial.first.start.cpu));
    add("Restart, wall", &|trial| seconds(restart(trial).start.wall));
    add("Restart, own CPU", &|trial| seconds(restart(trial).start.cpu));
    add("Raw client, wall", &|trial| seconds(raw(trial).wall));
    add("Raw client, own CPU", &|trial| seconds(raw(trial).cpu));
    add("Restart ÷ raw client, wall", &|trial| format!("{:.2}", ratio(trial)));
    add("Memory after first boot, resident", &|trial| megabytes(resident(&trial.first)));
    add("Memory after first boot, of that heap and stacks", &|trial| megabytes(anonymous(&trial.first)));
    add("Memory minutes later, resident", &|trial| megabytes(bytes(trial.settled.resident)));
    add("Memory after restart, resident", &|trial| megabytes(resident(&restart(trial))));
    add("Memory after restart, of that heap and stacks", &|trial| megabytes(anonymous(&restart(trial))));
    add("Open descriptors", &|trial| restart(trial).descriptors.to_string());
    table.push('\n');
    table.push_str("| Memory, by a line through both | Base | Each entity |\n| :--- | ---: | ---: |\n");
    let mut add = |name: &str, figure: &dyn Fn(&Trial) -> f64| {
        let (base, each) = line(small, large, figure);
        row(&mut table, name, &[megabytes(base), format!("{:.2} MB", each / MEGABYTE)]);
    };
    add("Resident, after first boot", &|trial| resident(&trial.first));
    add("Resident, minutes later", &|trial| bytes(trial.settled.resident));
    add("Resident, after restart", &|trial| resident(&restart(trial)));
    add("Heap and stacks, after restart", &|trial| anonymous(&restart(trial)));
    table
}

fn row(table: &mut String, name: &str, figures: &[String; 2]) {
    writeln!(table, "| {name} | {} |", figures.join(" | ")).expect("a string takes everything");
}

/// Of each figure of our restarts the one in the middle.
fn restart(trial: &Trial) -> Run {
    let costs: Vec<Cost> = trial.restarts.iter().map(|run| run.start).collect();
    Run {
        start: median(&costs),
        memory: Memory {
            resident: middle(&trial.restarts, |run| run.memory.resident),
            anonymous: middle(&trial.restarts, |run| run.memory.anonymous),
        },
        descriptors: middle(&trial.restarts, |run| run.descriptors),
    }
}

fn raw(trial: &Trial) -> Cost {
    median(&trial.raw)
}

fn median(costs: &[Cost]) -> Cost {
    Cost { wall: middle(costs, |cost| cost.wall), cpu: middle(costs, |cost| cost.cpu) }
}

fn middle<R, T: Ord>(runs: &[R], figure: impl Fn(&R) -> T) -> T {
    let mut figures: Vec<T> = runs.iter().map(figure).collect();
    figures.sort_unstable();
    figures.swap_remove(figures.len() / 2)
}

/// How many times as long our program takes as the raw client.
fn ratio(trial: &Trial) -> f64 {
    restart(trial).start.wall.as_secs_f64() / raw(trial).wall.as_secs_f64()
}

/// The base and the slope of the line through both figures.
fn line(small: &Trial, large: &Trial, figure: impl Fn(&Trial) -> f64) -> (f64, f64) {
    let [low, high] = [small, large].map(|trial| count(trial.house.entities()));
    let slope = (figure(large) - figure(small)) / (high - low);
    (figure(small) - slope * low, slope)
}

fn resident(run: &Run) -> f64 {
    bytes(run.memory.resident)
}

fn anonymous(run: &Run) -> f64 {
    bytes(run.memory.anonymous)
}

#[expect(clippy::cast_precision_loss, reason = "nobody reads the sixteenth digit")]
fn bytes(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many")]
fn count(count: usize) -> f64 {
    count as f64
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / MEGABYTE)
}
