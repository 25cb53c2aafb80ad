//! A history with further orders: what a simulated world has beside what happened.

use stratagem_model::NO_ITEM;
use stratagem_model::time::{Time, Zone};

use crate::timelines::Timelines;

/// An order that did not happen. It is known at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddedOrder {
    pub row: u32,
    pub time: Time,
    /// Value before discounts, and merchant-funded discounts, minor units.
    pub gross: i64,
    pub discount: i64,
    pub basket: Basket,
}

/// Which categories an added order has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basket {
    /// Those of another order, by its index in the history that is added to.
    Like(u32),
    /// This one; none if it is [`NO_ITEM`].
    Item(u32),
}

impl Timelines {
    /// This history with further orders, which are sorted by row and time. None may be known before the last order of
    /// its row that anyone has already looked at, so that positions in what is known stay the same.
    #[must_use]
    pub fn with_orders(&self, added: &mut [AddedOrder], zone: &Zone) -> Self {
        added.sort_unstable_by_key(|order| (order.row, order.time));
        let mut out = Self {
            customers: self.customers.clone(),
            event_start: self.event_start.clone(),
            events: self.events.clone(),
            corrected_events: self.corrected_events.clone(),
            ..Self::empty()
        };
        out.reserve(self.known.len() + added.len());
        // Where each entry is now.
        let mut moved = Vec::with_capacity(self.known.len());
        let mut rest = &*added;
        for row in 0..self.rows() {
            let of_row = rest.partition_point(|order| order.row as usize == row);
            let (mine, later) = rest.split_at(of_row);
            rest = later;
            let mut mine = mine.iter().peekable();
            for order in self.entries(row) {
                while let Some(new) = mine.next_if(|new| new.time.0 < self.known[order]) {
                    self.add(new, zone, &mut out);
                }
                moved.push(out.known.len() as u32);
                self.copy(order, &mut out);
            }
            mine.for_each(|new| self.add(new, zone, &mut out));
            out.end_row();
        }
        out.replaced = self.replaced.moved(|entry| moved[entry as usize]);
        out
    }

    fn copy(&self, order: usize, out: &mut Self) {
        let (gross, discount) = self.order_value(order);
        out.push_order(self.known[order], self.time[order], gross, discount);
        out.has_hour.push(self.has_hour[order]);
        if let Some(day) = self.day.get(order) {
            out.day.push(*day);
        }
        if self.has_categories() {
            out.category.extend_from_slice(self.order_categories(order));
            out.category_start.push(out.category.len() as u32);
        }
    }

    fn add(&self, new: &AddedOrder, zone: &Zone, out: &mut Self) {
        out.push_order(new.time.0, new.time.0, new.gross, new.discount);
        out.has_hour.push(true);
        if self.has_days() {
            out.day.push(zone.day(new.time));
        }
        if self.has_categories() {
            match new.basket {
                Basket::Like(order) => out.category.extend_from_slice(self.order_categories(order as usize)),
                Basket::Item(item) if item != NO_ITEM => out.category.push(item),
                Basket::Item(_) => {}
            }
            out.category_start.push(out.category.len() as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use stratagem_model::event::{EventId, Line, Order, Timeline};
    use stratagem_model::{CustomerId, DAY_MS, EventKind, FlatEvent};

    use super::*;
    use crate::filings::Filings;
    use crate::timelines::{Needs, StoreContext};
    use crate::vocabulary::Vocabulary;

    fn context() -> StoreContext {
        let filing = |product: u32, category: i64| FlatEvent {
            subject: product,
            value: category,
            ..FlatEvent::new(EventKind::Filing, EventId(product.into()), Time::MIN)
        };
        StoreContext {
            zone: Zone::utc(),
            filings: Filings::new(&[filing(0, 5), filing(1, 6)], |code| code),
            categories: Vocabulary::default(),
            attributes: vec![],
            attribute_values: vec![],
            channels: vec![],
            has_events: false,
        }
    }

    fn order(day: i64, gross: i64) -> Order {
        Order { discount: 1, lines: 1, ..Order::new(EventId(day as u64), Time(day * DAY_MS), gross) }
    }

    fn timelines(customers: &[&[(i64, i64)]]) -> Timelines {
        let needs = Needs { categories: true, days: true, events: false };
        let mut out = Timelines::empty();
        for (i, orders) in customers.iter().enumerate() {
            let timeline = Timeline {
                orders: orders.iter().map(|(day, gross)| order(*day, *gross)).collect(),
                lines: orders.iter().map(|_| Line { product: 1, quantity: 1, gross: 0 }).collect(),
                events: vec![],
            };
            out.push(CustomerId(i as u64), &timeline, &context(), needs, Time::MAX);
        }
        out
    }

    #[test]
    fn added_orders_are_as_if_they_had_always_been_there() {
        let base = timelines(&[&[(1, 10), (9, 30)], &[], &[(2, 7)]]);
        let add = |row, day: i64, gross| AddedOrder {
            row,
            time: Time(day * DAY_MS),
            gross,
            discount: 1,
            basket: Basket::Item(6),
        };
        let mut added = [add(2, 3, 8), add(0, 5, 20), add(0, 12, 40), add(1, 4, 9)];
        let world = base.with_orders(&mut added, &Zone::utc());
        let whole = timelines(&[&[(1, 10), (5, 20), (9, 30), (12, 40)], &[(4, 9)], &[(2, 7), (3, 8)]]);
        assert_eq!(format!("{world:?}"), format!("{whole:?}"));
    }

    #[test]
    fn a_basket_is_copied_from_the_order_it_is_like() {
        let base = timelines(&[&[(1, 10)], &[(2, 7)]]);
        let like =
            AddedOrder { row: 1, time: Time(3 * DAY_MS), gross: 1, discount: 0, basket: Basket::Like(1) };
        let nothing = AddedOrder { time: Time(4 * DAY_MS), basket: Basket::Item(NO_ITEM), ..like };
        let world = base.with_orders(&mut [nothing, like], &Zone::utc());
        assert_eq!(world.order_categories(2), [6]);
        assert!(world.order_categories(3).is_empty());
    }
}
