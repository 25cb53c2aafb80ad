//! The metrics of an observational replay, from its sums.
//!
//! The strategy never ran on these people, so nothing here is an effect: what contacted customers bought is
//! *attributed*, and shown beside what comparable customers bought whom nobody thought of contacting.

use stratagem_measure::{Estimate, Moments, welch, wilson};
use stratagem_model::{PPM, Plan, Reason};
use stratagem_record::{ActionSummary, Arm, DecisionCount, SegmentSummary, Summary};

use crate::outcome::{ActionTotals, ArmTotals, SegmentTotals};
use crate::result::RunResult;

pub(crate) const CONFIDENCE: f64 = 0.95;

/// The metrics of a finished run.
pub fn summarise(result: &RunResult, plan: &Plan, margin_ppm: u32) -> Summary {
    let totals = &result.totals;
    let actions = actions(result, plan);
    let contact_cost = actions.iter().map(|action| action.contact_cost).sum();
    let offer_exposure = actions.iter().map(|action| action.offer_exposure).sum();
    let cost = (contact_cost + offer_exposure) as f64;
    let margin = totals.treated.attributed_gmv as f64 * f64::from(margin_ppm) / f64::from(PPM);
    Summary {
        treated: arm(&totals.treated),
        control: arm(&totals.control),
        // Best customers first.
        classes: segments(&totals.treated.classes, &totals.control.classes, (0..8).rev()),
        stages: segments(&totals.treated.stages, &totals.control.stages, 0..5),
        decisions: decisions(result, plan),
        contact_cost,
        offer_exposure,
        roi_if_all_caused: (cost > 0.0).then(|| (margin - cost) / cost),
        break_even_share: (margin > 0.0).then(|| cost / margin),
        arms_difference: difference(&totals.treated, &totals.control),
        curve: result.curve.clone(),
        actions,
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
