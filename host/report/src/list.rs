//! The library: one row a run.

use stratagem_model::Currency;
use stratagem_model::money::group;
use stratagem_record::{Mode, Run, Summary};

use crate::Lang;
use crate::backtest::{doubt, result, short_mode};
use crate::document::Document;
use crate::numbers::{Amounts, NONE, average, decimals, percent_bare, plural, share, short};
use crate::table::{Table, numbers, words};

pub(crate) fn document(runs: &[Run]) -> Document {
    let Some(first) = runs.first() else {
        return Document::new("no runs yet; `stratagem backtest` appends one".into());
    };
    let claim = if runs.iter().all(|run| matches!(run.mode, Mode::Replay(_))) {
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
    let replays = || runs.iter().filter_map(summary);
    let gmv = Amounts::new(currency, replays().map(|summary| summary.treated.attributed_gmv));
    let cost = Amounts::new(currency, replays().map(Summary::worst_case_cost));
    let mut table = Table::new(columns);
    for run in runs {
        let strategy = run.sole_strategy();
        let mut row = vec![
            run.id.clone(),
            format!("{}@{}", strategy.name, strategy.version),
            short_mode(&run.mode).into(),
            format!("{}..{}", run.period.from, run.period.until),
            result(run, Lang::English),
        ];
        row.extend(match &run.mode {
            Mode::Replay(replay) => {
                let summary = &replay.lanes.sole().outcome.summary;
                let treated = &summary.treated;
                [
                    group(treated.participants),
                    group(summary.contacts()),
                    share(treated.conversion.map(|rate| rate.value)),
                    gmv.show(treated.attributed_gmv),
                    average(currency, treated.arpu),
                    cost.show(summary.worst_case_cost()),
                    summary.roi_if_all_caused.map_or(NONE.into(), percent_bare),
                ]
            }
            // Anything else it has is of the first of its worlds.
            Mode::Simulation(found) => nothing_but(decimals(found.over_worlds.contacts.mean, 0)),
            Mode::OffPolicy(_) => nothing_but(NONE.into()),
        });
        let digest = match &run.mode {
            Mode::Replay(replay) => short(&replay.receipt.decisions_digest),
            Mode::Simulation(_) | Mode::OffPolicy(_) => NONE.into(),
        };
        row.extend([short(&strategy.digest), digest, recorded(&run.recorded_at)]);
        if has_doubts {
            row.insert(1, doubt(run, Lang::English).unwrap_or("ok").into());
        }
        table.row(row);
    }
    table
}

/// The metrics of a replay.
fn summary(run: &Run) -> Option<&Summary> {
    match &run.mode {
        Mode::Replay(replay) => Some(&replay.lanes.sole().outcome.summary),
        Mode::Simulation(_) | Mode::OffPolicy(_) => None,
    }
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
