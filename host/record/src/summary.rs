//! What a lane did over a run, and what followed.
//!
//! The strategy never ran on these people, so nothing here is an effect: what contacted customers bought is
//! *attributed*, and shown beside what comparable customers bought whom nobody thought of contacting.

use serde::{Deserialize, Serialize};
use stratagem_measure::{Estimate, Rate};
use stratagem_model::{ActionKind, Money, Reason};

/// The metrics of a lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Customers in no holdout.
    pub treated: Arm,
    /// Customers held out.
    pub control: Arm,
    pub actions: Vec<ActionSummary>,
    pub classes: Vec<SegmentSummary>,
    pub stages: Vec<SegmentSummary>,
    pub decisions: Vec<DecisionCount>,
    pub contact_cost: Money,
    /// Face value of all offers sent: what they cost if every one is redeemed.
    pub offer_exposure: Money,
    /// (margin x attributed GMV - worst-case cost) / worst-case cost: what it would be if every attributed order
    /// had been caused. Not causal. Nothing without cost.
    pub roi_if_all_caused: Option<f64>,
    /// Share of the attributed GMV that must be caused for the worst-case cost to come back.
    pub break_even_share: Option<f64>,
    /// GMV per eligible customer, treated less control: over history nothing was done to anyone, so it is chance.
    pub arms_difference: Option<Estimate>,
    /// The same as it grew over the run, with what was spent until then.
    pub curve: Vec<CurvePoint>,
}

impl Summary {
    /// Contacts carried out, of all actions.
    pub fn contacts(&self) -> u64 {
        self.actions.iter().filter(|action| action.kind.is_contact()).map(|action| action.sent).sum()
    }

    /// What it costs if every offer is redeemed, minor units.
    pub fn worst_case_cost(&self) -> Money {
        self.contact_cost.saturating_add(self.offer_exposure)
    }
}

/// The customers of one arm. Money in minor units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Arm {
    /// Customers the strategy was asked about.
    pub eligible: u64,
    /// Of these, those it wanted to do something with.
    pub participants: u64,
    /// Of these, those with a contact (for controls: a contact held out).
    pub contacted: u64,
    /// Share of the contacted with a qualifying order in the window of a contact.
    pub conversion: Option<Rate>,
    /// Value before discounts of those orders.
    pub attributed_gmv: Money,
    pub attributed_orders: u64,
    /// Of all eligible customers over the whole measured period.
    pub gmv: Money,
    /// GMV less merchant-funded discounts and refunds.
    pub net_revenue: Money,
    pub buyers: u64,
    pub orders: u64,
    /// GMV for each eligible customer.
    pub arpu: Option<f64>,
    /// GMV for each buyer.
    pub arppu: Option<f64>,
    /// GMV for each order.
    pub aov: Option<f64>,
}

/// One action of the strategy: for recall waves, a wave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActionSummary {
    pub id: String,
    pub kind: ActionKind,
    /// Times it was carried out.
    pub sent: u64,
    /// Share of these followed by a qualifying order in the window, also if another contact came in between.
    pub conversion: Option<Rate>,
    /// Value of the orders attributed to it (to the last contact before each), not causal, minor units.
    pub gmv: Money,
    /// The same share among controls, at the contacts they would have had.
    pub natural_return_holdout: Option<Rate>,
    /// The share of look-alike days (as many silent days, about as many orders) with an order in the window.
    /// Nothing where only orders with a certain item qualify.
    pub natural_return_look_alike: Option<f64>,
    /// What these contacts cost, and at most give away, minor units.
    pub contact_cost: Money,
    pub offer_exposure: Money,
}

/// Participants of one RFM class, or of one lifecycle stage, at their first touch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SegmentSummary {
    /// Of classes the bits R=4, F=2, M=1; of stages 0 introduction to 4 lost; nothing for customers without an order.
    pub segment: Option<u32>,
    pub participants: u64,
    pub conversion: Option<Rate>,
    pub natural_return_holdout: Option<Rate>,
    pub gmv: Money,
}

/// How many decisions had which action and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DecisionCount {
    /// Nothing: a fallback that does nothing.
    pub action: Option<String>,
    pub reason: Reason,
    pub count: u64,
}

/// A point of the line: everything from the run's start until the end of `until`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CurvePoint {
    /// Local date of the period's end.
    pub until: String,
    /// GMV per eligible customer, treated less control, minor units.
    pub difference: Option<Estimate>,
    /// What the contacts of the treated cost, and the face value of what they offered, minor units.
    pub contact_cost: Money,
    pub offer_exposure: Money,
}
