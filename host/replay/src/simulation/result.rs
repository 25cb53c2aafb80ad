//! What a simulation found: quantiles over its worlds, the break-even effect, and ROI over a grid.

use serde::{Deserialize, Serialize};
use stratagem_insight::PurchaseLog;
use stratagem_measure::repurchase::{Fit, GammaGamma, Holdout, Kind, Model, Tracking};
use stratagem_model::time::{Day, date_of};
use stratagem_model::{Money, PPM};

use super::{STRENGTHS, Settings, Simulator};
use crate::result::RunResult;

/// Face values of the grid, in units of the declared ones.
const DISCOUNTS: [f64; 5] = [0.0, 0.5, 1.0, 1.5, 2.0];

/// A simulation with the first of its worlds as a run.
#[derive(Debug)]
pub struct Simulated {
    pub simulation: Simulation,
    pub run: RunResult,
}

/// One world. Money in minor units; everything is of the treated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct World {
    pub number: u32,
    /// Where within the declared range its effects lie (0 the lowest, 1 the highest); in the grid, in units of the
    /// highest.
    pub strength: f64,
    pub contacts: u64,
    pub contact_cost: Money,
    /// Orders that contacts caused, and their value before discounts: the truth in this world.
    pub caused_orders: u64,
    pub caused_gmv: Money,
    pub redemptions: u64,
    pub redeemed: Money,
    /// Coupons redeemed by orders that came by themselves.
    pub cannibalised: u64,
    /// Attributed by the window, as a replay would.
    pub attributed_gmv: Money,
    pub profit: f64,
    /// The deepest fall of cumulative profit from an earlier high.
    pub drawdown: f64,
    /// What the holdout would have measured, per eligible customer, and the truth it should have.
    pub measured: Option<stratagem_measure::Estimate>,
    pub truth: f64,
    #[serde(skip)]
    cumulative: Vec<f64>,
}

/// What is earned: margin on what was caused, less contacts and redeemed coupons.
fn profit(margin_ppm: u32, caused: Money, contacts: Money, redeemed: f64) -> f64 {
    caused as f64 * f64::from(margin_ppm) / f64::from(PPM) - contacts as f64 - redeemed
}

impl World {
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
        Self {
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
            cumulative,
        }
    }

    fn cost(&self) -> f64 {
        (self.contact_cost + self.redeemed) as f64
    }
}

/// Mean, and the 2.5 %, 50 % and 97.5 % quantiles over worlds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Quantiles {
    pub mean: f64,
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Quantiles {
    /// Of values, at least one.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.collect();
        values.sort_unstable_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        // Between the two nearest values, by distance.
        let at = |share: f64| {
            let place = share * (values.len() - 1) as f64;
            let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Self { mean, low: at(0.025), median: at(0.5), high: at(0.975) }
    }
}

/// The declared effect of an action: orders that a contact causes on average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActionEffect {
    pub action: String,
    pub low: f64,
    pub high: f64,
    /// The effect at which the mean profit is 0; nothing if none on the grid is, or none was tried of this action.
    pub break_even: Option<f64>,
}

/// Where profit begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakEven {
    /// At this strength, in units of the highest declared effects.
    At(f64),
    /// Nowhere on the grid, whose strongest point this is.
    Above(f64),
    /// Already without any effect: nothing is spent.
    Always,
}

/// ROI by strength and discount: profit / cost, nothing where nothing is spent. Rows are strengths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Grid {
    /// In units of the highest declared effects.
    pub strengths: Vec<f64>,
    /// In units of the face values.
    pub discounts: Vec<f64>,
    pub roi: Vec<Vec<Option<f64>>>,
    /// Mean profit at the declared face values, by strength, minor units.
    pub profit: Vec<f64>,
    /// Worlds behind each point.
    pub worlds: u32,
}

/// Cumulative profit at the end of a period, over worlds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BandPoint {
    pub until: String,
    pub profit: Quantiles,
}

/// The models that futures are drawn from, fitted on the history before the cut, in days and minor units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fitted {
    pub repurchase: Fit<Model>,
    pub spend: Fit<GammaGamma>,
    /// The same kind of model, tried on the last stretch before the cut; nothing where it cannot be fitted without it.
    pub tried: Option<Tried>,
}

/// A repurchase model fitted without the last stretch of a history, and what it foretold of it; times in days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tried {
    /// First day of the history, last day that was fitted on, last day that was foretold.
    pub from: String,
    pub until: String,
    pub end: String,
    pub holdout: Holdout,
    /// By week from the first day.
    pub tracking: Vec<Tracking>,
}

impl Tried {
    /// `kind` is that of the model it stands for.
    pub(super) fn new(log: &PurchaseLog, settings: &Settings, kind: Kind) -> Option<Self> {
        let (first, end) = (log.first()?, settings.cut - 1);
        // As long as what is simulated, but no more than a third of what is known.
        let until = end - (settings.days as Day).min((end - first) / 3);
        let model = kind.fit(&log.histories(until).ok()?).ok()?.model;
        Some(Self {
            from: date_of(first),
            until: date_of(until),
            end: date_of(end),
            holdout: log.holdout(&model, until, end).ok()?,
            tracking: log.tracking(&model, until, end).ok()?,
        })
    }
}

/// What a simulation found. Everything in it follows from declared effects: it is assumed, not measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Simulation {
    pub fitted: Fitted,
    pub effects: Vec<ActionEffect>,
    pub redemption: f64,
    pub contacts: Quantiles,
    pub caused_orders: Quantiles,
    pub caused_gmv: Quantiles,
    pub attributed_gmv: Quantiles,
    pub redemptions: Quantiles,
    pub cannibalised: Quantiles,
    pub contact_cost: Quantiles,
    pub redeemed: Quantiles,
    pub profit: Quantiles,
    pub roi: Option<Quantiles>,
    pub drawdown: Quantiles,
    /// Share of worlds that lose money.
    pub losing: f64,
    pub break_even: BreakEven,
    pub grid: Grid,
    pub curve: Vec<BandPoint>,
    /// Share of worlds in which the holdout's 95 % interval holds the truth, and in which it excludes 0.
    pub holdout_covers: Option<f64>,
    pub holdout_detects: Option<f64>,
    pub worlds: Vec<World>,
}

pub(super) fn summarise(
    of: &Simulator<'_>,
    worlds: Vec<World>,
    grid: &[World],
    until: &[String],
) -> Simulation {
    let over = |value: fn(&World) -> f64| Quantiles::of(worlds.iter().map(value));
    let share = |holds: &dyn Fn(&World) -> Option<bool>| {
        let answers: Vec<_> = worlds.iter().filter_map(holds).collect();
        let yes = answers.iter().filter(|yes| **yes).count();
        (!answers.is_empty()).then(|| yes as f64 / answers.len() as f64)
    };
    let points: Vec<_> = grid.chunks(grid.len() / STRENGTHS.len()).collect();
    let grid = table(&points, of.settings.margin_ppm);
    let break_even = break_even(&grid.profit);
    let effects = of.run.configured.plan().actions.iter().zip(&of.settings.effects);
    let effects = effects.filter(|(action, _)| action.kind.is_contact());
    let curve = until.iter().enumerate().map(|(i, until)| BandPoint {
        until: until.clone(),
        profit: Quantiles::of(worlds.iter().map(|world| world.cumulative[i])),
    });
    Simulation {
        fitted: of.fitted.clone(),
        effects: effects
            .map(|(action, (low, high))| ActionEffect {
                action: action.id.clone(),
                low: *low,
                high: *high,
                break_even: break_even_effect(break_even, *high),
            })
            .collect(),
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
        roi: worlds.iter().all(|world| world.cost() > 0.0).then(|| over(|world| world.profit / world.cost())),
        drawdown: over(|world| world.drawdown),
        losing: worlds.iter().filter(|world| world.profit < 0.0).count() as f64 / worlds.len() as f64,
        break_even,
        grid,
        curve: curve.collect(),
        holdout_covers: share(&|world| world.measured.map(|estimate| !estimate.excludes(world.truth))),
        holdout_detects: share(&|world| world.measured.map(|estimate| estimate.excludes(0.0))),
        worlds,
    }
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

    #[test]
    fn quantiles_lie_between_values() {
        let quantiles = Quantiles::of((0..=40).rev().map(f64::from));
        assert_eq!(quantiles, Quantiles { mean: 20.0, low: 1.0, median: 20.0, high: 39.0 });
        assert_eq!(Quantiles::of([7.0].into_iter()).high, 7.0);
    }
}
