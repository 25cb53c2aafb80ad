//! All automation, as `cargo xtask COMMAND`. Everything a machine needs beyond Rust is added here.

#![expect(clippy::print_stderr, reason = "it tells a developer what it does")]

mod against;
mod bench;
mod data;
mod guests;
mod shell;

use std::process::ExitCode;

use anyhow::{Result, bail};
use shell::{cargo, root};

const HELP: &str = "\
Usage: cargo xtask COMMAND

  demo         build everything, ingest the bundled data, backtest the shipped strategies
  build        build the shipped strategies, and the guests of the tests, to components
  test         all tests that need only Rust; `test --with data` also those on data it fetches (needs python3)
  check        formatting and clippy, on host and guest targets
  ci           check, then test
  data         fetch the public data sets into target/data (needs python3)
  bench        measure against the peers in one run (needs python3; installs pandas into target/);
               `bench --against REV` against another revision, `bench --help` for the rest
  setup        add the WebAssembly targets

`test` and `ci` take further arguments for the test runner, such as a name to filter by.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    match run(command, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, rest: &[String]) -> Result<()> {
    match command {
        "demo" => demo(),
        "build" => guests::build(),
        "test" => test(rest),
        "check" => check(),
        "ci" => check().and_then(|()| test(rest)),
        "data" => data::fetch().map(drop),
        "bench" => bench::bench(rest),
        "setup" => guests::add_targets(),
        "help" | "--help" | "-h" => {
            eprintln!("{HELP}");
            Ok(())
        }
        other => bail!("there is no command `{other}`\n\n{HELP}"),
    }
}

fn demo() -> Result<()> {
    guests::build_strategies("release", &[])?;
    let components = guests::components()?;
    shell::run(&mut guests::stratagem("release", &["demo", "--components", &components.to_string_lossy()])?)
}

/// The crate whose tests read fetched data: left out, not skipped, where there is none.
const REFERENCE: &str = "stratagem-reference";

fn test(rest: &[String]) -> Result<()> {
    let (with_data, rest) = match rest {
        [with, data, rest @ ..] if with == "--with" && data == "data" => (true, rest),
        [with, ..] if with == "--with" => bail!("`--with` takes `data`\n\n{HELP}"),
        rest => (false, rest),
    };
    guests::build()?;
    let is_nextest = shell::succeeds(cargo().args(["nextest", "--version"]));
    let mut tests = cargo();
    if is_nextest {
        tests.args(["nextest", "run"]);
    } else {
        tests.args(["test", "--lib", "--bins", "--tests"]);
    }
    tests.args(["--workspace", "--no-fail-fast"]);
    if with_data {
        tests.env("STRATAGEM_DATA", data::fetch()?);
    } else if is_nextest {
        // Selected after compiling: with another selection of packages, dependencies would be compiled again.
        tests.args(["-E", &format!("not package({REFERENCE})")]);
    } else {
        tests.args(["--exclude", REFERENCE]);
    }
    // The runner leaves out the examples in the SDK's documentation: they come first, so that its summary is last.
    shell::run(cargo().args(["test", "--doc", "-p", "stratagem-sdk"]))?;
    shell::run(tests.args(rest))
}

fn check() -> Result<()> {
    guests::add_targets()?;
    shell::run(cargo().args(["fmt", "--all", "--check"]))?;
    let deny = ["--", "-D", "warnings"];
    shell::run(cargo().args(["clippy", "--workspace", "--all-targets"]).args(deny))?;
    for target in guests::TARGETS {
        let packages = guests::packages()?.into_iter().flat_map(|package| ["-p".to_owned(), package]);
        shell::run(cargo().args(["clippy", "--target", target]).args(packages).args(deny))?;
    }
    let mut doc = cargo();
    doc.args(["doc", "--no-deps", "-p", "stratagem-sdk"]).env("RUSTDOCFLAGS", "-D warnings");
    shell::run(&mut doc)?;
    eprintln!("checked {}", root().display());
    Ok(())
}
