//! Write marketing strategies for Stratagem in Rust.
//!
//! A strategy is a pure function: parameters and what is known about a customer now go in, proposals and the time to
//! look again come out. It has no clock, no randomness, no files and no memory of its own; what it did before is a
//! column like any other. That is what lets the same component run over years of history in seconds, live under
//! load, and again a year later with the same result.
//!
//! # A strategy, whole
//!
//! ```
//! use stratagem_sdk::prelude::*;
//!
//! #[derive(Parameters)]
//! struct Settings {
//!     /// Days without an order before the customer hears from us.
//!     #[parameter(default = 21, min = 1, max = 365, unit = "days")]
//!     silence_days: i64,
//!     /// Face value of the coupon.
//!     #[parameter(default = 500, min = 1, max = 100_000, unit = "minor")]
//!     coupon_value: i64,
//! }
//!
//! struct MissYou {
//!     silence: i64,
//!     last_order: Column<Option<i64>>,
//!     touches: Column<[i64]>,
//!     coupon: Action,
//! }
//!
//! impl Strategy for MissYou {
//!     type Parameters = Settings;
//!
//!     fn describe() -> Description {
//!         Description {
//!             package: stratagem_sdk::package!(),
//!             title: Text::english("Miss you"),
//!             summary: Text::english("One coupon to whoever has not ordered for a while."),
//!             class: OperationClass::Lifecycle,
//!             answers: Answers {
//!                 to_whom: "Customers who have ordered before, but not for some weeks.",
//!                 why: "They buy again before they have forgotten us.",
//!                 what: "A coupon.",
//!                 when: "At ten in the morning after the silence has lasted long enough.",
//!                 r#where: "App push.",
//!                 how: "Once per silence; an order ends it.",
//!                 how_much: "The coupon's face value for those who redeem it.",
//!             },
//!         }
//!     }
//!
//!     fn configure(settings: Settings, plan: &mut PlanBuilder) -> Result<Self, Vec<ParameterError>> {
//!         plan.on_events(&["order"]);
//!         let offer = Offer { face_value: settings.coupon_value, minimum_spend: 0, valid_days: 7 };
//!         Ok(Self {
//!             silence: days(settings.silence_days),
//!             last_order: plan.column(column::ORDER_LAST_TIME),
//!             touches: plan.history(column::TOUCH_TIMES, Window::LastN(1)),
//!             coupon: plan.action("coupon", ActionKind::Coupon).channel("app-push").offer(offer).add(),
//!         })
//!     }
//!
//!     fn evaluate(&self, customer: Row<'_>, out: &mut Proposals<'_>) {
//!         let Some(last_order) = customer.get(self.last_order) else { return };
//!         if customer.get(self.touches).last().is_some_and(|touch| *touch > last_order) {
//!             return; // Told already; only an order changes that.
//!         }
//!         let due = last_order + self.silence;
//!         if customer.now() >= due {
//!             out.propose(self.coupon);
//!         } else {
//!             out.wake_at(due);
//!         }
//!     }
//! }
//!
//! stratagem_sdk::export!(MissYou);
//!
//! // In a test: the same strategy natively, without WebAssembly, in microseconds.
//! let day = |day: i64| day * DAY_MS;
//! let bench = native::Bench::<MissYou>::new().set("silence-days", "30");
//! let customer = native::Customer::new().order(day(100), 2_500);
//! assert_eq!(bench.at(day(129)).ask(&customer).wake, day(130));
//! assert_eq!(bench.at(day(130)).ask(&customer).actions(), ["coupon"]);
//! ```
//!
//! # From source to component
//!
//! The crate is a `cdylib` (and an `rlib`, for its tests) that depends on `stratagem-sdk` alone.
//! `stratagem strategy build` compiles it for `wasm32-unknown-unknown` and wraps it as a component that imports
//! nothing but the log. Built with `--target wasm32-wasip2` it is a component already; what its runtime links in of
//! WASI the host answers with constants.
//!
//! # What makes a strategy right
//!
//! - **Wake times are exact.** The host asks again after an event named in the plan, after the strategy's own touch,
//!   and at the wake time, and never else. The wake time is the earliest at which the answer could change without
//!   an event; too late is a bug (an audit finds it), too early costs time.
//!   [`native::Walk`] checks it over a whole history.
//! - **The past is read, not remembered.** Waves, cool-downs and caps follow from `touch.*` columns, so a customer
//!   who is held out as a control walks the same path.
//! - **Whole numbers only.** Milliseconds, minor units, parts per million.
//!
//! # What makes a strategy fast
//!
//! Columns are borrowed slices and a row is an index; the cost is in what is asked for. Ask for scalars rather than
//! histories, for the newest few values rather than all, and work out in [`Strategy::begin`] what all customers
//! share.
//!
//! The default feature `allocator` makes the component's global allocator one that never grows the memory during a
//! usual batch.

#![warn(missing_docs)]

// The code that the derives generate names this crate from outside; inside, its tests do the same.
extern crate self as stratagem_sdk;

mod batch;
mod builder;
pub mod column;
mod description;
#[doc(hidden)]
pub mod engine;
pub mod log;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
mod output;
#[doc(hidden)]
pub mod parameters;
mod plan;
mod reference;
mod strategy;
pub mod time;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wasm;

pub use batch::{BatchView, ColumnView, Row, TableView};
pub use builder::{ActionBuilder, PlanBuilder};
pub use column::{Column, History, Shape, Standard};
pub use description::{Answers, Description, OperationClass, Package, Text};
pub use output::{NO_ITEM, Output, Proposal, Proposals};
pub use parameters::{Choice, Parameter, ParameterError, ParameterType, Parameters, Value};
pub use plan::{Action, ActionKind, ActionPlan, ColumnRequest, Goal, Offer, Plan, ReferenceRequest, Window};
pub use reference::{CategoryPairs, Dictionary, Names, PairOptions, Pairs, Reference, Schedule, Table};
pub use stratagem_sdk_macros::{Choice, Parameters};
pub use strategy::{Failure, Strategy};

/// Everything a strategy needs, for `use stratagem_sdk::prelude::*`.
pub mod prelude {
    #[cfg(not(target_arch = "wasm32"))]
    pub use crate::native;
    pub use crate::time::{DAY_MS, HOUR_MS, NEVER, days};
    pub use crate::{
        Action, ActionKind, Answers, BatchView, CategoryPairs, Choice, Column, Description, Failure, Goal,
        NO_ITEM, Names, Offer, OperationClass, PairOptions, ParameterError, Parameters, PlanBuilder,
        Proposals, Row, Schedule, Strategy, Table, Text, Window, column, log,
    };
}

/// Makes a type that implements [`Strategy`] the strategy of the component that this crate compiles to.
///
/// Written once, at the end of the crate. Outside WebAssembly it does nothing, so that tests run natively.
#[macro_export]
macro_rules! export {
    ($strategy:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Component = $crate::wasm::Component<$strategy>;
    $crate::wasm::bindings::export_guest!(Component with_types_in $crate::wasm::bindings);
        };
    };
}
