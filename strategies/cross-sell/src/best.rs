//! The best few of many candidates, without allocating.

/// Most candidates that are kept.
pub(crate) const BEST_MAX: usize = 8;

/// Candidates by falling lift, then rising code; no code twice.
#[derive(Debug)]
pub(crate) struct Best {
    entries: [(i64, u32); BEST_MAX],
    count: usize,
    limit: usize,
}

impl Best {
    /// Keeps this many, [`BEST_MAX`] at most.
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: [(0, 0); BEST_MAX], count: 0, limit: limit.clamp(1, BEST_MAX) }
    }

    /// Whether a candidate with this lift, or a lower one, can no longer be kept.
    #[inline]
    pub(crate) fn is_out_of_reach(&self, lift: i64) -> bool {
        self.count == self.limit && lift < self.entries[self.count - 1].0
    }

    /// Considers a candidate. One that is there already keeps its higher lift.
    #[inline]
    pub(crate) fn consider(&mut self, lift: i64, code: u32) {
        if let Some(known) = self.entries[..self.count].iter().position(|(_, other)| *other == code) {
            if self.entries[known].0 >= lift {
                return;
            }
            self.entries.copy_within(known + 1..self.count, known);
            self.count -= 1;
        }
        let at = self.entries[..self.count].partition_point(|(l, c)| (-l, *c) < (-lift, code));
        if at == self.limit {
            return;
        }
        self.count = (self.count + 1).min(self.limit);
        self.entries.copy_within(at..self.count - 1, at + 1);
        self.entries[at] = (lift, code);
    }

    /// What was kept, best first.
    pub(crate) fn entries(&self) -> &[(i64, u32)] {
        &self.entries[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::Best;

    type Entries<'a> = &'a [(i64, u32)];

    #[test]
    fn the_highest_lift_wins_then_the_smaller_code() {
        #[rustfmt::skip]
        let cases: [(&str, usize, Entries<'_>, Entries<'_>); 7] = [
            // name                      keep  considered                          kept
            ("one of one",               1,    &[(5, 1)],                          &[(5, 1)]),
            ("the higher lift",          1,    &[(5, 1), (6, 2), (4, 3)],          &[(6, 2)]),
            ("the smaller code",         1,    &[(5, 9), (5, 2), (5, 3)],          &[(5, 2)]),
            ("best first",               3,    &[(5, 1), (7, 2), (6, 3)],          &[(7, 2), (6, 3), (5, 1)]),
            ("the worst falls out",      2,    &[(5, 1), (7, 2), (6, 3)],          &[(7, 2), (6, 3)]),
            ("once, with the higher lift", 3,  &[(5, 1), (6, 2), (8, 1), (2, 2)],  &[(8, 1), (6, 2)]),
            ("again, when full",         2,    &[(5, 1), (6, 2), (7, 1)],          &[(7, 1), (6, 2)]),
        ];
        for (name, limit, considered, want) in cases {
            let mut best = Best::new(limit);
            considered.iter().for_each(|(lift, code)| best.consider(*lift, *code));
            assert_eq!(best.entries(), want, "{name}");
        }
    }

    #[test]
    fn nothing_is_out_of_reach_before_it_is_full() {
        let mut best = Best::new(2);
        best.consider(5, 1);
        assert!(!best.is_out_of_reach(1));
        best.consider(4, 2);
        assert!(best.is_out_of_reach(3));
        assert!(!best.is_out_of_reach(4), "a smaller code may still win");
    }
}
