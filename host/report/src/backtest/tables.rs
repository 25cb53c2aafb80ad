//! The tables of a run.

use stratagem_insight::RFM_CLASSES;
use stratagem_library::Run;
use stratagem_model::Reason;
use stratagem_model::money::group;
use stratagem_replay::{ActionSummary, Arm};

use super::checks::is_suppressed;
use super::{OBSERVATIONAL, contacts};
use crate::document::Document;
use crate::numbers::{Amounts, NONE, average, percent, plural, rate, share};
use crate::table::{Table, numbers, words};

pub(super) fn actions(run: &Run, out: &mut Document) {
    let (summary, currency) = (&run.summary, &run.data.currency);
    let code = &currency.code;
    let amounts = |of: fn(&ActionSummary) -> i64| Amounts::new(currency, summary.actions.iter().map(of));
    let gmv = amounts(|action| action.gmv);
    let contact_cost = amounts(|action| action.contact_cost);
    let offers = amounts(|action| action.offer_exposure);
    let mut table = Table::new(vec![
        words("action"),
        numbers("sent"),
        numbers("conversion\n% (95 %)"),
        numbers("natural return\nholdout % (95 %)"),
        numbers("look-\nalike %"),
        numbers(format!("attributed\nGMV,\n{code}")),
        numbers(format!("contact\ncost,\n{code}")),
        numbers(format!("offers\nat most,\n{code}")),
    ]);
    for action in &summary.actions {
        table.row([
            action.id.clone(),
            group(action.sent),
            rate(action.conversion.as_ref()),
            rate(action.natural_return_holdout.as_ref()),
            share(action.natural_return_look_alike),
            gmv.show(action.gmv),
            contact_cost.show(action.contact_cost),
            offers.show(action.offer_exposure),
        ]);
    }
    out.heading("Actions");
    out.table(table);
    if contacts(run) == 0 {
        return;
    }
    out.note(format!(
        "Conversion: contacts followed by a qualifying order within {}. Holdout: the same for the contacts that \
         controls would have had. Look-alike: the same for days of customers as long silent, with about as many \
         orders. Attributed GMV counts an order once, for the last contact before it, and is not causal.",
        plural(summary.period.window_days.into(), "day")
    ));
    if summary.mode == OBSERVATIONAL {
        out.note(no_sign(&summary.treated, &summary.control));
    }
}

/// What the two conversions say, and cannot say, of an effect.
fn no_sign(treated: &Arm, control: &Arm) -> String {
    let (Some(treated), Some(control)) = (&treated.conversion, &control.conversion) else {
        return "Without contacted controls there is no natural return to hold this conversion against."
            .into();
    };
    let (converted, returned) = (percent(treated.value), percent(control.value));
    let so = if control.value >= treated.value {
        "not even by chance is there a sign of an effect"
    } else {
        "the difference is not an effect"
    };
    format!(
        "Of the customers picked for a contact {converted} ordered within the window of one, and of the controls \
         picked alike {returned}: {so}. Whether contacts cause orders only a live holdout can tell."
    )
}

pub(super) fn arms(run: &Run, out: &mut Document) {
    let (summary, currency) = (&run.summary, &run.data.currency);
    let (treated, control) = (&summary.treated, &summary.control);
    let mut table = Table::new(vec![words("arm"), numbers("treated"), numbers("control")]);
    let mut row = |label: &str, show: &dyn Fn(&Arm) -> String| {
        table.row([label.to_owned(), show(treated), show(control)]);
    };
    let with_code = |label: &str| format!("{label}, {}", currency.code);
    let totals = |of: fn(&Arm) -> i64| {
        let amounts = Amounts::new(currency, [of(treated), of(control)]);
        move |arm: &Arm| amounts.show(of(arm))
    };
    row("eligible customers", &|arm| group(arm.eligible));
    row("participants", &|arm| group(arm.participants));
    row("contacted (controls: held out)", &|arm| group(arm.contacted));
    row("conversion of contacted, % (95 %)", &|arm| rate(arm.conversion.as_ref()));
    row(&with_code("attributed GMV (not causal)"), &totals(|arm| arm.attributed_gmv));
    row("buyers", &|arm| group(arm.buyers));
    row("orders", &|arm| group(arm.orders));
    row(&with_code("GMV"), &totals(|arm| arm.gmv));
    row(&with_code("net revenue"), &totals(|arm| arm.net_revenue));
    row(&with_code("ARPU, of eligible"), &|arm| average(currency, arm.arpu));
    row(&with_code("ARPPU, of buyers"), &|arm| average(currency, arm.arppu));
    row(&with_code("AOV, of orders"), &|arm| average(currency, arm.aov));
    out.heading("Treated and control");
    out.table(table);
}

pub(super) fn classes(run: &Run, out: &mut Document) {
    let classes = &run.summary.classes;
    if classes.is_empty() {
        return;
    }
    let amounts = Amounts::new(&run.data.currency, classes.iter().map(|class| class.gmv));
    let mut table = Table::new(vec![
        words("class at first touch"),
        words("类别"),
        numbers("participants"),
        numbers("conversion\n% (95 %)"),
        numbers("natural return\nholdout % (95 %)"),
        numbers(format!("attributed\nGMV, {}", run.data.currency.code)),
    ]);
    for class in classes {
        let (english, chinese) = match class.segment {
            Some(bits) => RFM_CLASSES.get(bits as usize).copied().unwrap_or((NONE, NONE)),
            None => ("no order yet", "未下单"),
        };
        table.row([
            english.into(),
            chinese.into(),
            group(class.participants),
            rate(class.conversion.as_ref()),
            rate(class.natural_return_holdout.as_ref()),
            amounts.show(class.gmv),
        ]);
    }
    out.heading("RFM classes");
    out.table(table);
}

pub(super) fn decisions(run: &Run, out: &mut Document) {
    let decisions = &run.summary.decisions;
    out.heading("Decisions");
    if decisions.is_empty() {
        return out.note("None: the strategy proposed nothing.");
    }
    let has = |reason: &&Reason| decisions.iter().any(|decision| decision.reason == **reason);
    let reasons: Vec<Reason> = Reason::ALL.iter().filter(has).copied().collect();
    let mut actions: Vec<Option<&str>> = vec![];
    for decision in decisions {
        if !actions.contains(&decision.action.as_deref()) {
            actions.push(decision.action.as_deref());
        }
    }
    let count = |action: Option<Option<&str>>, reason: Option<Reason>| -> u64 {
        let is_counted = |decision: &&stratagem_replay::DecisionCount| {
            action.is_none_or(|action| decision.action.as_deref() == action)
                && reason.is_none_or(|reason| decision.reason == reason)
        };
        decisions.iter().filter(is_counted).map(|decision| decision.count).sum()
    };
    let mut columns = vec![words("action")];
    columns.extend(reasons.iter().map(|reason| numbers(header(*reason))));
    columns.push(numbers("all"));
    let mut table = Table::new(columns);
    let mut row = |label: &str, action: Option<Option<&str>>| {
        let counts = reasons.iter().map(|reason| group(count(action, Some(*reason))));
        let all = group(count(action, None));
        table.row(std::iter::once(label.to_owned()).chain(counts).chain([all]));
    };
    for action in &actions {
        row(action.unwrap_or("(nothing)"), Some(*action));
    }
    if actions.len() > 1 {
        row("all", None);
    }
    let suppressed: u64 = reasons
        .iter()
        .filter(|reason| is_suppressed(**reason))
        .map(|reason| count(None, Some(*reason)))
        .sum();
    out.table(table);
    out.note(format!(
        "{} of {} suppressed by gates, holdouts among them.",
        group(suppressed),
        plural(count(None, None), "decision")
    ));
}

/// A reason's name as a header, broken at hyphens so that it is not much wider than its counts.
fn header(reason: Reason) -> String {
    const WIDE: usize = 10;
    let mut lines = vec![String::new()];
    for part in reason.name().split_inclusive('-') {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.len() + part.len() <= WIDE => line.push_str(part),
            _ => lines.push(part.into()),
        }
    }
    lines.join("\n")
}
