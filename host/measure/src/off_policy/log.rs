//! What was logged: for each row an action, the reward that followed, and the probability with which it was chosen.
//!
//! # Invariants
//!
//! - Columns, never a record a row: 20 bytes a row, 4 more with contexts and 4 more with clusters.
//! - A [`Log`] that exists is valid: rewards are finite, propensities above 0 and at most 1, codes have names.

use std::collections::BTreeMap;

use crate::Refusal;

/// The most pairs of a context and an action that are told apart, for each of which sums are kept.
const CELLS_MAX: usize = 100_000;

/// A column of names: each name once, and for each row the index of its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Categorical {
    pub names: Vec<String>,
    pub codes: Vec<u32>,
}

impl Categorical {
    /// From one name a row; names are numbered in the order in which they first occur.
    pub fn of<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Self {
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        let mut column = Self::default();
        for value in values {
            let name = value.as_ref();
            let code = numbers.get(name).copied().unwrap_or_else(|| {
                let code = column.names.len() as u32;
                numbers.insert(name.to_owned(), code);
                column.names.push(name.to_owned());
                code
            });
            column.codes.push(code);
        }
        column
    }

    /// From codes that are their own names, `0` to `count - 1`.
    pub fn numbered(count: u32, codes: Vec<u32>) -> Self {
        Self { names: (0..count).map(|code| code.to_string()).collect(), codes }
    }
}

/// A log of decisions and what followed.
///
/// Rows count from 1 in messages. The names of the actions are all that a policy may choose from, so they may include
/// actions that were never logged.
#[derive(Debug, Clone)]
pub struct Log {
    actions: Categorical,
    contexts: Option<Categorical>,
    rewards: Vec<f64>,
    propensities: Vec<f64>,
    clusters: Option<Vec<u32>>,
    cluster_count: usize,
}

impl Log {
    /// Rows with their actions, their rewards in any unit, and their propensities: the probability with which the
    /// logged action was chosen, given all that the logging policy knew.
    ///
    /// # Errors
    /// Columns differ in length, an action has no name, a reward is not finite, or a propensity is not above 0 and at
    /// most 1.
    pub fn new(actions: Categorical, rewards: Vec<f64>, propensities: Vec<f64>) -> Result<Self, Refusal> {
        let rows = actions.codes.len();
        same_length("rewards", rewards.len(), rows)?;
        same_length("propensities", propensities.len(), rows)?;
        known("action", &actions)?;
        for (row, reward) in rewards.iter().enumerate() {
            if !reward.is_finite() {
                return Err(bad("the reward", row, *reward, "finite"));
            }
        }
        for (row, propensity) in propensities.iter().enumerate() {
            if !(*propensity > 0.0 && *propensity <= 1.0) {
                return Err(bad("the propensity", row, *propensity, "above 0 and at most 1"));
            }
        }
        let log = Self { actions, contexts: None, rewards, propensities, clusters: None, cluster_count: 0 };
        log.few_cells()
    }

    /// With what the reward may depend on besides the action, such as a position or a segment. The reward model keeps
    /// one mean for each context and action, so a context should have many rows.
    ///
    /// # Errors
    /// There are more or fewer contexts than rows, a context has no name, or there are more than 100,000 pairs of a
    /// context and an action.
    pub fn with_contexts(mut self, contexts: Categorical) -> Result<Self, Refusal> {
        same_length("contexts", contexts.codes.len(), self.rows())?;
        known("context", &contexts)?;
        self.contexts = Some(contexts);
        self.few_cells()
    }

    /// With the cluster of each row, such as its customer: rows of a cluster may depend on each other, clusters may
    /// not. Any numbers will do.
    ///
    /// # Errors
    /// There are more or fewer clusters than rows.
    pub fn with_clusters(mut self, clusters: &[u64]) -> Result<Self, Refusal> {
        same_length("clusters", clusters.len(), self.rows())?;
        let mut distinct = clusters.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let code = |cluster| {
            distinct.binary_search(cluster).expect("each cluster is among the distinct ones") as u32
        };
        self.clusters = Some(clusters.iter().map(code).collect());
        self.cluster_count = distinct.len();
        Ok(self)
    }

    /// With every row on its own.
    #[must_use]
    pub fn without_clusters(mut self) -> Self {
        (self.clusters, self.cluster_count) = (None, 0);
        self
    }

    pub fn rows(&self) -> usize {
        self.rewards.len()
    }

    /// The names of all actions.
    pub fn actions(&self) -> &[String] {
        &self.actions.names
    }

    pub fn action(&self, row: usize) -> usize {
        self.actions.codes[row] as usize
    }

    /// How many contexts there are; 1 if none were given.
    pub fn contexts(&self) -> usize {
        self.contexts.as_ref().map_or(1, |contexts| contexts.names.len())
    }

    /// The name of a context; none if no contexts were given.
    pub fn context_name(&self, context: usize) -> Option<&str> {
        self.contexts.as_ref().map(|contexts| contexts.names[context].as_str())
    }

    pub fn context(&self, row: usize) -> usize {
        self.contexts.as_ref().map_or(0, |contexts| contexts.codes[row] as usize)
    }

    pub fn reward(&self, row: usize) -> f64 {
        self.rewards[row]
    }

    pub fn propensity(&self, row: usize) -> f64 {
        self.propensities[row]
    }

    /// The cluster of each row, numbered from 0.
    pub(super) fn clusters(&self) -> Option<&[u32]> {
        self.clusters.as_deref()
    }

    /// How many clusters there are; 0 if none were given.
    pub(super) fn cluster_count(&self) -> usize {
        self.cluster_count
    }

    /// How many pairs of a context and an action there are.
    pub(super) fn cells(&self) -> usize {
        self.contexts() * self.actions().len()
    }

    /// Which pair of a context and an action a row has.
    pub(super) fn cell(&self, row: usize) -> usize {
        self.context(row) * self.actions().len() + self.action(row)
    }

    fn few_cells(self) -> Result<Self, Refusal> {
        if self.cells() > CELLS_MAX {
            let what = "the number of contexts times the number of actions".into();
            return Err(Refusal::BadValue { what, value: self.cells() as f64, must: "at most 100,000" });
        }
        Ok(self)
    }
}

/// A value of a row that may not be; rows count from 1.
pub(super) fn bad(what: &str, row: usize, value: f64, must: &'static str) -> Refusal {
    Refusal::BadValue { what: format!("{what} of row {}", row + 1), value, must }
}

/// Refuses a column that has not one value a row.
pub(super) fn same_length(what: &str, have: usize, rows: usize) -> Result<(), Refusal> {
    if have == rows {
        return Ok(());
    }
    Err(Refusal::BadValue {
        what: format!("the number of {what}"),
        value: have as f64,
        must: "the number of rows",
    })
}

fn known(what: &str, column: &Categorical) -> Result<(), Refusal> {
    match column.codes.iter().position(|code| *code as usize >= column.names.len()) {
        None => Ok(()),
        Some(row) => Err(bad(
            &format!("the {what}"),
            row,
            f64::from(column.codes[row]),
            "the number of one that has a name",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(rewards: Vec<f64>, propensities: Vec<f64>) -> Result<Log, Refusal> {
        Log::new(Categorical::of(["a", "b", "a"]), rewards, propensities)
    }

    #[test]
    fn names_are_numbered_as_they_occur() {
        let column = Categorical::of(["b", "a", "b"]);
        assert_eq!(column, Categorical { names: vec!["b".into(), "a".into()], codes: vec![0, 1, 0] });
        assert_eq!(Categorical::numbered(2, vec![1, 0]).names, ["0", "1"]);
    }

    #[test]
    fn what_is_no_log_is_refused_by_row_and_value() {
        let (fine, half) = (vec![1.0, 0.0, 2.0], vec![0.5; 3]);
        assert!(log(fine.clone(), half.clone()).is_ok());
        let unknown = Categorical::numbered(2, vec![0, 2, 1]);
        let cases = [
            (log(vec![1.0, f64::NAN, 0.0], half.clone()), "the reward of row 2 is NaN, but must be finite"),
            (
                log(fine.clone(), vec![0.5, 0.5, 0.0]),
                "the propensity of row 3 is 0, but must be above 0 and at most 1",
            ),
            (
                log(fine.clone(), vec![-0.5, 0.5, 0.1]),
                "the propensity of row 1 is -0.5, but must be above 0 and at most 1",
            ),
            (
                log(fine.clone(), vec![0.5, 1.5, 0.1]),
                "the propensity of row 2 is 1.5, but must be above 0 and at most 1",
            ),
            (
                log(fine.clone(), vec![0.5, f64::NAN, 0.1]),
                "the propensity of row 2 is NaN, but must be above 0 and at most 1",
            ),
            (log(vec![1.0], half.clone()), "the number of rewards is 1, but must be the number of rows"),
            (
                log(fine.clone(), vec![0.5; 4]),
                "the number of propensities is 4, but must be the number of rows",
            ),
            (
                Log::new(unknown.clone(), fine.clone(), half.clone()),
                "the action of row 2 is 2, but must be the number of one that has a name",
            ),
            (
                log(fine.clone(), half.clone()).unwrap().with_contexts(unknown),
                "the context of row 2 is 2, but must be the number of one that has a name",
            ),
            (
                log(fine.clone(), half.clone()).unwrap().with_clusters(&[1]),
                "the number of clusters is 1, but must be the number of rows",
            ),
            (
                log(fine, half).unwrap().with_contexts(Categorical::numbered(50_001, vec![0; 3])),
                "the number of contexts times the number of actions is 100002, but must be at most 100,000",
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found.unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn clusters_are_any_numbers() {
        let log = log(vec![0.0; 3], vec![1.0; 3]).unwrap().with_clusters(&[u64::MAX, 7, u64::MAX]).unwrap();
        assert_eq!((log.clusters(), log.cluster_count()), (Some(&[1, 0, 1][..]), 2));
    }
}
