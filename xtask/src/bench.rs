//! `cargo xtask bench`: brings the data and the peers, then runs the benchmark crate.

use std::path::Path;

use anyhow::{Result, bail};

use crate::data::{self, PYARROW};
use crate::guests;
use crate::shell::{program, root, run};

const HELP: &str = "\
Usage: cargo xtask bench [--customers N] [--without-data]

  --customers N    size of the large generated store; 0 leaves it out [default: 1000000]
  --without-data   leave out what needs fetched data, and the peers in Python";

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
        .env("BENCH_SCRIPTS", root().join("tests/bench"))
        .env("BENCH_WORK", &work)
        .env("BENCH_CUSTOMERS", customers);
    if with_data {
        let python = data::python("venv", &[PYARROW, "pandas==3.1.1", "numpy==2.4.6"], &[])?;
        let fetched = data::fetch()?;
        replicate(&python, &fetched.join("complete-journey"))?;
        bench.env("STRATAGEM_DATA", fetched).env("BENCH_PYTHON", python);
        match data::python("peers", PEERS, &["obp==0.5.7"]) {
            Ok(python) => {
                bench.env("BENCH_PEERS", python);
            }
            Err(error) => eprintln!("{error:#}: lifetimes and obp install on Python 3.11, and are left out"),
        }
    }
    run(&mut bench)
}

/// The versions that go together with `lifetimes`, which is no longer maintained; obp runs on them as well.
const PEERS: &[&str] = &[
    "lifetimes==0.11.3",
    "autograd==1.6.2",
    "numpy==1.26.4",
    "pandas==1.5.3",
    "scipy==1.11.4",
    "scikit-learn==1.3.2",
];

/// Complete Journey's transactions ten times over with shifted ids.
fn replicate(python: &Path, data: &Path) -> Result<()> {
    if !data.join("transactions-10x.parquet").is_file() {
        run(program(&python.to_string_lossy()).arg("tests/bench/replicate.py").arg(data).arg("10"))?;
    }
    Ok(())
}
