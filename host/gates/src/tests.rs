//! Each gate at its edge, and what holds for any proposals.

use proptest::prelude::*;
use stratagem_model::gate::{Cap, ConsentRule, Holdout};
use stratagem_model::time::DAY_MS;
use stratagem_model::{ActionKind, NO_ITEM, Offer, PPM};

use super::*;

#[derive(Default)]
struct Facts {
    consent: Option<bool>,
    contacts: Vec<i64>,
}

impl Customer for Facts {
    fn consent(&self, _: &str) -> Option<bool> {
        self.consent
    }

    fn contacts_between(&self, after: Time, until: Time) -> u32 {
        self.contacts.iter().filter(|at| after.0 < **at && **at <= until.0).count() as u32
    }
}

fn action(kind: ActionKind, face_value: i64) -> Action {
    let offer = (face_value > 0).then_some(Offer { face_value, minimum_spend: 0, valid_days: 7 });
    Action { id: "a".into(), kind, channel: "sms".into(), content: String::new(), offer, contact_cost: 5 }
}

fn proposal(action: u32, score: i64, when: i64) -> Proposal {
    Proposal { row: 0, action, item: NO_ITEM, score, when: Time(when) }
}

const NOW: i64 = 100 * DAY_MS;

fn decide_one(policy: &Policy, facts: &Facts, action: &Action, budget: Option<&mut Budget>) -> Decision {
    let mut decisions = vec![];
    let proposals = [proposal(0, 1, NOW)];
    let id = CustomerId(1);
    let lane = Lane { name: "lane", policy, actions: std::slice::from_ref(action) };
    decide(lane, budget, (id, facts), Time(NOW), &proposals, &mut decisions);
    decisions[0]
}

#[test]
fn each_gate_has_its_reason_and_edge() {
    let open = Policy::open();
    let cap = Policy { cap: Some(Cap { touches: 2, days: 7 }), ..open.clone() };
    let opt_in = Policy { consent: ConsentRule::OptIn, ..open.clone() };
    let all = |salt: &str| Holdout { ppm: PPM, salt: salt.into() };
    let held_out = Policy { holdout: all("s"), ..open.clone() };
    let globally = Policy { global_holdout: all("g"), ..held_out.clone() };
    let contacts = |days: &[i64]| Facts {
        contacts: days.iter().map(|days| NOW - days * DAY_MS).collect(),
        ..Facts::default()
    };
    let consent = |consent| Facts { consent: Some(consent), ..Facts::default() };
    let (message, tag) = (action(ActionKind::Message, 0), action(ActionKind::Tag, 0));
    #[rustfmt::skip]
    let cases = [
        ("nothing forbids",         &open,     Facts::default(),      &message, Reason::Sent, PPM),
        ("unsubscribed",            &open,     consent(false),        &message, Reason::NoConsent, 0),
        ("a tag needs no consent",  &open,     consent(false),        &tag,     Reason::Sent, PPM),
        ("opt-in, silent",          &opt_in,   Facts::default(),      &message, Reason::NoConsent, 0),
        ("opt-in, given",           &opt_in,   consent(true),         &message, Reason::Sent, PPM),
        ("one below the cap",       &cap,      contacts(&[1]),        &message, Reason::Sent, PPM),
        ("at the cap",              &cap,      contacts(&[1, 6]),     &message, Reason::FrequencyCap, 0),
        ("one out of the window",   &cap,      contacts(&[1, 7]),     &message, Reason::Sent, PPM),
        ("a tag is not capped",     &cap,      contacts(&[1, 6]),     &tag,     Reason::Sent, PPM),
        ("held out",                &held_out, Facts::default(),      &message, Reason::HeldOut, 0),
        ("held out of everything",  &globally, Facts::default(),      &message, Reason::HeldOutGlobally, 0),
        ("rules before the draw",   &held_out, consent(false),        &message, Reason::NoConsent, 0),
    ];
    for (name, policy, facts, action, reason, propensity_ppm) in cases {
        let decision = decide_one(policy, &facts, action, None);
        assert_eq!((decision.reason, decision.propensity_ppm), (reason, propensity_ppm), "{name}");
    }
}

#[test]
fn the_budget_is_spent_to_the_last_unit_and_no_further() {
    let gift = action(ActionKind::Coupon, 95);
    let mut budget = Budget::new(250);
    let mut reasons = vec![];
    for _ in 0..3 {
        reasons.push(decide_one(&Policy::open(), &Facts::default(), &gift, Some(&mut budget)).reason);
    }
    assert_eq!(reasons, [Reason::Sent, Reason::Sent, Reason::Budget]);
    assert_eq!(budget.remaining(), 50);
    let held_out = Policy { holdout: Holdout { ppm: PPM, salt: "s".into() }, ..Policy::open() };
    let mut budget = Budget::new(100);
    decide_one(&held_out, &Facts::default(), &gift, Some(&mut budget));
    assert_eq!(budget.remaining(), 100, "controls cost nothing");
}

#[test]
fn draws_follow_the_scores_and_say_so() {
    let actions = [action(ActionKind::Message, 0), action(ActionKind::Message, 0)];
    let proposals = [proposal(0, 1, NOW), proposal(1, 3, NOW)];
    let policy = Policy { holdout: Holdout { ppm: 200_000, salt: "s".into() }, ..Policy::open() };
    let lane = Lane { name: "lane", policy: &policy, actions: &actions };
    let mut decisions = vec![];
    for id in 0..20_000 {
        let customer = (CustomerId(id), &Facts::default());
        decide(lane, None, customer, Time(NOW), &proposals, &mut decisions);
    }
    for (action, want) in [(0, 200_000), (1, 600_000)] {
        let of_action: Vec<_> = decisions.iter().filter(|d| d.action == action).collect();
        assert!(of_action.iter().all(|d| d.propensity_ppm == want));
        let sent = of_action.iter().filter(|d| d.reason.is_sent()).count() as i64;
        assert!((sent - 20_000 * i64::from(want) / 1_000_000).abs() < 400, "{sent} of action {action} sent");
    }
}

proptest! {
    #[test]
    fn every_proposal_has_a_decision_and_at_most_one_is_carried_out(
        scores in prop::collection::vec(prop_oneof![1_i64..=i64::MAX, Just(i64::MAX)], 1..600),
        id: u64,
        holdout in 0_u32..=PPM,
        budget in 0_i64..20,
        consent: Option<bool>,
    ) {
        let policy = Policy { holdout: Holdout { ppm: holdout, salt: "s".into() }, ..Policy::open() };
        let actions: Vec<_> = scores.iter().map(|_| action(ActionKind::Message, 0)).collect();
        let proposals: Vec<_> = scores.iter().zip(0..).map(|(score, i)| proposal(i, *score, NOW)).collect();
        let mut decisions = vec![];
        let mut budget = Budget::new(budget);
        let before = budget.remaining();
        let facts = Facts { consent, ..Facts::default() };
        let lane = Lane { name: "lane", policy: &policy, actions: &actions };
        let customer = (CustomerId(id), &facts);
        let walked = decide(lane, Some(&mut budget), customer, Time(NOW), &proposals, &mut decisions);
        let decided: Vec<_> = decisions.iter().map(|d| (d.action, d.score)).collect();
        let proposed: Vec<_> = proposals.iter().map(|p| (p.action, p.score)).collect();
        prop_assert_eq!(decided, proposed);
        let sent = decisions.iter().filter(|d| d.reason.is_sent()).count();
        prop_assert!(sent <= 1);
        prop_assert_eq!(sent == 1, walked.is_some_and(|(_, is_sent)| is_sent));
        prop_assert_eq!(before - budget.remaining(), 5 * sent as i64);
        prop_assert_eq!(decisions.iter().filter(|d| d.reason != Reason::NotDrawn).count(), 1);
        let total: u64 = decisions.iter().map(|d| u64::from(d.propensity_ppm)).sum();
        prop_assert!(total <= u64::from(PPM) + scores.len() as u64);
    }
}
