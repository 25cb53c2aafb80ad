//! What a store holds, and whether it is sound.

use stratagem_model::money::group;
use stratagem_model::{Time, Zone};
use stratagem_store::{Compacted, Info, Source, Totals, Undone, Verified};

use crate::document::{Document, Tone};
use crate::numbers::{bytes, plural, short};
use crate::table::{Table, numbers, words};

pub(crate) fn info(info: &Info) -> Document {
    let (totals, settings) = (&info.totals, &info.settings);
    let mut out = Document::new(format!("{}: {}", info.path.display(), sum(totals)));
    let incomplete: Vec<_> = info.sources.iter().filter(|source| !source.is_complete).collect();
    if !incomplete.is_empty() {
        let details = incomplete.iter().map(|source| format!("{} ({})", source.name, source.kind)).collect();
        let text = "files were not ingested to their end; ingest them again, and what is missing is added";
        out.alert(Tone::Warning, text, details);
    }
    let orders = match (totals.first_order_ms, totals.last_order_ms) {
        (Some(first), Some(last)) => format!("{} to {}", date(info, first), date(info, last)),
        _ => "none".into(),
    };
    let value =
        format!("{} {}, before discounts", settings.currency.format(totals.gross), settings.currency.code);
    let list = |counts: &[(String, u64)]| {
        let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {}", group(*count))).collect();
        if counts.is_empty() { "none".into() } else { counts.join(", ") }
    };
    out.facts([
        ("orders", orders),
        ("order value", value),
        ("zone", settings.zone.clone()),
        ("currency", settings.currency.code.clone()),
        (
            "on disk",
            format!("{}, and {} of other files", bytes(info.database_bytes), bytes(info.other_bytes)),
        ),
        ("dictionaries", list(&info.dictionaries)),
        ("documents", list(&info.collections)),
        ("format", info.format.to_string()),
    ]);
    let mut table = Table::new(vec![
        words("source"),
        words("kind"),
        numbers("rows"),
        words("fingerprint"),
        words("state"),
    ]);
    for source in &info.sources {
        let state = if source.is_complete { "complete" } else { "INCOMPLETE" };
        table.row([
            source.name.clone(),
            source.kind.clone(),
            group(source.rows),
            short(&source.fingerprint),
            state.into(),
        ]);
    }
    out.heading("Sources");
    if table.rows.is_empty() {
        out.note("None: `stratagem ingest FILE` adds one.");
    }
    out.table(table);
    out
}

fn sum(totals: &Totals) -> String {
    format!(
        "{} with {}, {} and {}",
        plural(totals.customers, "customer"),
        plural(totals.orders, "order"),
        plural(totals.lines, "line"),
        plural(totals.events, "other event")
    )
}

/// The local day; of a zone that this version does not know, the day in UTC.
fn date(info: &Info, ms: i64) -> String {
    Zone::new(&info.settings.zone).unwrap_or_else(|_| Zone::utc()).date(Time(ms))
}

pub(crate) fn verified(verified: &Verified) -> Document {
    let all = sum(&verified.totals);
    let problems = &verified.problems;
    if problems.is_empty() {
        let mut out = Document::new(format!("sound: {all}, every value read and checked"));
        out.tone = Tone::Good;
        return out;
    }
    let count = plural(problems.len() as u64, "problem");
    let mut out = Document::new(format!("DAMAGED: {count} among {all}"));
    out.tone = Tone::Bad;
    let details = problems.iter().map(|problem| format!("{}: {}", problem.key, problem.problem)).collect();
    out.alert(
        Tone::Bad,
        "these keys cannot be trusted; restore a backup or ingest the sources again",
        details,
    );
    out
}

pub(crate) fn undone(source: &Source, undone: &Undone) -> Document {
    let Undone { customers_gone, changed } = *undone;
    let gone = if customers_gone > 0 {
        format!(", {} gone", plural(customers_gone, "customer"))
    } else {
        String::new()
    };
    let changed = if changed == 1 { "1 history".to_owned() } else { format!("{} histories", group(changed)) };
    Document::new(format!("undone: {} ({}), {changed} changed{gone}", source.name, source.kind))
}

pub(crate) fn compacted(compacted: &Compacted) -> Document {
    let Compacted { bytes_before, bytes_after } = *compacted;
    let change = match bytes_before.cmp(&bytes_after) {
        std::cmp::Ordering::Greater => format!("{} freed", bytes(bytes_before - bytes_after)),
        std::cmp::Ordering::Equal => "nothing freed".into(),
        std::cmp::Ordering::Less => format!("{} more", bytes(bytes_after - bytes_before)),
    };
    Document::new(format!("compacted: {} -> {}, {change}", bytes(bytes_before), bytes(bytes_after)))
}
