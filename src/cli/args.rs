//! What may be typed, and the help for it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::exit::{Exit, exit_codes};

/// AI agents that live as real users in Matrix rooms.
#[derive(Debug, Parser)]
#[command(name = "maitre", version, arg_required_else_help = true, after_help = overview())]
pub(super) struct Line {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Bring every agent of a configuration online and keep them there
    #[command(after_help = run_help())]
    Run(RunArgs),
    /// Say whether a configuration can be used, and everything that is wrong with it
    #[command(after_help = check_help())]
    Check(CheckArgs),
    /// Say what a running house would do if its configuration became another one
    #[command(after_help = plan_help())]
    Plan(PlanArgs),
    /// Show how the running house is: entities, rooms, what came in
    #[command(after_help = status_help())]
    Status(StatusArgs),
    /// Try it out: a private homeserver, a few agents and a chat, gone when you leave
    #[command(after_help = demo_help())]
    Demo(DemoArgs),
    /// Print the JSON Schema of the configuration, for editors
    #[command(after_help = schema_help())]
    Schema,
}

/// Arguments of `maitre run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "config.yaml", env = "MAITRE_CONFIG")]
    pub(super) config: PathBuf,
    /// Log one JSON object a line instead of lines for people
    #[arg(long)]
    pub(super) log_json: bool,
    /// What to log beyond the ordinary, such as `debug` or `maitre=trace,matrix_sdk=info`
    #[arg(long, value_name = "FILTER", env = "MAITRE_LOG")]
    pub(super) log: Option<String>,
}

/// Arguments of `maitre check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The configuration
    #[arg(value_name = "FILE", default_value = "config.yaml", env = "MAITRE_CONFIG")]
    pub(super) file: PathBuf,
    /// Print the findings as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Arguments of `maitre plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The configuration that it would become
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// The configuration that runs
    #[arg(long, alias = "config", value_name = "FILE", default_value = "config.yaml", env = "MAITRE_CONFIG")]
    pub(super) against: PathBuf,
    /// Print the changes as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Arguments of `maitre status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// The configuration, which says where the house answers and which token it wants
    #[arg(long, value_name = "FILE", default_value = "config.yaml", env = "MAITRE_CONFIG")]
    pub(super) config: PathBuf,
    /// Ask at this address instead of reading the configuration
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) url: Option<String>,
    /// The token to show there, instead of the configuration's
    #[arg(long, value_name = "TOKEN", env = "MAITRE_HTTP_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Succeed as soon as the house answers, ready or not: for a watchdog that would start it anew
    #[arg(long)]
    pub(super) alive: bool,
}

/// Arguments of `maitre demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Start everything, print who is where, and stop; needs no terminal
    #[arg(long)]
    pub(super) once: bool,
    /// Keep the data in this folder, so that the next demo goes on where this one ended
    #[arg(long, value_name = "DIR")]
    pub(super) keep: Option<PathBuf>,
    /// Let the agents speak from a script, even where a model is at hand
    #[arg(long)]
    pub(super) scripted: bool,
    /// The model that the agents think with, by its provider's name
    #[arg(long, value_name = "ID", conflicts_with = "scripted")]
    pub(super) model: Option<String>,
    /// Log to standard error what this lets through, such as `info`, instead of warnings to a file beside the data
    #[arg(long, value_name = "FILTER")]
    pub(super) log: Option<String>,
}

/// An address that can be asked, without what would double the slash before a path.
fn address(typed: &str) -> Result<String, &'static str> {
    const SUCH: &str = "an address begins with http:// or https://, such as http://127.0.0.1:8766";
    let url = reqwest::Url::parse(typed).map_err(|_| SUCH)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(SUCH);
    }
    Ok(typed.trim_end_matches('/').to_owned())
}

fn overview() -> String {
    let codes = [
        Exit::Success,
        Exit::NotReady,
        Exit::Changes,
        Exit::Usage,
        Exit::Config,
        Exit::Unavailable,
        Exit::GaveUp,
        Exit::State,
        Exit::Forced,
    ];
    help(&[("maitre demo", "see it at work"), ("maitre run", "bring config.yaml online")], &codes)
}

fn run_help() -> String {
    let examples = [
        ("maitre run", "with the config.yaml of this folder"),
        ("maitre run --config /etc/maitre/config.yaml --log-json", "as a service"),
        ("maitre run --log debug", "with every step of ours"),
        ("maitre run --log matrix_sdk=debug", "with the library's steps as well"),
    ];
    let stopping = "STOPPING\n  The first SIGINT (Ctrl-C) or SIGTERM ends everything in order; the second one ends it at once.\n\n";
    let reloading = "CHANGING IT\n  A saved configuration is live by itself. Where no terminal is attached, SIGHUP has it read at once.\n\n";
    let codes = [Exit::Success, Exit::Usage, Exit::Config, Exit::Unavailable, Exit::GaveUp, Exit::State, Exit::Forced];
    format!("{stopping}{reloading}{}", help(&examples, &codes))
}

fn check_help() -> String {
    let examples = [
        ("maitre check config.yaml", "every problem with line, caret and a way out"),
        ("maitre check --json new.yaml", "the same for scripts and editors"),
    ];
    help(&examples, &[Exit::Success, Exit::Usage, Exit::Config])
}

fn plan_help() -> String {
    let examples = [
        ("maitre plan new.yaml", "against the config.yaml of this folder"),
        ("maitre plan new.yaml --against /etc/maitre/config.yaml", "against another one"),
        ("maitre plan --json new.yaml", "for scripts"),
    ];
    let reading =
        "READING\n  + comes, - goes, ~ changes, ! can't change while Maitre runs and has the whole file refused.\n\n";
    format!("{reading}{}", help(&examples, &[Exit::Success, Exit::Changes, Exit::Usage, Exit::Config]))
}

fn status_help() -> String {
    let examples = [
        ("maitre status", "of the house that runs with this folder's config.yaml"),
        ("maitre status --json | jq .counts", "for scripts"),
        ("maitre status --url http://127.0.0.1:8766", "without a configuration at hand"),
    ];
    help(&examples, &[Exit::Success, Exit::NotReady, Exit::Usage, Exit::Config, Exit::Unavailable])
}

fn demo_help() -> String {
    let examples = [
        ("maitre demo", "chat with three agents and a team"),
        ("maitre demo --scripted", "the same without asking any model"),
        ("maitre demo --once", "only show that it works here"),
        ("maitre demo --keep ~/maitre-demo", "and come back to it later"),
    ];
    help(&examples, &[Exit::Success, Exit::Usage, Exit::Unavailable, Exit::GaveUp, Exit::State, Exit::Forced])
}

fn schema_help() -> String {
    help(&[("maitre schema > maitre.schema.json", "name it in the first line of config.yaml:")], &[Exit::Success])
        .replace("\n\nEXIT", "\n      # yaml-language-server: $schema=maitre.schema.json\n\nEXIT")
}

fn help(examples: &[(&str, &str)], exits: &[Exit]) -> String {
    let lines: Vec<String> = examples.iter().map(|(line, what)| format!("  {line}\n      {what}\n")).collect();
    format!("EXAMPLES\n{}\n{}", lines.concat(), exit_codes(exits))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, error::ErrorKind};

    use super::*;

    fn help_of(name: &str) -> String {
        let mut command = Line::command();
        command.build();
        command.find_subcommand_mut(name).unwrap().render_long_help().to_string()
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Line::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_and_exit_codes() {
        for name in ["run", "check", "plan", "status", "demo", "schema"] {
            let text = help_of(name);
            assert!(text.contains(&format!("EXAMPLES\n  maitre {name}")), "{text}");
            assert!(text.contains("EXIT CODES\n   0  done, or stopped as asked\n"), "{text}");
        }
        let overview = Line::command().render_long_help().to_string();
        for (code, _) in [(0, ""), (1, ""), (2, ""), (64, ""), (65, ""), (69, ""), (70, ""), (73, ""), (75, "")] {
            assert!(overview.contains(&format!("\n  {code:>2}  ")), "{code} is explained in:\n{overview}");
        }
    }

    #[test]
    fn the_help_of_schema_shows_the_line_for_editors() {
        let expected = "EXAMPLES\n  maitre schema > maitre.schema.json\n      name it in the first line of config.yaml:\n      \
                        # yaml-language-server: $schema=maitre.schema.json\n\nEXIT CODES\n";
        assert!(help_of("schema").contains(expected), "{}", help_of("schema"));
    }

    #[test]
    fn lines_are_understood_or_refused() {
        let check = |line: &str, expected: Option<ErrorKind>| {
            let outcome = Line::try_parse_from(line.split(' '));
            assert_eq!(outcome.err().map(|error| error.kind()), expected, "{line}");
        };
        check("maitre run", None);
        check("maitre run --config a.yaml --log-json --log debug", None);
        check("maitre check", None);
        check("maitre check a.yaml --json", None);
        check("maitre plan a.yaml --against b.yaml --json", None);
        check("maitre plan", Some(ErrorKind::MissingRequiredArgument));
        check("maitre status --json --url http://x --token y", None);
        check("maitre status --token y", None);
        check("maitre demo --once --keep d", None);
        check("maitre demo --log debug", None);
        check("maitre demo --scripted", None);
        check("maitre demo --model gpt-5.6 --keep d", None);
        check("maitre demo --model gpt-5.6 --scripted", Some(ErrorKind::ArgumentConflict));
        check("maitre schema", None);
        check("maitre", Some(ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand));
        check("maitre dance", Some(ErrorKind::InvalidSubcommand));
        check("maitre run extra", Some(ErrorKind::UnknownArgument));
        check("maitre --version", Some(ErrorKind::DisplayVersion));
    }

    #[test]
    fn an_address_that_is_none_is_refused_with_an_example() {
        let parse = |url: &str| Line::try_parse_from(["maitre", "status", "--url", url]);
        for wrong in ["nonsense", "127.0.0.1:8766", "localhost:8766", "ftp://home", "http://", ""] {
            let error = parse(wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ValueValidation, "{wrong}");
            let text = error.to_string();
            assert!(text.contains("--url <ADDRESS>") && text.contains("such as http://127.0.0.1:8766"), "{text}");
        }
        for right in ["http://127.0.0.1:8766/", "https://status.example.org/maitre", "http://[::1]:1"] {
            let Command::Status(args) = parse(right).unwrap().command else { panic!("{right} is for the status") };
            assert_eq!(args.url.as_deref(), Some(right.trim_end_matches('/')));
        }
    }

    #[test]
    fn a_token_never_stands_in_the_help() {
        assert!(help_of("status").contains("[env: MAITRE_HTTP_TOKEN]"));
    }
}
