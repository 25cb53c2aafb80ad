//! Whether a run is to be believed: failures, audits, and what must be chance and is not.

use stratagem_library::Run;
use stratagem_measure::{Estimate, Rate};
use stratagem_model::Reason;
use stratagem_model::money::group;
use stratagem_replay::audit::{Audit, Finding};

use super::OBSERVATIONAL;
use crate::document::{Document, Tone};
use crate::numbers::{percent, plural, signed};

/// Why a run is not to be believed as it stands, in two words.
pub(crate) fn doubt(run: &Run) -> Option<&'static str> {
    if run.audits.iter().any(|finding| finding.difference.is_some()) {
        return Some("AUDIT FAILED");
    }
    (!run.failures.is_empty()).then_some("BATCHES FAILED")
}

/// Says first what makes the rest doubtful.
pub(super) fn alerts(run: &Run, out: &mut Document) {
    for finding in &run.audits {
        if let Some(difference) = &finding.difference {
            out.alert(Tone::Bad, failed_audit(finding.audit), vec![difference.clone()]);
        }
    }
    if !run.failures.is_empty() {
        failures(run, out);
    }
    if run.summary.mode == OBSERVATIONAL {
        if let Some(difference) = run.summary.arms_difference.filter(differs_from_zero) {
            arms_differ(run, &difference, out);
        }
        actions_differ(run, out);
    }
}

fn failed_audit(audit: Audit) -> &'static str {
    match audit {
        Audit::LookAhead { .. } => {
            "look-ahead audit: decisions changed when the future was hidden. Do not believe this run"
        }
        Audit::Wake => {
            "wake audit: decisions changed when every customer was asked at every step. The strategy's wake times \
             are wrong, and it misses customers"
        }
    }
}

fn failures(run: &Run, out: &mut Document) {
    let batches: u64 = run.failures.iter().map(|failure| failure.batches).sum();
    let rows: u64 = run.failures.iter().map(|failure| failure.rows).sum();
    let text = format!(
        "the strategy failed in {}: {} got its declared fallback instead of an answer, so the numbers below are \
         not what it would do when it works",
        plural(batches, "batch"),
        plural(rows, "row")
    );
    let line = |failure: &stratagem_replay::FailureCount| {
        format!(
            "{}, {}, {}: {}",
            failure.reason.name(),
            plural(failure.batches, "batch"),
            plural(failure.rows, "row"),
            failure.message
        )
    };
    out.alert(Tone::Bad, text, run.failures.iter().map(line).collect());
}

pub(crate) fn differs_from_zero(difference: &Estimate) -> bool {
    difference.low > 0.0 || difference.high < 0.0
}

fn arms_differ(run: &Run, difference: &Estimate, out: &mut Document) {
    let currency = &run.data.currency;
    out.alert(
        Tone::Warning,
        format!(
            "A/A check: GMV for each eligible customer differs between treated and control by {} {} ({} to {}), \
             though nothing was done to anyone. Chance does this in 1 of 20 runs. Try another holdout salt: if it \
             stays, the arms are not alike, and an effect measured between them cannot be believed",
            signed(currency, difference.value),
            currency.code,
            signed(currency, difference.low),
            signed(currency, difference.high)
        ),
        vec![],
    );
}

/// Contacts that nobody got cannot convert better or worse than those held out.
fn actions_differ(run: &Run, out: &mut Document) {
    let apart = |a: &Rate, b: &Rate| a.low > b.high || a.high < b.low;
    let mut details = vec![];
    for action in &run.summary.actions {
        let (Some(conversion), Some(held)) = (&action.conversion, &action.natural_return_holdout) else {
            continue;
        };
        if apart(conversion, held) {
            let (conversion, held) = (percent(conversion.value), percent(held.value));
            details.push(format!("{}: {conversion} against {held}", action.id));
        }
    }
    if !details.is_empty() {
        out.alert(
            Tone::Warning,
            "conversion and the holdout's natural return lie apart by more than their intervals, though nothing was \
             done to anyone: the arms are not alike",
            details,
        );
    }
}

/// The line below the arms.
pub(super) fn arms_line(run: &Run, out: &mut Document) {
    let (summary, currency) = (&run.summary, &run.data.currency);
    let text = match summary.arms_difference {
        _ if summary.control.eligible == 0 => {
            "A/A check: not possible, nobody was held out. A live run without a holdout measures no effect."
                .into()
        }
        None => "A/A check: not possible, too few customers in an arm, or none bought.".into(),
        Some(difference) => {
            let range = format!(
                "{} {} (95 %: {} to {})",
                signed(currency, difference.value),
                currency.code,
                signed(currency, difference.low),
                signed(currency, difference.high)
            );
            let judgement = match differs_from_zero(&difference) {
                _ if summary.mode != OBSERVATIONAL => ".",
                true => ". It should be chance in this mode, and looks like more: see the warning above.",
                false => ": chance, as it must be in this mode.",
            };
            format!("A/A check: ARPU of treated less control is {range}{judgement}")
        }
    };
    out.note(text);
}

pub(crate) fn audit_name(audit: Audit) -> String {
    match audit {
        Audit::LookAhead { cuts } => format!("look-ahead ({})", plural(cuts.into(), "cut")),
        Audit::Wake => "wake times".into(),
    }
}

pub(super) fn audits(run: &Run, out: &mut Document) {
    out.heading("Audits");
    if run.audits.is_empty() {
        return out.note("None were run.");
    }
    let line = |finding: &Finding| {
        let compared = group(finding.compared);
        let text = match &finding.difference {
            None => format!("passed: {compared} decisions compared, none differs"),
            Some(difference) => format!("FAILED: {difference}"),
        };
        (audit_name(finding.audit), text)
    };
    out.facts(run.audits.iter().map(line));
}

/// Proposals that were carried out neither as proposed nor as a fallback.
pub(super) fn is_suppressed(reason: Reason) -> bool {
    !reason.is_sent() && !reason.is_fallback()
}
