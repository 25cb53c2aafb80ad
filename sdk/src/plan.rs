//! What a strategy needs and can do once configured.
//!
//! A strategy does not fill in these records itself: [`PlanBuilder`](crate::PlanBuilder) does, and hands out handles.
//! They are public because tests want to look at them.

/// How much of a column's history is wanted, counted back from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// All of it.
    All,
    /// The newest n values of each row.
    LastN(u32),
    /// The values of the last n times 24 hours.
    LastDays(u32),
}

/// A column by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnRequest {
    /// Its name in the contract.
    pub name: String,
    /// How much of it; [`Window::All`] for columns without history.
    pub window: Window,
}

/// A reference table by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceRequest {
    /// Its name in the contract.
    pub name: String,
    /// What the host lets a strategy choose about it.
    pub options: Vec<(String, i64)>,
    /// How often it is recomputed.
    pub schedule: crate::Schedule,
}

/// The kinds of things a strategy can do. The first four reach the customer: they need consent, count against caps
/// and cost a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// Says something.
    Message,
    /// Gives a coupon.
    Coupon,
    /// Gives points.
    Points,
    /// Sets the customer a task.
    Task,
    /// Sets a tag; the customer notices nothing.
    Tag,
    /// Gives a task to a person of the merchant's.
    HumanTask,
    /// Files the customer as silent.
    MarkSilent,
    /// Ends the customer's way through the strategy.
    Exit,
}

/// What an action gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Minor units, funded by the merchant: the most that one redemption can cost.
    pub face_value: i64,
    /// Order value from which it can be redeemed, minor units.
    pub minimum_spend: i64,
    /// Days after the touch on which it can be redeemed.
    pub valid_days: u32,
}

/// One of the finitely many things a strategy can do, resolved from its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPlan {
    /// Lower-case words joined by `-`, unique in the plan.
    pub id: String,
    /// What kind of thing.
    pub kind: ActionKind,
    /// Such as `app-push`; empty where nothing is sent.
    pub channel: String,
    /// What is said, or the name of a template.
    pub content: String,
    /// What is given away.
    pub offer: Option<Offer>,
    /// Cost of one contact, minor units.
    pub contact_cost: i64,
}

/// What counts as success in the attribution window after a touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Any order.
    Order,
    /// An order that contains the category given as the proposal's item.
    ItemOrder,
}

/// Everything the host needs to know before it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// At most 64.
    pub columns: Vec<ColumnRequest>,
    /// At most 16.
    pub references: Vec<ReferenceRequest>,
    /// 1 to 1,024.
    pub actions: Vec<ActionPlan>,
    /// Event kinds after which a customer is looked at again.
    pub events: Vec<String>,
    /// The steps: local times of day in minutes after midnight, ascending, 1 to 24 of them.
    pub daily_at: Vec<u32>,
    /// Index of the action that a failed batch gets.
    pub fallback: Option<u32>,
    /// What counts as success.
    pub goal: Goal,
}

/// An action of the plan; made by [`PlanBuilder::action`](crate::PlanBuilder::action), proposed with
/// [`Proposals::propose`](crate::Proposals::propose).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    index: u32,
}

impl Action {
    /// An action by its index in the plan. A strategy has the handle already; this is for tests, which compare.
    pub fn with_index(index: u32) -> Self {
        Self { index }
    }

    /// Index into the plan's actions, as it stands in the column `touch.actions`.
    ///
    /// Touches outlive a change of parameters. A strategy that reads them declares the same actions in the same
    /// order whatever its parameters are, or it misreads its own past.
    #[inline(always)]
    pub fn index(self) -> u32 {
        self.index
    }
}
