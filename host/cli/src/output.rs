//! Writing results to standard output, or a file, whole or not at all.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use stratagem_report::Style;

/// Prints a result.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// Says something to the person at the terminal.
pub(crate) fn say(text: &str) {
    // Nothing is left to do if standard error is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

/// How to print for where standard output goes.
pub(crate) fn style() -> Style {
    let is_terminal = io::stdout().is_terminal();
    let color = is_terminal && std::env::var_os("NO_COLOR").is_none();
    Style { color, ..Style::default() }
}

/// Writes a file under another name first, so that no reader ever sees half of it.
pub(crate) fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write `{}`", path.display());
    let partial = path.with_extension("partial");
    std::fs::write(&partial, text).with_context(failed)?;
    std::fs::rename(&partial, path).with_context(failed)
}
