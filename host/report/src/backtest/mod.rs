//! A run in full: what it may claim, what the strategy would have done, and whether to believe it.

mod checks;
mod tables;

use stratagem_gates::{Cap, ConsentRule, Policy};
use stratagem_library::Run;
use stratagem_model::money::group;
use stratagem_model::time::parse_day;

use crate::document::{Document, Tone};
use crate::numbers::{Digests, percent, plural, ppm};

pub(crate) use checks::{audit_name, differs_from_zero, doubt};

/// The mode that this report knows how to speak of.
pub(crate) const OBSERVATIONAL: &str = "observational-replay";

/// What to call a mode, and what a run of that mode may claim.
pub(crate) fn claim(mode: &str) -> String {
    match mode {
        OBSERVATIONAL => "what they bought is attributed, not caused (observational replay)".into(),
        other => format!("what this mode may claim is not known to this version ({other})"),
    }
}

/// Contacts carried out, of all actions.
pub(crate) fn contacts(run: &Run) -> u64 {
    run.summary.actions.iter().filter(|action| action.kind.is_contact()).map(|action| action.sent).sum()
}

/// What the run costs if every offer is redeemed, minor units.
pub(crate) fn worst_case_cost(run: &Run) -> i64 {
    run.summary.contact_cost.saturating_add(run.summary.offer_exposure)
}

pub(crate) fn document(run: &Run, digests: Digests) -> Document {
    let mut out = Document::new(verdict(run));
    if doubt(run).is_some() {
        out.tone = Tone::Bad;
    }
    checks::alerts(run, &mut out);
    if run.summary.mode == OBSERVATIONAL && contacts(run) > 0 {
        out.note(
            "Nobody was contacted: the strategy ran over recorded history. Conversion here is natural return, what \
             these customers did anyway after the moments at which they would have heard from the shop. It is \
             the share that a live campaign has to beat.",
        );
    }
    out.facts(setting(run, digests));
    tables::actions(run, &mut out);
    tables::arms(run, &mut out);
    checks::arms_line(run, &mut out);
    money(run, &mut out);
    tables::classes(run, &mut out);
    tables::decisions(run, &mut out);
    checks::audits(run, &mut out);
    log(run, &mut out);
    out.heading("Receipt");
    out.facts(receipt(run, digests));
    out
}

fn verdict(run: &Run) -> String {
    let (strategy, summary) = (&run.strategy, &run.summary);
    // Whoever reads only this line must not miss that the rest is worthless.
    let doubt = doubt(run).map(|doubt| format!("{doubt}: ")).unwrap_or_default();
    let name = format!("{doubt}{} {}", strategy.name, strategy.version);
    let customers = plural(summary.customers, "customer");
    let contacted = summary.treated.contacted;
    if contacted == 0 {
        return format!(
            "{name}: would have contacted none of {customers} ({})",
            summary.mode.replace('-', " ")
        );
    }
    let contacted = group(contacted);
    let contacts = plural(contacts(run), "time");
    format!("{name}: would have contacted {contacted} of {customers} {contacts}; {}", claim(&summary.mode))
}

fn setting(run: &Run, digests: Digests) -> Vec<(&'static str, String)> {
    let (period, data) = (&run.summary.period, &run.data);
    let days = match (parse_day(&period.from), parse_day(&period.until)) {
        (Some(from), Some(until)) => format!(" ({})", plural(until.abs_diff(from) as u64 + 1, "day")),
        _ => String::new(),
    };
    let parameters: Vec<_> =
        run.strategy.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let title = &run.strategy.title;
    let chinese = title.chinese.as_ref().map(|chinese| format!(" ({chinese})")).unwrap_or_default();
    vec![
        ("strategy", format!("{}{chinese}, component {}", title.english, digests.show(&run.strategy.digest))),
        ("parameters", if parameters.is_empty() { "none".into() } else { parameters.join(" ") }),
        (
            "period",
            format!(
                "{} to {}{days}, orders attributed for {} after a contact; data end {}",
                period.from,
                period.until,
                plural(period.window_days.into(), "day"),
                period.data_end
            ),
        ),
        (
            "data",
            format!(
                "{}, {}, {}, {}, fingerprint {}",
                plural(data.customers, "customer"),
                plural(data.orders, "order"),
                data.zone,
                data.currency.code,
                digests.show(&data.fingerprint)
            ),
        ),
        ("gates", gates(run)),
    ]
}

fn gates(run: &Run) -> String {
    let policy = &run.policy;
    let mut out = holdouts(policy);
    out.push(consent(policy.consent).into());
    out.push(cap(policy.cap));
    out.push(match policy.budget {
        Some(budget) => {
            format!("budget {} {}", run.data.currency.format(budget), run.data.currency.code)
        }
        None => "no budget".into(),
    });
    out.push(format!("asked again {} after a suppression", plural(run.retry_days.into(), "day")));
    out.push(format!("seed {}", policy.seed));
    out.join("; ")
}

fn holdouts(policy: &Policy) -> Vec<String> {
    let held = [("global", &policy.global_holdout), ("the strategy's own", &policy.holdout)];
    let held: Vec<_> = held
        .iter()
        .filter(|(_, holdout)| holdout.ppm > 0)
        .map(|(name, holdout)| format!("{name} holdout {}", ppm(holdout.ppm)))
        .collect();
    if held.is_empty() { vec!["no holdout".into()] } else { held }
}

pub(crate) fn consent(rule: ConsentRule) -> &'static str {
    match rule {
        ConsentRule::OptOut => "consent until unsubscribed",
        ConsentRule::OptIn => "consent only if subscribed",
    }
}

pub(crate) fn cap(cap: Option<Cap>) -> String {
    cap.map_or("no frequency cap".into(), |cap| {
        let contacts = plural(cap.touches.into(), "contact");
        format!("at most {contacts} in {}", plural(cap.days.into(), "day"))
    })
}

fn money(run: &Run, out: &mut Document) {
    let (summary, currency) = (&run.summary, &run.data.currency);
    let show = |amount| format!("{} {}", currency.format(amount), currency.code);
    let cost = worst_case_cost(run);
    out.heading("Cost and return");
    let mut facts = vec![
        ("contacts", format!("{} for {}", show(summary.contact_cost), plural(contacts(run), "contact"))),
        ("offers", format!("{} at most, if every one is redeemed", show(summary.offer_exposure))),
        ("worst case", show(cost)),
        ("margin", format!("{} of order value: declared, not measured", ppm(summary.margin_ppm))),
        (
            "attributed GMV",
            format!(
                "{} in {} (not causal)",
                show(summary.treated.attributed_gmv),
                plural(summary.treated.attributed_orders, "order")
            ),
        ),
        (
            "ROI",
            match summary.roi_if_all_caused {
                Some(roi) => {
                    format!(
                        "if all attributed GMV had been caused: {} (not causal, worst-case cost)",
                        percent(roi)
                    )
                }
                None => "none: nothing is spent".into(),
            },
        ),
    ];
    facts.push((
        "break-even",
        match summary.break_even_share {
            Some(share) if share > 1.0 => format!(
                "out of reach: the margin on all attributed GMV covers {} of the worst-case cost",
                percent(1.0 / share)
            ),
            Some(share) => format!("{} of attributed GMV must be caused", percent(share)),
            None if cost > 0 => "out of reach: no attributed GMV, or no margin".into(),
            None => "nothing has to be earned back".into(),
        },
    ));
    out.facts(facts);
}

/// Warnings and errors that the strategy logged.
fn log(run: &Run, out: &mut Document) {
    const SHOWN: usize = 5;
    let lines: Vec<_> = run.log.iter().filter(|line| matches!(&*line.level, "warn" | "error")).collect();
    if lines.is_empty() {
        return;
    }
    let mut details: Vec<_> =
        lines.iter().take(SHOWN).map(|line| format!("{}: {}", line.level, line.message)).collect();
    if lines.len() > SHOWN {
        details.push(format!("and {} more", lines.len() - SHOWN));
    }
    out.alert(Tone::Warning, "the strategy logged", details);
}

fn receipt(run: &Run, digests: Digests) -> Vec<(&'static str, String)> {
    let receipt = &run.receipt;
    vec![
        (
            "decisions",
            format!("{}, digest {}", group(receipt.decisions), digests.show(&receipt.decisions_digest)),
        ),
        ("engine", receipt.engine.clone()),
        ("run", format!("{}, recorded {}", run.id, run.recorded_at)),
        ("again", format!("stratagem library rerun {} {}.wasm --store STORE", run.id, run.strategy.name)),
    ]
}
