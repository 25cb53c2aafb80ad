//! The data sets that are fetched, and the Python that fetches them, in the target directory.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::guests;
use crate::shell::{program, run, succeeds};

/// A Python in an environment of ours with these packages, each with the name that imports it.
pub(crate) fn python(packages: &[(&str, &str)]) -> Result<PathBuf> {
    let environment = guests::target()?.join("venv");
    let python = environment.join("bin/python");
    let imports: Vec<_> = packages.iter().map(|(_, import)| format!("import {import}")).collect();
    if !succeeds(program(&python.to_string_lossy()).args(["-c", &imports.join("; ")])) {
        run(program("python3").args(["-m", "venv"]).arg(&environment))?;
        let pins = packages.iter().map(|(pin, _)| *pin);
        run(program(&python.to_string_lossy()).args(["-m", "pip", "install", "--quiet"]).args(pins))?;
    }
    Ok(python)
}

/// What reading Parquet takes.
pub(crate) const PYARROW: (&str, &str) = ("pyarrow==26.0.1", "pyarrow");

/// Fetches every data set into one directory. What is there is verified and left.
pub(crate) fn fetch() -> Result<PathBuf> {
    let python = python(&[PYARROW])?;
    let data = guests::target()?.join("data");
    for name in ["open-bandit", "hillstrom"] {
        run(&mut script(&python, name, &data))?;
    }
    for name in ["cdnow", "complete-journey"] {
        run(script(&python, name, &data).arg("--csv"))?;
    }
    Ok(data)
}

/// Fetches the whole of Complete Journey, also as CSV.
pub(crate) fn complete_journey(python: &Path) -> Result<PathBuf> {
    let data = guests::target()?.join("data");
    run(script(python, "complete-journey", &data).arg("--csv"))?;
    Ok(data.join("complete-journey"))
}

fn script(python: &Path, name: &str, data: &Path) -> std::process::Command {
    let mut command = program(&python.to_string_lossy());
    command.args(["data/fetch.py", name, "--out"]).arg(data.join(name));
    command
}
