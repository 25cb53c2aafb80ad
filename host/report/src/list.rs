//! The library: one row a run.

use stratagem_library::Run;
use stratagem_model::Currency;
use stratagem_model::money::group;

use crate::Lang;
use crate::backtest::{contacts, doubt, worst_case_cost};
use crate::document::Document;
use crate::numbers::{Amounts, average, percent_bare, plural, share, short};
use crate::table::{Table, numbers, words};

pub(crate) fn document(runs: &[Run]) -> Document {
    let Some(first) = runs.first() else {
        return Document::new("no runs yet; `stratagem backtest` appends one".into());
    };
    let mut out = Document::new(format!(
        "{}; GMV is attributed, not caused, and ROI is what it would be if all of it had been caused",
        plural(runs.len() as u64, "run")
    ));
    out.table(table(runs, &first.data.currency));
    out.note("`stratagem library show RUN` has one in full, `stratagem library compare RUN RUN` has them side by side.");
    out
}

/// A store has one currency, so a library has one too.
fn table(runs: &[Run], currency: &Currency) -> Table {
    let has_doubts = runs.iter().any(|run| doubt(run, Lang::English).is_some());
    let mut columns = vec![
        words("run"),
        words("strategy"),
        words("period"),
        numbers("partici-\npants"),
        numbers("contacts"),
        numbers("conver-\nsion %"),
        numbers(format!("attributed\nGMV, {}", currency.code)),
        numbers(format!("ARPU,\n{}", currency.code)),
        numbers(format!("worst-case\ncost, {}", currency.code)),
        numbers("ROI %, if\nall caused"),
        words("component"),
        words("decisions"),
        words("recorded"),
    ];
    if has_doubts {
        columns.insert(1, words("state"));
    }
    let gmv = Amounts::new(currency, runs.iter().map(|run| run.summary.treated.attributed_gmv));
    let cost = Amounts::new(currency, runs.iter().map(worst_case_cost));
    let mut table = Table::new(columns);
    for run in runs {
        let (summary, treated) = (&run.summary, &run.summary.treated);
        let mut row = vec![
            run.id.clone(),
            format!("{}@{}", run.strategy.name, run.strategy.version),
            format!("{}..{}", summary.period.from, summary.period.until),
            group(treated.participants),
            group(contacts(run)),
            share(treated.conversion.map(|rate| rate.value)),
            gmv.show(treated.attributed_gmv),
            average(currency, treated.arpu),
            cost.show(worst_case_cost(run)),
            summary.roi_if_all_caused.map_or("-".into(), percent_bare),
            short(&run.strategy.digest),
            short(&run.receipt.decisions_digest),
            recorded(&run.recorded_at),
        ];
        if has_doubts {
            row.insert(1, doubt(run, Lang::English).unwrap_or("ok").into());
        }
        table.row(row);
    }
    table
}

/// Date and minute of an RFC 3339 instant, which is what tells runs apart.
fn recorded(at: &str) -> String {
    at.get(..16).map_or_else(|| at.to_owned(), |minute| minute.replace('T', " "))
}
