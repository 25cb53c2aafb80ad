//! The `stratagem` binary: parse, call, print.
//!
//! Data goes to standard output, everything else to standard error. What a command does lives in the crates below;
//! here is only what a person types and reads.

mod args;
mod backtest;
mod build;
mod check;
mod decisions;
mod demo;
mod effect;
mod evaluate;
mod exit;
mod fit;
mod generate;
mod ingest;
mod library;
mod output;
mod power;
mod progress;
mod rerun;
mod store;
mod strategy;
mod sweep;
mod terminal;
mod values;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Ingest(args) => ingest::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Simulate(args) => backtest::simulate(&args),
        Command::Fit(args) => fit::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Effect(args) => effect::run(&args),
        Command::Power(args) => power::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Strategy(command) => strategy::run(&command),
        Command::Store(command) => store::run(&command),
        Command::Library(command) => library::run(&command),
        Command::Demo(args) => demo::run(&args),
        Command::Completions { shell } => terminal::completions(shell),
        Command::Man { dir } => terminal::man_pages(&dir),
    };
    exit::report(result)
}
