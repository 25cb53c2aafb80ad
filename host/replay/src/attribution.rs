//! Which orders count for which contact.
//!
//! # Rules
//!
//! - An order is attributed to the last contact before it whose window it falls in and whose goal it meets: it counts
//!   once.
//! - A contact converts if any such order follows in its window, also after a later contact.

use stratagem_insight::OwnTouch;
use stratagem_model::Time;

use crate::outcome::ActionTotals;

/// An order that may count for contacts before it.
pub(crate) struct Candidate<Q> {
    pub(crate) time: Time,
    pub(crate) gross: i64,
    /// Whether it meets the goal of a contact.
    pub(crate) qualifies: Q,
}

/// The orders of one customer that were attributed to a contact.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attributed {
    pub(crate) orders: u64,
    pub(crate) gmv: i64,
}

/// Attributes one customer's orders, and adds to each action how many of its contacts converted and which value was
/// attributed to them. Contacts are in the order of `when`.
pub(crate) fn attribute<Q: Fn(&OwnTouch) -> bool>(
    contacts: &[OwnTouch],
    window_ms: i64,
    orders: impl Iterator<Item = Candidate<Q>>,
    actions: &mut [ActionTotals],
) -> Attributed {
    let mut all = Attributed { orders: 0, gmv: 0 };
    let mut is_converted = vec![false; contacts.len()];
    let first = contacts.first().map_or(Time::MAX, |touch| touch.when);
    for order in orders.filter(|order| order.time >= first) {
        let mut before = contacts_before(contacts, order.time, window_ms, order.qualifies).peekable();
        if let Some(last) = before.peek() {
            let totals = &mut actions[contacts[*last].action as usize];
            totals.orders += 1;
            totals.gmv += order.gross;
            all.orders += 1;
            all.gmv += order.gross;
        }
        before.for_each(|contact| is_converted[contact] = true);
    }
    for (touch, _) in contacts.iter().zip(&is_converted).filter(|(_, is_converted)| **is_converted) {
        actions[touch.action as usize].converted += 1;
    }
    all
}

/// Which contacts an order at this time came after, within the window, and qualifies for: the last first.
fn contacts_before(
    contacts: &[OwnTouch],
    order: Time,
    window_ms: i64,
    qualifies: impl Fn(&OwnTouch) -> bool,
) -> impl Iterator<Item = usize> {
    let first = contacts.partition_point(|touch| touch.when.0 + window_ms <= order.0);
    let end = contacts.partition_point(|touch| touch.when <= order);
    (first..end).rev().filter(move |i| qualifies(&contacts[*i]))
}

#[cfg(test)]
mod tests {
    use stratagem_model::DAY_MS;

    use super::*;

    fn contact(day: i64, item: u32) -> OwnTouch {
        OwnTouch { when: Time(day * DAY_MS), action: 0, item, is_contact: true }
    }

    /// With contacts on days 0, 7 and 10, about items 1, 2 and 1, and a window of 14 days.
    fn before(at: i64, item: Option<u32>) -> Vec<usize> {
        let contacts = [contact(0, 1), contact(7, 2), contact(10, 1)];
        let qualifies = |touch: &OwnTouch| item.is_none_or(|item| item == touch.item);
        contacts_before(&contacts, Time(at), 14 * DAY_MS, qualifies).collect()
    }

    #[test]
    fn an_order_is_attributed_to_the_last_contact_within_the_window() {
        assert!(before(-1, None).is_empty());
        assert_eq!(before(0, None), [0], "an order of the same instant came after");
        assert_eq!(before(7 * DAY_MS - 1, None), [0]);
        assert_eq!(before(7 * DAY_MS, None), [1, 0]);
        assert_eq!(before(14 * DAY_MS - 1, None), [2, 1, 0]);
        assert_eq!(before(14 * DAY_MS, None), [2, 1], "the window of the first is over");
        assert!(before(24 * DAY_MS, None).is_empty());
    }

    #[test]
    fn an_order_counts_once_though_it_converts_each_contact_before_it() {
        let contacts = [contact(0, 1), OwnTouch { action: 1, ..contact(7, 1) }];
        let order =
            |day: i64, gross| Candidate { time: Time(day * DAY_MS), gross, qualifies: |_: &OwnTouch| true };
        let mut actions = vec![ActionTotals::default(); 2];
        let orders = [order(-1, 1), order(8, 500), order(15, 70), order(21, 9)];
        let all = attribute(&contacts, 14 * DAY_MS, orders.into_iter(), &mut actions);
        assert_eq!(all, Attributed { orders: 2, gmv: 570 });
        let totals = |orders, gmv| ActionTotals { converted: 1, orders, gmv, ..ActionTotals::default() };
        assert_eq!(actions, [totals(0, 0), totals(2, 570)]);
    }

    #[test]
    fn an_order_of_another_item_goes_to_the_last_contact_it_qualifies_for() {
        assert_eq!(before(12 * DAY_MS, Some(2)), [1]);
        assert_eq!(before(12 * DAY_MS, Some(1)), [2, 0]);
        assert!(before(12 * DAY_MS, Some(3)).is_empty());
    }
}
