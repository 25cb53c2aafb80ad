//! Events of any kind but orders, and touches of past campaigns.

use std::fmt::Write;

use stratagem_model::{EventId, EventKind, Time};
use xxhash_rust::xxh3::xxh3_64;

use super::error::{CORRECT_IT, Problem};
use super::flat::{Draft, Part, ReadRow, Value};
use super::plan::Plan;
use super::value::{Cell, Origin, Values};
use crate::subject_dictionary;

/// Where the fields of events come from.
pub(super) struct EventRows {
    values: Values,
    customer: Origin,
    kind: Origin,
    time: Origin,
    known: Option<Origin>,
    id: Option<Origin>,
    subject: Option<Origin>,
    value: Option<Origin>,
}

impl EventRows {
    /// Rows that say their kind.
    pub(super) fn events(plan: &Plan, values: Values) -> Self {
        Self {
            values,
            customer: plan.required("customer"),
            kind: plan.required("kind"),
            time: plan.required("time"),
            known: plan.field("known").cloned(),
            id: plan.field("id").cloned(),
            subject: plan.field("subject").cloned(),
            value: plan.field("value").cloned(),
        }
    }

    /// Rows that are all touches.
    pub(super) fn touches(plan: &Plan, values: Values) -> Self {
        Self {
            values,
            customer: plan.required("customer"),
            kind: Origin::Constant(EventKind::Touch.name().into()),
            time: plan.required("time"),
            known: plan.field("known").cloned(),
            id: plan.field("id").cloned(),
            subject: Some(plan.required("campaign")),
            value: None,
        }
    }

    fn kind(&self, cells: &[Cell<'_>], scratch: &mut String) -> Result<EventKind, Box<Problem>> {
        let name = self.values.required_text(&self.kind, cells, scratch)?;
        match EventKind::from_name(name) {
            Some(EventKind::Order) => {
                let says = "is not read from a file of events";
                Err(self.values.problem(&self.kind, cells, says, "ingest orders with --kind orders"))
            }
            Some(kind) => Ok(kind),
            None => {
                let nearest = super::error::nearest(name, EventKind::ALL.iter().map(|kind| kind.name()));
                let meant = nearest.map_or(String::new(), |name| format!(" (`{name}`?)"));
                let says = format!("is not a kind of event{meant}");
                Err(self.values.problem(&self.kind, cells, &says, CORRECT_IT))
            }
        }
    }

    /// The value of an event, and of an attribute its dictionary.
    fn value(
        &self,
        kind: EventKind,
        subject: &str,
        part: &mut Part,
        cells: &[Cell<'_>],
    ) -> Result<Value, Box<Problem>> {
        let origin = self.value.as_ref().filter(|origin| !self.values.is_missing(origin, cells));
        let Some(origin) = origin else {
            return match kind {
                EventKind::Refund | EventKind::Attribute => {
                    let problem = format!("{} has no value", kind.name());
                    Err(Problem::new("", "", problem, "map `value`, or correct the row"))
                }
                EventKind::Tag => Ok(Value::Number(1)),
                _ => Ok(Value::Number(0)),
            };
        };
        match kind {
            EventKind::Refund => match self.values.money(origin, cells)? {
                amount if amount > 0 => Ok(Value::Number(amount)),
                _ => Err(self.values.problem(origin, cells, "is not a positive amount", CORRECT_IT)),
            },
            EventKind::Attribute => {
                let mut scratch = String::new();
                let text = self.values.required_text(origin, cells, &mut scratch)?;
                Ok(Value::Word(part.word(&format!("attribute.{subject}"), text)))
            }
            EventKind::Tag => match self.values.whole(origin, cells)? {
                Some(flag @ 0..=1) => Ok(Value::Number(flag)),
                _ => Err(self.values.problem(origin, cells, "is not 0 or 1", CORRECT_IT)),
            },
            _ => Ok(Value::Number(self.values.whole(origin, cells)?.unwrap_or(0))),
        }
    }

    /// The event's id, and whether it was derived from what the row says.
    fn id(
        &self,
        kind: EventKind,
        subject: &str,
        time: Time,
        cells: &[Cell<'_>],
        scratch: &mut String,
    ) -> Result<(u64, bool), Box<Problem>> {
        if let Some(origin) = &self.id {
            let id = self.values.required_text(origin, cells, scratch)?;
            return Ok((EventId::from_external(kind, id).0, false));
        }
        let mut said = format!("{}\n{}\n{subject}\n", kind.name(), time.0);
        if let Some(origin) = &self.value {
            let value = self.values.text(origin, cells, scratch)?.unwrap_or("");
            said.write_str(value).expect("writing to a string cannot fail");
        }
        Ok((xxh3_64(said.as_bytes()), true))
    }
}

impl ReadRow for EventRows {
    fn read(&self, part: &mut Part, line: u64, cells: &[Cell<'_>]) -> Result<(), Box<Problem>> {
        let values = &self.values;
        let customer = values.required_text(&self.customer, cells, &mut part.scratch)?;
        let customer = part.customers.code(customer);
        let kind = self.kind(cells, &mut part.scratch)?;
        let event_time = values.time(&self.time, cells, &mut part.time)?;
        let known_time = values.known(self.known.as_ref(), cells, &mut part.known, event_time)?;
        let mut scratch = std::mem::take(&mut part.scratch);
        let subject = match &self.subject {
            Some(origin) => values.text(origin, cells, &mut scratch)?,
            None => None,
        };
        if subject.is_none() && matches!(kind, EventKind::Touch | EventKind::Attribute | EventKind::Tag) {
            let column = self.subject.as_ref().map_or("", |origin| values.name(origin));
            let problem = format!("{} has no subject", kind.name());
            return Err(Problem::new(column, "", problem, CORRECT_IT));
        }
        let word = subject.map(|subject| part.word(subject_dictionary(kind), subject));
        let subject = subject.unwrap_or("");
        let value = self.value(kind, subject, part, cells)?;
        let (id, is_derived) = self.id(kind, subject, event_time, cells, &mut part.scratch)?;
        part.drafts.push(Draft {
            customer,
            kind,
            id,
            is_derived,
            event_time,
            known_time,
            subject: word,
            value,
            line,
        });
        part.scratch = scratch;
        Ok(())
    }
}
