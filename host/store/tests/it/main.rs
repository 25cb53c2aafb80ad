//! What every backend of the store promises, and how the sled one meets crashes, damage and full disks.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod conformance;
mod crash;
mod damage;
mod data;
mod export;
mod generate;
mod ingest;
mod operation;
