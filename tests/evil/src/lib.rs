//! A guest that breaks the rules, one at a time, to show that the host holds.
//!
//! The parameter `misbehave` says which: [`Misbehave`] lists them all. With `none` it greets every customer, so that a
//! test can tell a host that contains a hostile guest from one that runs none at all. What `describe` does wrong is
//! chosen by a feature, because `describe` takes no parameters.
//!
//! What tries to reach the outside needs `--target wasm32-wasip2`; for `wasm32-unknown-unknown` the standard library
//! itself has nothing to reach with, and some of it traps. A guest that does get something it should not see says so:
//! it fails with a message that begins with `escaped`.

#[cfg(target_arch = "wasm32")]
mod ambient;
mod settings;
#[cfg(target_arch = "wasm32")]
mod wasm;

pub use settings::{Misbehave, Settings};
use stratagem_sdk::prelude::*;

/// What the guest is when it behaves.
#[derive(Debug)]
pub struct Greeter {
    greet: Action,
    /// Where not everyone is greeted.
    class: Option<Column<Option<u32>>>,
}

/// The bit of `rfm.class` that changes with own orders and with the table of all customers, and by nothing else.
const FREQUENCY_BIT: u32 = 2;

impl Strategy for Greeter {
    type Parameters = Settings;

    fn describe() -> Description {
        Description {
            package: stratagem_sdk::package!(),
            title: Text::english("Evil"),
            summary: Text::english(
                "Breaks the rule that its parameter names, and greets everyone otherwise.",
            ),
            class: OperationClass::KeyAction,
            answers: Answers {
                to_whom: "Hosts.",
                why: "To see that they hold.",
                what: "A broken rule.",
                when: "At ten.",
                r#where: "In the sandbox.",
                how: "One rule at a time.",
                how_much: "As much as the limits allow.",
            },
        }
    }

    fn configure(settings: Settings, plan: &mut PlanBuilder) -> Result<Self, Vec<ParameterError>> {
        // Something to read, so that hostile answers come after a batch has really crossed.
        plan.column(column::ORDER_LAST_TIME);
        plan.history(column::TOUCH_TIMES, Window::LastN(1));
        let class = settings.greet_frequent.then(|| plan.column(column::RFM_CLASS));
        if settings.greet_frequent {
            plan.on_events(&["order"]);
        }
        let greet = plan.action("greet", ActionKind::Message).channel("app-push").content("hello").add();
        let nothing = plan.action("fall-back", ActionKind::Tag).content("fell-back").add();
        if settings.fallback {
            plan.fallback(nothing);
        }
        Ok(Self { greet, class })
    }

    fn evaluate(&self, customer: Row<'_>, out: &mut Proposals<'_>) {
        let is_frequent =
            |class: Column<Option<u32>>| customer.get(class).is_some_and(|bits| bits & FREQUENCY_BIT != 0);
        if self.class.is_none_or(is_frequent) {
            out.propose(self.greet);
        }
    }
}

#[cfg(test)]
mod tests {
    use stratagem_sdk::native::{Bench, Customer};

    use super::*;

    #[test]
    fn it_behaves_unless_told_otherwise() {
        let bench = Bench::<Greeter>::new();
        assert_eq!(bench.at(0).ask(&Customer::new()).actions(), ["greet"]);
        assert_eq!(bench.plan().unwrap().fallback, Some(1));
        assert_eq!(bench.set("fallback", "false").plan().unwrap().fallback, None);
    }

    #[test]
    fn every_misbehaviour_can_be_asked_for_by_its_word() {
        for word in Misbehave::WORDS {
            assert!(Bench::<Greeter>::new().set("misbehave", word).plan().is_ok(), "{word}");
        }
    }
}
