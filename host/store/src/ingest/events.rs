//! Events of any kind but orders, and touches of past campaigns.

use std::fmt::Write;

use stratagem_model::{EventId, EventKind, NO_ABOUT, NO_TAG, Time, id_of};
use xxhash_rust::xxh3::xxh3_64;

use super::customers::attribute_id;
use super::error::{CORRECT_IT, Problem};
use super::flat::{Draft, Part, ReadRow, Value};
use super::plan::Plan;
use super::value::{Cell, Moment, Origin, Values};
use crate::{attribute_values, subject_dictionary, tag_values};

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
    about: Option<Origin>,
}

/// A kind that a shop has a name of its own for is written with this in front.
const ACT: &str = "act:";

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
            about: plan.field("about").cloned(),
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
            about: plan.field("about").cloned(),
        }
    }

    /// The kind, and the name of one that the shop made up.
    fn kind<'c>(
        &'c self,
        cells: &[Cell<'c>],
        scratch: &'c mut String,
    ) -> Result<(EventKind, Option<&'c str>), Box<Problem>> {
        let name = self.values.required_text(&self.kind, cells, scratch)?;
        if let Some(act) = name.strip_prefix(ACT).filter(|act| !act.is_empty()) {
            return Ok((EventKind::Act, Some(act)));
        }
        let refuse = |says: &str, remedy| Err(self.values.problem(&self.kind, cells, says, remedy));
        match EventKind::from_name(name) {
            Some(EventKind::Order) => {
                refuse("is not read from a file of events", "ingest orders with --kind orders")
            }
            Some(EventKind::Filing) => {
                refuse("is not read from a file of events", "ingest products with --kind products")
            }
            Some(kind) => Ok((kind, None)),
            None => {
                let nearest = super::error::nearest(name, EventKind::ALL.iter().map(|kind| kind.name()));
                let meant = nearest.map_or(String::new(), |name| format!(" (`{name}`?)"));
                let remedy = "correct it, or write `act:NAME` for a kind of your own";
                refuse(&format!("is not a kind of event{meant}"), remedy)
            }
        }
    }

    /// When it happened, and when that could be known. Only an attribute may hold always.
    fn times(
        &self,
        kind: EventKind,
        part: &mut Part,
        cells: &[Cell<'_>],
    ) -> Result<(Time, Time), Box<Problem>> {
        let is_always = kind == EventKind::Attribute && self.values.is_missing(&self.time, cells);
        let event = match is_always {
            true => Moment::ALWAYS,
            false => self.values.moment(&self.time, cells, &mut part.time)?,
        };
        let known = self.values.known(self.known.as_ref(), cells, &mut part.known, event)?;
        Ok((event.time, known))
    }

    /// What it is about.
    fn about(&self, kind: EventKind, part: &mut Part, cells: &[Cell<'_>]) -> Result<u64, Box<Problem>> {
        let text = match &self.about {
            Some(origin) => self.values.text(origin, cells, &mut part.scratch)?,
            None => None,
        };
        match text {
            Some(text) => Ok(id_of(text)),
            None if matches!(kind, EventKind::Link | EventKind::Unlink) => {
                let problem = format!("{} does not say which other customer it is about", kind.name());
                Err(Problem::new("", "", problem, "map `about` to the other customer's id"))
            }
            None => Ok(NO_ABOUT),
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
                EventKind::Tag => Ok(Value::Word(part.word(&tag_values(subject), TAG_SET))),
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
                Ok(Value::Word(part.word(&attribute_values(subject), text)))
            }
            EventKind::Tag => {
                let mut scratch = String::new();
                match self.values.required_text(origin, cells, &mut scratch)? {
                    TAG_TAKEN_AWAY => Ok(Value::Number(NO_TAG)),
                    text => Ok(Value::Word(part.word(&tag_values(subject), text))),
                }
            }
            kind if has_amount(kind) => Ok(Value::Number(self.values.money(origin, cells)?)),
            _ => Ok(Value::Number(self.values.whole(origin, cells)?.unwrap_or(0))),
        }
    }

    /// The event's id, and whether it was derived from what the row says.
    fn id(
        &self,
        kind: EventKind,
        subject: &str,
        (time, about): (Time, u64),
        cells: &[Cell<'_>],
        scratch: &mut String,
    ) -> Result<(u64, bool), Box<Problem>> {
        if let Some(origin) = &self.id {
            let id = self.values.required_text(origin, cells, scratch)?;
            return Ok((EventId::from_external(id).0, false));
        }
        if kind == EventKind::Attribute && time == Time::MIN {
            // What holds always is one value, whatever kind of file says it.
            return Ok((attribute_id(subject, time), false));
        }
        let mut said = format!("{}\n{}\n{subject}\n", kind.name(), time.0);
        if let Some(origin) = &self.value {
            let value = self.values.text(origin, cells, scratch)?.unwrap_or("");
            said.write_str(value).expect("writing to a string cannot fail");
        }
        if about != NO_ABOUT {
            write!(said, "\n{about:016x}").expect("writing to a string cannot fail");
        }
        Ok((xxh3_64(said.as_bytes()), true))
    }
}

/// The value of a tag of which nothing is said but that it was set, and the text that takes a tag away.
const TAG_SET: &str = "1";
const TAG_TAKEN_AWAY: &str = "0";

/// Kinds whose value is an amount of money, if they have one. That of a refund is positive.
pub(crate) fn has_amount(kind: EventKind) -> bool {
    use EventKind::{ReferralOrder, Refund, SubscriptionRenewed, SubscriptionStarted};
    matches!(kind, Refund | SubscriptionStarted | SubscriptionRenewed | ReferralOrder)
}

impl ReadRow for EventRows {
    fn read(&self, part: &mut Part, line: u64, cells: &[Cell<'_>]) -> Result<(), Box<Problem>> {
        let values = &self.values;
        let customer = values.required_text(&self.customer, cells, &mut part.scratch)?;
        let customer = part.customers.code(customer);
        let mut scratch = std::mem::take(&mut part.scratch);
        let (kind, act) = self.kind(cells, &mut scratch)?;
        let act = act.map(str::to_owned);
        part.scratch = scratch;
        let (event_time, known_time) = self.times(kind, part, cells)?;
        let about = self.about(kind, part, cells)?;
        let mut scratch = std::mem::take(&mut part.scratch);
        let subject = match &self.subject {
            Some(origin) => values.text(origin, cells, &mut scratch)?,
            None => None,
        };
        if let (Some(act), Some(subject)) = (&act, subject)
            && act != subject
        {
            let problem = format!("`{ACT}{act}` names its subject, and the row has another, `{subject}`");
            return Err(Problem::new("", subject, problem, "leave `subject` out, or map it to `about`"));
        }
        let subject = act.as_deref().or(subject);
        let needs_subject =
            matches!(kind, EventKind::Touch | EventKind::Attribute | EventKind::Tag | EventKind::Act);
        if subject.is_none() && needs_subject {
            let column = self.subject.as_ref().map_or("", |origin| values.name(origin));
            let problem = format!("{} has no subject", kind.name());
            return Err(Problem::new(column, "", problem, CORRECT_IT));
        }
        let word = subject.map(|subject| part.word(subject_dictionary(kind), subject));
        let subject = subject.unwrap_or("");
        let value = self.value(kind, subject, part, cells)?;
        let (id, is_derived) = self.id(kind, subject, (event_time, about), cells, &mut part.scratch)?;
        part.drafts.push(Draft {
            customer,
            kind,
            id,
            is_derived,
            event_time,
            known_time,
            subject: word,
            value,
            about,
            line,
        });
        part.scratch = scratch;
        Ok(())
    }
}
