//! What the shipped strategies decide, kept in `tests/digests.toml`: a change of decisions is seen, and said, line by
//! line.
//!
//! Each case has two digests. `decisions` is the receipt's, over the canonical bytes. `projection` is over what a
//! reader of the log would call the decision (time, customer, action, item, reason), each as text, so that it shows
//! which changes of the bytes change what is decided.
//!
//! `UPDATE_DIGESTS=1 cargo nextest run -p stratagem-e2e digests::` writes the file anew.

use std::fmt::Write;

use stratagem_e2e::{STRATEGIES, bundled, configured, decisions, empty_store, generated, policy, root};
use stratagem_gates::Policy;
use stratagem_insight::Vocabulary;
use stratagem_model::gate::Cap;
use stratagem_model::{
    CustomerId, DAY_MS, Decision, EventId, EventKind, FlatEvent, Goal, NO_ITEM, Plan, Time, Timeline,
};
use stratagem_replay::Backtest;
use stratagem_store::generate::Spec;
use stratagem_store::{CustomerEvents, MemoryStore, Projection, Store};

/// Made-up customers with what the bundled data lacks: orders and withdrawals of consent that become known late,
/// registrations, touches of earlier campaigns.
fn synthetic() -> MemoryStore {
    let spec = Spec { customers: 1_500, days: 400, orders_per_customer: 10.0, ..Spec::default() };
    let regular = generated(&spec);
    let late = empty_store();
    for name in ["product", "category", "channel", "store"] {
        let words = regular.dictionary(name).unwrap();
        late.intern(name, &words.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    }
    late.file_products(0, regular.filings().unwrap()).unwrap();
    let channel = late.intern("channel", &["app"]).unwrap()[0];
    let campaign = late.intern("campaign", &["spring"]).unwrap()[0];
    let mut batch = vec![];
    regular
        .scan(0..1024, Projection { lines: true, events: true }, &mut |customer, timeline| {
            batch.push((customer, made_late(customer, timeline, channel, campaign)));
        })
        .unwrap();
    let external = |id| regular.external_id(id).unwrap().unwrap();
    let batch = batch.into_iter().map(|(id, timeline)| CustomerEvents::new(external(id), timeline));
    late.append(batch.collect()).unwrap();
    late
}

/// A timeline in which a fifth of the orders is known days later than it happened, with other events in between.
fn made_late(customer: CustomerId, timeline: &Timeline, channel: u32, campaign: u32) -> Timeline {
    let mut out = timeline.clone();
    for order in &mut out.orders {
        let by = order.event_time.0 / 60_000 % 25;
        if by < 5 {
            order.known_time = Time(order.known_time.0 + (by + 1) * 3 * DAY_MS);
        }
    }
    let first = timeline.orders[0].event_time;
    let mut event = |kind, days: i64, late_days: i64, subject| {
        let event_time = Time(first.0 + days * DAY_MS);
        let known_time = Time(event_time.0 + late_days * DAY_MS);
        out.events.push(FlatEvent {
            event_time,
            subject,
            ..FlatEvent::new(kind, EventId(days as u64), known_time)
        });
    };
    match customer.0 % 12 {
        0 => event(EventKind::Unsubscribe, 60, 4, NO_ITEM),
        1 => event(EventKind::Unsubscribe, 45, 0, channel),
        2 => event(EventKind::Register, -1, 0, channel),
        3 => event(EventKind::Register, -1, 20, channel),
        4 => event(EventKind::Touch, 30, 1, campaign),
        5 => {
            event(EventKind::Unsubscribe, 50, 0, NO_ITEM);
            event(EventKind::Subscribe, 90, 0, NO_ITEM);
        }
        _ => {}
    }
    out
}

/// The digest of what a reader of the log sees.
fn projection(store: &dyn Store, plan: &Plan, decisions: &[Decision]) -> String {
    let categories = Vocabulary::read(store, "category").unwrap();
    let mut lines: Vec<String> = decisions
        .iter()
        .map(|d| {
            let action = plan.actions.get(d.action as usize).map_or("", |action| action.id.as_str());
            let item = match (d.item, plan.goal) {
                (NO_ITEM, _) => String::new(),
                (item, Goal::ItemOrder) => categories.words()[item as usize].clone(),
                (item, Goal::Order) => item.to_string(),
            };
            let customer = store.external_id(d.customer).unwrap().unwrap();
            format!("{} {customer} {action} {item} {}\n", d.time, d.reason.name())
        })
        .collect();
    lines.sort_unstable();
    blake3::hash(lines.concat().as_bytes()).to_hex()[..32].to_owned()
}

#[test]
fn the_shipped_strategies_decide_as_digests_toml_says() {
    let synthetic = synthetic();
    let capped = Policy { cap: Some(Cap { touches: 2, days: 30 }), ..policy() };
    let budgeted = Policy { budget: Some(400_000), ..capped.clone() };
    let cases: [(&str, &dyn Store, Policy); 4] = [
        ("bundled", bundled(), policy()),
        ("bundled-budget", bundled(), Policy { budget: Some(30_000), ..policy() }),
        ("synthetic", &synthetic, capped),
        ("synthetic-budget", &synthetic, budgeted),
    ];
    let mut found = String::from(
        "# What the shipped strategies decide, by `tests/e2e/tests/it/digests.rs`. A commit that changes a line says why.\n",
    );
    for name in STRATEGIES {
        let configured = configured(name, &[]);
        for (data, store, policy) in &cases {
            let (made, result) = decisions(*store, &configured, &Backtest::new(policy.clone()));
            assert!(made.len() > 20, "{name} on {data} decides {} times: too few to compare", made.len());
            let projection = projection(*store, configured.plan(), &made);
            let decisions = &result.receipt.decisions_digest[..32];
            let count = made.len();
            write!(found, "\n[{name}.{data}]\ncount = {count}\ndecisions = \"{decisions}\"\nprojection = \"{projection}\"\n")
                .unwrap();
        }
    }
    let path = root().join("tests/digests.toml");
    if std::env::var_os("UPDATE_DIGESTS").is_some() {
        std::fs::write(&path, &found).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(
        kept == found,
        "the decisions are not those of tests/digests.toml; if they should be, run this test with UPDATE_DIGESTS=1 and \
         say in the commit why each line changes. Found:\n{found}"
    );
}
