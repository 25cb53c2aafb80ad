//! The SDK as an author sees it: derives, the plan, reading a batch, and what the bench refuses.

mod derive;
mod read;

use stratagem_sdk::prelude::*;
use stratagem_sdk::{ActionKind, Plan};

/// A strategy that touches everything a plan can hold.
struct Everything {
    last_order: Column<Option<i64>>,
    count: Column<i64>,
    amounts: Column<[i64]>,
    class: Column<Option<u32>>,
    weekdays: Column<[u32]>,
    tier: Column<Option<u32>>,
    tiers: Table<stratagem_sdk::Names>,
    gold: Option<u32>,
    log: Action,
}

impl Strategy for Everything {
    type Parameters = derive::Settings;

    fn describe() -> Description {
        let nothing = "Nothing.";
        Description {
            package: stratagem_sdk::package!(),
            title: Text::both("Everything", "全部"),
            summary: Text::english(nothing),
            class: OperationClass::Seasonal,
            answers: Answers {
                to_whom: nothing,
                why: nothing,
                what: nothing,
                when: nothing,
                r#where: nothing,
                how: nothing,
                how_much: nothing,
            },
        }
    }

    fn configure(settings: derive::Settings, plan: &mut PlanBuilder) -> Result<Self, Vec<ParameterError>> {
        if settings.quiet && settings.timing == derive::Timing::TopTen {
            return Err(vec![ParameterError::new("quiet", "the top ten are never quiet")]);
        }
        plan.on_events(&["order", "visit"]);
        plan.daily_at(&[600, 1_200]);
        plan.goal(Goal::ItemOrder);
        let offer = Offer { face_value: 100, minimum_spend: 500, valid_days: 3 };
        let action = plan.action("say", ActionKind::Coupon).channel(&settings.channel).content("hi");
        let log = action.offer(offer).contact_cost(2).add();
        let rest = plan.action("rest", ActionKind::Tag).add();
        plan.fallback(rest);
        Ok(Self {
            last_order: plan.column(column::ORDER_LAST_TIME),
            count: plan.column(column::ORDER_COUNT),
            amounts: plan.history(column::ORDER_AMOUNTS, Window::LastDays(settings.silence_days as u32)),
            class: plan.column(column::RFM_CLASS),
            weekdays: plan.column(column::ORDER_WEEKDAYS),
            tier: plan.attribute("tier"),
            tiers: plan.attribute_names("tier"),
            gold: None,
            log,
        })
    }

    fn begin(&mut self, batch: &BatchView<'_>) -> Result<(), Failure> {
        self.gold = batch.table(self.tiers).code("gold");
        match self.gold {
            Some(_) => Ok(()),
            None => Err(Failure::new("nobody has ever been gold")),
        }
    }

    fn evaluate(&self, customer: Row<'_>, out: &mut Proposals<'_>) {
        let tier = customer.get(self.tier);
        let name = tier.and_then(|code| customer.batch().table(self.tiers).text(code));
        log::debug(&format!(
            "{:?} {} {:?} {:?} {:?} {name:?}",
            customer.get(self.last_order),
            customer.get(self.count),
            customer.get(self.amounts),
            customer.get(self.class),
            customer.get(self.weekdays),
        ));
        if tier == self.gold {
            out.propose(self.log).item(3).score(7).at(customer.now() + 1);
            out.wake_at(customer.now() + 5);
        }
    }
}

#[test]
fn the_plan_holds_what_was_asked_for_in_order() {
    let plan: Plan = native::Bench::<Everything>::new().plan().unwrap();
    let names: Vec<_> = plan.columns.iter().map(|column| column.name.as_str()).collect();
    let want =
        ["order.last-time", "order.count", "order.amounts", "rfm.class", "order.weekdays", "attribute.tier"];
    assert_eq!(names, want);
    assert_eq!(plan.columns[2].window, Window::LastDays(21));
    assert_eq!(plan.references[0].name, "attribute.tier");
    assert_eq!(
        (plan.events, plan.daily_at),
        (vec!["order".to_owned(), "visit".to_owned()], vec![600, 1_200])
    );
    assert_eq!((plan.fallback, plan.goal), (Some(1), Goal::ItemOrder));
    let say = &plan.actions[0];
    assert_eq!((say.id.as_str(), say.channel.as_str(), say.content.as_str()), ("say", "app-push", "hi"));
    assert_eq!(say.offer.map(|offer| offer.minimum_spend), Some(500));
}
