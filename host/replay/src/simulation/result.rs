//! What a simulation found: quantiles over its worlds, the break-even effect, and ROI over a grid.

use stratagem_insight::PurchaseLog;
use stratagem_measure::repurchase::Kind;
use stratagem_model::time::{Day, date_of};
use stratagem_model::{Money, PPM};
use stratagem_record::simulation::{
    ActionEffect, BandPoint, BreakEven, Grid, OverWorlds, Quantiles, Tried, World,
};

use super::{STRENGTHS, Settings, Simulator};
use crate::result::RunResult;

/// Face values of the grid, in units of the declared ones.
const DISCOUNTS: [f64; 5] = [0.0, 0.5, 1.0, 1.5, 2.0];

/// A simulation with the first of its worlds as a run.
#[derive(Debug)]
pub struct Simulated {
    pub over_worlds: OverWorlds,
    /// Of each contact of the strategy.
    pub effects: Vec<ActionEffect>,
    pub run: RunResult,
}

/// What is earned: margin on what was caused, less contacts and redeemed coupons.
fn profit(margin_ppm: u32, caused: Money, contacts: Money, redeemed: f64) -> f64 {
    caused as f64 * f64::from(margin_ppm) / f64::from(PPM) - contacts as f64 - redeemed
}

/// A world that was run through.
pub(super) struct Played {
    pub(super) world: World,
    /// Cumulative profit at the end of each period.
    cumulative: Vec<f64>,
}

impl Played {
    pub(super) fn new(number: u32, strength: f64, result: &RunResult, of: &Simulator<'_>) -> Self {
        let (totals, margin_ppm) = (&result.totals, of.settings.margin_ppm);
        let ledger = &totals.ledger;
        let actions = &of.run.configured.plan().actions;
        let contacts = actions.iter().zip(&totals.treated.actions);
        let contacts =
            contacts.filter(|(action, _)| action.kind.is_contact()).map(|(_, of)| of.touches).sum();
        let (mut so_far, mut high, mut drawdown) = (0.0_f64, 0.0_f64, 0.0_f64);
        let periods = ledger.periods.iter().zip(&totals.treated.periods);
        let cumulative = periods.map(|((caused, redeemed), period)| {
            so_far += profit(margin_ppm, *caused, period.contact_cost, *redeemed as f64);
            high = high.max(so_far);
            drawdown = drawdown.max(high - so_far);
            so_far
        });
        let cumulative: Vec<_> = cumulative.collect();
        let contact_cost = totals.treated.periods.iter().map(|period| period.contact_cost).sum();
        let world = World {
            number,
            strength,
            contacts,
            contact_cost,
            caused_orders: ledger.caused_orders,
            caused_gmv: ledger.caused_gmv,
            redemptions: ledger.redemptions,
            redeemed: ledger.redeemed,
            cannibalised: ledger.cannibalised,
            attributed_gmv: totals.treated.attributed_gmv,
            profit: profit(margin_ppm, ledger.caused_gmv, contact_cost, ledger.redeemed as f64),
            drawdown,
            measured: crate::summary::difference(&totals.treated, &totals.control),
            truth: ledger.caused_gmv as f64 / totals.treated.eligible.max(1) as f64,
        };
        Self { world, cumulative }
    }
}

fn cost(world: &World) -> f64 {
    (world.contact_cost + world.redeemed) as f64
}

/// A model of the kind of the one it stands for, tried on the last stretch before the cut.
pub(super) fn tried(log: &PurchaseLog, settings: &Settings, kind: Kind) -> Option<Tried> {
    let (first, end) = (log.first()?, settings.cut - 1);
    // As long as what is simulated, but no more than a third of what is known.
    let until = end - (settings.days as Day).min((end - first) / 3);
    let model = kind.fit(&log.histories(until).ok()?).ok()?.model;
    Some(Tried {
        from: date_of(first),
        until: date_of(until),
        end: date_of(end),
        holdout: log.holdout(&model, until, end).ok()?,
        tracking: log.tracking(&model, until, end).ok()?,
    })
}

/// What all worlds have in common.
pub(super) fn over_worlds(
    of: &Simulator<'_>,
    played: Vec<Played>,
    grid: &[World],
    until: &[String],
) -> OverWorlds {
    let curve = until.iter().enumerate().map(|(i, until)| BandPoint {
        until: until.clone(),
        profit: Quantiles::of(played.iter().map(|played| played.cumulative[i])),
    });
    let curve = curve.collect();
    let worlds: Vec<_> = played.into_iter().map(|played| played.world).collect();
    let over = |value: fn(&World) -> f64| Quantiles::of(worlds.iter().map(value));
    let share = |holds: &dyn Fn(&World) -> Option<bool>| {
        let answers: Vec<_> = worlds.iter().filter_map(holds).collect();
        let yes = answers.iter().filter(|yes| **yes).count();
        (!answers.is_empty()).then(|| yes as f64 / answers.len() as f64)
    };
    let points: Vec<_> = grid.chunks(grid.len() / STRENGTHS.len()).collect();
    let grid = table(&points, of.settings.margin_ppm);
    OverWorlds {
        fitted: of.fitted.clone(),
        redemption: of.settings.redemption,
        contacts: over(|world| world.contacts as f64),
        caused_orders: over(|world| world.caused_orders as f64),
        caused_gmv: over(|world| world.caused_gmv as f64),
        attributed_gmv: over(|world| world.attributed_gmv as f64),
        redemptions: over(|world| world.redemptions as f64),
        cannibalised: over(|world| world.cannibalised as f64),
        contact_cost: over(|world| world.contact_cost as f64),
        redeemed: over(|world| world.redeemed as f64),
        profit: over(|world| world.profit),
        roi: worlds.iter().all(|world| cost(world) > 0.0).then(|| over(|world| world.profit / cost(world))),
        drawdown: over(|world| world.drawdown),
        losing: worlds.iter().filter(|world| world.profit < 0.0).count() as f64 / worlds.len() as f64,
        break_even: break_even(&grid.profit),
        grid,
        curve,
        holdout_covers: share(&|world| world.measured.map(|estimate| !estimate.excludes(world.truth))),
        holdout_detects: share(&|world| world.measured.map(|estimate| estimate.excludes(0.0))),
        worlds,
    }
}

/// The declared effect of each contact, and where it begins to pay.
pub(super) fn effects(of: &Simulator<'_>, break_even: BreakEven) -> Vec<ActionEffect> {
    let declared = of.run.configured.plan().actions.iter().zip(&of.settings.effects);
    declared
        .filter(|(action, _)| action.kind.is_contact())
        .map(|(action, (low, high))| ActionEffect {
            action: action.id.clone(),
            low: *low,
            high: *high,
            break_even: break_even_effect(break_even, *high),
        })
        .collect()
}

/// ROI and profit of each point of the grid, from the means over its worlds.
fn table(points: &[&[World]], margin_ppm: u32) -> Grid {
    let mean = |worlds: &[World], value: fn(&World) -> Money| {
        worlds.iter().map(|world| value(world) as f64).sum::<f64>() / worlds.len() as f64
    };
    let row = |worlds: &&[World]| {
        let margin = mean(worlds, |w| w.caused_gmv) * f64::from(margin_ppm) / f64::from(PPM);
        let (contacts, redeemed) = (mean(worlds, |w| w.contact_cost), mean(worlds, |w| w.redeemed));
        let roi = |discount: &f64| {
            let cost = contacts + discount * redeemed;
            (cost > 0.0).then(|| (margin - cost) / cost)
        };
        (DISCOUNTS.iter().map(roi).collect(), margin - contacts - redeemed)
    };
    let (roi, profit) = points.iter().map(row).unzip();
    let worlds = points[0].len() as u32;
    Grid { strengths: STRENGTHS.to_vec(), discounts: DISCOUNTS.to_vec(), roi, profit, worlds }
}

/// The effect of an action with this highest one at break-even; worlds cause no more than one order a contact. Nothing
/// of an action that is declared to do nothing: no effect of it was tried.
fn break_even_effect(found: BreakEven, high: f64) -> Option<f64> {
    match found {
        _ if high <= 0.0 => None,
        BreakEven::At(strength) => Some((strength * high).min(1.0)),
        BreakEven::Always => Some(0.0),
        BreakEven::Above(_) => None,
    }
}

/// Where profit crosses 0, between the points of the grid on a straight line.
fn break_even(profit: &[f64]) -> BreakEven {
    if profit[0] >= 0.0 {
        return BreakEven::Always;
    }
    let crossing = (1..profit.len()).find(|i| profit[*i] >= 0.0);
    crossing.map_or(BreakEven::Above(STRENGTHS[STRENGTHS.len() - 1]), |i| {
        let share = -profit[i - 1] / (profit[i] - profit[i - 1]);
        BreakEven::At(STRENGTHS[i - 1] + share * (STRENGTHS[i] - STRENGTHS[i - 1]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profit_begins_between_the_points_of_the_grid() {
        assert_eq!(break_even(&[-4.0, -2.0, 2.0, 3.0, 4.0, 5.0, 6.0]), BreakEven::At(0.375));
        assert_eq!(break_even(&[-4.0, -4.0, -3.0, -3.0, -3.0, -2.0, -1.0]), BreakEven::Above(2.0));
        assert_eq!(break_even(&[0.0; 7]), BreakEven::Always);
    }

    #[test]
    fn an_effect_at_break_even_is_a_probability_that_was_tried() {
        assert_eq!(break_even_effect(BreakEven::At(1.5), 0.5), Some(0.75));
        assert_eq!(break_even_effect(BreakEven::At(1.5), 0.8), Some(1.0));
        assert_eq!(break_even_effect(BreakEven::Always, 0.1), Some(0.0));
        assert_eq!(break_even_effect(BreakEven::Always, 0.0), None);
        assert_eq!(break_even_effect(BreakEven::Above(2.0), 0.1), None);
    }
}
