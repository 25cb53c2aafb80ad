//! Customers and their attributes.
//!
//! An attribute is an event with two clocks like any other. A file that does not say since when its attributes hold
//! (no `time`) is taken to hold always, which is nobody's beginning, and the report warns: a backtest then sees today's
//! values in the past.

use stratagem_model::{EventId, EventKind, NO_ABOUT, Time};

use super::error::Problem;
use super::flat::{Draft, Part, ReadRow, Value};
use super::plan::Plan;
use super::value::{Cell, Moment, Origin, Values};
use crate::attribute_values;

/// The id of an attribute that a file has no id for: one value an instant, so that another is a contradiction.
pub(super) fn attribute_id(name: &str, since: Time) -> u64 {
    EventId::from_external(&format!("{name}@{}", since.0)).0
}

/// Where the fields of customers come from.
pub(super) struct CustomerRows {
    values: Values,
    customer: Origin,
    time: Option<Origin>,
    known: Option<Origin>,
    registered: Option<Origin>,
    attributes: Vec<Attribute>,
}

struct Attribute {
    name: String,
    /// Of its values.
    dictionary: String,
    origin: Origin,
}

impl CustomerRows {
    pub(super) fn new(plan: &Plan, values: Values) -> Self {
        let attribute = |(name, origin): &(String, Origin)| Attribute {
            name: name.clone(),
            dictionary: attribute_values(name),
            origin: origin.clone(),
        };
        Self {
            values,
            customer: plan.required("customer"),
            time: plan.field("time").cloned(),
            known: plan.field("known").cloned(),
            registered: plan.field("registered").cloned(),
            attributes: plan.attributes.iter().map(attribute).collect(),
        }
    }
}

impl ReadRow for CustomerRows {
    fn read(&self, part: &mut Part, line: u64, cells: &[Cell<'_>]) -> Result<(), Box<Problem>> {
        let values = &self.values;
        let customer = values.required_text(&self.customer, cells, &mut part.scratch)?;
        let customer = part.customers.code(customer);
        let event = match &self.time {
            Some(origin) => values.moment(origin, cells, &mut part.time)?,
            None => Moment::ALWAYS,
        };
        let known_time = values.known(self.known.as_ref(), cells, &mut part.known, event)?;
        let event_time = event.time;
        let draft = Draft {
            customer,
            kind: EventKind::Attribute,
            id: 0,
            is_derived: false,
            event_time,
            known_time,
            subject: None,
            value: Value::Number(0),
            about: NO_ABOUT,
            line,
        };
        let mut scratch = std::mem::take(&mut part.scratch);
        for Attribute { name, dictionary, origin } in &self.attributes {
            // An empty value says nothing; it does not take the attribute away.
            let Some(text) = values.text(origin, cells, &mut scratch)? else { continue };
            let id = attribute_id(name, event_time);
            let subject = Some(part.word("attribute", name));
            let value = Value::Word(part.word(dictionary, text));
            part.drafts.push(Draft { id, subject, value, ..draft });
        }
        part.scratch = scratch;
        if let Some(origin) = &self.registered
            && !values.is_missing(origin, cells)
        {
            let at = values.moment(origin, cells, &mut part.time)?.time;
            // A row that became known later tells of the registration no earlier.
            let said = values.known(self.known.as_ref(), cells, &mut part.known, Moment::ALWAYS)?;
            let id = EventId::from_external("registered").0;
            let kind = EventKind::Register;
            part.drafts.push(Draft { kind, id, event_time: at, known_time: at.max(said), ..draft });
        }
        part.members.push((customer, line));
        Ok(())
    }

    fn warnings(&self) -> Vec<String> {
        if self.time.is_some() || self.attributes.is_empty() {
            return vec![];
        }
        vec![
            "no `time` is mapped: attributes are taken to hold always, so a backtest sees these values \
             in the past too"
                .into(),
        ]
    }
}
