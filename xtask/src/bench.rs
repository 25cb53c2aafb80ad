//! `cargo xtask bench`: brings the data and the peers, then runs the benchmark crate.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::guests;
use crate::shell::{program, root, run, succeeds};

const HELP: &str = "\
Usage: cargo xtask bench [--customers N] [--without-data]

  --customers N    size of the large generated store; 0 leaves it out [default: 1000000]
  --without-data   leave out what needs the whole of Complete Journey and pandas";

pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    let mut customers = "1000000".to_owned();
    let mut with_data = true;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match (argument.as_str(), rest.len()) {
            ("--without-data", _) => with_data = false,
            ("--customers", 1..) => customers = rest.next().cloned().unwrap_or_default(),
            _ => bail!("`{argument}` is not understood\n\n{HELP}"),
        }
    }
    guests::build_strategies("release", &["stratagem-bench"])?;
    let components = guests::components()?;
    let control = components.join("control.wasm");
    let build = ["strategy", "build", "tests/bench/control", "--out", &control.to_string_lossy()];
    run(&mut guests::stratagem("release", &build)?)?;
    let work = guests::target()?.join("bench");
    std::fs::create_dir_all(&work)?;
    let mut bench = program(&guests::target()?.join("release/stratagem-bench").to_string_lossy());
    bench
        .env("BENCH_STRATAGEM", guests::target()?.join("release/stratagem"))
        .env("BENCH_COMPONENTS", &components)
        .env("BENCH_SCRIPT", root().join("tests/bench/recall_waves_pandas.py"))
        .env("BENCH_WORK", &work)
        .env("BENCH_CUSTOMERS", customers);
    if with_data {
        let python = python(&work)?;
        bench.env("BENCH_DATA", data(&work, &python)?).env("BENCH_PYTHON", python);
    }
    run(&mut bench)
}

/// A Python with the peers, in the target directory.
fn python(work: &Path) -> Result<PathBuf> {
    let python = work.join("venv/bin/python");
    if !succeeds(program(&python.to_string_lossy()).args(["-c", "import pandas, pyarrow"])) {
        run(program("python3").args(["-m", "venv"]).arg(work.join("venv")))?;
        let packages = ["pandas==3.1.1", "pyarrow==26.0.1", "numpy==2.4.6"];
        run(program(&python.to_string_lossy()).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
    }
    Ok(python)
}

/// The whole of Complete Journey, as published, as CSV, and ten times over with shifted ids.
fn data(work: &Path, python: &Path) -> Result<PathBuf> {
    let data = work.join("complete-journey");
    let python = || program(&python.to_string_lossy());
    if !data.join("transactions.csv").is_file() {
        run(python().args(["data/fetch.py", "complete-journey", "--csv", "--out"]).arg(&data))?;
    }
    if !data.join("transactions-10x.parquet").is_file() {
        run(python().arg("tests/bench/replicate.py").arg(&data).arg("10"))?;
    }
    Ok(data)
}
