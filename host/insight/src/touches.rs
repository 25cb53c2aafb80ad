//! What a run did to each customer of a shard so far.

use stratagem_model::Time;

/// A touch of the run: carried out, or held out from a control, who walks the same path untouched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnTouch {
    pub when: Time,
    /// Index into the plan's actions.
    pub action: u32,
    pub item: u32,
    pub is_contact: bool,
}

/// The touches of each row, in the order of `when`.
#[derive(Debug, Clone, Default)]
pub struct OwnTouches {
    rows: Vec<Vec<OwnTouch>>,
}

impl OwnTouches {
    /// No touches yet, for this many rows.
    pub fn new(rows: usize) -> Self {
        Self { rows: vec![vec![]; rows] }
    }

    /// Adds a touch.
    pub fn push(&mut self, row: usize, touch: OwnTouch) {
        let touches = &mut self.rows[row];
        let at = touches.partition_point(|earlier| earlier.when <= touch.when);
        touches.insert(at, touch);
    }

    /// All touches of a row, also one that is decided and not yet due.
    pub fn of(&self, row: usize) -> &[OwnTouch] {
        &self.rows[row]
    }
}
