//! Products and the categories they are filed under.

use std::collections::HashMap;

use super::error::{CORRECT_IT, Problem};
use super::plan::Plan;
use super::read::{Destination, Reject, Rows};
use super::value::{Cell, Origin, Values};
use super::words::{NONE, Words};

use crate::{Appended, StoreError};

/// All products of a file.
pub(super) struct Products {
    values: Values,
    product: Origin,
    category: Origin,
    all: Part,
}

#[derive(Debug, Default)]
pub(super) struct Part {
    products: Words,
    categories: Words,
    /// Product, category or [`NONE`], line.
    rows: Vec<(u32, u32, u64)>,
    scratch: String,
}

impl Products {
    pub(super) fn new(plan: &Plan, values: Values) -> Self {
        let (product, category) = (plan.required("product"), plan.required("category"));
        Self { values, product, category, all: Part::default() }
    }
}

impl Rows for Products {
    type Part = Part;

    fn row(&self, part: &mut Part, line: u64, cells: &[Cell<'_>]) -> Result<(), Box<Problem>> {
        let product = self.values.required_text(&self.product, cells, &mut part.scratch)?;
        let product = part.products.code(product);
        let category = self.values.text(&self.category, cells, &mut part.scratch)?;
        let category = category.map_or(NONE, |category| part.categories.code(category));
        part.rows.push((product, category, line));
        Ok(())
    }

    fn merge(&mut self, part: Part) {
        let products = self.all.products.merge(part.products);
        let categories = self.all.categories.merge(part.categories);
        self.all.rows.extend(part.rows.into_iter().map(|(product, category, line)| {
            let category = if category == NONE { NONE } else { categories[category as usize] };
            (products[product as usize], category, line)
        }));
    }

    fn check(&mut self, rejects: &mut Vec<Reject>) {
        let mut filed: HashMap<u32, (u32, u64)> = HashMap::new();
        let categories = &self.all.categories;
        self.all.rows.retain(|(product, category, line)| {
            if *category == NONE {
                return true;
            }
            let (first, first_line) = *filed.entry(*product).or_insert((*category, *line));
            if first != *category {
                let filed_under = categories.word(first);
                let problem = format!("line {first_line} files the same product under `{filed_under}`");
                let value = categories.word(*category);
                let problem = Problem::new(self.values.name(&self.category), value, problem, CORRECT_IT);
                rejects.push(Reject { line: *line, problem });
            }
            first == *category
        });
    }

    fn warnings(&self) -> Vec<String> {
        match self.all.rows.iter().filter(|(_, category, _)| *category == NONE).count() {
            0 => vec![],
            count => vec![format!("rows without a category: {count}; their products stay where they are")],
        }
    }

    fn write(&mut self, to: &mut Destination<'_>) -> Result<Appended, StoreError> {
        let store = to.store;
        let Part { products, categories, rows, .. } = &self.all;
        let mut is_used = (vec![false; products.len()], vec![false; categories.len()]);
        for (product, category, _) in rows {
            is_used.0[*product as usize] = true;
            if *category != NONE {
                is_used.1[*category as usize] = true;
            }
        }
        let known = store.dictionary("product")?.len();
        let products = products.intern(store, "product", |code| is_used.0[code as usize])?;
        let categories = categories.intern(store, "category", |code| is_used.1[code as usize])?;
        let stored = store.product_categories()?;
        let mut appended = Appended::default();
        let mut pairs = vec![];
        for &(product, category, _) in rows {
            let product = products[product as usize];
            let is_filed =
                category == NONE || stored.get(product as usize) == Some(&categories[category as usize]);
            if is_filed && (product as usize) < known {
                appended.unchanged += 1;
                continue;
            }
            appended.added += 1;
            if category != NONE {
                pairs.push((product, categories[category as usize]));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        if !pairs.is_empty() {
            store.put_product_categories(&pairs)?;
        }
        Ok(appended)
    }
}
