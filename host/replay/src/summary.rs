//! The metrics of an observational replay, from its sums.
//!
//! The strategy never ran on these people, so nothing here is an effect: what contacted customers bought is
//! *attributed*, and shown beside what comparable customers bought whom nobody thought of contacting.

use serde::{Deserialize, Serialize};
use stratagem_measure::{Estimate, Moments, Rate, welch, wilson};
use stratagem_model::{ActionKind, Money, PPM, Plan, Reason};

use crate::cohorts::Cohort;
use crate::curve::CurvePoint;
use crate::logged::PolicyOnLog;
use crate::outcome::{ActionTotals, ArmTotals, SegmentTotals};
use crate::result::RunResult;
use crate::treatments::Treatment;

pub(crate) const CONFIDENCE: f64 = 0.95;

/// The days a run covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Period {
    /// First and last local day with decisions.
    pub from: String,
    pub until: String,
    /// Last local day of the data.
    pub data_end: String,
    /// Days after a touch in which orders are attributed to it.
    pub window_days: u32,
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
    #[serde(alias = "class")]
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

/// The metrics of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// What kind of backtest this is: `observational-replay`.
    pub mode: String,
    pub period: Period,
    pub customers: u64,
    /// Customers in no holdout.
    pub treated: Arm,
    /// Customers held out.
    pub control: Arm,
    pub actions: Vec<ActionSummary>,
    pub classes: Vec<SegmentSummary>,
    #[serde(default)]
    pub stages: Vec<SegmentSummary>,
    pub decisions: Vec<DecisionCount>,
    pub contact_cost: Money,
    /// Face value of all offers sent: what they cost if every one is redeemed.
    pub offer_exposure: Money,
    /// Share of order value that is margin, parts per million: declared, not measured.
    pub margin_ppm: u32,
    /// (margin x attributed GMV - worst-case cost) / worst-case cost: what it would be if every attributed order
    /// had been caused. Not causal. Nothing without cost.
    pub roi_if_all_caused: Option<f64>,
    /// Share of the attributed GMV that must be caused for the worst-case cost to come back.
    pub break_even_share: Option<f64>,
    /// GMV per eligible customer, treated less control: in this mode nothing was done to anyone, so it is chance.
    pub arms_difference: Option<Estimate>,
    /// The same as it grew over the run, with what was spent until then.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
    #[serde(default)]
    pub cohorts: Vec<Cohort>,
    /// Campaigns of the data and what they may have caused.
    #[serde(default)]
    pub treatments: Vec<Treatment>,
}

/// The metrics of a finished run.
pub fn summarise(result: &RunResult, plan: &Plan, window_days: u32, margin_ppm: u32) -> Summary {
    let totals = &result.totals;
    let actions = actions(result, plan);
    let contact_cost = actions.iter().map(|action| action.contact_cost).sum();
    let offer_exposure = actions.iter().map(|action| action.offer_exposure).sum();
    let cost = (contact_cost + offer_exposure) as f64;
    let margin = totals.treated.attributed_gmv as f64 * f64::from(margin_ppm) / f64::from(PPM);
    Summary {
        mode: "observational-replay".into(),
        period: Period {
            from: result.days.0.clone(),
            until: result.days.1.clone(),
            data_end: result.data_end.clone(),
            window_days,
        },
        customers: totals.customers,
        treated: arm(&totals.treated),
        control: arm(&totals.control),
        // Best customers first.
        classes: segments(&totals.treated.classes, &totals.control.classes, (0..8).rev()),
        stages: segments(&totals.treated.stages, &totals.control.stages, 0..5),
        decisions: decisions(result, plan),
        contact_cost,
        offer_exposure,
        margin_ppm,
        roi_if_all_caused: (cost > 0.0).then(|| (margin - cost) / cost),
        break_even_share: (margin > 0.0).then(|| cost / margin),
        arms_difference: difference(&totals.treated, &totals.control),
        curve: result.curve.clone(),
        cohorts: result.cohorts.clone(),
        treatments: result.treatments.clone(),
        actions,
    }
}

impl Summary {
    /// What there is to say of a run on a log, in which nothing is decided: all counts are 0.
    pub fn of_log(asked: &PolicyOnLog, window_days: u32, margin_ppm: u32) -> Self {
        let nobody = arm(&ArmTotals::default());
        Self {
            mode: "off-policy".into(),
            period: Period {
                from: asked.days.0.clone(),
                until: asked.days.1.clone(),
                data_end: asked.data_end.clone(),
                window_days,
            },
            customers: asked.customers,
            treated: nobody.clone(),
            control: nobody,
            actions: vec![],
            classes: vec![],
            stages: vec![],
            decisions: vec![],
            contact_cost: 0,
            offer_exposure: 0,
            margin_ppm,
            roi_if_all_caused: None,
            break_even_share: None,
            arms_difference: None,
            curve: vec![],
            cohorts: vec![],
            treatments: vec![],
        }
    }
}

/// GMV per eligible customer, treated less control.
pub(crate) fn difference(treated: &ArmTotals, control: &ArmTotals) -> Option<Estimate> {
    let sample = |arm: &ArmTotals| {
        Moments { count: arm.eligible, sum: arm.gmv, squares: arm.gmv_squares }.sample().ok()
    };
    welch(&sample(treated)?, &sample(control)?, CONFIDENCE).ok()
}

fn arm(totals: &ArmTotals) -> Arm {
    let per = |of: u64| (of > 0).then(|| totals.gmv as f64 / of as f64);
    Arm {
        eligible: totals.eligible,
        participants: totals.participants,
        contacted: totals.contacted,
        conversion: wilson(totals.converted, totals.contacted, CONFIDENCE),
        attributed_gmv: totals.attributed_gmv,
        attributed_orders: totals.attributed_orders,
        gmv: totals.gmv,
        net_revenue: totals.gmv - totals.discounts - totals.refunds,
        buyers: totals.buyers,
        orders: totals.orders,
        arpu: per(totals.eligible),
        arppu: per(totals.buyers),
        aov: per(totals.orders),
    }
}

fn actions(result: &RunResult, plan: &Plan) -> Vec<ActionSummary> {
    let totals = &result.totals;
    let population = totals.population.clone().cumulated();
    let summary = |(i, action): (usize, &stratagem_model::Action)| {
        let (sent, held) = (&totals.treated.actions[i], &totals.control.actions[i]);
        let is_contact = action.kind.is_contact();
        let rate = |of: &ActionTotals| of.by_customer.rate(CONFIDENCE).filter(|_| is_contact);
        let any_order = is_contact && plan.goal == stratagem_model::Goal::Order;
        let look_alike = || totals.shares.silences[i].expected_return(&population);
        let count = sent.touches as i64;
        ActionSummary {
            id: action.id.clone(),
            kind: action.kind,
            sent: sent.touches,
            conversion: rate(sent),
            gmv: sent.gmv,
            natural_return_holdout: rate(held),
            natural_return_look_alike: any_order.then(look_alike).flatten(),
            contact_cost: count * action.contact_cost,
            offer_exposure: count * action.offer.map_or(0, |offer| offer.face_value),
        }
    };
    plan.actions.iter().enumerate().map(summary).collect()
}

/// Segments that have participants, in this order; the last of the totals is customers without an order.
fn segments(
    treated: &[SegmentTotals],
    control: &[SegmentTotals],
    order: impl Iterator<Item = usize>,
) -> Vec<SegmentSummary> {
    let none = treated.len() - 1;
    let rate = |totals: &SegmentTotals| wilson(totals.converted, totals.participants, CONFIDENCE);
    let summary = |i: usize| SegmentSummary {
        segment: (i < none).then_some(i as u32),
        participants: treated[i].participants,
        conversion: rate(&treated[i]),
        natural_return_holdout: rate(&control[i]),
        gmv: treated[i].gmv,
    };
    order.chain([none]).map(summary).filter(|segment| segment.participants > 0).collect()
}

fn decisions(result: &RunResult, plan: &Plan) -> Vec<DecisionCount> {
    let mut out = vec![];
    for (i, by_reason) in result.totals.shares.decisions.iter().enumerate() {
        for (reason, count) in Reason::ALL.iter().zip(by_reason).filter(|(_, count)| **count > 0) {
            let action = plan.actions.get(i).map(|action| action.id.clone());
            out.push(DecisionCount { action, reason: *reason, count: *count });
        }
    }
    out
}
