//! Files that are no configuration at all: each gives a clear error, soon, in bounded memory, and never a panic.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use maitre::config::{Problem, load_with};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{compile, errors, good, show};

fn load(path: &Path) -> Vec<Problem> {
    errors(load_with(path, BTreeMap::new()))
}

#[track_caller]
fn check(path: &Path, message: &str) {
    let problems = load(path);
    assert_eq!(problems.len(), 1, "{}", show(&problems));
    assert!(problems[0].message.contains(message), "{message:?}: {}", show(&problems));
    assert!(problems[0].hint.is_some() && problems[0].file == path, "{}", show(&problems));
}

/// The most memory this process ever held, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse().ok()).unwrap_or_default()
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    check(folder.path(), "this is a folder");
    check(&path("missing"), "no such file");
    mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    check(&path("fifo"), "this is a fifo");
    symlink(path("fifo"), path("to-fifo")).unwrap();
    check(&path("to-fifo"), "this is a fifo");
    let _listener = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    check(&path("socket"), "this is a socket");
    check(Path::new("/dev/zero"), "this is a device");
    symlink(path("b"), path("a")).unwrap();
    symlink(path("a"), path("b")).unwrap();
    check(&path("a"), "can't be read");
}

#[test]
fn what_is_no_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let with = |content: &[u8], message: &str| {
        fs::write(&path, content).unwrap();
        check(&path, message);
    };
    with(b"", "empty");
    with(b"\n\n# nothing but this\n", "empty");
    with(b"~", "empty");
    with(b"a: \xff\xfe", "not UTF-8 text: byte 3");
    with(&[0xff, 0xfe, b'a', 0, b':', 0], "not UTF-8");
}

#[test]
fn a_file_that_may_not_be_read_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    fs::write(&path, "homeserver: {url: http://localhost}").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    match load_with(&path, BTreeMap::new()) {
        Err(problems) => assert!(problems[0].message.contains("can't be read"), "{}", show(&problems)),
        Ok(_) => assert!(fs::read(&path).is_ok(), "only the superuser reads it"),
    }
}

#[test]
fn large_files_are_refused_without_being_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let before = peak_kib();
    fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
    check(&path, "larger than 1 MiB");
    assert!(peak_kib() < before + (64 << 10), "memory is bounded");
}

#[test]
fn a_billion_laughs_are_not_laughed() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..20 {
        let of_them = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{of_them}]").unwrap();
    }
    let before = peak_kib();
    let problems = errors(compile(&text, &[]));
    assert!(
        problems.iter().any(|problem| problem.message.contains("aliases (`*name`) stand for more than")),
        "{}",
        show(&problems)
    );
    let long = format!("a: &a {}\nb: [{}]", "x".repeat(500_000), vec!["*a"; 1_000].join(", "));
    let problems = errors(compile(&long, &[]));
    assert!(problems.iter().any(|problem| problem.message.contains("1 MiB of text")), "{}", show(&problems));
    assert!(peak_kib() < before + (256 << 10), "memory is bounded");
}

#[test]
fn variables_cannot_be_used_to_grow() {
    let text = format!("bot_accounts: [{}]", vec!["\"${LONG}\""; 2_000].join(", "));
    let long = "x".repeat(100_000);
    let problems = errors(compile(&text, &[("LONG", &long)]));
    assert!(problems.iter().any(|problem| problem.message.contains("variables stand for more than")));
}

#[test]
fn nesting_and_numbers_are_bounded() {
    let check = |text: &str, message: &str| {
        let problems = errors(compile(text, &[]));
        assert!(problems.iter().any(|problem| problem.message.contains(message)), "{message}: {}", show(&problems));
    };
    check(&format!("a: {}{}", "[".repeat(40), "]".repeat(40)), "nested deeper than 32");
    check(&format!("a: {}", "[".repeat(100_000)), "nested deeper than 32");
    let block = (0..200).map(|depth| format!("{}a:", " ".repeat(depth))).collect::<Vec<_>>().join("\n");
    check(&block, "nested deeper than 32");
    check(&format!("a: &a [*a]\nb: {}", "- ".repeat(50)), "");
    check(&format!("bot_accounts: [{}]", "x,".repeat(150_000)), "more than 100000 values");
    let agents = (0..3_000).map(|i| format!(" a{i}: {{}}")).collect::<Vec<_>>().join("\n");
    check(&format!("agents:\n{agents}"), "there are 3000 agents and teams");
    let rooms = (0..30_000).map(|i| format!("r{i}")).collect::<Vec<_>>();
    let strangers = rooms.iter().map(|room| format!("x{room}: []")).collect::<Vec<_>>();
    let wide = format!(
        "agents: {{a: {{rooms: [{}]}}}}\nauthorization: {{room_permissions: {{{}}}}}",
        rooms.join(", "),
        strangers.join(", ")
    );
    check(&wide, "there are 30000 rooms");
    let nothings = rooms.join(", ");
    check(&format!("agents: {{{nothings}}}"), "there are 30000 agents and teams");
    let anchors = format!("a: {}{}{}", "&a [".repeat(30), "x, ".repeat(20_000), "]".repeat(30));
    check(&anchors, "behind anchors");
    let knots = "a: &a [1]\nb: &b {<<: *b}\nc: *c\n";
    check(knots, "refers to an anchor");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let version = |letter: &str| {
        format!(
            "homeserver: {{url: http://localhost}}\nbot_accounts: [\"@{}:x\"]\n# {}",
            letter.repeat(40),
            letter.repeat(200_000)
        )
    };
    let (one, two) = (version("a"), version("b"));
    fs::write(&path, &one).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                fs::write(&path, &two).unwrap();
                fs::write(&path, &one).unwrap();
            }
        });
        for _ in 0..200 {
            match load_with(&path, BTreeMap::new()) {
                Ok(loaded) => {
                    let bot = loaded.config.bot_accounts[0].as_str().to_owned();
                    assert!(bot.contains("aaaa") != bot.contains("bbbb"), "never half of a change: {bot}");
                }
                Err(problems) => {
                    let told = ["keeps changing", "empty", "not YAML", "homeserver is missing"];
                    let clear = told.iter().any(|message| problems[0].message.contains(message));
                    assert!(clear, "{}", show(&problems));
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    fs::write(&path, &one).unwrap();
    assert!(load_with(&path, BTreeMap::new()).is_ok(), "once it is quiet, it is read");
}

#[test]
fn odd_but_right_files_are_read() {
    let loaded = good("agents: {\"a\": {role: \"\\u0007 bell\"}}\r\nrooms:\r\n  lobby: ~\r\n");
    assert_eq!(loaded.config.entities.len(), 2);
    assert_eq!(loaded.config.rooms.len(), 1);
}
