//! The columns of a test: of reference tables as they are given, and of customers as a plan asks for them.

use super::customer::{Cell, Customer};
use crate::batch::ColumnView;
use crate::builder::ColumnShape;
use crate::plan::ColumnRequest;

/// The owned columns of a reference table.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) rows: u32,
    pub(super) columns: Vec<Column>,
}

#[derive(Debug, Clone)]
pub(super) enum Column {
    S64s(Vec<i64>),
    U32s(Vec<u32>),
    /// Offsets and bytes.
    Text(Vec<u32>, Vec<u8>),
}

impl Columns {
    pub(super) fn empty(name: &str) -> Self {
        let columns = if name == "category.pairs" {
            let (codes, numbers) = (Column::U32s(vec![]), Column::S64s(vec![]));
            vec![codes.clone(), codes, numbers.clone(), numbers.clone(), numbers]
        } else {
            vec![Column::Text(vec![0], vec![])]
        };
        Self { rows: 0, columns }
    }
}

impl Column {
    pub(super) fn view(&self) -> ColumnView<'_> {
        match self {
            Self::S64s(values) => ColumnView::s64s(values),
            Self::U32s(values) => ColumnView::u32s(values),
            Self::Text(offsets, bytes) => ColumnView::bytes(bytes).with_offsets(offsets),
        }
    }
}

/// The owned column that a plan asked for, over the customers of a batch.
pub(super) struct Gathered {
    narrow: bool,
    s64s: Vec<i64>,
    u32s: Vec<u32>,
    offsets: Vec<u32>,
    missing: Vec<u64>,
}

impl Gathered {
    pub(super) fn view(&self) -> ColumnView<'_> {
        let view = if self.narrow { ColumnView::u32s(&self.u32s) } else { ColumnView::s64s(&self.s64s) };
        view.with_offsets(&self.offsets).with_missing(&self.missing)
    }

    /// Collects what a plan asked for from each customer, cut to its window.
    ///
    /// # Panics
    /// A customer has a value of another type than the strategy reads.
    pub(super) fn new(request: &ColumnRequest, shape: ColumnShape, customers: &[Customer], now: i64) -> Self {
        let name = request.name.as_str();
        let ColumnShape { ragged, narrow } = shape;
        let mut missing = vec![0; customers.len().div_ceil(64)];
        let (mut s64s, mut u32s, mut offsets) = (vec![], vec![], vec![]);
        if ragged {
            offsets.push(0);
        }
        for (row, customer) in customers.iter().enumerate() {
            match (customer.cell(name), ragged, narrow) {
                (None, true, _) => {}
                (None | Some(Cell::S64(None) | Cell::U32(None)), false, _) => {
                    missing[row / 64] |= 1 << (row % 64);
                    if narrow { u32s.push(0) } else { s64s.push(0) }
                }
                (Some(Cell::S64(Some(value))), false, false) => s64s.push(*value),
                (Some(Cell::U32(Some(value))), false, true) => u32s.push(*value),
                (Some(Cell::S64s(values)), true, false) => {
                    s64s.extend_from_slice(customer.windowed(name, values, request.window, now));
                }
                (Some(Cell::U32s(values)), true, true) => {
                    u32s.extend_from_slice(customer.windowed(name, values, request.window, now));
                }
                (Some(cell), _, _) => panic!("`{name}` is {cell:?}, and the strategy reads another type"),
            }
            if ragged {
                offsets.push(if narrow { u32s.len() } else { s64s.len() } as u32);
            }
        }
        Self { narrow, s64s, u32s, offsets, missing }
    }
}
