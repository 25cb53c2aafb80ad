//! CSV: flat tables for spreadsheets and data frames.
//!
//! Amounts are exact decimals of the currency beside them, rates have all their digits, and what there is no value
//! for is empty.

use std::fmt::Display;

use ::csv::Writer;
use stratagem_library::Run;
use stratagem_measure::Rate;
use stratagem_model::parameter::Parameter;
use stratagem_store::ingest::RowError;
use stratagem_store::{Compacted, Problem, Source};

use crate::backtest::{contacts, worst_case_cost};
use crate::catalogue::ColumnRow;
use crate::inspect::accepts;
use crate::numbers::decimal;

fn write(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = Writer::from_writer(vec![]);
    let mut put = |row: Vec<String>| out.write_record(row).expect("memory takes rows of one length");
    put(header.iter().map(ToString::to_string).collect());
    rows.into_iter().for_each(put);
    String::from_utf8(out.into_inner().expect("memory does not fail")).expect("only text was written")
}

fn optional(value: Option<impl Display>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

const RATE: [&str; 5] = ["hits", "of", "value", "low", "high"];

fn rate(rate: Option<&Rate>) -> [String; 5] {
    rate.map_or_else(Default::default, |rate| {
        [
            rate.hits.to_string(),
            rate.of.to_string(),
            rate.value.to_string(),
            rate.low.to_string(),
            rate.high.to_string(),
        ]
    })
}

/// One row an estimator.
pub(crate) fn evaluation(found: &stratagem_measure::off_policy::Evaluation) -> String {
    let rows = found.estimates.iter().map(|one| {
        let bootstrap = one.bootstrap.as_ref();
        let mut row = vec![one.estimator.label().to_owned()];
        row.extend(
            [one.normal.value, one.normal.standard_error, one.normal.low, one.normal.high]
                .map(|v| v.to_string()),
        );
        row.extend([optional(bootstrap.map(|e| e.low)), optional(bootstrap.map(|e| e.high))]);
        row
    });
    let header = ["estimator", "value", "standard_error", "low", "high", "bootstrap_low", "bootstrap_high"];
    write(&header, rows)
}

/// One row an outcome and arm.
pub(crate) fn effects(found: &crate::Effects) -> String {
    let rows = found.outcomes.iter().flat_map(|outcome| {
        outcome.effects.iter().map(move |effect| {
            let d = &effect.difference;
            let relative = effect.relative;
            vec![
                outcome.outcome.clone(),
                effect.arm.clone(),
                outcome.control_mean.to_string(),
                effect.mean.to_string(),
                d.value.to_string(),
                effect.standard_error.to_string(),
                d.low.to_string(),
                d.high.to_string(),
                effect.p_value.to_string(),
                optional(effect.adjusted_p_value),
                optional(relative.map(|e| e.value)),
                optional(relative.map(|e| e.standard_error)),
            ]
        })
    });
    let header = [
        "outcome",
        "arm",
        "control_mean",
        "mean",
        "difference",
        "standard_error",
        "low",
        "high",
        "p_value",
        "adjusted_p_value",
        "relative_lift",
        "relative_standard_error",
    ];
    write(&header, rows)
}

/// One row a parameter of a model.
pub(crate) fn estimates(parameters: &[stratagem_measure::repurchase::Parameter]) -> String {
    let row = |p: &stratagem_measure::repurchase::Parameter| {
        let e = &p.estimate;
        vec![
            p.name.clone(),
            e.value.to_string(),
            e.standard_error.to_string(),
            e.low.to_string(),
            e.high.to_string(),
        ]
    };
    write(&["parameter", "estimate", "standard_error", "low", "high"], parameters.iter().map(row))
}

/// One row a run and action.
pub(crate) fn runs(runs: &[Run]) -> String {
    let conversion = RATE.map(|name| format!("conversion_{name}"));
    let holdout = RATE.map(|name| format!("natural_return_holdout_{name}"));
    let mut header = vec![
        "run",
        "mode",
        "strategy",
        "version",
        "component",
        "data_fingerprint",
        "from",
        "until",
        "window_days",
        "currency",
        "action",
        "kind",
        "sent",
    ];
    header.extend(conversion.iter().chain(&holdout).map(String::as_str));
    header.extend([
        "natural_return_look_alike",
        "attributed_gmv",
        "contact_cost",
        "offer_exposure",
        "decisions_digest",
    ]);
    let rows = runs.iter().flat_map(|run| {
        run.summary.actions.iter().map(move |action| {
            let (period, currency) = (&run.summary.period, &run.data.currency);
            let mut row = vec![
                run.id.clone(),
                run.summary.mode.clone(),
                run.strategy.name.clone(),
                run.strategy.version.clone(),
                run.strategy.digest.clone(),
                run.data.fingerprint.clone(),
                period.from.clone(),
                period.until.clone(),
                period.window_days.to_string(),
                currency.code.clone(),
                action.id.clone(),
                kind(action.kind),
                action.sent.to_string(),
            ];
            row.extend(rate(action.conversion.as_ref()));
            row.extend(rate(action.natural_return_holdout.as_ref()));
            row.push(optional(action.natural_return_look_alike));
            row.extend(
                [action.gmv, action.contact_cost, action.offer_exposure]
                    .map(|amount| decimal(currency, amount)),
            );
            row.push(run.receipt.decisions_digest.clone());
            row
        })
    });
    write(&header, rows)
}

/// The name that JSON has for a kind.
fn kind(kind: stratagem_model::ActionKind) -> String {
    let json = serde_json::to_value(kind).ok();
    json.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// One row a run.
pub(crate) fn list(runs: &[Run]) -> String {
    #[rustfmt::skip]
    let header = [
        "run", "recorded_at", "mode", "strategy", "version", "component", "data_fingerprint", "from", "until",
        "window_days", "currency", "customers", "eligible", "participants", "contacted", "contacts", "conversion",
        "attributed_gmv", "arpu", "contact_cost", "offer_exposure", "worst_case_cost", "roi_if_all_caused",
        "break_even_share", "decisions", "decisions_digest", "failed_batches", "failed_audits",
    ];
    let row = |run: &Run| {
        let (summary, currency) = (&run.summary, &run.data.currency);
        let (period, treated) = (&summary.period, &summary.treated);
        let money = |amount| decimal(currency, amount);
        let major = f64::from(10_u32.pow(currency.digits));
        let failed = run.audits.iter().filter(|finding| finding.difference.is_some()).count();
        vec![
            run.id.clone(),
            run.recorded_at.clone(),
            summary.mode.clone(),
            run.strategy.name.clone(),
            run.strategy.version.clone(),
            run.strategy.digest.clone(),
            run.data.fingerprint.clone(),
            period.from.clone(),
            period.until.clone(),
            period.window_days.to_string(),
            currency.code.clone(),
            summary.customers.to_string(),
            treated.eligible.to_string(),
            treated.participants.to_string(),
            treated.contacted.to_string(),
            contacts(run).to_string(),
            optional(treated.conversion.map(|rate| rate.value)),
            money(treated.attributed_gmv),
            optional(treated.arpu.map(|arpu| arpu / major)),
            money(summary.contact_cost),
            money(summary.offer_exposure),
            money(worst_case_cost(run)),
            optional(summary.roi_if_all_caused),
            optional(summary.break_even_share),
            run.receipt.decisions.to_string(),
            run.receipt.decisions_digest.clone(),
            run.failures.iter().map(|failure| failure.batches).sum::<u64>().to_string(),
            failed.to_string(),
        ]
    };
    write(&header, runs.iter().map(row))
}

pub(crate) fn parameters(parameters: &[Parameter]) -> String {
    let row = |parameter: &Parameter| {
        vec![
            parameter.name.clone(),
            accepts(parameter).replace('\n', " "),
            parameter.unit.clone(),
            parameter.default.to_string(),
            parameter.help.clone(),
        ]
    };
    write(&["parameter", "accepts", "unit", "default", "help"], parameters.iter().map(row))
}

pub(crate) fn columns(columns: &[ColumnRow]) -> String {
    let row = |column: &ColumnRow| {
        vec![
            column.name.into(),
            column.r#type.into(),
            column.is_ragged.to_string(),
            column.is_windowed.to_string(),
            column.meaning.into(),
        ]
    };
    write(&["column", "type", "is_ragged", "is_windowed", "meaning"], columns.iter().map(row))
}

pub(crate) fn sources(sources: &[Source]) -> String {
    let row = |source: &Source| {
        vec![
            source.name.clone(),
            source.kind.clone(),
            source.rows.to_string(),
            source.fingerprint.clone(),
            source.is_complete.to_string(),
        ]
    };
    write(&["source", "kind", "rows", "fingerprint", "is_complete"], sources.iter().map(row))
}

pub(crate) fn problems(problems: &[Problem]) -> String {
    let row = |problem: &Problem| vec![problem.key.clone(), problem.problem.clone()];
    write(&["key", "problem"], problems.iter().map(row))
}

pub(crate) fn compacted(compacted: &Compacted) -> String {
    let row = vec![compacted.bytes_before.to_string(), compacted.bytes_after.to_string()];
    write(&["bytes_before", "bytes_after"], [row])
}

pub(crate) fn rejects(rejects: &[RowError]) -> String {
    let row = |reject: &RowError| {
        vec![
            reject.file.clone(),
            reject.line.to_string(),
            reject.column.clone(),
            reject.value.clone(),
            reject.problem.clone(),
            reject.remedy.clone(),
        ]
    };
    write(&["file", "line", "column", "value", "problem", "remedy"], rejects.iter().map(row))
}
