//! The figures as tables for people.

use std::{fmt::Write as _, time::Duration};

use super::{
    pace::Pace,
    process::Memory,
    samples::Samples,
    trial::{Pair, Trial},
    watcher::Latency,
};

/// Megabytes as disks and memory limits count them.
const MEGABYTE: f64 = 1_000_000.0;

/// A part of an answer's time.
type Part = fn(&Latency) -> Duration;

/// The tables, in Markdown.
pub(crate) fn tables(trials: &[Trial]) -> String {
    let mut tables = "| Asked | Model | Agents | First event | ÷ floor | Whole answer | ÷ floor |\n\
                      | :--- | :--- | ---: | ---: | ---: | ---: | ---: |\n"
        .to_owned();
    for pace in Pace::ALL {
        add(&mut tables, trials, ["by mention, small room", pace.title()], |trial| trial.small.paces.get(&pace));
    }
    for pace in Pace::ALL {
        add(&mut tables, trials, ["by mention, all in the room", pace.title()], |trial| trial.hall.paces.get(&pace));
    }
    add(&mut tables, trials, ["routed, small room", Pace::AtOnce.title()], |trial| Some(&trial.routed));
    tables.push('\n');
    tables.push_str(&houses(trials));
    tables
}

/// A row for each house.
fn add<'a>(table: &mut String, trials: &'a [Trial], names: [&str; 2], pair: impl Fn(&'a Trial) -> Option<&'a Pair>) {
    for trial in trials {
        let Some(pair) = pair(trial) else { continue };
        let [first, last]: [Part; 2] = [|latency| latency.first, |latency| latency.last];
        let cells = [first, last].map(|part| format!("{} | {}", times(&pair.ours, part), ratios(pair, part)));
        line(table, &[names[0], names[1], &trial.agents.to_string(), &cells.join(" | ")]);
    }
}

/// What concerns each house as a whole, a column each.
fn houses(trials: &[Trial]) -> String {
    let mut table = String::new();
    let mut row = |name: &str, figure: &dyn Fn(&Trial) -> String| {
        let figures: Vec<String> = trials.iter().map(figure).collect();
        line(&mut table, &[name, &figures.join(" | ")]);
    };
    row("Agents", &|trial| trial.agents.to_string());
    row(":---", &|_| "---:".to_owned());
    row("First event in small rooms, all at once, ÷ the first column's", &|trial| growth(trial, trials));
    row("Own CPU for each answer, small rooms", &|trial| millis(trial.small.cpu_each));
    row("Own CPU for each answer, all in the room", &|trial| millis(trial.hall.cpu_each));
    row("Burst: questions", &|trial| trial.burst.answers.count().to_string());
    row("Burst: whole answer, p50 / p95", &|trial| times(&trial.burst.answers, |latency| latency.last));
    row("Burst: until the last word of all", &|trial| millis(trial.burst.wall));
    row("Burst: most questions at the model at once", &|trial| trial.burst.most_at_once.to_string());
    row("Burst: own CPU for each answer", &|trial| millis(trial.burst.cpu_each));
    row("First boot, wall / own CPU", &|trial| format!("{} / {}", millis(trial.start.wall), millis(trial.start.cpu)));
    row("Memory before all questions, resident / heap and stacks", &|trial| memory(trial.memory[0]));
    row("Memory after all answers, resident / heap and stacks", &|trial| memory(trial.memory[1]));
    row("Open descriptors", &|trial| trial.descriptors.to_string());
    table
}

fn line(table: &mut String, cells: &[&str]) {
    writeln!(table, "| {} |", cells.join(" | ")).expect("a string takes everything");
}

fn times(samples: &Samples, part: impl Fn(&Latency) -> Duration) -> String {
    let [middle, high] = samples.middle_and_high(part);
    format!("{} / {}", millis(middle), millis(high))
}

fn ratios(pair: &Pair, part: Part) -> String {
    let ours = pair.ours.middle_and_high(part);
    let floor = pair.floor.middle_and_high(part);
    let ratio = |index: usize| ours[index].as_secs_f64() / floor[index].as_secs_f64();
    format!("{:.2} / {:.2}", ratio(0), ratio(1))
}

/// How much longer people wait than in the first house.
fn growth(trial: &Trial, trials: &[Trial]) -> String {
    let first = |trial: &Trial| {
        let pair = trial.small.paces.get(&Pace::AtOnce)?;
        Some(pair.ours.middle_and_high(|latency| latency.first)[0].as_secs_f64())
    };
    match (first(trial), trials.first().and_then(first)) {
        (Some(here), Some(there)) => format!("{:.2}", here / there),
        (Some(_) | None, _) => String::new(),
    }
}

fn millis(duration: Duration) -> String {
    match duration.as_millis() {
        0..10 => format!("{:.1} ms", duration.as_secs_f64() * 1000.0),
        millis @ 10..10_000 => format!("{millis} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

fn memory(memory: Memory) -> String {
    format!("{} / {}", megabytes(memory.resident), megabytes(memory.anonymous))
}

#[expect(clippy::cast_precision_loss, reason = "nobody reads the sixteenth digit")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / MEGABYTE)
}
