//! Completions and man pages, made from the command line's own definition.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::output;

pub(crate) fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut script = vec![];
    clap_complete::generate(shell, &mut Cli::command(), "stratagem", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}

pub(crate) fn man_pages(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    clap_mangen::generate_to(Cli::command(), dir)
        .with_context(|| format!("cannot write man pages into `{}`", dir.display()))?;
    output::say(&format!("wrote man pages into {}; read one with `man -l FILE`", dir.display()));
    Ok(())
}
