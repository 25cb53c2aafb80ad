//! What the codes in a run's decisions stand for: the one place that says so, for receipts, audits and decision logs.

use stratagem_insight::{Vocabulary, items_are_categories};
use stratagem_model::Plan;
use stratagem_model::encoding::{DecidedBy, DecisionNames, ItemNames};
use stratagem_runtime::Configured;
use stratagem_store::{Store, StoreError};

/// The names of the decisions of a single run of a strategy over a store.
///
/// # Errors
/// The store cannot be read.
pub fn decision_names(store: &dyn Store, configured: &Configured) -> Result<DecisionNames, StoreError> {
    let (description, plan) = (configured.strategy().description(), configured.plan());
    let by = DecidedBy {
        portfolio: String::new(),
        lane: description.name.clone(),
        arm: String::new(),
        version: description.version.clone(),
    };
    let actions = plan.actions.iter().map(|action| action.id.clone()).collect();
    Ok(DecisionNames::new(by, actions, item_names(store, plan)?))
}

/// Items are categories where orders with the item are the goal, and else numbers of the strategy's own.
fn item_names(store: &dyn Store, plan: &Plan) -> Result<ItemNames, StoreError> {
    Ok(match items_are_categories(plan) {
        true => ItemNames::Words(Vocabulary::read(store, "category")?.words().to_vec()),
        false => ItemNames::Numbers,
    })
}
