//! A run in full: what it may claim, what the strategy would have done, and whether to believe it.

mod caveats;
mod charts;
mod checks;
mod evidence;
mod off_policy;
mod setting;
mod simulation;
mod tables;
mod treatments;

use stratagem_library::{LoggedLine, Run};
use stratagem_model::money::group;

use crate::Lang;
use crate::document::{Document, Tone};
use crate::numbers::{Amounts, Digests, interval, percent, ppm};

pub(crate) use checks::{audit_name, differs_from_zero, doubt};
pub(crate) use off_policy::{Rewards, earned, evaluation as evaluation_sections, preferred};
pub(crate) use setting::{cap, consent, tables};

/// The mode that this report knows how to speak of.
pub(crate) const OBSERVATIONAL: &str = "observational-replay";

/// What a mode is called where there is little room.
pub(crate) fn short_mode(mode: &str) -> &str {
    if mode == OBSERVATIONAL { "replay" } else { mode }
}

/// What a mode is called.
fn mode_name(mode: &str, lang: Lang) -> String {
    match mode {
        OBSERVATIONAL => lang.say("observational replay", "观察性回放").into(),
        simulation::SIMULATION => lang.say("simulation", "模拟").into(),
        off_policy::OFF_POLICY => lang.say("off-policy evaluation", "离策略评估").into(),
        other => other.replace('-', " "),
    }
}

/// What a run of a mode may claim, and what the mode is called.
pub(crate) fn claim(mode: &str, lang: Lang) -> String {
    match mode {
        simulation::SIMULATION => lang
            .say("effects are declared, not measured (simulation)", "效果为事先声明，并非测得（模拟）")
            .into(),
        off_policy::OFF_POLICY => lang
            .say(
                "true if the logged propensities are (off-policy evaluation)",
                "前提是日志中的倾向概率属实（离策略评估）",
            )
            .into(),
        OBSERVATIONAL => lang
            .say(
                "what they bought is attributed, not caused (observational replay)",
                "其后的购买只是归因，并非因果（观察性回放）",
            )
            .into(),
        other => lang.say(
            format!("what this mode may claim is not known to this version ({other})"),
            format!("此版本不知道该模式可以主张什么（{other}）"),
        ),
    }
}

/// What a run's mode may say of it, in a few words.
pub(crate) fn result(run: &Run, lang: Lang) -> String {
    if let Some(found) = &run.simulation {
        let profit = simulation::profit(run, found);
        return lang.say(format!("assumed profit {profit}"), format!("假定利润 {profit}"));
    }
    if let Some(found) = &run.off_policy {
        let (rewards, best) = (Rewards::of(run, found, lang), preferred(&found.evaluation));
        let estimate = best.bootstrap.as_ref().unwrap_or(&best.normal);
        return format!("{} ({})", rewards.say(estimate.value), rewards.interval(estimate));
    }
    match run.summary.break_even_share {
        Some(share) if share <= 1.0 => {
            let share = percent(share);
            lang.say(format!("{share} must be caused"), format!("{share} 须真正由触达带来"))
        }
        None if worst_case_cost(run) == 0 => lang.say("nothing is spent", "没有支出").into(),
        _ => lang.say("cannot pay", "无法回本").into(),
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

pub(crate) fn document(run: &Run, digests: Digests, lang: Lang) -> Document {
    let mut out = Document::of(lang, verdict(run, lang));
    if doubt(run, lang).is_some() {
        out.tone = Tone::Bad;
    }
    checks::alerts(run, &mut out);
    if run.summary.mode == OBSERVATIONAL && contacts(run) > 0 {
        out.note(lang.say(
            "Nobody was contacted: the strategy ran over recorded history. Conversion here is natural return, what \
             these customers did anyway after the moments at which they would have heard from the shop. It is \
             the share that a live campaign has to beat.",
            "没有触达任何人：策略只是在历史数据上运行。这里的转化率就是自然回流，即这些客户在本应收到触达的时刻之后自行做了什么。\
             实际投放必须超过这个比例。",
        ));
    }
    if let Some(found) = &run.off_policy {
        out.facts(setting::facts(run, lang));
        off_policy::sections(run, found, &mut out);
        return ended(run, digests, out);
    }
    if let Some(simulation) = &run.simulation {
        out.facts(setting::facts(run, lang));
        simulation::sections(run, simulation, &mut out);
        out.heading(lang.say("The first of the worlds", "第一个世界"));
        out.note(lang.say(
            "One of them in the form of a replay: what was attributed in it, and who was contacted.",
            "以回放的形式展示其中一个世界：触达了谁，归因了多少。",
        ));
        tables::actions(run, &mut out);
        charts::funnel(run, &mut out);
        tables::decisions(run, &mut out);
        return ended(run, digests, out);
    }
    headline(run, &mut out);
    out.facts(setting::facts(run, lang));
    tables::actions(run, &mut out);
    charts::funnel(run, &mut out);
    tables::arms(run, &mut out);
    checks::arms_line(run, &mut out);
    charts::curve(run, &mut out);
    money(run, &mut out);
    charts::best_case(run, &mut out);
    charts::sensitivity(run, &mut out);
    tables::classes(run, &mut out);
    tables::stages(run, &mut out);
    charts::cohorts(run, &mut out);
    if let Some(found) = &run.evidence {
        evidence::sections(run, found, &mut out);
    }
    treatments::sections(run, &mut out);
    tables::decisions(run, &mut out);
    ended(run, digests, out)
}

/// What every report ends with.
fn ended(run: &Run, digests: Digests, mut out: Document) -> Document {
    let lang = out.lang;
    // Nothing else can be audited.
    if run.is_replay() {
        checks::audits(run, &mut out);
    }
    log(run, &mut out);
    out.heading(lang.say("Receipt", "凭证"));
    out.facts(receipt(run, digests, lang));
    out
}

/// What the page of a run is called.
pub(crate) fn title(run: &Run, lang: Lang) -> String {
    let (strategy, backtest) = (&run.strategy, lang.say("backtest", "回测"));
    let title = match (&strategy.title.chinese, lang) {
        (Some(chinese), Lang::Chinese) => chinese,
        _ => &strategy.title.english,
    };
    format!("{title} {}, {backtest} {}", strategy.version, run.id)
}

fn verdict(run: &Run, lang: Lang) -> String {
    let (strategy, summary) = (&run.strategy, &run.summary);
    // Whoever reads only this line must not miss that the rest is worthless.
    let doubt = doubt(run, lang).map(|doubt| format!("{doubt}{}", lang.colon())).unwrap_or_default();
    let name = format!("{doubt}{} {}", strategy.name, strategy.version);
    if let Some(found) = &run.simulation {
        return format!("{name}{}{}", lang.colon(), simulation::verdict(run, found, lang));
    }
    if let Some(found) = &run.off_policy {
        return format!("{name}{}{}", lang.colon(), off_policy::verdict(run, found, lang));
    }
    let customers = lang.count(summary.customers, "customer", "位客户");
    let contacted = summary.treated.contacted;
    if contacted == 0 {
        let mode = mode_name(&summary.mode, lang);
        return lang.say(
            format!("{name}: would have contacted none of {customers} ({mode})"),
            format!("{name}：若实际执行，{customers}中不会触达任何人（{mode}）"),
        );
    }
    let contacted = group(contacted);
    let contacts = lang.count(contacts(run), "time", "次");
    let claim = claim(&summary.mode, lang);
    lang.say(
        format!("{name}: would have contacted {contacted} of {customers} {contacts}; {claim}"),
        format!("{name}：若实际执行，将触达 {customers}中的 {contacted} 位，共 {contacts}；{claim}"),
    )
}

/// What a strategist and a treasurer ask first.
fn headline(run: &Run, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let (Some(conversion), Some(share)) = (run.summary.treated.conversion, run.summary.break_even_share)
    else {
        return;
    };
    let cost = worst_case_cost(run);
    let what = match run.summary.mode == OBSERVATIONAL {
        true => lang.say("natural return of those contacted", "触达客户的自然回流率"),
        false => lang.say("conversion of those contacted", "触达客户的转化率"),
    };
    let interval = interval(&conversion);
    let share = if share > 1.0 { lang.say("out of reach", "无法达到").into() } else { percent(share) };
    out.headline([
        (lang.say("contacts", "触达次数").to_owned(), group(contacts(run))),
        (
            lang.say(format!("{what} (95 %: {interval})"), format!("{what}（95 %：{interval}）")),
            percent(conversion.value),
        ),
        (
            lang.say("cost at worst", "最坏情况的成本").into(),
            format!("{} {}", Amounts::new(currency, [cost]).show(cost), currency.code),
        ),
        (
            lang.say("share of attributed GMV that must be caused", "归因 GMV 中须真正由触达带来的比例")
                .into(),
            share,
        ),
    ]);
}

fn money(run: &Run, out: &mut Document) {
    let (summary, currency, lang) = (&run.summary, &run.data.currency, out.lang);
    let show = |amount| format!("{} {}", currency.format(amount), currency.code);
    let (spent, offers) = (show(summary.contact_cost), show(summary.offer_exposure));
    let contacts = lang.count(contacts(run), "contact", "次触达");
    let (margin, attributed) = (ppm(summary.margin_ppm), show(summary.treated.attributed_gmv));
    let orders = lang.count(summary.treated.attributed_orders, "order", "笔订单");
    let roi = match summary.roi_if_all_caused.map(percent) {
        Some(roi) => lang.say(
            format!("if all attributed GMV had been caused: {roi} (not causal, worst-case cost)"),
            format!("若归因 GMV 全部由触达带来：{roi}（非因果，按最坏情况的成本）"),
        ),
        None => lang.say("none: nothing is spent", "无：没有支出").into(),
    };
    out.heading(lang.say("Cost and return", "成本与回报"));
    out.facts([
        (
            lang.say("contacts", "触达"),
            lang.say(format!("{spent} for {contacts}"), format!("{contacts}，{spent}")),
        ),
        (
            lang.say("offers", "优惠"),
            lang.say(
                format!("{offers} at most, if every one is redeemed"),
                format!("最多 {offers}，全部核销时"),
            ),
        ),
        (lang.say("worst case", "最坏情况"), show(worst_case_cost(run))),
        (
            lang.say("margin", "毛利率"),
            lang.say(
                format!("{margin} of order value: declared, not measured"),
                format!("订单金额的 {margin}：为声明值，并非实测"),
            ),
        ),
        (
            lang.say("attributed GMV", "归因 GMV"),
            lang.say(
                format!("{attributed} in {orders} (not causal)"),
                format!("{attributed}，{orders}（非因果）"),
            ),
        ),
        ("ROI", roi),
        (lang.say("break-even", "盈亏平衡"), break_even(run, lang)),
    ]);
}

fn break_even(run: &Run, lang: Lang) -> String {
    match run.summary.break_even_share {
        Some(share) if share > 1.0 => {
            let covered = percent(1.0 / share);
            lang.say(
                format!(
                    "out of reach: the margin on all attributed GMV covers {covered} of the worst-case cost"
                ),
                format!("无法达到：全部归因 GMV 的毛利只够最坏情况成本的 {covered}"),
            )
        }
        Some(share) => {
            let share = percent(share);
            lang.say(
                format!("{share} of attributed GMV must be caused"),
                format!("归因 GMV 的 {share} 须真正由触达带来"),
            )
        }
        None if worst_case_cost(run) > 0 => lang
            .say("out of reach: no attributed GMV, or no margin", "无法达到：没有归因 GMV，或没有毛利")
            .into(),
        None => lang.say("nothing has to be earned back", "没有需要赚回的成本").into(),
    }
}

/// Warnings and errors that the strategy logged.
fn log(run: &Run, out: &mut Document) {
    const SHOWN: usize = 5;
    let lang = out.lang;
    let lines: Vec<_> = run.log.iter().filter(|line| matches!(&*line.level, "warn" | "error")).collect();
    if lines.is_empty() {
        return;
    }
    let level = |level: &str| match level {
        "warn" => lang.say("warn", "警告"),
        _ => lang.say("error", "错误"),
    };
    let line = |line: &&LoggedLine| format!("{}{}{}", level(&line.level), lang.colon(), line.message);
    let mut details: Vec<_> = lines.iter().take(SHOWN).map(line).collect();
    if lines.len() > SHOWN {
        let more = lines.len() - SHOWN;
        details.push(lang.say(format!("and {more} more"), format!("另有 {more} 条")));
    }
    out.alert(Tone::Warning, lang.say("the strategy logged", "策略的日志"), details);
}

fn receipt(run: &Run, digests: Digests, lang: Lang) -> Vec<(&'static str, String)> {
    let receipt = &run.receipt;
    let (id, at) = (&run.id, &run.recorded_at);
    let mut facts = vec![
        (lang.say("engine", "引擎"), receipt.engine.clone()),
        (lang.say("run", "回测"), lang.say(format!("{id}, recorded {at}"), format!("{id}，记录于 {at}"))),
    ];
    // On a log nothing is decided.
    if run.off_policy.is_none() {
        let (decisions, digest) = (group(receipt.decisions), digests.show(&receipt.decisions_digest));
        let of = if run.simulation.is_some() {
            lang.say(" in the first world", "（第一个世界）")
        } else {
            ""
        };
        let text =
            lang.say(format!("{decisions}{of}, digest {digest}"), format!("{decisions}{of}，摘要 {digest}"));
        facts.insert(0, (lang.say("decisions", "决策"), text));
    }
    if run.is_replay() {
        let command = format!("stratagem library rerun {id} {}.wasm --store STORE", run.strategy.name);
        facts.push((lang.say("again", "重跑"), command));
    }
    if digests == Digests::Full {
        facts.push((lang.say("component", "组件"), run.strategy.digest.clone()));
        facts.push((lang.say("fingerprint", "指纹"), run.data.fingerprint.clone()));
    }
    facts
}
