//! Resolving the reference tables a plan asks for.

use std::sync::Arc;

use stratagem_model::Table;
use stratagem_model::plan::{Plan, ReferenceRequest, Schedule};
use stratagem_model::time::Time;

use crate::catalogue::UnknownColumn;
use crate::pairs::{PairOptions, PairRequest};
use crate::population::Population;
use crate::timelines::StoreContext;
use crate::vocabulary::{Vocabulary, Words};

/// The references of a plan, resolved against a store once.
#[derive(Debug)]
pub struct ReferencePlan {
    slots: Vec<Slot>,
    pairs: Vec<PairRequest>,
}

#[derive(Debug)]
enum Slot {
    /// The names of categories.
    Categories,
    /// The values of the attribute with this code.
    AttributeValues(usize),
    /// Index into the pair requests.
    Pairs(usize),
}

impl ReferencePlan {
    /// Resolves the references a plan asks for.
    ///
    /// # Errors
    /// A reference or one of its options is unknown.
    pub fn new(plan: &Plan, context: &StoreContext) -> Result<Self, UnknownColumn> {
        let mut this = Self { slots: vec![], pairs: vec![] };
        for request in &plan.references {
            let slot = this.slot(request, context)?;
            this.slots.push(slot);
        }
        Ok(this)
    }

    fn slot(&mut self, request: &ReferenceRequest, context: &StoreContext) -> Result<Slot, UnknownColumn> {
        let name = request.name.as_str();
        if name == "category.pairs" {
            self.pairs.push(PairRequest { options: pair_options(request)?, schedule: request.schedule });
            return Ok(Slot::Pairs(self.pairs.len() - 1));
        }
        let slot = if name == "category.names" {
            Some(Slot::Categories)
        } else {
            context.attribute_of(name).map(|code| Slot::AttributeValues(code as usize))
        };
        let slot = slot.ok_or_else(|| UnknownColumn::Reference(name.to_owned()))?;
        if let Some((option, value)) = request.options.first() {
            return Err(bad_option(request, option, *value));
        }
        Ok(slot)
    }

    /// When tables that depend on the population are made again: a schedule for each request.
    pub fn schedules(&self) -> impl Iterator<Item = Schedule> {
        self.pairs.iter().map(|request| request.schedule)
    }

    /// Makes the tables that depend on the population.
    pub fn prepare(&self, population: &mut Population) {
        population.make_pairs(&self.pairs);
    }

    /// The tables as of `now`, in the plan's order.
    pub fn at(&self, context: &StoreContext, population: &Population, now: Time) -> Vec<Arc<Table>> {
        let words = |vocabulary: &Vocabulary| vocabulary.table(&vocabulary.as_of(now));
        let table = |slot: &Slot| match slot {
            Slot::Categories => words(&context.categories),
            Slot::AttributeValues(code) => words(&context.attribute_values[*code]),
            Slot::Pairs(request) => {
                ranked(&population.pairs_at(*request, now), &context.categories.as_of(now))
            }
        };
        self.slots.iter().map(table).collect()
    }
}

/// A table of pairs with the ranks of its categories. They were known when it was made, and ranks ascend as places do.
fn ranked(pairs: &Table, words: &Words) -> Arc<Table> {
    let mut ranked = pairs.clone();
    for column in &mut ranked.columns[..2] {
        column.u32s.iter_mut().for_each(|category| *category = words.rank(*category));
    }
    Arc::new(ranked)
}

fn bad_option(request: &ReferenceRequest, option: &str, value: i64) -> UnknownColumn {
    UnknownColumn::ReferenceOption { reference: request.name.clone(), option: option.to_owned(), value }
}

fn pair_options(request: &ReferenceRequest) -> Result<PairOptions, UnknownColumn> {
    let mut options = PairOptions::default();
    for (name, value) in &request.options {
        let option = match name.as_str() {
            "min-baskets" => &mut options.min_baskets,
            "min-confidence-ppm" => &mut options.min_confidence_ppm,
            "min-lift-ppm" => &mut options.min_lift_ppm,
            "per-category" => &mut options.per_category,
            _ => return Err(bad_option(request, name, *value)),
        };
        if *value < 0 {
            return Err(bad_option(request, name, *value));
        }
        *option = *value;
    }
    Ok(options)
}
