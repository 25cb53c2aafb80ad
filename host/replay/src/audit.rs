//! Audits: the run again under conditions that must make no difference, compared byte for byte.

use stratagem_model::{Decision, DecisionNames, Time};
use stratagem_record::{Audit, Finding};
use stratagem_runtime::Configured;
use stratagem_store::Store;

use crate::config::{Backtest, BacktestError};
use crate::driver::{Progress, run};
use crate::names::decision_names;

/// Runs a backtest again as the audit says and compares.
///
/// # Errors
/// As [`run`]. A difference is not an error but a finding.
pub fn audit(
    store: &dyn Store,
    configured: &Configured,
    backtest: &Backtest,
    audit: Audit,
    progress: &Progress,
) -> Result<Finding, BacktestError> {
    let again = |backtest: &Backtest| {
        let mut decisions = vec![];
        run(store, configured, backtest, progress, &mut decisions)?;
        decisions
            .sort_unstable_by_key(|d: &Decision| (d.time, d.customer.bucket(), d.customer, d.action, d.item));
        Ok::<_, BacktestError>(decisions)
    };
    let names = decision_names(store, configured)?;
    let whole = again(backtest)?;
    let mut finding = Finding { audit, compared: 0, difference: None };
    match audit {
        Audit::Wake => {
            let every_step = again(&Backtest { every_step: true, ..backtest.clone() })?;
            finding.compared = whole.len() as u64;
            finding.difference = difference(store, &names, &whole, &every_step)?;
        }
        Audit::LookAhead { cuts } => {
            for cut in cuts_of(&whole, cuts) {
                let truncated = again(&Backtest { cut: Some(cut), ..backtest.clone() })?;
                let before = |all: &[Decision]| all.partition_point(|d| d.time <= cut);
                let (want, got) = (&whole[..before(&whole)], &truncated[..before(&truncated)]);
                finding.compared += want.len() as u64;
                finding.difference = difference(store, &names, want, got)?
                    .map(|difference| format!("history cut at {cut}: {difference}"));
                if finding.difference.is_some() {
                    break;
                }
            }
        }
    }
    Ok(finding)
}

/// Instants of decisions, spread evenly over the decisions made: a cut there hides the events of the same instant,
/// which the decision must not have seen either.
fn cuts_of(decisions: &[Decision], cuts: u32) -> Vec<Time> {
    let mut times: Vec<_> = (1..=cuts as usize)
        .filter_map(|i| decisions.get((decisions.len() * i / (cuts as usize + 1)).max(1) - 1))
        .map(|decision| decision.time)
        .collect();
    times.dedup();
    times
}

fn difference(
    store: &dyn Store,
    names: &DecisionNames,
    want: &[Decision],
    got: &[Decision],
) -> Result<Option<String>, BacktestError> {
    let at = want.iter().zip(got).position(|(a, b)| names.encoded(a) != names.encoded(b));
    let Some(at) = at.or_else(|| (want.len() != got.len()).then(|| want.len().min(got.len()))) else {
        return Ok(None);
    };
    let describe = |decision: Option<&Decision>| -> Result<String, BacktestError> {
        let Some(d) = decision else { return Ok("no decision".into()) };
        let customer = store.external_id(d.customer)?.unwrap_or_default();
        let (action, item, reason) = (names.action(d.action), names.item(d.item), d.reason.name());
        let item = if item.is_empty() { String::new() } else { format!(" of `{item}`") };
        let propensity = d.propensity_ppm;
        let time = d.time;
        Ok(format!(
            "{time}, customer `{customer}`, action `{action}`{item}, {reason}, propensity {propensity} ppm"
        ))
    };
    let (want_first, got_first) = (describe(want.get(at))?, describe(got.get(at))?);
    let count = want.len();
    Ok(Some(format!(
        "{at} of {count} decisions agree; the first difference is [{want_first}] against [{got_first}]"
    )))
}
