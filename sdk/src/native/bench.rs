//! Asks a strategy about customers of a test, as strictly as a host would.

use std::collections::{BTreeMap, HashSet};
use std::marker::PhantomData;

use super::columns::{Column, Columns, Gathered};
use super::customer::Customer;
use crate::batch::{BatchView, TableView};
use crate::builder::{ColumnShape, PlanBuilder};
use crate::engine;
use crate::output::{NO_ITEM, Output};
use crate::parameters::{Choice, Parameter, ParameterError, ParameterType, Parameters, Value};
use crate::plan::Plan;
use crate::strategy::Strategy;
use crate::time::{DAY_MS, NEVER};

/// A strategy with its parameters and reference tables, ready to be asked.
#[derive(Debug)]
pub struct Bench<S> {
    values: Vec<Value>,
    tables: BTreeMap<String, Columns>,
    strategy: PhantomData<fn() -> S>,
}

/// Something that was proposed for a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Id of the action.
    pub action: String,
    /// Its index in the plan.
    pub index: u32,
    /// What it is about, or [`NO_ITEM`].
    pub item: u32,
    /// Its weight.
    pub score: i64,
    /// When to carry it out, milliseconds.
    pub at: i64,
}

/// The answer for one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// In the order in which they were made.
    pub proposals: Vec<Asked>,
    /// When to ask again, milliseconds; [`NEVER`] for not before something happens.
    pub wake: i64,
}

impl Answer {
    /// The ids of the actions proposed.
    pub fn actions(&self) -> Vec<&str> {
        self.proposals.iter().map(|proposal| proposal.action.as_str()).collect()
    }

    /// The items proposed.
    pub fn items(&self) -> Vec<u32> {
        self.proposals.iter().map(|proposal| proposal.item).collect()
    }
}

impl<S> Clone for Bench<S> {
    fn clone(&self) -> Self {
        Self { values: self.values.clone(), tables: self.tables.clone(), strategy: PhantomData }
    }
}

impl<S: Strategy> Default for Bench<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Strategy> Bench<S> {
    /// A bench with the default of every parameter and no reference table filled.
    pub fn new() -> Self {
        let values = S::Parameters::schema().into_iter().map(|parameter| parameter.default).collect();
        Self { values, tables: BTreeMap::new(), strategy: PhantomData }
    }

    /// Sets a parameter the way an operator does: by name, as text.
    ///
    /// # Panics
    /// There is no such parameter, or it does not accept the value.
    #[must_use]
    pub fn set(mut self, name: &str, text: &str) -> Self {
        let schema = S::Parameters::schema();
        let Some(index) = schema.iter().position(|parameter| parameter.name == name) else {
            panic!("there is no parameter `{name}`")
        };
        match parse(&schema[index], text) {
            Some(value) => self.values[index] = value,
            None => panic!("parameter `{name}` does not accept `{text}`: {:?}", schema[index].kind),
        }
        self
    }

    /// Sets a choice by its variant.
    ///
    /// # Panics
    /// There is no such parameter, or the variant is not one of its words.
    #[must_use]
    pub fn choose(self, name: &str, variant: impl Choice) -> Self {
        self.set(name, variant.word())
    }

    /// Fills the reference `category.pairs`: antecedent, consequent and lift in ppm of each. Baskets and confidence
    /// read 0.
    #[must_use]
    pub fn with_pairs(mut self, pairs: &[(u32, u32, i64)]) -> Self {
        let mut pairs = pairs.to_vec();
        pairs.sort_by_key(|(antecedent, consequent, lift)| (*antecedent, -lift, *consequent));
        let zeros = Column::S64s(vec![0; pairs.len()]);
        let columns = Columns {
            rows: pairs.len() as u32,
            columns: vec![
                Column::U32s(pairs.iter().map(|pair| pair.0).collect()),
                Column::U32s(pairs.iter().map(|pair| pair.1).collect()),
                zeros.clone(),
                zeros,
                Column::S64s(pairs.iter().map(|pair| pair.2).collect()),
            ],
        };
        self.tables.insert("category.pairs".into(), columns);
        self
    }

    /// Fills a dictionary: `category.names` or `attribute.<name>`.
    #[must_use]
    pub fn with_names(mut self, reference: &str, names: &[&str]) -> Self {
        let ends = names.iter().scan(0, |end, name| {
            *end += name.len() as u32;
            Some(*end)
        });
        let text = Column::Text(std::iter::once(0).chain(ends).collect(), names.concat().into_bytes());
        self.tables.insert(reference.into(), Columns { rows: names.len() as u32, columns: vec![text] });
        self
    }

    /// The values of all parameters, in the order of the schema.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The plan with these parameters.
    ///
    /// # Errors
    /// The strategy refuses them.
    ///
    /// # Panics
    /// It refuses a parameter that it does not have.
    pub fn plan(&self) -> Result<Plan, Vec<ParameterError>> {
        let plan = engine::configure::<S>(&self.values);
        for error in plan.as_ref().err().into_iter().flatten() {
            let schema = S::Parameters::schema();
            assert!(
                schema.iter().any(|p| p.name == error.parameter),
                "no parameter is called `{}`",
                error.parameter
            );
        }
        plan
    }

    /// The handle of an action, to add a [touch](Customer::touch) with.
    ///
    /// # Panics
    /// The plan has no such action.
    pub fn action(&self, id: &str) -> crate::Action {
        let index = self.accepted_plan().actions.iter().position(|action| action.id == id);
        let Some(index) = index else { panic!("the plan has no action `{id}`") };
        crate::Action::with_index(index as u32)
    }

    /// Stands at a moment: milliseconds, in a store whose local time is UTC.
    pub fn at(&self, now: i64) -> Moment<'_, S> {
        Moment { bench: self, now, utc_offset_ms: 0 }
    }

    pub(super) fn accepted_plan(&self) -> Plan {
        match self.plan() {
            Ok(plan) => plan,
            Err(errors) => panic!("the strategy refuses its parameters: {errors:?}"),
        }
    }
}

/// A strategy at a moment.
#[derive(Debug)]
pub struct Moment<'a, S> {
    bench: &'a Bench<S>,
    now: i64,
    utc_offset_ms: i64,
}

impl<S: Strategy> Moment<'_, S> {
    /// In a store whose local time is UTC plus this, milliseconds.
    #[must_use]
    pub fn utc_offset_ms(self, utc_offset_ms: i64) -> Self {
        Self { utc_offset_ms, ..self }
    }

    /// What the strategy answers for a customer.
    ///
    /// # Panics
    /// See [`ask_all`](Self::ask_all).
    pub fn ask(&self, customer: &Customer) -> Answer {
        self.ask_all(std::slice::from_ref(customer)).swap_remove(0)
    }

    /// What the strategy answers for a batch of customers, one answer for each.
    ///
    /// # Panics
    /// The strategy refuses its parameters or the batch, a customer has a value of another type than the strategy
    /// reads, or the answer breaks the contract so that a host would not take it.
    pub fn ask_all(&self, customers: &[Customer]) -> Vec<Answer> {
        let plan = self.bench.accepted_plan();
        let shapes = shapes::<S>(&self.bench.values);
        let requests = plan.columns.iter().zip(shapes);
        let columns: Vec<_> =
            requests.map(|(request, shape)| Gathered::new(request, shape, customers, self.now)).collect();
        let empty = |name: &str| Columns::empty(name);
        let tables: Vec<_> = plan
            .references
            .iter()
            .map(|request| {
                self.bench.tables.get(&request.name).cloned().unwrap_or_else(|| empty(&request.name))
            })
            .collect();

        let views: Vec<_> = columns.iter().map(Gathered::view).collect();
        let table_columns: Vec<Vec<_>> =
            tables.iter().map(|table| table.columns.iter().map(Column::view).collect()).collect();
        let table_views: Vec<_> = tables
            .iter()
            .zip(&table_columns)
            .map(|(table, columns)| TableView { rows: table.rows, columns })
            .collect();
        let batch = BatchView {
            now: self.now,
            utc_offset_ms: self.utc_offset_ms,
            rows: customers.len() as u32,
            columns: &views,
            references: &table_views,
        };
        match engine::evaluate::<S>(&self.bench.values, &batch) {
            Ok(output) => answers(&plan, &batch, &output),
            Err(failure) => panic!("the strategy cannot answer: {failure}"),
        }
    }
}

/// An operator's text as a value, if the parameter accepts it.
fn parse(parameter: &Parameter, text: &str) -> Option<Value> {
    let value = match parameter.kind {
        ParameterType::Integer { .. } => Value::Integer(text.parse().ok()?),
        ParameterType::Boolean => Value::Boolean(text.parse().ok()?),
        ParameterType::Choice(_) | ParameterType::Text { .. } => Value::Text(text.to_owned()),
    };
    parameter.kind.accepts(&value).then_some(value)
}

fn shapes<S: Strategy>(values: &[Value]) -> Vec<ColumnShape> {
    let mut builder = PlanBuilder::counting();
    let settings = S::Parameters::from_values(values);
    // The plan was accepted with the same values a moment ago.
    let configured =
        settings.map_err(|error| vec![error]).and_then(|settings| S::configure(settings, &mut builder));
    if let Err(errors) = configured {
        panic!("the strategy refuses parameters that it accepted: {errors:?}");
    }
    builder.columns
}

/// Takes a batch's answer apart, and panics where a host would refuse it.
fn answers(plan: &Plan, batch: &BatchView<'_>, output: &Output) -> Vec<Answer> {
    let rows = batch.rows as usize;
    let mut answers = vec![Answer { proposals: vec![], wake: NEVER }; rows];
    if !output.wakes.is_empty() {
        for (answer, wake) in answers.iter_mut().zip(&output.wakes) {
            answer.wake = *wake;
        }
    }
    let mut seen = HashSet::new();
    for (i, (row, index)) in output.rows.iter().zip(&output.actions).enumerate() {
        let item = output.items.get(i).copied().unwrap_or(NO_ITEM);
        let score = output.scores.get(i).copied().unwrap_or(1);
        let at = output.times.get(i).copied().unwrap_or(batch.now);
        let Some(action) = plan.actions.get(*index as usize) else { panic!("there is no action {index}") };
        assert!(score >= 1, "`{}` has score {score}; a score is at least 1", action.id);
        let delay = at - batch.now;
        assert!((0..DAY_MS).contains(&delay), "`{}` is {delay} ms from now; at most 24 hours", action.id);
        assert!(seen.insert((*row, *index, item)), "`{}` is proposed twice for row {row}", action.id);
        let proposal = Asked { action: action.id.clone(), index: *index, item, score, at };
        answers[*row as usize].proposals.push(proposal);
    }
    assert!(output.rows.len() <= rows * 16, "more than 16 proposals a row");
    answers
}
