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

use stratagem_model::money::group;
use stratagem_record::simulation::Simulation;
use stratagem_record::{LoggedLine, Mode, OffPolicy, Receipt, Replay, Run, Summary};

use crate::Lang;
use crate::document::{Document, Tone};
use crate::numbers::{Amounts, Digests, interval, percent, ppm};

pub(crate) use checks::{audit_name, differs_from_zero, doubt, failures_of};
pub(crate) use off_policy::{Rewards, earned, evaluation as evaluation_sections, preferred};
pub(crate) use setting::{cap, consent, tables};

/// What a mode is called where there is little room.
pub(crate) fn short_mode(mode: &Mode) -> &'static str {
    match mode {
        Mode::Replay(_) => "replay",
        Mode::Simulation(_) => "simulation",
        Mode::OffPolicy(_) => "off-policy",
    }
}

/// What a mode is called in tables of values, and where modes are held against each other.
pub(crate) fn mode_word(mode: &Mode) -> &'static str {
    match mode {
        Mode::Replay(_) => "observational-replay",
        Mode::Simulation(_) | Mode::OffPolicy(_) => short_mode(mode),
    }
}

/// What a run of a mode may claim, and what the mode is called.
pub(crate) fn claim(mode: &Mode, lang: Lang) -> &'static str {
    match mode {
        Mode::Replay(_) => lang.say(
            "what they bought is attributed, not caused (observational replay)",
            "其后的购买只是归因，并非因果（观察性回放）",
        ),
        Mode::Simulation(_) => {
            lang.say("effects are declared, not measured (simulation)", "效果为事先声明，并非测得（模拟）")
        }
        Mode::OffPolicy(_) => lang.say(
            "true if the logged propensities are (off-policy evaluation)",
            "前提是日志中的倾向概率属实（离策略评估）",
        ),
    }
}

/// What a run's mode may say of it, in a few words.
pub(crate) fn result(run: &Run, lang: Lang) -> String {
    match &run.mode {
        Mode::Replay(replay) => must_be_caused(&replay.lanes.sole().outcome.summary, lang),
        Mode::Simulation(found) => {
            let profit = simulation::profit(run, &found.over_worlds);
            lang.say(format!("assumed profit {profit}"), format!("假定利润 {profit}"))
        }
        Mode::OffPolicy(found) => {
            let rewards = Rewards::of(run, found.reward, lang);
            let best = preferred(&found.lanes.sole().outcome);
            let estimate = best.bootstrap.as_ref().unwrap_or(&best.normal);
            format!("{} ({})", rewards.say(estimate.value), rewards.interval(estimate))
        }
    }
}

fn must_be_caused(summary: &Summary, lang: Lang) -> String {
    match summary.break_even_share {
        Some(share) if share <= 1.0 => {
            let share = percent(share);
            lang.say(format!("{share} must be caused"), format!("{share} 须真正由触达带来"))
        }
        None if summary.worst_case_cost() == 0 => lang.say("nothing is spent", "没有支出").into(),
        _ => lang.say("cannot pay", "无法回本").into(),
    }
}

pub(crate) fn document(run: &Run, digests: Digests, lang: Lang) -> Document {
    let mut out = Document::of(lang, verdict(run, lang));
    if doubt(run, lang).is_some() {
        out.tone = Tone::Bad;
    }
    match &run.mode {
        Mode::Replay(replay) => replayed(run, replay, &mut out),
        Mode::Simulation(found) => simulated(run, found, &mut out),
        Mode::OffPolicy(found) => evaluated(run, found, &mut out),
    }
    out.heading(lang.say("Receipt", "凭证"));
    out.facts(receipt(run, digests, lang));
    out
}

fn replayed(run: &Run, replay: &Replay, out: &mut Document) {
    let (lang, lane) = (out.lang, &replay.lanes.sole().outcome);
    let summary = &lane.summary;
    checks::alerts(run, replay, out);
    if summary.contacts() > 0 {
        out.note(lang.say(
            "Nobody was contacted: the strategy ran over recorded history. Conversion here is natural return, what \
             these customers did anyway after the moments at which they would have heard from the shop. It is \
             the share that a live campaign has to beat.",
            "没有触达任何人：策略只是在历史数据上运行。这里的转化率就是自然回流，即这些客户在本应收到触达的时刻之后自行做了什么。\
             实际投放必须超过这个比例。",
        ));
    }
    headline(run, summary, out);
    out.facts(setting::facts(run, lang));
    tables::actions(run, summary, out);
    if summary.contacts() > 0 {
        out.note(tables::no_sign(&summary.treated, &summary.control, lang));
    }
    let returned =
        lang.say("Nobody was contacted: orders are natural return.", "没有触达任何人：下单即自然回流。");
    charts::funnel(summary, returned, out);
    tables::arms(run, summary, out);
    checks::arms_line(run, summary, out);
    charts::curve(run, summary, out);
    money(run, replay, out);
    charts::best_case(run, replay, out);
    charts::sensitivity(replay, out);
    tables::classes(run, summary, out);
    tables::stages(run, summary, out);
    charts::cohorts(replay, out);
    if let Some(found) = &lane.evidence {
        evidence::sections(run, summary, found, out);
    }
    treatments::sections(run, replay.treatments.as_deref().unwrap_or_default(), out);
    tables::decisions(summary, out);
    checks::audits(replay, out);
    log(&lane.log, out);
}

fn simulated(run: &Run, found: &Simulation, out: &mut Document) {
    let (lang, lane) = (out.lang, &found.lanes.sole().outcome);
    let first = &lane.first_world;
    checks::failures(&lane.failures, out);
    out.facts(setting::facts(run, lang));
    simulation::sections(run, found, out);
    out.heading(lang.say("The first of the worlds", "第一个世界"));
    out.note(lang.say(
        "One of them in the form of a replay: what was attributed in it, and who was contacted.",
        "以回放的形式展示其中一个世界：触达了谁，归因了多少。",
    ));
    tables::actions(run, first, out);
    let attributed = lang.say("An order is attributed, not caused.", "订单是归因，不是因果。");
    charts::funnel(first, attributed, out);
    tables::decisions(first, out);
    log(&lane.log, out);
}

fn evaluated(run: &Run, found: &OffPolicy, out: &mut Document) {
    out.facts(setting::facts(run, out.lang));
    off_policy::sections(run, found, out);
}

/// What the page of a run is called.
pub(crate) fn title(run: &Run, lang: Lang) -> String {
    let (strategy, backtest) = (run.sole_strategy(), lang.say("backtest", "回测"));
    let title = match (&strategy.title.chinese, lang) {
        (Some(chinese), Lang::Chinese) => chinese,
        _ => &strategy.title.english,
    };
    format!("{title} {}, {backtest} {}", strategy.version, run.id)
}

fn verdict(run: &Run, lang: Lang) -> String {
    let strategy = run.sole_strategy();
    // Whoever reads only this line must not miss that the rest is worthless.
    let doubt = doubt(run, lang).map(|doubt| format!("{doubt}{}", lang.colon())).unwrap_or_default();
    let name = format!("{doubt}{} {}", strategy.name, strategy.version);
    match &run.mode {
        Mode::Replay(replay) => {
            format!("{name}{}{}", lang.colon(), would_have_contacted(run, replay, lang))
        }
        Mode::Simulation(found) => {
            format!("{name}{}{}", lang.colon(), simulation::verdict(run, found, lang))
        }
        Mode::OffPolicy(found) => {
            format!("{name}{}{}", lang.colon(), off_policy::verdict(run, found, lang))
        }
    }
}

fn would_have_contacted(run: &Run, replay: &Replay, lang: Lang) -> String {
    let summary = &replay.lanes.sole().outcome.summary;
    let customers = lang.count(run.data.customers, "customer", "位客户");
    let contacted = summary.treated.contacted;
    if contacted == 0 {
        return lang.say(
            format!("would have contacted none of {customers} (observational replay)"),
            format!("若实际执行，{customers}中不会触达任何人（观察性回放）"),
        );
    }
    let contacted = group(contacted);
    let contacts = lang.count(summary.contacts(), "time", "次");
    let claim = claim(&run.mode, lang);
    lang.say(
        format!("would have contacted {contacted} of {customers} {contacts}; {claim}"),
        format!("若实际执行，将触达 {customers}中的 {contacted} 位，共 {contacts}；{claim}"),
    )
}

/// What a strategist and a treasurer ask first.
fn headline(run: &Run, summary: &Summary, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let (Some(conversion), Some(share)) = (summary.treated.conversion, summary.break_even_share) else {
        return;
    };
    let cost = summary.worst_case_cost();
    let what = lang.say("natural return of those contacted", "触达客户的自然回流率");
    let interval = interval(&conversion);
    let share = if share > 1.0 { lang.say("out of reach", "无法达到").into() } else { percent(share) };
    out.headline([
        (lang.say("contacts", "触达次数").to_owned(), group(summary.contacts())),
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

fn money(run: &Run, replay: &Replay, out: &mut Document) {
    let (currency, lang) = (&run.data.currency, out.lang);
    let summary = &replay.lanes.sole().outcome.summary;
    let show = |amount| format!("{} {}", currency.format(amount), currency.code);
    let (spent, offers) = (show(summary.contact_cost), show(summary.offer_exposure));
    let contacts = lang.count(summary.contacts(), "contact", "次触达");
    let (margin, attributed) = (ppm(replay.margin_ppm), show(summary.treated.attributed_gmv));
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
        (lang.say("worst case", "最坏情况"), show(summary.worst_case_cost())),
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
        (lang.say("break-even", "盈亏平衡"), break_even(summary, lang)),
    ]);
}

fn break_even(summary: &Summary, lang: Lang) -> String {
    match summary.break_even_share {
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
        None if summary.worst_case_cost() > 0 => lang
            .say("out of reach: no attributed GMV, or no margin", "无法达到：没有归因 GMV，或没有毛利")
            .into(),
        None => lang.say("nothing has to be earned back", "没有需要赚回的成本").into(),
    }
}

/// Warnings and errors that the strategy logged.
fn log(lines: &[LoggedLine], out: &mut Document) {
    const SHOWN: usize = 5;
    let lang = out.lang;
    let lines: Vec<_> = lines.iter().filter(|line| matches!(&*line.level, "warn" | "error")).collect();
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
    let (id, at, strategy) = (&run.id, &run.recorded_at, run.sole_strategy());
    let mut facts = vec![];
    match &run.mode {
        Mode::Replay(replay) => facts.push(decided(&replay.receipt, "", digests, lang)),
        Mode::Simulation(found) => {
            let of = lang.say(" in the first world", "（第一个世界）");
            facts.push(decided(&found.receipt, of, digests, lang));
        }
        // On a log nothing is decided.
        Mode::OffPolicy(_) => {}
    }
    facts.extend([
        (lang.say("engine", "引擎"), run.engine().to_owned()),
        (lang.say("run", "回测"), lang.say(format!("{id}, recorded {at}"), format!("{id}，记录于 {at}"))),
    ]);
    if let Mode::Replay(_) = run.mode {
        let command = format!("stratagem library rerun {id} {}.wasm --store STORE", strategy.name);
        facts.push((lang.say("again", "重跑"), command));
    }
    if digests == Digests::Full {
        facts.push((lang.say("component", "组件"), strategy.digest.clone()));
        facts.push((lang.say("fingerprint", "指纹"), run.data.fingerprint.clone()));
    }
    facts
}

fn decided(receipt: &Receipt, of: &str, digests: Digests, lang: Lang) -> (&'static str, String) {
    let (decisions, digest) = (group(receipt.decisions), digests.show(&receipt.decisions_digest));
    let text =
        lang.say(format!("{decisions}{of}, digest {digest}"), format!("{decisions}{of}，摘要 {digest}"));
    (lang.say("decisions", "决策"), text)
}
