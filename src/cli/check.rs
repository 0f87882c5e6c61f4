//! `maitre check`: whether a configuration can be used, and everything that is wrong with it.

use std::{io, path::Path};

use serde_json::{Value, json};

use super::{
    args::CheckArgs,
    exit::{Exit, Failure},
    terminal::{colour, print, tell},
};
use crate::{
    config::{Config, Problem, Severity, check_skills, load, render},
    model::EntityKind,
};

/// Prints what is wrong, and in one line what the configuration comes to.
pub(super) fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    let (config, problems) = match load(&args.file) {
        Ok(loaded) => {
            let skills = check_skills(&loaded.config);
            (Some(loaded.config), loaded.warnings.into_iter().chain(skills).collect())
        }
        Err(problems) => (None, problems),
    };
    if args.json {
        print(&format!("{:#}\n", findings(config.is_some(), &problems)))?;
    } else {
        tell(&render(&problems, colour(&io::stderr())));
        print(&format!("{}\n", summary(&args.file, config.as_ref(), &problems)))?;
    }
    Ok(if config.is_some() { Exit::Success } else { Exit::Config })
}

fn findings(usable: bool, problems: &[Problem]) -> Value {
    let problems: Vec<Value> = problems
        .iter()
        .map(|problem| {
            json!({
                "severity": problem.severity.as_str(),
                "file": problem.file,
                "line": problem.spot.as_ref().map(|spot| spot.line),
                "column": problem.spot.as_ref().map(|spot| spot.column),
                "path": problem.path,
                "message": problem.message,
                "hint": problem.hint,
            })
        })
        .collect();
    json!({ "usable": usable, "problems": problems })
}

fn summary(file: &Path, config: Option<&Config>, problems: &[Problem]) -> String {
    let of = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let (errors, warnings) = (number(of(Severity::Error), "error"), number(of(Severity::Warning), "warning"));
    let file = file.display();
    let Some(config) = config else { return format!("{file}: can't be used: {errors}, {warnings}") };
    let of = |kind| config.entities.iter().filter(|entity| entity.kind() == kind).count();
    let (agents, teams) = (number(of(EntityKind::Agent), "agent"), number(of(EntityKind::Team), "team"));
    let rooms = number(config.rooms.len(), "room");
    format!("{file}: can be used: {agents}, {teams}, {rooms}, {warnings}")
}

fn number(number: usize, thing: &str) -> String {
    match number {
        0 => format!("no {thing}s"),
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Spot;

    fn problem(severity: Severity, spot: Option<Spot>) -> Problem {
        Problem {
            severity,
            file: "a.yaml".into(),
            spot,
            path: "agents.ada".to_owned(),
            message: "broken".to_owned(),
            hint: None,
        }
    }

    #[test]
    fn the_summary_counts_in_plain_words() {
        let problems = [problem(Severity::Error, None), problem(Severity::Error, None)];
        assert_eq!(summary("a.yaml".as_ref(), None, &problems), "a.yaml: can't be used: 2 errors, no warnings");
        assert_eq!(number(1, "agent"), "1 agent");
    }

    #[test]
    fn findings_for_scripts_say_where() {
        let spot = Spot { line: 3, column: 7, width: 2, source: "  x: y".to_owned() };
        let found = findings(true, &[problem(Severity::Warning, Some(spot)), problem(Severity::Error, None)]);
        assert_eq!(found["usable"], true);
        let first = &found["problems"][0];
        assert_eq!((&first["severity"], &first["line"], &first["column"]), (&json!("warning"), &json!(3), &json!(7)));
        assert_eq!(found["problems"][1]["line"], Value::Null);
    }
}
