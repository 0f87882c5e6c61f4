//! Which Python an environment is made with, and by which tool.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use super::{InstallError, Places};

/// The oldest Python that Synapse runs on, as major and minor version.
const VERSION_MIN: (u32, u32) = (3, 10);
/// The names that are tried, in this order.
const NAMES: [&str; 7] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"];
/// How long a Python may take to say its version.
const PROBE_WITHIN: Duration = Duration::from_secs(30);
/// Prints the version and whether environments can be made.
const PROBE: &str = "import sys, importlib.util as u; \
    print(*sys.version_info[:3], all(u.find_spec(m) for m in ('venv', 'ensurepip')))";

/// A Python and the tools that can make an environment with it, in the order in which they are to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Toolbox {
    pub(super) python: Python,
    pub(super) tools: Vec<Tool>,
}

/// A program that makes environments and installs packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tool {
    /// `uv`, which is fast.
    Uv(PathBuf),
    /// `venv` and `pip`, which come with Python.
    Pip,
}

impl Tool {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Uv(_) => "uv",
            Self::Pip => "pip",
        }
    }
}

/// One Python on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Python {
    pub(super) program: PathBuf,
    version: (u32, u32, u32),
    has_venv: bool,
}

impl Python {
    pub(super) fn version(&self) -> String {
        let (major, minor, patch) = self.version;
        format!("{major}.{minor}.{patch}")
    }

    fn is_recent(&self) -> bool {
        (self.version.0, self.version.1) >= VERSION_MIN
    }

    /// Reads what [`PROBE`] printed.
    fn parse(program: &Path, printed: &str) -> Option<Self> {
        let words: Vec<_> = printed.split_whitespace().collect();
        let [major, minor, patch, has_venv] = words[..] else { return None };
        let version = (major.parse().ok()?, minor.parse().ok()?, patch.parse().ok()?);
        Some(Self { program: program.to_owned(), version, has_venv: has_venv == "True" })
    }
}

/// Looks for a Python and the tools to make an environment with it.
pub(super) async fn find(places: &Places) -> Result<Toolbox, InstallError> {
    let mut pythons = Vec::new();
    for program in NAMES.iter().filter_map(|name| places.program(name)) {
        // A name may stand for a Python that isn't there: version managers leave such shims behind.
        pythons.extend(probe(&program, places).await);
    }
    choose(pythons, places.program("uv"))
}

async fn probe(program: &Path, places: &Places) -> Option<Python> {
    let mut command = Command::new(program);
    command.args(["-I", "-c", PROBE]).env_clear().envs(places.variables.iter().cloned());
    command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = timeout(PROBE_WITHIN, command.output()).await.ok()?.ok()?;
    Python::parse(program, &String::from_utf8_lossy(&output.stdout))
}

fn choose(pythons: Vec<Python>, uv: Option<PathBuf>) -> Result<Toolbox, InstallError> {
    let (recent, old): (Vec<_>, Vec<_>) = pythons.into_iter().partition(Python::is_recent);
    let with_venv = recent.iter().find(|python| python.has_venv);
    let Some(python) = with_venv.or(recent.first()).cloned() else {
        let found = old.iter().map(|python| format!("{} {}", python.program.display(), python.version())).collect();
        return Err(InstallError::NoPython { found });
    };
    let tools: Vec<_> = uv.map(Tool::Uv).into_iter().chain(python.has_venv.then_some(Tool::Pip)).collect();
    if tools.is_empty() {
        let version = python.version();
        return Err(InstallError::NoVenv { python: python.program, version });
    }
    Ok(Toolbox { python, tools })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(printed: &str) -> Python {
        Python::parse(Path::new("/usr/bin/python3"), printed).unwrap()
    }

    #[test]
    fn the_probe_is_read_strictly() {
        assert_eq!(python("3 11 7 True\n").version(), "3.11.7");
        assert!(!python("3 11 7 False").has_venv);
        for odd in ["", "3 11 True", "pyenv: python3.12: command not found", "3 x 7 True"] {
            assert_eq!(Python::parse(Path::new("p"), odd), None, "{odd:?}");
        }
    }

    #[test]
    fn the_first_recent_python_that_can_make_environments_is_taken() {
        let check = |printed: &[&str], uv: bool, expected: Result<(&str, &[&str]), &str>| {
            let uv = uv.then(|| PathBuf::from("/bin/uv"));
            let given = choose(printed.iter().map(|line| python(line)).collect(), uv);
            match (given, expected) {
                (Ok(toolbox), Ok((version, tools))) => {
                    assert_eq!(toolbox.python.version(), version, "{printed:?}");
                    assert_eq!(toolbox.tools.iter().map(Tool::name).collect::<Vec<_>>(), tools, "{printed:?}");
                }
                (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
                (given, expected) => panic!("{given:?} instead of {expected:?}"),
            }
        };
        check(&["3 11 7 True"], false, Ok(("3.11.7", &["pip"])));
        check(&["3 11 7 True"], true, Ok(("3.11.7", &["uv", "pip"])));
        check(&["3 9 2 True", "3 10 0 True"], false, Ok(("3.10.0", &["pip"])));
        check(&["3 11 7 False", "3 12 0 True"], false, Ok(("3.12.0", &["pip"])));
        check(&["3 11 7 False"], true, Ok(("3.11.7", &["uv"])));
        check(&["3 11 7 False"], false, Err("python3-venv"));
        check(&["3 9 2 True", "2 7 18 False"], true, Err("found only /usr/bin/python3 3.9.2, /usr/bin/python3 2.7.18"));
        check(&[], false, Err("no python3 in PATH"));
    }
}
