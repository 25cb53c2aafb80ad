//! What two revisions took in turns, and what may be said of it.
//!
//! A pair is both revisions one after the other, so what the machine does besides changes from pair to pair more than
//! within one. A verdict follows from the ratios now / before of the pairs alone:
//!
//! - `reached`: no pair's ratio lies above the limit (then the ratio of the medians does not either);
//! - `NOT REACHED`: every pair's ratio lies above it;
//! - `within noise`: the pairs' ratios lie on both sides of the limit, so these runs do not tell.
//!
//! The range of seven pairs holds the median of all such ratios with a chance of 98 %, that of three with 75 %. So on a
//! machine that is busy with other things chance alone gives two equal revisions a clear verdict now and then: once in
//! 64 with seven pairs, once in four with three. The legend below the table says so.

/// Most that now may take of what before took.
pub(crate) const LIMIT: f64 = 1.05;

/// What each revision took, a number for each pair; never empty once measured.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pub(crate) before: Vec<f64>,
    pub(crate) now: Vec<f64>,
}

/// The ratios now / before of all pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratios {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Reached,
    WithinNoise,
    NotReached,
}

impl Pairs {
    pub(crate) fn before_median(&self) -> f64 {
        median(self.before.clone())
    }

    pub(crate) fn now_median(&self) -> f64 {
        median(self.now.clone())
    }

    pub(crate) fn ratio_of_medians(&self) -> f64 {
        self.now_median() / self.before_median()
    }

    pub(crate) fn ratios(&self) -> Ratios {
        let ratios: Vec<_> = self.now.iter().zip(&self.before).map(|(now, before)| now / before).collect();
        Ratios {
            least: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            most: ratios.iter().copied().fold(0.0, f64::max),
            median: median(ratios),
        }
    }
}

impl Ratios {
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.least > LIMIT, self.most > LIMIT) {
            (false, false) => Verdict::Reached,
            (true, _) => Verdict::NotReached,
            (false, true) => Verdict::WithinNoise,
        }
    }
}

/// The middle of some numbers, or the mean of the two in the middle.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[middle] } else { f64::midpoint(numbers[middle - 1], numbers[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(before: &[f64], now: &[f64]) -> Pairs {
        Pairs { before: before.to_vec(), now: now.to_vec() }
    }

    #[test]
    fn a_ratio_is_taken_within_its_pair() {
        // The machine was ten times slower during the second pair: the medians compare different states of it.
        let pairs = pairs(&[1.0, 10.0, 4.0], &[2.0, 10.0, 2.0]);
        assert_eq!(pairs.ratios(), Ratios { least: 0.5, median: 1.0, most: 2.0 });
        assert_eq!(pairs.ratio_of_medians(), 0.5);
    }

    #[test]
    fn a_median_does_not_depend_on_the_order_and_one_outlier_does_not_move_it() {
        assert_eq!(median(vec![3.0, 1.0, 100.0, 2.0, 0.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0]), 2.5);
        assert_eq!(median(vec![7.0]), 7.0);
    }

    #[test]
    fn a_verdict_follows_from_the_sides_on_which_the_pairs_lie() {
        let cases: [(&[f64], Verdict); 6] = [
            (&[0.9, 1.0, 1.05], Verdict::Reached),
            (&[1.0, 1.01, 1.06], Verdict::WithinNoise),
            // Slower in the middle, but one pair says otherwise.
            (&[1.04, 1.08, 1.09], Verdict::WithinNoise),
            (&[1.05, 1.05, 1.051], Verdict::WithinNoise),
            (&[1.051, 1.06, 1.2], Verdict::NotReached),
            (&[2.0], Verdict::NotReached),
        ];
        for (now, verdict) in cases {
            let before = vec![1.0; now.len()];
            assert_eq!(pairs(&before, now).ratios().verdict(), verdict, "{now:?}");
        }
    }

    #[test]
    fn where_no_pair_is_above_the_limit_the_medians_are_not_either() {
        let pairs = pairs(&[1.0, 5.0, 2.0, 9.0], &[1.05, 4.0, 2.1, 9.4]);
        assert_eq!(pairs.ratios().verdict(), Verdict::Reached);
        assert!(pairs.ratio_of_medians() <= LIMIT);
    }
}
