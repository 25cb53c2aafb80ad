//! The library: one row a run.

use stratagem_library::Run;
use stratagem_model::Currency;
use stratagem_model::money::group;

use crate::Lang;
use crate::backtest::{contacts, doubt, result, short_mode, worst_case_cost};
use crate::document::Document;
use crate::numbers::{Amounts, NONE, average, decimals, percent_bare, plural, share, short};
use crate::table::{Table, numbers, words};

pub(crate) fn document(runs: &[Run]) -> Document {
    let Some(first) = runs.first() else {
        return Document::new("no runs yet; `stratagem backtest` appends one".into());
    };
    let claim = if runs.iter().all(Run::is_replay) {
        "GMV is attributed, not caused, and ROI is what it would be if all of it had been caused"
    } else {
        "GMV of replays is attributed, not caused, effects of simulations are declared, not measured, and values on \
         logs are true if the logged propensities are"
    };
    let mut out = Document::new(format!("{}; {claim}", plural(runs.len() as u64, "run")));
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
        words("mode"),
        words("period"),
        words("result"),
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
            short_mode(&summary.mode).into(),
            format!("{}..{}", summary.period.from, summary.period.until),
            result(run, Lang::English),
        ];
        row.extend(match &run.simulation {
            // Anything else it has is of the first of its worlds.
            Some(simulation) => nothing_but(decimals(simulation.contacts.mean, 0)),
            None if run.off_policy.is_some() => nothing_but(NONE.into()),
            None => [
                group(treated.participants),
                group(contacts(run)),
                share(treated.conversion.map(|rate| rate.value)),
                gmv.show(treated.attributed_gmv),
                average(currency, treated.arpu),
                cost.show(worst_case_cost(run)),
                summary.roi_if_all_caused.map_or(NONE.into(), percent_bare),
            ],
        });
        let digest = if run.is_replay() { short(&run.receipt.decisions_digest) } else { NONE.into() };
        row.extend([short(&run.strategy.digest), digest, recorded(&run.recorded_at)]);
        if has_doubts {
            row.insert(1, doubt(run, Lang::English).unwrap_or("ok").into());
        }
        table.row(row);
    }
    table
}

/// What is counted of a run that is no replay: from participants to ROI its contacts alone.
fn nothing_but(contacts: String) -> [String; 7] {
    let mut cells = [NONE; 7].map(str::to_owned);
    cells[1] = contacts;
    cells
}

/// Date and minute of an RFC 3339 instant, which is what tells runs apart.
fn recorded(at: &str) -> String {
    at.get(..16).map_or_else(|| at.to_owned(), |minute| minute.replace('T', " "))
}
