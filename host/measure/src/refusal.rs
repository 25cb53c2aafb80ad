//! Why a question cannot be answered with this data, and what would be needed.

use serde::Serialize;

/// Why there is no number. A refusal is an answer: it says what is missing instead of printing a guess.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", tag = "refusal")]
#[non_exhaustive]
pub enum Refusal {
    #[error("{what}: {have} {unit}, at least {need} needed")]
    TooFew { what: String, unit: &'static str, have: u64, need: u64 },
    #[error("{what} does not vary")]
    NoVariation { what: String },
    #[error("{what} is {value}, but must be {must}")]
    BadValue { what: String, value: f64, must: &'static str },
    #[error("no support: {what}")]
    NoSupport { what: String },
    #[error("the effective sample size is {ess:.1} of {rows} rows, below {need:.0}")]
    LowEffectiveSampleSize { ess: f64, rows: u64, need: f64 },
    #[error(
        "the mean weight is {mean:.4} (standard error {standard_error:.4}), but must be 1 but for chance"
    )]
    ImpossibleWeights { mean: f64, standard_error: f64 },
    #[error(
        "sample ratio mismatch: {} customers where {} were to be expected (p {})",
        each(observed),
        each(&expected.iter().map(|expected| expected.round()).collect::<Vec<_>>()),
        if *p_value < 1e-99 { "< 1e-99".into() } else { format!("= {p_value:.1e}") }
    )]
    SampleRatioMismatch { observed: Vec<u64>, expected: Vec<f64>, p_value: f64 },
    #[error("{what} is not defined: {why}")]
    Undefined { what: String, why: String },
    #[error("{what} tell treated from untreated without error")]
    Separated { what: String },
    #[error(
        "changes are not compared between customers picked by `{covariate}`: after an unusual period everyone returns to \
         his usual, treated or not"
    )]
    RegressionToTheMean { covariate: String },
    #[error(
        "its touches are spread over days: {late} of {reached} customers were first touched more than a day after its start, \
         so who is treated may follow from what they did"
    )]
    SpreadTreatment { late: u64, reached: u64 },
    #[error(
        "{:.1} % of the treated ordered on the campaign's day before it touched them, where {:.1} % of the others ordered \
         on all of it: who is treated may follow from an order",
        100.0 * followed,
        100.0 * usual
    )]
    TriggeredTreatment { followed: f64, usual: f64 },
    #[error("there is no method for {what}")]
    NoMethod { what: String },
    #[error("{what} did not converge: {why}")]
    NotConverged { what: String, why: String },
}

fn each(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" : ")
}

impl Refusal {
    /// What would be needed for an answer.
    pub fn hint(&self) -> String {
        match self {
            Self::TooFew { unit, have, need, .. } => {
                format!("bring at least {} more {unit}, or ask a question that needs fewer", need.saturating_sub(*have))
            }
            Self::NoVariation { .. } => "bring data in which it differs between customers".into(),
            Self::BadValue { .. } => "correct the value; if it is of a file, correct its row or leave it out".into(),
            Self::NoSupport { .. } => {
                "log what the policy would choose with a probability above 0, evaluate a policy that stays within the log, or tell fewer contexts apart".into()
            }
            Self::LowEffectiveSampleSize { ess, rows, need } => format!(
                "bring about {:.0} rows logged in the same way, or evaluate a policy nearer to the one that was logged",
                *rows as f64 * need / ess.max(1.0)
            ),
            Self::ImpossibleWeights { .. } => {
                "check that each propensity is the probability of the logged action when it was chosen, that the log has every action the policy chooses, and that rows of one customer are given as a cluster".into()
            }
            Self::SampleRatioMismatch { .. } => {
                "find out why customers are missing from an arm before reading any difference: assignment, logging or filtering".into()
            }
            Self::Undefined { .. } => {
                "bring more customers, or read a difference or a percentile interval, which ask for less".into()
            }
            Self::Separated { .. } => {
                "compare customers who could have been treated or not, without what decides the treatment".into()
            }
            Self::RegressionToTheMean { .. } => {
                "adjust the level by it instead of the change, or adjust the change by what behaviour does not move".into()
            }
            Self::SpreadTreatment { .. } => "name each send a campaign of its own: those it touched on its day can be compared".into(),
            Self::TriggeredTreatment { .. } => "compare campaigns that are sent to a list; of one that orders trigger, hold some customers out".into(),
            Self::NoMethod { .. } => "read another estimate of the same effect".into(),
            Self::NotConverged { .. } => "bring more customers, or use a simpler model; of repeat orders, NBD is the one in which nobody leaves".into(),
        }
    }
}
