//! The virtual clock: a strategy version run over history, step by step, as it would run live.
//!
//! Each step has two halves. *Propose* is per customer and pure, and runs on any number of workers by shard;
//! *decide* passes the proposals through the gates. Where no gate reads across customers, a shard runs through all
//! steps on its own and is then forgotten, so memory does not grow with the store; with a budget all shards move in
//! lockstep, and customers are served in an order that is drawn anew at each step. Decisions are written in the order
//! of `(bucket, customer)` all the same.
//!
//! # Invariants
//!
//! - **Same inputs, same bytes**, whatever the threads, batches, shards and instances.
//! - **A decision at an instant depends on nothing known then or later**; [`audit`] proves it on the run at hand.
//! - **A failed batch leaves decisions, not a gap.**
//!
//! # Not here
//!
//! What a column is, `stratagem-insight`; the gates, `stratagem-gates`; the types of what is found, `stratagem-record`;
//! keeping it, `stratagem-library`.

mod attribution;
pub mod audit;
mod clock;
mod cohorts;
mod collisions;
mod config;
mod curve;
mod driver;
mod evidence;
pub mod logged;
mod lookalike;
mod lottery;
mod names;
mod outcome;
mod receipt;
mod result;
mod shard;
pub mod simulation;
mod summary;
mod treatments;

pub use clock::Clock;
pub use collisions::Contacts;
pub use config::{Backtest, BacktestError};
pub use driver::{Progress, Sink, run};
pub use evidence::{SPLITS, evidence};
pub use names::decision_names;
pub use outcome::{ActionTotals, ArmTotals, CustomerOutcome, SegmentTotals, Totals};
pub use result::RunResult;
pub use summary::summarise;
