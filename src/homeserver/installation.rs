//! Makes a Python environment once, whole or not at all, however many processes want it at the same time.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use super::{
    InstallError, Places, Recipe, Step,
    lock::Lock,
    python::{self, Python, Tool, Toolbox},
};

/// How much of the installer's log an error shows, in lines.
const TAIL_LINES: usize = 12;
/// The file in which an environment remembers the Python that it was made with.
const MADE_WITH: &str = "made-with";
/// What installers say when the network is the trouble.
const OFFLINE_SIGNS: [&str; 12] = [
    "name resolution",
    "Name or service not known",
    "nodename nor servname",
    // A pinned version of which the index knows none at all: what answers isn't the index.
    "from versions: none",
    "NewConnectionError",
    "ConnectTimeoutError",
    "Network is unreachable",
    "Connection refused",
    "dns error",
    "tcp connect error",
    "error sending request",
    "Could not connect",
];

/// A Python environment that works.
#[derive(Debug, Clone)]
pub struct Installation {
    folder: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

impl Installation {
    /// The environment of `recipe`, made now if it isn't there yet.
    ///
    /// Processes that want the same one at the same time make it once; the others wait. What was interrupted leaves
    /// nothing that could be mistaken for an environment. Dropping the future interrupts it.
    ///
    /// # Errors
    /// [`InstallError`] when there is no suitable Python, no network, or no success `within` that time.
    pub async fn ready(
        recipe: &Recipe,
        places: &Places,
        within: Duration,
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<Self, InstallError> {
        let work = Work { recipe, places, progress };
        let folder = places.cache.join(recipe.folder());
        match timeout(within, work.make_sure(&folder)).await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(InstallError::TooSlow { what: recipe.to_string(), within, log: work.log() }),
        }
        Ok(Self { folder, variables: places.variables.clone() })
    }

    /// A command that runs this environment's Python, with nothing else's environment variables.
    #[must_use]
    pub fn python(&self) -> Command {
        let mut command = Command::new(program(&self.folder));
        command.env_clear().envs(self.variables.iter().cloned());
        command
    }

    /// This environment's Python.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        program(&self.folder)
    }
}

/// One wish for an environment.
struct Work<'a> {
    recipe: &'a Recipe,
    places: &'a Places,
    progress: &'a (dyn Fn(Step) + Sync),
}

impl Work<'_> {
    async fn make_sure(&self, folder: &Path) -> Result<(), InstallError> {
        if is_whole(folder) {
            return Ok(());
        }
        let cache = &self.places.cache;
        let unusable = |source| InstallError::Cache { folder: cache.clone(), source };
        fs::create_dir_all(cache).map_err(unusable)?;
        let waiting = || (self.progress)(Step::Waiting { recipe: *self.recipe });
        let _held = Lock::take(&self.beside("lock"), waiting).await.map_err(unusable)?;
        if is_whole(folder) {
            return Ok(());
        }
        let toolbox = python::find(self.places).await?;
        let building = self.beside("building");
        let built = self.build(&building, &toolbox).await;
        if built.is_ok() {
            remove(folder)?;
            return fs::rename(&building, folder).map_err(|source| file_error(folder, source));
        }
        remove(&building)?;
        built
    }

    /// Tries one tool after the other, each from nothing.
    async fn build(&self, building: &Path, toolbox: &Toolbox) -> Result<(), InstallError> {
        let log = self.log();
        fs::write(&log, "").map_err(|source| file_error(&log, source))?;
        let mut outcome = Ok(());
        for tool in &toolbox.tools {
            remove(building)?;
            (self.progress)(Step::Installing {
                recipe: *self.recipe,
                python: toolbox.python.version(),
                tool: tool.name(),
            });
            outcome = self.install(building, &toolbox.python, tool).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome?;
        (self.progress)(Step::Compiling { recipe: *self.recipe });
        let import = format!("import {}", self.recipe.imports);
        self.run(Command::new(program(building)).args(["-c", &import])).await?;
        remember_python(building)
    }

    async fn install(&self, building: &Path, python: &Python, tool: &Tool) -> Result<(), InstallError> {
        let packages = self.recipe.packages;
        match tool {
            Tool::Uv(uv) => {
                let venv = ["venv", "--no-python-downloads", "--python"];
                self.run(Command::new(uv).args(venv).arg(&python.program).arg(building)).await?;
                let install = ["pip", "install", "--no-progress", "--python"];
                self.run(Command::new(uv).args(install).arg(program(building)).args(packages)).await
            }
            Tool::Pip => {
                self.run(Command::new(&python.program).args(["-m", "venv"]).arg(building)).await?;
                let install = ["-m", "pip", "install", "--no-compile", "--no-input", "--progress-bar=off"];
                self.run(Command::new(program(building)).args(install).args(packages)).await
            }
        }
    }

    /// Runs a command to its end, with all it says in the log.
    async fn run(&self, command: &mut Command) -> Result<(), InstallError> {
        let log = self.log();
        let output = File::options().append(true).open(&log).map_err(|source| file_error(&log, source))?;
        let errors = output.try_clone().map_err(|source| file_error(&log, source))?;
        command.env_clear().envs(self.places.variables.iter().cloned());
        command.stdin(Stdio::null()).stdout(output).stderr(errors).kill_on_drop(true);
        let program = PathBuf::from(command.as_std().get_program());
        let status = command.status().await.map_err(|source| file_error(&program, source))?;
        if status.success() { Ok(()) } else { Err(self.failure(log)) }
    }

    fn failure(&self, log: PathBuf) -> InstallError {
        let said = fs::read(&log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let what = self.recipe.to_string();
        if OFFLINE_SIGNS.iter().any(|sign| said.contains(sign)) {
            return InstallError::Offline { what, log };
        }
        InstallError::Failed { what, log, tail: tail(&said, TAIL_LINES) }
    }

    fn log(&self) -> PathBuf {
        self.beside("log")
    }

    fn beside(&self, extension: &str) -> PathBuf {
        self.places.cache.join(format!("{}.{extension}", self.recipe.folder()))
    }
}

/// The last lines of a text.
pub(super) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn program(folder: &Path) -> PathBuf {
    folder.join("bin").join("python")
}

/// Whether the environment was finished, and its Python is still the one that it was made with: an upgrade of the
/// system's Python takes the ground from under an environment.
fn is_whole(folder: &Path) -> bool {
    let python = fs::canonicalize(program(folder)).ok();
    let made_with = fs::read_to_string(folder.join(MADE_WITH)).ok();
    python.is_some_and(|python| made_with.is_some_and(|made_with| Path::new(&made_with) == python))
}

fn remember_python(folder: &Path) -> Result<(), InstallError> {
    let program = program(folder);
    let python = fs::canonicalize(&program).map_err(|source| file_error(&program, source))?;
    let note = folder.join(MADE_WITH);
    fs::write(&note, python.as_os_str().as_encoded_bytes()).map_err(|source| file_error(&note, source))
}

fn remove(folder: &Path) -> Result<(), InstallError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error(folder, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn file_error(path: &Path, source: io::Error) -> InstallError {
    InstallError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Imports nothing foreign and installs nothing, so that it works without a network.
    const EMPTY: Recipe = Recipe { name: "empty", version: "1", packages: &["pip"], imports: "json" };
    const WITHIN: Duration = Duration::from_secs(100);

    /// Places in which `python3` is the script given, and nothing else is found.
    fn places(folder: &Path, python: &str) -> Places {
        let bin = folder.join("bin");
        fs::create_dir_all(&bin).unwrap();
        // Written by another process: while a file is open for writing in ours, a child that a neighbouring test starts
        // may hold it open as well, and the system won't run it.
        let mut write = std::process::Command::new("/bin/sh");
        write.args(["-c", "printf '#!/bin/sh\n%s\n' \"$1\" > \"$0\" && chmod 755 \"$0\""]);
        assert!(write.arg(bin.join("python3")).arg(python).status().unwrap().success());
        let variables =
            [("HOME", folder.to_str().unwrap()), ("PATH", bin.to_str().unwrap())].map(|(n, v)| (n.into(), v.into()));
        Places::from_environment(variables).unwrap()
    }

    /// A stand-in for Python. In the environments that it makes, Python is a program that always succeeds.
    const STAND_IN: &str = r#"case "$*" in
        *version_info*) echo 3 11 7 True;;
        *venv*) /bin/mkdir -p "$3/bin"; /bin/ln -s /bin/true "$3/bin/python";;
    esac"#;

    #[tokio::test]
    async fn an_environment_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path(), STAND_IN);
        let steps = Mutex::new(Vec::new());
        let progress = |step: Step| steps.lock().unwrap().push(step.to_string());
        let first = Installation::ready(&EMPTY, &places, WITHIN, &progress).await.unwrap();
        assert!(first.program().exists());
        let told = steps.lock().unwrap().drain(..).collect::<Vec<_>>();
        assert_eq!(
            told,
            [
                "installing empty 1 with pip and Python 3.11.7 (this is done once)",
                "preparing empty 1 for its first start"
            ]
        );
        Installation::ready(&EMPTY, &places, WITHIN, &progress).await.unwrap();
        assert_eq!(*steps.lock().unwrap(), Vec::<String>::new(), "nothing is to be done the second time");
    }

    #[tokio::test]
    async fn several_that_want_it_at_once_make_it_once() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path(), STAND_IN);
        let steps = Mutex::new(Vec::new());
        let progress = |step: Step| steps.lock().unwrap().push(step);
        let wish = || Installation::ready(&EMPTY, &places, WITHIN, &progress);
        let (one, two, three) = tokio::join!(wish(), wish(), wish());
        assert!(one.is_ok() && two.is_ok() && three.is_ok());
        let count = |wanted: fn(&Step) -> bool| steps.lock().unwrap().iter().filter(|step| wanted(step)).count();
        assert_eq!(count(|step| matches!(step, Step::Installing { .. })), 1);
        assert_eq!(count(|step| matches!(step, Step::Waiting { .. })), 2, "the other two were told why they wait");
    }

    #[tokio::test]
    async fn an_interrupted_installation_leaves_no_environment() {
        let folder = tempfile::tempdir().unwrap();
        let hangs = places(folder.path(), &format!("{STAND_IN}\n[ \"$2\" = venv ] && exec /bin/sleep 1000"));
        let error = Installation::ready(&EMPTY, &hangs, Duration::from_secs(1), &|_| ()).await.unwrap_err();
        assert!(matches!(error, InstallError::TooSlow { .. }), "{error}");
        assert!(!hangs.cache.join("empty-1").exists());
        let good = places(folder.path(), STAND_IN);
        assert!(Installation::ready(&EMPTY, &good, WITHIN, &|_| ()).await.is_ok(), "the next try starts afresh");
    }

    #[tokio::test]
    async fn an_environment_whose_python_was_exchanged_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path(), STAND_IN);
        let installation = Installation::ready(&EMPTY, &places, WITHIN, &|_| ()).await.unwrap();
        fs::remove_file(installation.program()).unwrap();
        std::os::unix::fs::symlink("/bin/sh", installation.program()).unwrap();
        let steps = Mutex::new(0);
        Installation::ready(&EMPTY, &places, WITHIN, &|_| *steps.lock().unwrap() += 1).await.unwrap();
        assert_eq!(*steps.lock().unwrap(), 2, "it was installed and compiled again");
    }

    #[tokio::test]
    async fn a_failure_is_told_with_its_cause_and_leaves_nothing() {
        let check = async |says: &str, expected: fn(&InstallError) -> bool| {
            let folder = tempfile::tempdir().unwrap();
            let places = places(folder.path(), &format!("{STAND_IN}\n[ \"$2\" = venv ] && echo '{says}' && exit 1"));
            let error = Installation::ready(&EMPTY, &places, WITHIN, &|_| ()).await.unwrap_err();
            assert!(expected(&error), "{error}");
            let left: Vec<_> = fs::read_dir(&places.cache).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert!(left.iter().all(|name| name == "empty-1.log" || name == "empty-1.lock"), "{left:?}");
        };
        check("Temporary failure in name resolution", |error| matches!(error, InstallError::Offline { .. })).await;
        check("error sending request for url", |error| matches!(error, InstallError::Offline { .. })).await;
        check(
            "No space left on device",
            |error| matches!(error, InstallError::Failed { tail, .. } if tail == "No space left on device"),
        )
        .await;
    }

    #[tokio::test]
    async fn a_cache_folder_that_cannot_be_used_is_named_with_a_way_out() {
        let check = async |block: fn(&Path)| {
            let folder = tempfile::tempdir().unwrap();
            let places = places(folder.path(), STAND_IN);
            block(&places.cache);
            let error = Installation::ready(&EMPTY, &places, WITHIN, &|_| ()).await.unwrap_err().to_string();
            let named = format!("the cache folder {} can't be used: ", places.cache.display());
            assert!(error.starts_with(&named) && error.contains("set XDG_CACHE_HOME"), "{error}");
        };
        check(|cache| {
            fs::create_dir_all(cache.parent().unwrap()).unwrap();
            fs::write(cache, "not a folder").unwrap();
        })
        .await;
        check(|cache| fs::create_dir_all(cache.join("empty-1.lock")).unwrap()).await;
    }

    #[tokio::test]
    async fn without_a_recent_python_nothing_is_begun() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path(), "echo 3 9 2 True");
        let error = Installation::ready(&EMPTY, &places, WITHIN, &|_| ()).await.unwrap_err();
        assert!(
            matches!(error, InstallError::NoPython { ref found } if found[0].ends_with("python3 3.9.2")),
            "{error}"
        );
    }
}
