//! Tables: columns of text and numbers, laid out for a terminal or as Markdown.
//!
//! Numbers never wrap. A table that is too wide is broken into blocks of columns, each repeating the first; one with
//! a column of running text wraps that column instead.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width};

/// Spaces between columns.
const GAP: u16 = 2;

/// The narrowest that running text is made.
const TEXT_WIDTH_MIN: u16 = 24;

/// A rule below the header and nothing else: readable in a pipe, and easy to cut up.
const PLAIN: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Short text, to the left.
    Words,
    /// To the right.
    Numbers,
    /// Text that may wrap.
    Prose,
}

/// A column's header, whose lines are separated by `\n`, and what is in it.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) header: String,
    pub(crate) holds: Holds,
}

/// Columns and rows; the first column says what a row is.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<String>>,
}

pub(crate) fn words(header: impl Into<String>) -> Column {
    Column { header: header.into(), holds: Holds::Words }
}

pub(crate) fn numbers(header: impl Into<String>) -> Column {
    Column { header: header.into(), holds: Holds::Numbers }
}

pub(crate) fn prose(header: impl Into<String>) -> Column {
    Column { header: header.into(), holds: Holds::Prose }
}

impl Table {
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: vec![] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
        debug_assert_eq!(self.rows.last().map(Vec::len), Some(self.columns.len()), "a cell for each column");
    }

    /// The table in blocks of lines, none wider than `width`; prose never wider than `prose_width`.
    pub(crate) fn lay_out(&self, width: Option<u16>, prose_width: u16) -> Vec<Block> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let widths = self.comfy(&all, None).column_max_content_widths();
        if let Some(at) = self.columns.iter().position(|column| column.holds == Holds::Prose) {
            let others = total(&widths) - widths[at];
            let most = width.unwrap_or(u16::MAX).min(others.saturating_add(prose_width));
            let room = most.saturating_sub(others).max(TEXT_WIDTH_MIN);
            return vec![self.block(&all, Some((at, room.min(widths[at]))))];
        }
        let mut blocks: Vec<Vec<usize>> = vec![vec![]];
        let mut used = widths[0];
        for at in 1..widths.len() {
            let is_full = width.is_some_and(|width| used + GAP + widths[at] > width);
            if is_full && blocks.last().is_some_and(|block| !block.is_empty()) {
                blocks.push(vec![]);
                used = widths[0];
            }
            used += GAP + widths[at];
            blocks.last_mut().expect("there is always one").push(at);
        }
        let with_key = |block: Vec<usize>| std::iter::once(0).chain(block).collect::<Vec<_>>();
        blocks.into_iter().map(|block| self.block(&with_key(block), None)).collect()
    }

    /// Lays out some of the columns; `wrapped` is the one whose text wraps, and its width.
    fn block(&self, columns: &[usize], wrapped: Option<(usize, u16)>) -> Block {
        let text = self.comfy(columns, wrapped).trim_fmt();
        let lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
        let rule = lines.iter().position(|line| line.starts_with('─')).unwrap_or(0);
        Block { header_lines: rule, lines }
    }

    fn comfy(&self, columns: &[usize], wrapped: Option<(usize, u16)>) -> comfy_table::Table {
        let mut out = comfy_table::Table::new();
        out.force_no_tty().load_style(PLAIN);
        out.set_header(columns.iter().map(|at| self.columns[*at].header.clone()));
        for row in &self.rows {
            out.add_row(columns.iter().map(|at| row[*at].clone()));
        }
        for (i, at) in columns.iter().enumerate() {
            let Some(column) = out.column_mut(i) else { continue };
            let is_last = i + 1 == columns.len();
            // The rule has a junction between columns, so there is one more space than the padding.
            column.set_padding((0, if is_last { 0 } else { GAP - 1 }));
            if self.columns[*at].holds == Holds::Numbers {
                column.set_cell_alignment(CellAlignment::Right);
            }
            if let Some((_, width)) = wrapped.filter(|(wrapped, _)| wrapped == at) {
                let padding = column.padding_width();
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width + padding)));
            } else {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        if wrapped.is_some() {
            // Constraints only bind in a dynamic arrangement, and that one wants some width.
            out.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::MAX);
        }
        out
    }

    /// The table as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| {
            let cells: Vec<_> = cells.map(|cell| one_line(&cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = |column: &Column| if column.holds == Holds::Numbers { "--:" } else { ":--" };
        let mut out = line(&mut self.columns.iter().map(|column| column.header.clone()));
        out += &line(&mut self.columns.iter().map(|column| rule(column).to_owned()));
        for row in &self.rows {
            out += &line(&mut row.iter().cloned());
        }
        out
    }
}

/// A table's lines, of which the first are its header.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) header_lines: usize,
    pub(crate) lines: Vec<String>,
}

/// A cell as Markdown takes it. A header that was broken at a hyphen has no space there.
pub(crate) fn one_line(cell: &str) -> String {
    cell.replace('|', "\\|").replace("-\n", "-").replace('\n', " ")
}

fn total(widths: &[u16]) -> u16 {
    widths.iter().sum::<u16>() + GAP * (widths.len() as u16).saturating_sub(1)
}
