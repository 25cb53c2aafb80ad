//! All automation, as `cargo xtask COMMAND`. Everything a machine needs beyond Rust is added here.

#![expect(clippy::print_stderr, reason = "it tells a developer what it does")]

mod bench;
mod guests;
mod shell;

use std::process::ExitCode;

use anyhow::{Result, bail};
use shell::{cargo, root};

const HELP: &str = "\
Usage: cargo xtask COMMAND

  demo         build everything, ingest the bundled data, backtest the shipped strategies
  build        build the shipped strategies, and the guests of the tests, to components
  test         all tests that need only Rust
  check        formatting and clippy, on host and guest targets
  ci           check, then test
  bench        measure against the peers in one run (needs python3; installs pandas into target/)
  setup        add the WebAssembly targets

`test` takes further arguments for the test runner, such as a name to filter by.";

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

fn test(rest: &[String]) -> Result<()> {
    guests::build()?;
    if shell::succeeds(cargo().args(["nextest", "--version"])) {
        shell::run(cargo().args(["nextest", "run", "--workspace", "--no-fail-fast"]).args(rest))?;
    } else {
        shell::run(
            cargo().args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests"]).args(rest),
        )?;
    }
    // The runner above leaves out the examples in the SDK's documentation.
    shell::run(cargo().args(["test", "--doc", "-p", "stratagem-sdk"]))
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
