//! End to end over real components and data.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cli;
mod determinism;
mod digests;
mod hostile;
mod known_time;
mod look_ahead;
mod measure;
mod modes;
mod runtime;
mod strategies;
mod tidy;
