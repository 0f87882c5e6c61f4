//! A child process and what the kernel says about it.

use std::{
    fs,
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

/// In what the kernel counts a process's time, towards programs: hundredths of a second, on every machine.
const TICK: Duration = Duration::from_millis(10);
/// How often a process is looked at that should end.
const EXIT_LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a process may take to end when it is told to.
const EXIT_WITHIN: Duration = Duration::from_secs(30);
/// How often figures are read that should come to rest.
const REST_LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many looks in a row must agree.
const REST_LOOKS: usize = 12;
/// By how much memory may still move while it counts as resting, in bytes.
const REST_BYTES: u64 = 256 * 1024;
/// How long to wait for rest before things are taken as they are.
const REST_WITHIN: Duration = Duration::from_mins(1);

/// A process that is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

/// How much memory a process uses, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Everything that is resident, also the pages of its program file.
    pub(crate) resident: u64,
    /// What no file stands behind: heap and stacks.
    pub(crate) anonymous: u64,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_owned();
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { child })
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// An error when it has ended.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended: {status}"),
        }
    }

    /// The time it has kept processors busy so far, all threads together.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu(self.child.id())
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// Its memory, once that no longer changes.
    pub(crate) async fn memory_at_rest(&self) -> Result<Memory> {
        let end = Instant::now() + REST_WITHIN;
        let mut looks = vec![self.memory()?];
        loop {
            sleep(REST_LOOK_EVERY).await;
            let memory = self.memory()?;
            if looks.iter().any(|look| look.resident.abs_diff(memory.resident) > REST_BYTES) {
                looks.clear();
            }
            looks.push(memory);
            if looks.len() >= REST_LOOKS || Instant::now() >= end {
                return Ok(memory);
            }
        }
    }

    /// Asks it to end and waits until it has, in order.
    pub(crate) async fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.exited().await?;
        ensure!(status.success(), "it was asked to end, and did with {status}");
        Ok(())
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn exited(&mut self) -> Result<ExitStatus> {
        let end = Instant::now() + EXIT_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < end, "it did not end within {} s", EXIT_WITHIN.as_secs());
            sleep(EXIT_LOOK_EVERY).await;
        }
    }

    fn memory(&self) -> Result<Memory> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let figure = |name: &str| memory_figure(&text, name).with_context(|| format!("no {name} in {text}"));
        Ok(Memory { resident: figure("Rss:")?, anonymous: figure("Anonymous:")? })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that has been waited for already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until the process with this id, which isn't a child of ours, has nothing more to do.
pub(crate) async fn wait_until_quiet(pid: u32) -> Result<()> {
    let end = Instant::now() + REST_WITHIN;
    let (mut quiet, mut last) = (0, cpu(pid)?);
    while quiet < REST_LOOKS / 4 && Instant::now() < end {
        sleep(REST_LOOK_EVERY).await;
        let now = cpu(pid)?;
        quiet = if now <= last + TICK { quiet + 1 } else { 0 };
        last = now;
    }
    Ok(())
}

fn cpu(pid: u32) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name in brackets, which may hold anything.
    let fields: Vec<&str> =
        text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = |field: usize| -> Result<u32> { Ok(fields.get(field - 3).context("too few fields")?.parse()?) };
    // utime and stime, as proc(5) counts fields.
    Ok(TICK * (ticks(14)? + ticks(15)?))
}

fn memory_figure(text: &str, name: &str) -> Option<u64> {
    let figure = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = figure.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
