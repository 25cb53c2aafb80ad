//! The command line by itself: every command has help with examples where a person needs them, and parses.
//!
//! What the commands do is tested end to end in `tests/e2e`. This binary also makes test builds build `stratagem`,
//! which those tests run.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::process::Command;

fn help(arguments: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_stratagem")).args(arguments).arg("--help").output().unwrap();
    assert!(out.status.success(), "{arguments:?} has no help");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn every_command_has_help() {
    let commands: &[&[&str]] = &[
        &["ingest"],
        &["generate"],
        &["backtest"],
        &["strategy", "build"],
        &["strategy", "inspect"],
        &["strategy", "check"],
        &["strategy", "columns"],
        &["store", "info"],
        &["store", "verify"],
        &["store", "export"],
        &["store", "compact"],
        &["library", "list"],
        &["library", "show"],
        &["library", "compare"],
        &["demo"],
        &["completions"],
        &["man"],
    ];
    for command in commands {
        assert!(help(command).contains("Usage: stratagem"), "{command:?}");
    }
}

#[test]
fn the_commands_people_begin_with_show_examples() {
    for command in ["ingest", "generate", "backtest"] {
        assert!(help(&[command]).contains("Examples:"), "{command}");
    }
    assert!(help(&[]).contains("Exit codes:"));
}
