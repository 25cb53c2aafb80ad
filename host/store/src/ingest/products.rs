//! Products and the categories they are filed under: since when, if the file says it, else always.

use std::collections::HashMap;

use stratagem_model::Time;

use super::error::{CORRECT_IT, Problem};
use super::filings::{self, Filed};
use super::plan::Plan;
use super::read::{Destination, Reject, Rows};
use super::value::{Cell, Moment, Origin, TimeMemo, Values};
use super::words::{NONE, Words};
use crate::{Appended, StoreError};

/// All products of a file.
pub(super) struct Products {
    values: Values,
    product: Origin,
    category: Origin,
    time: Option<Origin>,
    known: Option<Origin>,
    all: Part,
}

#[derive(Debug, Default)]
pub(super) struct Part {
    products: Words,
    categories: Words,
    /// With lines; a category of [`NONE`] says nothing.
    rows: Vec<(Filed, u64)>,
    scratch: String,
    time: TimeMemo,
    known: TimeMemo,
}

impl Products {
    pub(super) fn new(plan: &Plan, values: Values) -> Self {
        let (product, category) = (plan.required("product"), plan.required("category"));
        let (time, known) = (plan.field("time").cloned(), plan.field("known").cloned());
        Self { values, product, category, time, known, all: Part::default() }
    }
}

impl Rows for Products {
    type Part = Part;

    fn row(&self, part: &mut Part, line: u64, cells: &[Cell<'_>]) -> Result<(), Box<Problem>> {
        let product = self.values.required_text(&self.product, cells, &mut part.scratch)?;
        let product = part.products.code(product);
        let category = self.values.text(&self.category, cells, &mut part.scratch)?;
        let category = category.map_or(NONE, |category| part.categories.code(category));
        let since = match &self.time {
            Some(origin) if !self.values.is_missing(origin, cells) => {
                self.values.moment(origin, cells, &mut part.time)?
            }
            _ => Moment::ALWAYS,
        };
        let known = self.values.known(self.known.as_ref(), cells, &mut part.known, since)?;
        let since = since.time;
        part.rows.push((Filed { product, known, since, category }, line));
        Ok(())
    }

    fn merge(&mut self, part: Part) {
        let products = self.all.products.merge(part.products);
        let categories = self.all.categories.merge(part.categories);
        self.all.rows.extend(part.rows.into_iter().map(|(filed, line)| {
            let category = if filed.category == NONE { NONE } else { categories[filed.category as usize] };
            (Filed { product: products[filed.product as usize], category, ..filed }, line)
        }));
    }

    fn check(&mut self, rejects: &mut Vec<Reject>) {
        let mut filed: HashMap<(u32, Time), (u32, u64)> = HashMap::new();
        let categories = &self.all.categories;
        self.all.rows.retain(|(row, line)| {
            // What holds since a time may be more than one category; what holds always may not.
            if row.category == NONE || row.since != Time::MIN {
                return true;
            }
            let (first, first_line) = *filed.entry((row.product, row.known)).or_insert((row.category, *line));
            if first != row.category {
                let filed_under = categories.word(first);
                let problem = format!("line {first_line} files the same product under `{filed_under}`");
                let value = categories.word(row.category);
                let problem = Problem::new(self.values.name(&self.category), value, problem, CORRECT_IT);
                rejects.push(Reject { line: *line, problem });
            }
            first == row.category
        });
    }

    fn warnings(&self) -> Vec<String> {
        match self.all.rows.iter().filter(|(row, _)| row.category == NONE).count() {
            0 => vec![],
            count => vec![format!("rows without a category: {count}; their products stay where they are")],
        }
    }

    fn write(&mut self, to: &mut Destination<'_>) -> Result<Appended, StoreError> {
        let Part { products, categories, rows, .. } = &self.all;
        let mut is_used = vec![false; products.len()];
        rows.iter().for_each(|(row, _)| is_used[row.product as usize] = true);
        let known = to.store.dictionary("product")?.len();
        let codes = products.intern(to.store, "product", |code| is_used[code as usize])?;
        let is_new = |row: &Filed| codes[row.product as usize] as usize >= known;
        let (filed, others): (Vec<_>, Vec<_>) =
            rows.iter().map(|(row, _)| *row).partition(|row| row.category != NONE);
        let added = others.iter().filter(|row| is_new(row)).count() as u64;
        let mut appended = Appended { added, unchanged: others.len() as u64 - added, ..Appended::default() };
        appended += filings::write(to.store, to.source, &filed, (products, &codes), categories)?;
        Ok(appended)
    }

    fn line_of(&self, _: &str, _: &str, id: u64) -> Option<u64> {
        let Part { products, categories, rows, .. } = &self.all;
        let is_it = |row: &&(Filed, u64)| {
            let filed = row.0;
            filed.category != NONE
                && filed.id(products.word(filed.product), categories.word(filed.category)).0 == id
        };
        rows.iter().find(is_it).map(|(_, line)| *line)
    }
}
