//! What is kept of a run: which lanes ran over which data, under which gates, and what came of it.
//!
//! A record is complete from the moment it is made. It is of one [`Mode`], and has exactly what this mode found: no
//! field that another mode fills, and no zero that means "not measured".
//!
//! # Invariants
//!
//! - **The format is a number.** A record of another format, or of a mode that is not known, is refused by serde and
//!   never half read.
//! - **What is written is read again as it was**, float for float.
//! - **Amounts are minor units**, keys are kebab-case, dates are local days as text.
//!
//! # Not here
//!
//! Who makes records is `stratagem-replay`, where they are kept `stratagem-library`, how they are shown
//! `stratagem-report`. No I/O, no Wasm.

mod audit;
mod cohort;
mod collisions;
mod data;
mod evidence;
mod format;
mod gates;
mod lane;
mod off_policy;
mod receipt;
mod replay;
mod run;
pub mod simulation;
mod summary;
mod treatment;

pub use audit::{Audit, Finding};
pub use cohort::Cohort;
pub use collisions::Collisions;
pub use data::{DataRecord, Period};
pub use evidence::{Covariate, Coverage, Evidence, NoAction};
pub use format::{FORMAT, Format};
pub use gates::{Gates, OwnGates};
pub use lane::{FailureCount, Lane, Lanes, LoggedLine, StrategyRecord};
pub use off_policy::{LogRecord, OffPolicy, Reward};
pub use receipt::Receipt;
pub use replay::{Replay, Replayed};
pub use run::{Draft, Mode, Run};
pub use summary::{ActionSummary, Arm, CurvePoint, DecisionCount, SegmentSummary, Summary};
pub use treatment::{Concurrent, Treatment};
