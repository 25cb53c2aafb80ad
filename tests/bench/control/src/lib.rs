//! The recall-waves rule with its default parameters, behind records: the benchmark's control.

// A guest and nothing else: elsewhere there is nothing to compile.
#![cfg(target_arch = "wasm32")]
#![expect(unsafe_code, reason = "the generated bindings")]

mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "control" });
}

use bindings::{Answer, Customer, Guest};

const DAY: i64 = 86_400_000;
const SILENCE: i64 = 21 * DAY;
const PAUSES: [i64; 3] = [7 * DAY, 7 * DAY, 14 * DAY];
const SILENCE_BEFORE: [i64; 3] = [7 * DAY, 14 * DAY, 28 * DAY];
const ENTER_MAX: i64 = 90 * DAY;

struct Control;

impl Guest for Control {
    fn ask(now: i64, customers: Vec<Customer>) -> Vec<Answer> {
        customers.iter().map(|customer| answer(now, customer)).collect()
    }
}

fn answer(now: i64, customer: &Customer) -> Answer {
    let nothing = Answer { action: None, wake: None };
    let Some(last_order) = customer.last_order else { return nothing };
    let newest = customer.touches.last().filter(|touch| touch.time > last_order);
    let (next, due) = match newest {
        None if now - last_order > ENTER_MAX => return nothing,
        None => (0, last_order + SILENCE),
        Some(touch) if touch.action < 3 => {
            let wave = touch.action as usize;
            let due = (touch.time + PAUSES[wave]).max(last_order + SILENCE + SILENCE_BEFORE[wave]);
            (touch.action + 1, due)
        }
        Some(_) => return nothing,
    };
    if now >= due {
        Answer { action: Some(next), wake: None }
    } else {
        Answer { action: None, wake: Some(due) }
    }
}

bindings::export!(Control with_types_in bindings);
