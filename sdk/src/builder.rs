//! Collects what a strategy asks for while it is configured, and hands out the handles.
//!
//! A strategy is configured anew for each batch, since it keeps nothing between calls. Then nobody wants the plan,
//! only the handles, and so the builder has a second mode in which it does nothing but count: no text is formatted,
//! nothing is allocated but a few bytes for the shapes of the columns, against which the batch is checked.

use std::fmt;

use crate::batch::BatchView;
use crate::column::{Column, History, Shape, Standard};
use crate::plan::{
    Action, ActionKind, ActionPlan, ColumnRequest, Goal, Offer, Plan, ReferenceRequest, Window,
};
use crate::reference::{CategoryPairs, Names, PairOptions, Reference, Schedule, Table};
use crate::strategy::Failure;

/// What [`Strategy::configure`](crate::Strategy::configure) asks for columns, actions and everything else of its plan.
///
/// Ask in an order that depends on the parameters alone. Where nothing is said, no event triggers an evaluation, the
/// only step of the day is at 10:00 local time, a failed batch gets nothing, and any order counts as success.
#[derive(Debug)]
pub struct PlanBuilder {
    /// `None` where only handles are wanted.
    plan: Option<Plan>,
    pub(crate) columns: Vec<ColumnShape>,
    references: Vec<fn(&crate::batch::TableView<'_>) -> bool>,
    actions: u32,
}

/// What a column must look like to be read through its handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ColumnShape {
    pub(crate) ragged: bool,
    pub(crate) narrow: bool,
}

impl PlanBuilder {
    /// A builder that collects the plan.
    pub(crate) fn collecting() -> Self {
        let plan = Plan {
            columns: Vec::new(),
            references: Vec::new(),
            actions: Vec::new(),
            events: Vec::new(),
            daily_at: vec![10 * 60],
            fallback: None,
            goal: Goal::Order,
        };
        Self { plan: Some(plan), ..Self::counting() }
    }

    /// A builder that only hands out handles.
    pub(crate) fn counting() -> Self {
        Self { plan: None, columns: Vec::with_capacity(8), references: Vec::new(), actions: 0 }
    }

    pub(crate) fn finish(self) -> Option<Plan> {
        self.plan
    }

    /// Asks for a standard column.
    pub fn column<T: Shape + ?Sized>(&mut self, column: Standard<T>) -> Column<T> {
        self.add(format_args!("{}", column.name), Window::All)
    }

    /// Asks for a column of past values. The host copies what is asked for, for each customer: a short window is
    /// what makes a strategy fast.
    pub fn history<T: Shape + ?Sized>(&mut self, column: History<T>, window: Window) -> Column<T> {
        self.add(format_args!("{}", column.name), window)
    }

    /// Asks for the newest value of a customer attribute: a code into [`attribute_names`](Self::attribute_names).
    pub fn attribute(&mut self, name: &str) -> Column<Option<u32>> {
        self.add(format_args!("attribute.{name}"), Window::All)
    }

    /// Asks how many events of a kind there were, such as `visit`.
    pub fn event_count(&mut self, kind: &str) -> Column<i64> {
        self.add(format_args!("event.{kind}.count"), Window::All)
    }

    /// Asks when the last event of a kind was, milliseconds.
    pub fn event_last_time(&mut self, kind: &str) -> Column<Option<i64>> {
        self.add(format_args!("event.{kind}.last-time"), Window::All)
    }

    /// Asks which categories are bought together.
    pub fn category_pairs(&mut self, options: PairOptions, schedule: Schedule) -> Table<CategoryPairs> {
        let options = [
            ("min-baskets", options.min_baskets),
            ("min-confidence-ppm", options.min_confidence_ppm),
            ("min-lift-ppm", options.min_lift_ppm),
            ("per-category", options.per_category),
        ];
        self.add_table(format_args!("category.pairs"), &options, schedule)
    }

    /// Asks for the names behind category codes.
    pub fn category_names(&mut self) -> Table<Names> {
        self.add_table(format_args!("category.names"), &[], Schedule::Daily)
    }

    /// Asks for the words behind the codes of a customer attribute.
    pub fn attribute_names(&mut self, name: &str) -> Table<Names> {
        self.add_table(format_args!("attribute.{name}"), &[], Schedule::Daily)
    }

    /// Declares an action; what is returned takes its details. The id is lower-case words joined by `-`.
    ///
    /// Touches outlive a change of parameters: see [`Action::index`] before making an action depend on one.
    pub fn action<'a>(&'a mut self, id: &str, kind: ActionKind) -> ActionBuilder<'a> {
        let action = Action::with_index(self.actions);
        self.actions += 1;
        let plan = self.plan.as_mut().and_then(|plan| {
            let (id, channel, content) = (id.to_owned(), String::new(), String::new());
            plan.actions.push(ActionPlan { id, kind, channel, content, offer: None, contact_cost: 0 });
            plan.actions.last_mut()
        });
        ActionBuilder { plan, action }
    }

    /// Looks at a customer again after events of these kinds, such as `order` or `visit`.
    pub fn on_events(&mut self, kinds: &[&str]) {
        if let Some(plan) = &mut self.plan {
            plan.events = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        }
    }

    /// Sets the steps: local times of day in minutes after midnight, ascending, 1 to 24 of them.
    pub fn daily_at(&mut self, minutes: &[i64]) {
        if let Some(plan) = &mut self.plan {
            plan.daily_at = minutes.iter().map(|minute| u32::try_from(*minute).unwrap_or(u32::MAX)).collect();
        }
    }

    /// What every customer of a batch gets that could not be evaluated. Nothing, unless it is set.
    pub fn fallback(&mut self, action: Action) {
        if let Some(plan) = &mut self.plan {
            plan.fallback = Some(action.index());
        }
    }

    /// What counts as success in the attribution window after a touch.
    pub fn goal(&mut self, goal: Goal) {
        if let Some(plan) = &mut self.plan {
            plan.goal = goal;
        }
    }

    fn add<T: Shape + ?Sized>(&mut self, name: fmt::Arguments<'_>, window: Window) -> Column<T> {
        if let Some(plan) = &mut self.plan {
            plan.columns.push(ColumnRequest { name: name.to_string(), window });
        }
        let column = Column::new(self.columns.len() as u32);
        self.columns.push(ColumnShape { ragged: T::RAGGED, narrow: T::NARROW });
        column
    }

    fn add_table<R: Reference>(
        &mut self,
        name: fmt::Arguments<'_>,
        options: &[(&str, i64)],
        schedule: Schedule,
    ) -> Table<R> {
        if let Some(plan) = &mut self.plan {
            let options = options.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            plan.references.push(ReferenceRequest { name: name.to_string(), options, schedule });
        }
        let table = Table::new(self.references.len() as u32);
        self.references.push(R::fits);
        table
    }

    /// Whether the batch is what was asked for. After this, reading through a handle cannot go wrong.
    pub(crate) fn check(&self, batch: &BatchView<'_>) -> Result<(), Failure> {
        let (columns, references) = (batch.columns.len(), batch.references.len());
        if columns != self.columns.len() || references != self.references.len() {
            let wanted = (self.columns.len(), self.references.len());
            return Err(Failure::new(format!(
                "the host passed {columns} columns and {references} references, but the plan has {} and {}",
                wanted.0, wanted.1
            )));
        }
        let rows = batch.rows as usize;
        let mut shaped = batch.columns.iter().zip(&self.columns);
        if let Some(index) = shaped.position(|(column, shape)| !column.fits(shape.ragged, shape.narrow, rows))
        {
            return Err(Failure::new(format!(
                "column {index} has not the type or the length that the plan expects"
            )));
        }
        let mut tables = batch.references.iter().zip(&self.references);
        if let Some(index) = tables.position(|(table, fits)| !fits(table)) {
            return Err(Failure::new(format!(
                "reference {index} has not the columns that its name promises"
            )));
        }
        Ok(())
    }
}

/// Details of an action. It is declared whether or not any is given.
#[derive(Debug)]
pub struct ActionBuilder<'a> {
    plan: Option<&'a mut ActionPlan>,
    action: Action,
}

impl ActionBuilder<'_> {
    /// How it reaches the customer, such as `app-push`, `sms` or `chat`. Needed for kinds that do.
    #[must_use]
    pub fn channel(mut self, channel: &str) -> Self {
        if let Some(plan) = &mut self.plan {
            channel.clone_into(&mut plan.channel);
        }
        self
    }

    /// What is said, or the name of a template. With [`format_args!`] the text is made only where it is wanted.
    #[must_use]
    pub fn content(mut self, content: impl fmt::Display) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.content = content.to_string();
        }
        self
    }

    /// What is given away.
    #[must_use]
    pub fn offer(mut self, offer: Offer) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.offer = Some(offer);
        }
        self
    }

    /// Cost of one contact, minor units.
    #[must_use]
    pub fn contact_cost(mut self, cost: i64) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.contact_cost = cost;
        }
        self
    }

    /// The handle to propose it with.
    pub fn add(self) -> Action {
        self.action
    }
}
