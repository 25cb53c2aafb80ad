//! Running the binary as a user does, with its time and its peak memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a process cost.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// Largest resident set that was seen.
    pub(crate) peak_mb: u64,
    pub(crate) stdout: String,
}

/// Runs a program to its end.
pub(crate) fn run(program: &Path, arguments: &[&str]) -> Result<Cost> {
    measure(Command::new(program).args(arguments))
}

/// Runs a command to its end. Its peak memory is the kernel's high-water mark, read until it is gone.
pub(crate) fn measure(command: &mut Command) -> Result<Cost> {
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .with_context(|| format!("cannot run `{}`", line(command)))?;
    let status = format!("/proc/{}/status", child.id());
    let mut out = child.stdout.take().context("its output is piped")?;
    let reader = std::thread::spawn(move || std::io::read_to_string(&mut out));
    let mut peak_kb = 0;
    let code = loop {
        if let Ok(text) = std::fs::read_to_string(&status) {
            peak_kb = peak_kb.max(high_water_kb(&text));
        }
        if let Some(code) = child.try_wait()? {
            break code;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let time = start.elapsed();
    let stdout = reader.join().map_err(|_| anyhow::anyhow!("reading its output failed"))??;
    if !code.success() {
        bail!("`{}` failed", line(command));
    }
    Ok(Cost { time, peak_mb: peak_kb / 1_000, stdout })
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn high_water_kb(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
