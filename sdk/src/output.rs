//! What a strategy answers: proposals, and when to ask again.

use crate::plan::Action;

/// The item of a proposal that is about nothing in particular.
pub const NO_ITEM: u32 = u32::MAX;

/// A batch's answer in columns, as it crosses to the host.
///
/// The first five lists are columns over the proposals, the last over the rows of the batch. A list whose values are
/// all the default is left empty: items [`NO_ITEM`], scores 1, times now, wakes
/// [`NEVER`](crate::time::NEVER).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Row of each proposal.
    pub rows: Vec<u32>,
    /// Index of the action.
    pub actions: Vec<u32>,
    /// What it is about.
    pub items: Vec<u32>,
    /// Weight among the proposals of the same row, at least 1.
    pub scores: Vec<i64>,
    /// When to carry it out, milliseconds.
    pub times: Vec<i64>,
    /// For each row the earliest time at which its answer could change without a new event, milliseconds.
    pub wakes: Vec<i64>,
}

/// Takes the answer for one customer.
#[derive(Debug)]
pub struct Proposals<'a> {
    pub(crate) output: &'a mut Output,
    pub(crate) now: i64,
    pub(crate) row: u32,
    /// Of this row; the engine puts it in its place.
    pub(crate) wake: i64,
}

impl Proposals<'_> {
    /// Asks for an action, now, about nothing in particular, with weight 1; what is returned changes that.
    ///
    /// At most one proposal a row for the same action and item, and 16 a row on average over a batch. Where a row has
    /// several, the host draws one, with probabilities as their scores.
    #[inline]
    pub fn propose(&mut self, action: Action) -> Proposal<'_> {
        self.output.rows.push(self.row);
        self.output.actions.push(action.index());
        // A list that is in use stays as long as the others.
        let count = self.output.rows.len();
        fill(&mut self.output.items, count, NO_ITEM);
        fill(&mut self.output.scores, count, 1);
        fill(&mut self.output.times, count, self.now);
        Proposal { output: self.output, now: self.now }
    }

    /// Says when to ask again although nothing happened: the earliest time, in milliseconds, at which the answer for
    /// this customer could change without a new event. Without it that is never; of several the earliest counts.
    ///
    /// Not needed along with a proposal: a touch that is carried out is an event, and the host asks again by itself
    /// after one that is not.
    #[inline]
    pub fn wake_at(&mut self, time: i64) {
        self.wake = self.wake.min(time);
    }
}

/// A proposal that was just made. What it is not told stays at its default.
#[derive(Debug)]
pub struct Proposal<'a> {
    output: &'a mut Output,
    now: i64,
}

impl Proposal<'_> {
    /// What the content is about, such as a category code.
    #[inline]
    pub fn item(self, item: u32) -> Self {
        set_last(&mut self.output.items, self.output.rows.len(), NO_ITEM, item);
        self
    }

    /// Its weight among the proposals of this customer, at least 1. Scores of different strategies are compared
    /// with each other by arbitration only.
    #[inline]
    pub fn score(self, score: i64) -> Self {
        set_last(&mut self.output.scores, self.output.rows.len(), 1, score);
        self
    }

    /// When to carry it out, milliseconds: now or later, by less than 24 hours.
    #[inline]
    pub fn at(self, time: i64) -> Self {
        set_last(&mut self.output.times, self.output.rows.len(), self.now, time);
        self
    }
}

/// Brings a list that is in use up to `count` values.
#[inline(always)]
fn fill<T: Copy>(list: &mut Vec<T>, count: usize, default: T) {
    if !list.is_empty() {
        list.resize(count, default);
    }
}

/// Sets the last of `count` values, and takes the list into use if the value is not the default.
#[inline(always)]
fn set_last<T: Copy + PartialEq>(list: &mut Vec<T>, count: usize, default: T, value: T) {
    if list.is_empty() && value == default {
        return;
    }
    list.resize(count, default);
    if let Some(last) = list.last_mut() {
        *last = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::NEVER;

    #[test]
    fn a_list_is_empty_until_a_value_differs_from_the_default() {
        let mut output = Output::default();
        let row = |row, output: &mut Output, set: fn(Proposal<'_>) -> Proposal<'_>| {
            set(Proposals { output, now: 7, row, wake: NEVER }.propose(Action::with_index(row + 10)));
        };
        row(0, &mut output, |proposal| proposal.item(NO_ITEM).score(1).at(7));
        assert_eq!(output, Output { rows: vec![0], actions: vec![10], ..Output::default() });
        row(1, &mut output, |proposal| proposal.item(5).at(8));
        row(2, &mut output, |proposal| proposal);
        assert_eq!((output.items, output.times), (vec![NO_ITEM, 5, NO_ITEM], vec![7, 8, 7]));
        assert!(output.scores.is_empty() && output.wakes.is_empty());
    }

    #[test]
    fn of_several_wakes_the_earliest_counts() {
        let mut output = Output::default();
        let mut row = Proposals { output: &mut output, now: 0, row: 1, wake: NEVER };
        row.wake_at(9);
        row.wake_at(4);
        row.wake_at(6);
        assert_eq!(row.wake, 4);
    }
}
