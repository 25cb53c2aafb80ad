//! Computing the columns of a plan for the rows of a batch, as of its instant.

use std::ops::Range;

use stratagem_model::NO_ITEM;
use stratagem_model::column::Column;
use stratagem_model::event::EventKind;
use stratagem_model::plan::{Goal, Plan, Schedule, Window};
use stratagem_model::time::{DAY_MS, Time};

use crate::catalogue::{Source, UnknownColumn, find};
use crate::categories::CategoryHistory;
use crate::population::Population;
use crate::repurchase::{PurchaseDays, Repurchase};
use crate::timelines::{Needs, StoreContext, Timelines};
use crate::touches::{OwnTouch, OwnTouches};

/// An order this long after the store's first event is taken for a customer's first.
const CENSORING_DAYS: i64 = 90;
/// Silence after which a customer is dormant, and lost, where his own rhythm is not known.
const DORMANT_DAYS: i64 = 60;
const LOST_DAYS: i64 = 180;

/// The columns of a plan, resolved against a store once and then computed by position.
#[derive(Debug, Clone)]
pub struct ColumnPlan {
    specs: Vec<Spec>,
    /// Whether items are categories; else they are numbers of the strategy's own.
    items_are_categories: bool,
}

#[derive(Debug, Clone, Copy)]
struct Spec {
    source: Source,
    window: Window,
    kind: stratagem_model::ColumnKind,
    is_ragged: bool,
}

/// How far each row of a shard is known.
#[derive(Debug)]
pub struct AsOf {
    known_entries: Vec<u32>,
    categories: Option<CategoryHistory>,
    scratch: Vec<i64>,
}

impl AsOf {
    /// Nothing known yet.
    pub fn new(rows: usize, needs: Needs) -> Self {
        let categories = needs.categories.then(|| CategoryHistory::new(rows));
        Self { known_entries: vec![0; rows], categories, scratch: vec![] }
    }

    /// Moves a row on to `now`, which must not lie before an earlier one.
    pub fn advance(&mut self, timelines: &Timelines, row: usize, now: Time) {
        let before = self.known_entries[row];
        let after = timelines.advance(row, before, now);
        if let Some(categories) = &mut self.categories {
            categories.add(timelines, row, before, after);
        }
        self.known_entries[row] = after;
    }

    /// How many of a row's entries are known.
    pub fn known_entries(&self, row: usize) -> u32 {
        self.known_entries[row]
    }
}

/// What columns are computed from.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub context: &'a StoreContext,
    pub timelines: &'a Timelines,
    pub touches: &'a OwnTouches,
    pub population: &'a Population,
    pub now: Time,
}

impl ColumnPlan {
    /// Resolves the columns a plan asks for.
    ///
    /// # Errors
    /// A column is unknown here, or has no windows and is asked for with one.
    pub fn new(plan: &Plan, context: &StoreContext) -> Result<Self, UnknownColumn> {
        let resolve = |request: &stratagem_model::plan::ColumnRequest| {
            let (source, info) = find(&request.name, context)?;
            if request.window != Window::All && !info.is_windowed {
                return Err(UnknownColumn::Window(request.name.clone()));
            }
            Ok(Spec { source, window: request.window, kind: info.kind, is_ragged: info.is_ragged })
        };
        let specs = plan.columns.iter().map(resolve).collect::<Result<_, _>>()?;
        Ok(Self { specs, items_are_categories: items_are_categories(plan) })
    }

    /// Which parts of the history the columns need.
    pub fn needs(&self) -> Needs {
        let any = |wanted: &[Source]| self.specs.iter().any(|spec| wanted.contains(&spec.source));
        let is_event = |s: &Spec| {
            matches!(s.source, Source::EventCount(_) | Source::EventLastTime(_) | Source::Attribute(_))
        };
        Needs {
            categories: any(&[Source::CategoryCodes, Source::CategoryCounts, Source::CategoryLastTimes]),
            days: any(&[
                Source::OrderIntervalMedian,
                Source::OrderIntervalCount,
                Source::OrderWeekdays,
                Source::LifecycleStage,
            ]) || self.needs_repurchase(),
            events: any(&[Source::CustomerSince]) || self.specs.iter().any(is_event),
        }
    }

    /// Whether a column is by repurchase models, which are fitted on the whole population.
    pub fn needs_repurchase(&self) -> bool {
        use Source::{RepurchaseAlive, RepurchaseOrders30, RepurchaseOrders90, RepurchaseValue};
        let all = [RepurchaseAlive, RepurchaseOrders30, RepurchaseOrders90, RepurchaseValue];
        self.specs.iter().any(|spec| all.contains(&spec.source))
    }

    /// When the tables of the population that columns depend on are made again.
    pub fn schedules(&self) -> impl Iterator<Item = Schedule> {
        let is_read = self.needs_repurchase() || self.specs.iter().any(|s| s.source == Source::RfmClass);
        is_read.then_some(Schedule::Weekly).into_iter()
    }

    /// Empty columns of the plan's types, to be filled again and again.
    pub fn buffers(&self) -> Vec<Column> {
        let buffer = |s: &Spec| if s.is_ragged { Column::ragged(s.kind) } else { Column::flat(s.kind) };
        self.specs.iter().map(buffer).collect()
    }

    /// Fills the buffers for these rows, which `as_of` has been advanced to `view.now` for.
    pub fn fill(&self, view: &View<'_>, as_of: &mut AsOf, rows: &[u32], columns: &mut [Column]) {
        for (spec, column) in self.specs.iter().zip(columns) {
            column.clear();
            match spec.source {
                Source::TouchItems => spec.fill_items(view, rows, self.items_are_categories, column),
                _ => spec.fill(view, as_of, rows, column),
            }
            column.finish(rows.len());
        }
    }
}

impl Spec {
    fn fill(&self, view: &View<'_>, as_of: &mut AsOf, rows: &[u32], out: &mut Column) {
        let t = view.timelines;
        let known = std::mem::take(&mut as_of.known_entries);
        let mut scratch = std::mem::take(&mut as_of.scratch);
        let rows = rows.iter().map(|row| *row as usize);
        match self.source {
            Source::CustomerSince => {
                let first = view.population.first_order(view.now);
                let censored_until = first.map_or(i64::MIN, |first| first.0 + CENSORING_DAYS * DAY_MS);
                rows.for_each(|r| out.push_s64(since(view, r, known[r], censored_until)));
            }
            Source::OrderFirstTime => rows.for_each(|r| out.push_s64(first_time(t, r, known[r]))),
            Source::OrderLastTime => {
                rows.for_each(|r| out.push_s64(t.last_order_time(r, known[r]).map(|at| at.0)));
            }
            Source::OrderRecencyDays => rows.for_each(|r| {
                let last = t.last_order_time(r, known[r]);
                out.push_s64(last.map(|last| (view.now.0 - last.0).div_euclid(DAY_MS)));
            }),
            Source::OrderCount => {
                rows.for_each(|r| out.push_s64(Some(i64::from(t.order_count(r, known[r])))))
            }
            Source::OrderMonetary => rows.for_each(|r| out.push_s64(Some(t.monetary(r, known[r])))),
            Source::OrderIntervalMedian => rows.for_each(|r| {
                intervals(t, r, known[r], &mut scratch);
                out.push_s64(median(&mut scratch));
            }),
            Source::OrderIntervalCount => rows.for_each(|r| {
                intervals(t, r, known[r], &mut scratch);
                out.push_s64(Some(scratch.len() as i64));
            }),
            Source::OrderTimes => rows.for_each(|r| {
                self.window_orders(view, r, known[r], |order| out.s64s.push(t.time[order]));
                out.end_row();
            }),
            Source::OrderAmounts => rows.for_each(|r| {
                self.window_orders(view, r, known[r], |order| out.s64s.push(t.order_value(order).0));
                out.end_row();
            }),
            Source::OrderHours => rows.for_each(|r| {
                let hour = |order: usize| view.context.zone.hour(Time(t.time[order]));
                let with_hour = t.counted(r, known[r]).filter(|order| t.has_hour[*order]);
                histogram::<24>(out, with_hour.map(hour));
            }),
            Source::OrderWeekdays => rows.for_each(|r| {
                // Day 0, 1970-01-01, was a Thursday: weekday 3.
                let weekday = |order: usize| (t.day[order] + 3).rem_euclid(7) as u32;
                histogram::<7>(out, t.counted(r, known[r]).map(weekday));
            }),
            Source::RfmClass => {
                rows.for_each(|r| out.push_u32(view.population.rfm_class(t, r, known[r], view.now)))
            }
            Source::LifecycleStage => rows.for_each(|r| {
                intervals(t, r, known[r], &mut scratch);
                out.push_u32(stage(t, r, known[r], view.now, median(&mut scratch)));
            }),
            Source::RepurchaseAlive
            | Source::RepurchaseOrders30
            | Source::RepurchaseOrders90
            | Source::RepurchaseValue => rows.for_each(|r| self.push_repurchase(view, r, known[r], out)),
            Source::CategoryCodes | Source::CategoryCounts | Source::CategoryLastTimes => {
                self.fill_categories(view, as_of.categories.as_ref(), rows, out);
            }
            Source::TouchTimes | Source::TouchActions => self.fill_touches(view, rows, out),
            Source::TouchItems => unreachable!("`ColumnPlan::fill` knows what items are"),
            Source::EventCount(_) | Source::EventLastTime(_) | Source::Attribute(_) => {
                self.fill_events(view, rows, out);
            }
        }
        as_of.known_entries = known;
        as_of.scratch = scratch;
    }

    fn push_repurchase(&self, view: &View<'_>, row: usize, known: u32, out: &mut Column) {
        let found = models(view, row, known);
        match self.source {
            Source::RepurchaseValue => out.push_s64(found.and_then(|(m, days)| m.order_value(&days))),
            Source::RepurchaseAlive => out.push_u32(found.map(|(m, days)| m.p_alive_ppm(&days))),
            Source::RepurchaseOrders30 => {
                out.push_u32(found.map(|(m, days)| m.orders_thousandths(&days, 30)))
            }
            _ => out.push_u32(found.map(|(m, days)| m.orders_thousandths(&days, 90))),
        }
    }

    fn fill_categories(
        &self,
        view: &View<'_>,
        categories: Option<&CategoryHistory>,
        rows: impl Iterator<Item = usize>,
        out: &mut Column,
    ) {
        let categories = categories.expect("`needs` said that this plan needs categories");
        let words = view.context.categories.as_of(view.now);
        for row in rows {
            let bought = categories.of(row);
            match self.source {
                // Ranks ascend as places do.
                Source::CategoryCodes => out.u32s.extend(bought.iter().map(|b| words.rank(b.category))),
                Source::CategoryCounts => out.u32s.extend(bought.iter().map(|b| b.orders)),
                _ => out.s64s.extend(bought.iter().map(|b| b.last_time)),
            }
            out.end_row();
        }
    }

    fn fill_touches(&self, view: &View<'_>, rows: impl Iterator<Item = usize>, out: &mut Column) {
        for row in rows {
            let touches = self.window_touches(view, row);
            match self.source {
                Source::TouchTimes => out.s64s.extend(touches.iter().map(|touch| touch.when.0)),
                _ => out.u32s.extend(touches.iter().map(|touch| touch.action)),
            }
            out.end_row();
        }
    }

    /// Items are kept as places of words, and seen as ranks.
    fn fill_items(&self, view: &View<'_>, rows: &[u32], are_categories: bool, out: &mut Column) {
        let words = are_categories.then(|| view.context.categories.as_of(view.now));
        for row in rows {
            let items = self.window_touches(view, *row as usize).iter().map(|touch| touch.item);
            match &words {
                Some(words) => out.u32s.extend(items.map(|item| words.rank(item))),
                None => out.u32s.extend(items),
            }
            out.end_row();
        }
    }

    fn window_touches<'v>(&self, view: &View<'v>, row: usize) -> &'v [OwnTouch] {
        let touches = view.touches.of(row);
        &touches[self.window_start(touches.len(), view.now, |i| touches[i].when.0)..]
    }

    fn fill_events(&self, view: &View<'_>, rows: impl Iterator<Item = usize>, out: &mut Column) {
        let vocabulary = match self.source {
            Source::Attribute(code) => view.context.attribute_values.get(code as usize),
            _ => None,
        };
        let words = vocabulary.map(|vocabulary| (vocabulary, vocabulary.as_of(view.now)));
        for row in rows {
            let events = view.timelines.events_before(row, view.now);
            match self.source {
                Source::EventCount(kind) => {
                    out.push_s64(Some(events.filter(|event| event.kind == kind).count() as i64));
                }
                Source::EventLastTime(kind) => {
                    // What holds always happened at no time.
                    let of_kind = events.filter(|event| event.kind == kind && event.event_time != Time::MIN);
                    out.push_s64(of_kind.map(|event| event.event_time.0).max());
                }
                Source::Attribute(code) => {
                    let is_attribute =
                        |e: &&stratagem_model::FlatEvent| e.kind == EventKind::Attribute && e.subject == code;
                    let place = |event: &stratagem_model::FlatEvent| {
                        let code = u32::try_from(event.value).ok()?;
                        words.as_ref().map(|(all, _)| all.place(code))
                    };
                    // By when it holds: what corrects an old value is known last and is no newer. A tie goes by the word.
                    let newest = events.filter(is_attribute);
                    let newest =
                        newest.max_by_key(|e| (e.event_time, e.known_time, place(e))).and_then(place);
                    let rank = newest.zip(words.as_ref()).map(|(place, (_, known))| known.rank(place));
                    out.push_u32(rank.filter(|rank| *rank != NO_ITEM));
                }
                _ => unreachable!("`fill` sends only the sources of other events here"),
            }
        }
    }

    fn window_orders(&self, view: &View<'_>, row: usize, known: u32, push: impl FnMut(usize)) {
        let times = &view.timelines.time;
        if let Some(orders) = view.timelines.rearranged(row, known) {
            let skip = self.window_start(orders.len(), view.now, |i| times[orders[i]]);
            orders[skip..].iter().copied().for_each(push);
            return;
        }
        let orders = known_range(view.timelines, row, known);
        let skip = self.window_start(orders.len(), view.now, |i| times[orders.start + i]);
        (orders.start + skip..orders.end).for_each(push);
    }

    /// How many of `len` values, oldest first, lie before the window.
    fn window_start(&self, len: usize, now: Time, time: impl Fn(usize) -> i64) -> usize {
        match self.window {
            Window::All => 0,
            Window::LastN(n) => len.saturating_sub(n as usize),
            Window::LastDays(days) => {
                let from = now.0.saturating_sub(i64::from(days) * DAY_MS);
                (0..len).find(|i| time(*i) >= from).unwrap_or(len)
            }
        }
    }
}

/// Whether a plan's items are categories.
pub fn items_are_categories(plan: &Plan) -> bool {
    plan.goal == Goal::ItemOrder
}

/// The known entries of a row in which they are all that counts, oldest first.
fn known_range(t: &Timelines, row: usize, known: u32) -> Range<usize> {
    let start = t.entries(row).start;
    start..start + known as usize
}

fn first_time(t: &Timelines, row: usize, known: u32) -> Option<i64> {
    t.counted(row, known).map(|order| t.time[order]).min()
}

/// When a row's customer registered, else their first order if it is not taken for one of many before the data begins.
fn since(view: &View<'_>, row: usize, known: u32, censored_until: i64) -> Option<i64> {
    let t = view.timelines;
    let registered = t
        .events_before(row, view.now)
        .find(|event| event.kind == EventKind::Register)
        .map(|event| event.event_time.0);
    registered.or_else(|| first_time(t, row, known).filter(|first| *first >= censored_until))
}

/// The models of the week with a row's purchase days, if both are there.
fn models<'v>(view: &View<'v>, row: usize, known: u32) -> Option<(&'v Repurchase, PurchaseDays)> {
    let models = view.population.repurchase(view.now)?;
    Some((models, view.timelines.purchase_days(row, known, view.context.zone.day(view.now))?))
}

/// Milliseconds between the first orders of successive local purchase days.
fn intervals(t: &Timelines, row: usize, known: u32, out: &mut Vec<i64>) {
    out.clear();
    let mut previous: Option<usize> = None;
    let add = |order: usize| match previous {
        Some(p) if t.day[p] == t.day[order] => {}
        Some(p) => {
            out.push((t.time[order] - t.time[p]).abs());
            previous = Some(order);
        }
        None => previous = Some(order),
    };
    match t.rearranged(row, known) {
        Some(orders) => orders.into_iter().for_each(add),
        None => known_range(t, row, known).for_each(add),
    }
}

/// The middle value, or the mean of the two middle ones, rounded down.
fn median(values: &mut [i64]) -> Option<i64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let is_even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable(middle);
    let upper = *upper;
    if !is_even {
        return Some(upper);
    }
    let lower = below.iter().max().copied().unwrap_or(upper);
    Some(lower + (upper - lower) / 2)
}

fn histogram<const N: usize>(out: &mut Column, bins: impl Iterator<Item = u32>) {
    let mut counts = [0_u32; N];
    bins.for_each(|bin| counts[bin as usize] += 1);
    out.u32s.extend_from_slice(&counts);
    out.end_row();
}

impl Timelines {
    /// The lifecycle stage of a row at `now`, given how many of its orders are known; `None` without an order.
    /// Needs days.
    pub fn lifecycle_stage(&self, row: usize, known: u32, now: Time) -> Option<u32> {
        let mut scratch = vec![];
        intervals(self, row, known, &mut scratch);
        stage(self, row, known, now, median(&mut scratch))
    }
}

/// The lifecycle stage: introduction up to one order, growth up to three, then maturity; dormancy after twice
/// the customer's own median interval (at least 14 days, 60 days where it is unknown), lost after 180 days or
/// three times that, whichever is later.
fn stage(t: &Timelines, row: usize, known: u32, now: Time, median: Option<i64>) -> Option<u32> {
    let last = t.last_order_time(row, known)?;
    let silence = now.0 - last.0;
    let dormant = median.map_or(DORMANT_DAYS * DAY_MS, |median| (2 * median).max(14 * DAY_MS));
    let lost = (3 * dormant).max(LOST_DAYS * DAY_MS);
    Some(match t.order_count(row, known) {
        _ if silence >= lost => 4,
        _ if silence >= dormant => 3,
        0..=1 => 0,
        2..=3 => 1,
        _ => 2,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [7]), Some(7));
        assert_eq!(median(&mut [9, 1, 4]), Some(4));
        assert_eq!(median(&mut [9, 1, 4, 5]), Some(4));
        assert_eq!(median(&mut [10, 2]), Some(6));
    }
}
