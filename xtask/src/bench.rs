//! `cargo xtask bench`: brings the data and the peers, or another revision, then runs the benchmark crate.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::against::{self, Revision};
use crate::data::{self, PYARROW};
use crate::guests;
use crate::shell::{program, root, run};

const HELP: &str = "\
Usage: cargo xtask bench [--against REV] [--customers N] [--without-data]

  --against REV    compare this tree with another revision in turns, instead of with the peers
  --customers N    size of the large generated store; 0 leaves it out [default: 1000000]
  --without-data   leave out what needs fetched data, and the peers in Python";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    against: Option<String>,
    customers: u32,
    has_data: bool,
}

/// Reads the arguments; nothing where help is asked for.
fn parse(arguments: &[String]) -> Result<Option<Options>> {
    let mut options = Options { against: None, customers: 1_000_000, has_data: true };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = |what: &str| match rest.next() {
            Some(value) if !value.starts_with('-') => Ok(value),
            _ => bail!("`{argument}` needs {what}\n\n{HELP}"),
        };
        match argument.as_str() {
            "--help" | "-h" => return Ok(None),
            "--without-data" => options.has_data = false,
            "--against" => options.against = Some(value("a revision")?.clone()),
            "--customers" => {
                let text = value("a number")?;
                let Ok(customers) = text.parse() else {
                    bail!("`{text}` is no number of customers\n\n{HELP}")
                };
                options.customers = customers;
            }
            _ => bail!("`{argument}` is not understood\n\n{HELP}"),
        }
    }
    Ok(Some(options))
}

pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    let Some(options) = parse(arguments)? else {
        eprintln!("{HELP}");
        return Ok(());
    };
    match &options.against {
        Some(revision) => compare(&Revision::find(revision)?, &options),
        None => measure(&options),
    }
}

/// Against native code and the peers.
fn measure(options: &Options) -> Result<()> {
    let mut bench = build(options)?;
    let components = guests::components()?;
    let control = components.join("control.wasm");
    let build = ["strategy", "build", "tests/bench/control", "--out", &control.to_string_lossy()];
    run(&mut guests::stratagem("release", &build)?)?;
    if options.has_data {
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

/// Against another revision.
fn compare(revision: &Revision, options: &Options) -> Result<()> {
    let now = against::this_tree()?;
    eprintln!("building what is now: {now}");
    let mut bench = build(options)?;
    eprintln!("building what was before: {}", revision.name);
    let built = revision.build()?;
    bench
        .env("BENCH_AGAINST_STRATAGEM", built.stratagem)
        .env("BENCH_AGAINST_COMPONENTS", built.components)
        .env("BENCH_AGAINST_NAME", &revision.name)
        .env("BENCH_NAME", now);
    if options.has_data {
        match data::fetch_only(&["complete-journey"]) {
            Ok(fetched) => {
                bench.env("STRATAGEM_DATA", fetched);
            }
            Err(error) => eprintln!("{error:#}: what needs Complete Journey is left out"),
        }
    }
    run(&mut bench)
}

/// Builds this tree, and gives the command that measures it.
fn build(options: &Options) -> Result<Command> {
    guests::build_strategies("release", &["stratagem-bench"])?;
    let target = guests::target()?;
    let work = target.join("bench");
    std::fs::create_dir_all(&work)?;
    let mut bench = program(&target.join("release/stratagem-bench").to_string_lossy());
    bench
        .env_remove("STRATAGEM_DATA")
        .env("BENCH_STRATAGEM", target.join("release/stratagem"))
        .env("BENCH_COMPONENTS", guests::components()?)
        .env("BENCH_SCRIPTS", root().join("tests/bench"))
        .env("BENCH_WORK", &work)
        .env("BENCH_CUSTOMERS", options.customers.to_string());
    Ok(bench)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Options>> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_read_in_any_order() {
        let options = parsed("--customers 2000 --without-data --against HEAD~1").unwrap().unwrap();
        let expected = Options { against: Some("HEAD~1".into()), customers: 2_000, has_data: false };
        assert_eq!(options, expected);
        let all = Options { against: None, customers: 1_000_000, has_data: true };
        assert_eq!(parsed("").unwrap(), Some(all));
        assert_eq!(parsed("--against HEAD --help").unwrap(), None);
    }

    #[test]
    fn what_is_not_understood_is_named_with_what_is_accepted() {
        let cases = [
            ("--againts HEAD", "`--againts` is not understood"),
            ("HEAD", "`HEAD` is not understood"),
            ("--against", "`--against` needs a revision"),
            ("--against --without-data", "`--against` needs a revision"),
            ("--customers", "`--customers` needs a number"),
            ("--customers many", "`many` is no number of customers"),
        ];
        for (line, start) in cases {
            let error = parsed(line).unwrap_err().to_string();
            assert!(error.starts_with(start) && error.ends_with(HELP), "{line}: {error}");
        }
    }
}
