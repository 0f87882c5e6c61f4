//! A configuration that somebody edits with the tools of their choice, while the house runs.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use maitre::model::ReloadOutcome;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    time::timeout,
};

use crate::house::{DEADLINE, Stub, shared};

use super::{
    hall::{Hall, config},
    reload::ROLE,
};

/// Every way in which somebody saves. The last one stays: from then on the file is a link.
const WAYS: [Way; 8] = [
    Way::Vim { backup: false },
    Way::Vim { backup: true },
    Way::Nano,
    Way::Shell("sed in place", "sed -i \"s/$OLD/$NEW/\" config.yaml"),
    Way::Shell("a shell's redirection", "sed \"s/$OLD/$NEW/\" config.yaml > new; cat new > config.yaml; rm new"),
    Way::Shell(
        "a rename, as many editors do",
        "sed \"s/$OLD/$NEW/\" config.yaml > .config.yaml.tmp; mv .config.yaml.tmp config.yaml",
    ),
    Way::Shell(
        "an IDE's safe write",
        "sed \"s/$OLD/$NEW/\" config.yaml > config.yaml___tmp___; mv config.yaml config.yaml___old___; \
         mv config.yaml___tmp___ config.yaml; rm config.yaml___old___",
    ),
    Way::Shell(
        "a swapped link, as of a ConfigMap",
        "mkdir ..1 ..2; cp config.yaml ..1/; sed \"s/$OLD/$NEW/\" config.yaml > ..2/config.yaml; ln -s ..1 ..data; \
         ln -s ..data/config.yaml link; mv -T link config.yaml; ln -s ..2 ..data_tmp; mv -T ..data_tmp ..data; rm -r ..1",
    ),
];

/// What an editor does that isn't installed here.
const VIM: &str = "touch 4913; rm 4913; sed \"s/$OLD/$NEW/\" config.yaml > new; mv config.yaml config.yaml~; \
                   cat new > config.yaml; chmod 644 config.yaml; rm new config.yaml~";
const NANO: &str = "sed \"s/$OLD/$NEW/\" config.yaml > ../new; cat ../new > config.yaml; rm ../new";

/// A way to save.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// vim itself, which keeps the old file or not.
    Vim { backup: bool },
    /// nano itself.
    Nano,
    /// A script that replaces `$OLD` by `$NEW`.
    Shell(&'static str, &'static str),
}

impl Way {
    /// Edits `file`. Says how.
    async fn edit(self, file: &Path, old: &str, new: &str) -> String {
        match self {
            Self::Vim { backup } => {
                let Some(vim) = installed("vim") else {
                    shell(file, VIM, old, new).await;
                    return "vim's steps by script, since vim isn't installed".to_owned();
                };
                let keep = if backup { "set backup writebackup" } else { "set nobackup writebackup" };
                let replace = format!("%s/{old}/{new}/");
                let words = ["-u", "NONE", "-i", "NONE", "-N", "-c", keep, "-c", &replace, "-c", "wq"];
                in_terminal(&vim, &words, file, "", "").await;
                format!("vim with `{keep}`")
            }
            Self::Nano => {
                let Some(nano) = installed("nano") else {
                    shell(file, NANO, old, new).await;
                    return "nano's steps by script, since nano isn't installed".to_owned();
                };
                // Replace, all of them; write, under the same name; leave.
                let keys = format!("\x1br{old}\r{new}\rA\x0f\r\x18");
                in_terminal(&nano, &["--ignorercfiles"], file, "GNU nano", &keys).await;
                "nano".to_owned()
            }
            Self::Shell(name, script) => {
                shell(file, script, old, new).await;
                name.to_owned()
            }
        }
    }
}

/// Where a program is, if it is installed.
fn installed(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test has nobody above it who could pass the environment down")]
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

async fn shell(file: &Path, script: &str, old: &str, new: &str) {
    let mut command = Command::new("sh");
    command.arg("-ec").arg(script).env("OLD", old).env("NEW", new).current_dir(file.parent().unwrap());
    let status = timeout(DEADLINE, command.status()).await.expect("a script ends in time").unwrap();
    assert!(status.success(), "{script}");
}

/// Runs an editor in a terminal. Once it shows `greeting`, somebody types `keys`.
async fn in_terminal(editor: &Path, words: &[&str], file: &Path, greeting: &str, keys: &str) {
    let bridge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo/terminal.py");
    let folder = file.parent().unwrap();
    let mut command = Command::new("python3");
    command.arg(bridge).args(["100", "40"]).arg(editor).args(words).arg(file.file_name().unwrap());
    command.env("TERM", "vt100").env("HOME", folder).current_dir(folder).kill_on_drop(true);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = Vec::new();
    let mut has_typed = false;
    let editing = async {
        loop {
            if !has_typed && String::from_utf8_lossy(&shown).contains(greeting) {
                has_typed = true;
                input.write_all(keys.as_bytes()).await.unwrap();
            }
            let mut piece = [0; 4096];
            match output.read(&mut piece).await.unwrap() {
                0 => return child.wait().await.unwrap(),
                length => shown.extend_from_slice(&piece[..length]),
            }
        }
    };
    let ended = timeout(DEADLINE, editing).await;
    let shown = String::from_utf8_lossy(&shown);
    assert!(ended.is_ok_and(|status| status.success()), "{} shows {shown}", editor.display());
}

/// How many readings came to something, over all outcomes.
async fn outcomes(hall: &Hall) -> f64 {
    let (_, metrics) = hall.maitre.get("/metrics").await;
    let counts = metrics.lines().filter(|line| line.starts_with("maitre_config_reloads_total{"));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// H1: whatever an editor does to save a file, with backups, under another name or through a link, is one change, and comes to one
/// outcome.
#[tokio::test]
async fn whatever_an_editor_does_is_one_change() {
    let stub = Stub::start().await;
    let text = config(&stub);
    let hall = Hall::open(shared(), stub, &text).await;
    let file = hall.maitre.config();
    let mut old = ROLE.to_owned();
    for (number, way) in WAYS.into_iter().enumerate() {
        let new = format!("Was edited {number} times.");
        let before = hall.reloads().await;
        let name = way.edit(&file, &old, &new).await;
        let reload = hall.reload_after(before).await;
        println!("{name}: {:?}, {:?}", reload.outcome, reload.changes);
        assert_eq!(reload.outcome, ReloadOutcome::Applied, "{name}: {reload:?}");
        assert_eq!(reload.changes, ["~ agent alpha: role from its next answer on"], "{name}");
        // Whatever else it did has been looked at once an asked-for reading comes to nothing.
        let before = hall.reloads().await;
        hall.maitre.hang_up();
        assert_eq!(hall.reload_after(before).await.outcome, ReloadOutcome::Unchanged, "{name}");
        let expected = 2.0 * (f64::from(u32::try_from(number).unwrap()) + 1.0);
        assert!((outcomes(&hall).await - expected).abs() < 0.5, "{name}: {:#?}", hall.reloads().await);
        old = new;
    }
    assert!(std::fs::read_to_string(&file).unwrap().contains(&old));
}
