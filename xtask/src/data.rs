//! The data sets that are fetched, and the Python that fetches them, in the target directory.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::guests;
use crate::shell::{program, run, succeeds};

/// Succeeds if each `package==version` of its arguments is installed.
const INSTALLED: &str = "\
import importlib.metadata, sys
sys.exit(any(importlib.metadata.version(p.split('==')[0]) != p.split('==')[1] for p in sys.argv[1:]))";

/// A Python in an environment of ours with these packages, each as `package==version`. `lone` ones are installed
/// without what they ask for.
pub(crate) fn python(environment: &str, packages: &[&str], lone: &[&str]) -> Result<PathBuf> {
    let environment = guests::target()?.join(environment);
    let python = environment.join("bin/python");
    if !succeeds(program(&python.to_string_lossy()).args(["-c", INSTALLED]).args(packages).args(lone)) {
        run(program("python3").args(["-m", "venv"]).arg(&environment))?;
        let pip = || {
            let mut pip = program(&python.to_string_lossy());
            pip.args(["-m", "pip", "install", "--quiet"]);
            pip
        };
        run(pip().args(packages))?;
        if !lone.is_empty() {
            run(pip().args(["--no-deps", "--ignore-requires-python"]).args(lone))?;
        }
    }
    Ok(python)
}

/// What reading Parquet takes.
pub(crate) const PYARROW: &str = "pyarrow==26.0.1";

/// Fetches every data set into one directory. What is there is verified and left.
pub(crate) fn fetch() -> Result<PathBuf> {
    fetch_only(&["open-bandit", "hillstrom", "cdnow", "complete-journey"])
}

/// Fetches some data sets.
pub(crate) fn fetch_only(names: &[&str]) -> Result<PathBuf> {
    let python = python("venv", &[PYARROW], &[])?;
    let data = guests::target()?.join("data");
    for name in names {
        let mut fetch = script(&python, name, &data);
        if ["cdnow", "complete-journey"].contains(name) {
            fetch.arg("--csv");
        }
        run(&mut fetch)?;
    }
    Ok(data)
}

fn script(python: &Path, name: &str, data: &Path) -> std::process::Command {
    let mut command = program(&python.to_string_lossy());
    command.args(["data/fetch.py", name, "--out"]).arg(data.join(name));
    command
}
