//! The policy that is asked about: what it would have chosen in each row of the log.

use super::Log;
use super::log::{bad, same_length};
use crate::Refusal;

/// How far probabilities may be from summing to 1: files round them.
const SUM_TOLERANCE: f64 = 1e-3;

const PROBABILITY: &str = "a probability, 0 to 1";
const SUM: &str = "1, to a thousandth";

/// The probabilities of a target policy; actions and contexts in the order of the log's names.
#[derive(Debug, Clone)]
pub enum Policy {
    /// Every action with the same probability.
    Uniform,
    /// One probability an action, in any context.
    Shared(Vec<f64>),
    /// One probability an action for each context, one context after another.
    ByContext(Vec<f64>),
    /// One action a row, chosen for certain.
    Chosen(Vec<u32>),
    /// One probability an action for each row, one row after another: 8 bytes an action and row.
    ByRow(Vec<f64>),
    /// The probability of each row's logged action, and nothing about other actions. Neither the reward model nor the
    /// log's support can be asked then.
    Logged(Vec<f64>),
}

impl Policy {
    /// Refuses what is no policy for the log.
    ///
    /// # Errors
    /// There are too few or too many probabilities, one is not within 0 and 1, those of a row do not sum to 1 within a
    /// thousandth, or an action is unknown.
    pub fn check(&self, log: &Log) -> Result<(), Refusal> {
        let (rows, actions) = (log.rows(), log.actions().len());
        match self {
            Self::Uniform => Ok(()),
            Self::Shared(shares) => distributions(shares, 1, actions, |_| "the policy".into()),
            Self::ByContext(shares) => distributions(shares, log.contexts(), actions, |context| {
                log.context_name(context)
                    .map_or("the policy".into(), |name| format!("the policy in context `{name}`"))
            }),
            Self::ByRow(shares) => {
                distributions(shares, rows, actions, |row| format!("the policy in row {}", row + 1))
            }
            Self::Chosen(chosen) => {
                same_length("chosen actions", chosen.len(), rows)?;
                match chosen.iter().position(|action| *action as usize >= actions) {
                    Some(row) => {
                        let value = f64::from(chosen[row]);
                        Err(bad("the chosen action", row, value, "the number of one that has a name"))
                    }
                    None => Ok(()),
                }
            }
            Self::Logged(shares) => {
                same_length("the policy's probabilities", shares.len(), rows)?;
                match shares.iter().position(|share| !(0.0..=1.0).contains(share)) {
                    Some(row) => Err(bad("the policy's probability", row, shares[row], PROBABILITY)),
                    None => Ok(()),
                }
            }
        }
    }

    /// The probability of the action that was logged in a row.
    pub fn of_logged(&self, log: &Log, row: usize) -> f64 {
        let actions = log.actions().len();
        match self {
            Self::Uniform => 1.0 / actions as f64,
            Self::Shared(shares) => shares[log.action(row)],
            Self::ByContext(shares) => shares[log.cell(row)],
            Self::Chosen(chosen) => f64::from(u8::from(chosen[row] as usize == log.action(row))),
            Self::ByRow(shares) => shares[row * actions + log.action(row)],
            Self::Logged(shares) => shares[row],
        }
    }

    /// Whether the probabilities of all actions are known, not only those of the logged ones.
    pub fn is_complete(&self) -> bool {
        !matches!(self, Self::Logged(_))
    }

    /// The probabilities in a context, where they depend on nothing else.
    pub(super) fn in_context(&self, log: &Log, context: usize) -> Option<Vec<f64>> {
        let actions = log.actions().len();
        match self {
            Self::Uniform => Some(vec![1.0 / actions as f64; actions]),
            Self::Shared(shares) => Some(shares.clone()),
            Self::ByContext(shares) => Some(shares[context * actions..][..actions].to_vec()),
            Self::Chosen(_) | Self::ByRow(_) | Self::Logged(_) => None,
        }
    }
}

/// Checks one distribution after another.
fn distributions(
    shares: &[f64],
    count: usize,
    actions: usize,
    name: impl Fn(usize) -> String,
) -> Result<(), Refusal> {
    if shares.len() != count * actions {
        let what = "the number of the policy's probabilities".into();
        return Err(Refusal::BadValue {
            what,
            value: shares.len() as f64,
            must: "one an action in each case",
        });
    }
    for (place, shares) in shares.chunks_exact(actions.max(1)).enumerate() {
        if let Some(action) = shares.iter().position(|share| !(0.0..=1.0).contains(share)) {
            let what = format!("the probability of action {action} by {}", name(place));
            return Err(Refusal::BadValue { what, value: shares[action], must: PROBABILITY });
        }
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            let what = format!("the sum of the probabilities by {}", name(place));
            return Err(Refusal::BadValue { what, value: sum, must: SUM });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::off_policy::Categorical;

    #[test]
    fn what_is_no_policy_is_refused_by_row_and_value() {
        let log = Log::new(Categorical::of(["a", "b", "a"]), vec![0.0; 3], vec![0.5; 3]).unwrap();
        let log = log.with_contexts(Categorical::of(["top", "top", "bottom"])).unwrap();
        let one = "the number of the policy's probabilities";
        let cases = [
            (Policy::Shared(vec![0.5]), format!("{one} is 1, but must be one an action in each case")),
            (
                Policy::Shared(vec![0.5, 0.6]),
                "the sum of the probabilities by the policy is 1.1, but must be 1, to a thousandth".into(),
            ),
            (
                Policy::ByContext(vec![0.5, 0.5, 1.5, -0.5]),
                "the probability of action 0 by the policy in context `bottom` is 1.5, but must be a probability, 0 to 1"
                    .into(),
            ),
            (
                Policy::ByRow(vec![0.5, 0.5, 0.25, 0.5, 0.5, 0.5]),
                "the sum of the probabilities by the policy in row 2 is 0.75, but must be 1, to a thousandth".into(),
            ),
            (Policy::ByRow(vec![0.5, 0.5]), format!("{one} is 2, but must be one an action in each case")),
            (
                Policy::Chosen(vec![0, 1, 2]),
                "the chosen action of row 3 is 2, but must be the number of one that has a name".into(),
            ),
            (Policy::Chosen(vec![0]), "the number of chosen actions is 1, but must be the number of rows".into()),
            (
                Policy::Logged(vec![0.5, f64::NAN, 1.0]),
                "the policy's probability of row 2 is NaN, but must be a probability, 0 to 1".into(),
            ),
            (
                Policy::Logged(vec![]),
                "the number of the policy's probabilities is 0, but must be the number of rows".into(),
            ),
        ];
        for (policy, expected) in cases {
            assert_eq!(policy.check(&log).unwrap_err().to_string(), expected);
        }
        // Four decimals of thirds.
        assert!(Policy::Shared(vec![0.3333, 0.6667]).check(&log).is_ok());
    }

    #[test]
    fn every_kind_of_policy_gives_the_same_probability_of_the_logged_action() {
        let log = Log::new(Categorical::of(["a", "b", "a"]), vec![0.0; 3], vec![0.5; 3]).unwrap();
        let same = [
            Policy::Uniform,
            Policy::Shared(vec![0.5; 2]),
            Policy::ByContext(vec![0.5; 2]),
            Policy::ByRow(vec![0.5; 6]),
            Policy::Logged(vec![0.5; 3]),
        ];
        for policy in same {
            policy.check(&log).unwrap();
            assert_eq!([0, 1, 2].map(|row| policy.of_logged(&log, row)), [0.5; 3]);
        }
        assert_eq!([0, 1, 2].map(|row| Policy::Chosen(vec![0, 0, 1]).of_logged(&log, row)), [1.0, 0.0, 0.0]);
    }
}
