//! `cargo xtask bench`: brings the data and the peers, then runs the benchmark crate.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::data::{self, PYARROW};
use crate::guests;
use crate::shell::{program, root, run};

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
        let python = data::python(&[PYARROW, ("pandas==3.1.1", "pandas"), ("numpy==2.4.6", "numpy")])?;
        bench.env("BENCH_DATA", complete_journey(&python)?).env("BENCH_PYTHON", python);
    }
    run(&mut bench)
}

/// The whole of Complete Journey, as published, as CSV, and ten times over with shifted ids.
fn complete_journey(python: &Path) -> Result<PathBuf> {
    let data = data::complete_journey(python)?;
    if !data.join("transactions-10x.parquet").is_file() {
        run(program(&python.to_string_lossy()).arg("tests/bench/replicate.py").arg(&data).arg("10"))?;
    }
    Ok(data)
}
