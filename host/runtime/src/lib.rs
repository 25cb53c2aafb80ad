//! The only crate that runs guest code: validate, compile, cache, limit, evaluate.
//!
//! Callers see a plain function: a [`Batch`](stratagem_model::Batch) of columns in, checked proposals and wake
//! times out, or a [`Failure`] that names the reason to record.
//!
//! # Invariants
//!
//! - **No ambient authority.** A component gets `log`, and the WASI interfaces a language's runtime links in,
//!   answered from constants and the batch. There are no files, no variables, no network, and nobody may wait.
//! - **Everything is bounded**: fuel, memory, tables, instances, bytes a call, output, log.
//! - **Native code is loaded only if this user's cache wrote it**; the component is the truth.
//! - **An instance that failed is never called again.**
//!
//! # Not here
//!
//! What becomes of a proposal is `stratagem-gates`; which rows are asked when is `stratagem-replay`.

mod bindings;
mod cache;
pub mod componentize;
mod convert;
mod engine;
mod error;
mod evaluate;
mod inspect;
mod load;
mod state;
mod wasi;

pub use cache::Cache;
pub use engine::{Engine, EngineOptions, Interruption, Limits};
pub use error::{ConfigureError, Failure, LoadError};
pub use evaluate::{Evaluator, Instances};
pub use inspect::{CONTRACT_VERSION, Shape};
pub use load::{Configured, Digest, LogLine, Strategy};
