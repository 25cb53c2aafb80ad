//! A simulation: what follows from declared effects, over many worlds.

use serde::{Deserialize, Serialize};
use stratagem_measure::Estimate;
use stratagem_measure::repurchase::{Fit, GammaGamma, Holdout, Model, Tracking};
use stratagem_model::Money;

use crate::gates::{Gates, OwnGates};
use crate::lane::{FailureCount, Lanes, LoggedLine};
use crate::receipt::Receipt;
use crate::summary::Summary;

/// A simulation. Everything in it follows from declared effects: it is assumed, not measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Simulation {
    pub gates: Gates,
    /// Share of order value that is margin, parts per million: declared, not measured.
    pub margin_ppm: u32,
    pub lanes: Lanes<Simulated>,
    /// Of the first of the worlds.
    pub receipt: Receipt,
    pub over_worlds: OverWorlds,
}

/// A lane of a simulation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Simulated {
    pub gates: OwnGates,
    pub effects: Vec<ActionEffect>,
    /// What the lane did in the first of the worlds, in the form of a replay.
    pub first_world: Summary,
    /// Both of the first world.
    pub failures: Vec<FailureCount>,
    pub log: Vec<LoggedLine>,
}

/// What all worlds have in common, and each of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OverWorlds {
    pub fitted: Fitted,
    /// Probability that an order which came by itself redeems a coupon it could redeem.
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
    pub measured: Option<Estimate>,
    pub truth: f64,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        let quantiles = Quantiles::of((0..=40).rev().map(f64::from));
        assert_eq!(quantiles, Quantiles { mean: 20.0, low: 1.0, median: 20.0, high: 39.0 });
        assert_eq!(Quantiles::of([7.0].into_iter()).high, 7.0);
    }
}
