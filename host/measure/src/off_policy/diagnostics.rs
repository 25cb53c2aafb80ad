//! Whether the log can answer for the policy: its weights, its support, and what is refused.

use serde::{Deserialize, Serialize};

use super::{Limits, Log, Scores};
use crate::Refusal;
use crate::effects::normal_p_value;

/// Bins of the histogram for each factor of ten.
const BINS_PER_DECADE: f64 = 4.0;
/// Weights beyond ten to this power, or below ten to its negative, share the outermost bins.
const DECADES_MAX: f64 = 6.0;
/// Below this p-value the mean weight is doubted.
const DOUBTFUL: f64 = 1e-3;
/// Below this p-value no chance explains the mean weight.
const IMPOSSIBLE: f64 = 1e-9;
/// How many unsupported pairs a refusal names.
const NAMED_MAX: usize = 5;

/// How far the log reaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Diagnostics {
    /// (Σ w)² / Σ w²: how many rows with equal weights would tell as much. Source: L. Kish, "Survey Sampling" (1965).
    pub effective_sample_size: f64,
    /// The same of the clusters and the sums of their weights.
    pub effective_clusters: Option<f64>,
    pub mean_weight: MeanWeight,
    pub max_weight: f64,
    /// The largest weight over the sum of all.
    pub max_weight_share: f64,
    /// Share of the rows whose logged action the policy never chooses.
    pub zero_weight_share: f64,
    /// Rows by weight, from low to high; rows of weight 0 are in none.
    pub histogram: Vec<WeightBin>,
    /// Absent if only the logged actions' probabilities are known.
    pub support: Option<Support>,
}

/// The mean weight, which is 1 in expectation if the propensities are right and the log has support.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MeanWeight {
    pub value: f64,
    pub standard_error: f64,
    /// Of (value − 1) / standard error as a normal deviate. If the weights do not vary, 1 or 0: whether the value is 1
    /// but for rounding.
    pub p_value: f64,
    /// Whether it is further from 1 than chance explains (p < .001).
    pub is_doubtful: bool,
}

/// Rows whose weight is at least `low` and below `high`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WeightBin {
    pub low: f64,
    pub high: f64,
    pub rows: u64,
}

/// What the policy would choose that the log never did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Support {
    /// Share of the policy's probability on actions that were never logged in the context.
    pub unsupported_share: f64,
    /// Where that is, the largest share first.
    pub unsupported: Vec<Unsupported>,
}

/// An action that the policy chooses in a context in which the log never did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unsupported {
    pub context: Option<String>,
    pub action: String,
    /// Share of the policy's probability over all rows.
    pub share: f64,
}

/// What a reader must know before any number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Warning {
    /// The mean weight is further from 1 than chance explains: propensities may be wrong, or support missing.
    MeanWeight { value: f64 },
    /// The rows tell no more than a few with equal weights would: the policy is far from the one logged.
    FewEffectiveRows { rows: u64, effective: f64 },
    /// One row has much of all weight: intervals rest on few rows and may be too narrow.
    HeavyRow { share: f64 },
    /// Some of what the policy would choose was never logged.
    Unsupported(Support),
}

impl Diagnostics {
    /// # Errors
    /// A weight is too large for a number.
    pub(super) fn of(log: &Log, scores: &Scores<'_>) -> Result<Self, Refusal> {
        let rows = scores.rows().len() as f64;
        let (mut sum, mut squares, mut max, mut zeros) = (0.0, 0.0, 0.0_f64, 0_u64);
        let mut bins = vec![0; bin(f64::MAX) + 1];
        for row in scores.rows() {
            let weight = scores.weight(row);
            sum += weight;
            squares += weight * weight;
            max = max.max(weight);
            if weight > 0.0 {
                bins[bin(weight)] += 1;
            } else {
                zeros += 1;
            }
        }
        let (value, standard_error) = scores.mean_weight();
        let p_value = match standard_error > 0.0 {
            true => normal_p_value((value - 1.0) / standard_error)?,
            false => f64::from(u8::from((value - 1.0).abs() < 1e-3)),
        };
        let is_doubtful = p_value < DOUBTFUL;
        Ok(Self {
            effective_sample_size: if squares > 0.0 { sum * sum / squares } else { 0.0 },
            effective_clusters: scores.cluster_weights().map(effective),
            mean_weight: MeanWeight { value, standard_error, p_value, is_doubtful },
            max_weight: max,
            max_weight_share: if sum > 0.0 { max / sum } else { 0.0 },
            zero_weight_share: zeros as f64 / rows,
            histogram: histogram(&bins),
            support: Support::of(log, scores),
        })
    }

    /// Refuses what the log cannot answer.
    ///
    /// # Errors
    /// Support is missing, too few rows or clusters count, or the mean weight cannot be 1.
    pub(super) fn refuse(&self, scores: &Scores<'_>, limits: &Limits) -> Result<(), Refusal> {
        if let Some(support) =
            self.support.as_ref().filter(|support| support.unsupported_share > limits.unsupported_share_max)
        {
            return Err(Refusal::NoSupport { what: support.what() });
        }
        let (ess, rows) = (self.effective_sample_size, scores.rows().len() as u64);
        if ess < limits.effective_sample_size_min {
            return Err(Refusal::LowEffectiveSampleSize {
                ess,
                rows,
                need: limits.effective_sample_size_min,
            });
        }
        if let Some(have) = self.effective_clusters.filter(|have| *have < limits.clusters_min as f64) {
            let what = "the effective number of clusters".into();
            return Err(Refusal::TooFew {
                what,
                unit: "clusters",
                have: have as u64,
                need: limits.clusters_min,
            });
        }
        let MeanWeight { value, standard_error, p_value, .. } = self.mean_weight;
        let is_far = (value - 1.0).abs() > limits.mean_weight_error_max;
        if is_far && p_value < IMPOSSIBLE {
            return Err(Refusal::ImpossibleWeights { mean: value, standard_error });
        }
        Ok(())
    }

    /// What a reader must know before any number.
    pub(super) fn warnings(&self, rows: u64) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mean = &self.mean_weight;
        if mean.is_doubtful {
            warnings.push(Warning::MeanWeight { value: mean.value });
        }
        if self.effective_sample_size < 0.01 * rows as f64 {
            warnings.push(Warning::FewEffectiveRows { rows, effective: self.effective_sample_size });
        }
        if self.max_weight_share > 0.05 {
            warnings.push(Warning::HeavyRow { share: self.max_weight_share });
        }
        if let Some(support) = self.support.as_ref().filter(|support| support.unsupported_share > 0.0) {
            warnings.push(Warning::Unsupported(support.clone()));
        }
        warnings
    }
}

impl Support {
    fn of(log: &Log, scores: &Scores<'_>) -> Option<Self> {
        let tallies = scores.tallies()?;
        let rows = scores.rows().len() as f64;
        let mut unsupported: Vec<Unsupported> = (0..log.cells())
            .filter(|cell| tallies.iter().all(|tally| tally.counts[*cell] == 0.0))
            .map(|cell| Unsupported {
                context: log.context_name(cell / log.actions().len()).map(str::to_owned),
                action: log.actions()[cell % log.actions().len()].clone(),
                share: tallies.iter().map(|tally| tally.chosen[cell]).sum::<f64>() / rows,
            })
            .filter(|place| place.share > 0.0)
            .collect();
        unsupported.sort_by(|one, other| other.share.total_cmp(&one.share));
        let unsupported_share = unsupported.iter().map(|place| place.share).sum();
        Some(Self { unsupported_share, unsupported })
    }

    /// For a refusal.
    fn what(&self) -> String {
        let name = |place: &Unsupported| {
            let context =
                place.context.as_ref().map_or(String::new(), |context| format!(" in context `{context}`"));
            format!("`{}`{context} ({:.2} %)", place.action, 100.0 * place.share)
        };
        let named: Vec<String> = self.unsupported.iter().take(NAMED_MAX).map(name).collect();
        let more = match self.unsupported.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (share, named) = (100.0 * self.unsupported_share, named.join(", "));
        format!("{share:.2} % of what the policy would choose was never logged: {named}{more}")
    }
}

fn effective(weights: impl Iterator<Item = f64>) -> f64 {
    let (sum, squares) = weights.fold((0.0, 0.0), |(sum, squares), w| (sum + w, squares + w * w));
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// The bin of a weight above 0; bin 0 begins at 10⁻⁶.
fn bin(weight: f64) -> usize {
    let edge = (weight.log10().clamp(-DECADES_MAX, DECADES_MAX) + DECADES_MAX) * BINS_PER_DECADE;
    // Ten to the power of an edge may come out just below it.
    (edge + 1e-9) as usize
}

/// The bins from the first that has rows to the last.
fn histogram(bins: &[u64]) -> Vec<WeightBin> {
    let edge = |bin: usize| 10_f64.powf(bin as f64 / BINS_PER_DECADE - DECADES_MAX);
    let first = bins.iter().position(|rows| *rows > 0);
    let last = bins.iter().rposition(|rows| *rows > 0);
    let range = first.zip(last).map_or(0..0, |(first, last)| first..last + 1);
    range.map(|bin| WeightBin { low: edge(bin), high: edge(bin + 1), rows: bins[bin] }).collect()
}
