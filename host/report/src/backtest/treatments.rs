//! Campaigns that really happened: what they may have caused, and whether that can be known.

use stratagem_measure::observational::{Identification, Method, Observational};
use stratagem_model::money::group;
use stratagem_record::{Concurrent, Run, Treatment};

use super::evidence::covariate_name;
use crate::Lang;
use crate::chart::{self, Axis, Chart, Forest, Interval, Love, Plot, Unit};
use crate::document::Document;
use crate::numbers::{percent, signed};
use crate::table::{Table, numbers, prose, words};

fn identification(found: Identification, lang: Lang) -> &'static str {
    match found {
        Identification::Identified => lang.say("identified", "可识别"),
        Identification::Weak => lang.say("weak", "证据薄弱"),
        Identification::NotIdentified => lang.say("not identified", "不可识别"),
    }
}

fn method(method: Method, lang: Lang) -> &'static str {
    match method {
        Method::OverlapAipw => lang.say("overlap-weighted AIPW", "重叠加权 AIPW"),
        Method::IpwAtt => "IPW (ATT)",
        Method::Matching => lang.say("nearest-neighbour matching", "最近邻匹配"),
        Method::DifferenceInDifferences => lang.say("difference in differences", "双重差分"),
    }
}

pub(super) fn sections(run: &Run, treatments: &[Treatment], out: &mut Document) {
    if treatments.is_empty() {
        return;
    }
    let lang = out.lang;
    out.heading(lang.say("Campaigns in the data", "数据中真实发生的活动"));
    out.note(lang.say(
        "These really happened, but nobody drew who was treated. What they caused is estimated from like customers, and the \
         same estimate is repeated at earlier dates, when nothing happened.",
        "这些活动确实发生过，但对象并非抽签决定。以相似客户估计其效果，并在此前什么也没发生的日期重复同一估计。",
    ));
    table(run, treatments, out);
    out.note(looked_at(treatments, lang));
    surroundings(treatments, out);
    if let Some((treatment, effect)) = treatments.iter().find_map(|t| Some((t, t.effect.as_ref()?))) {
        details(run, treatment, effect, out);
    }
}

fn table(run: &Run, treatments: &[Treatment], out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let mut table = Table::new(vec![
        words(lang.say("campaign", "活动")),
        words(lang.say("date", "日期")),
        prose(lang.say("verdict", "结论")),
        numbers(lang.say("GMV a customer", "人均 GMV")),
        numbers(lang.say("95 % interval", "95 % 置信区间")),
        numbers(lang.say("treated", "参与比较：触达")),
        numbers(lang.say("untreated", "参与比较：未触达")),
        numbers(lang.say("reached", "首日触达")),
        numbers(lang.say("later", "其后触达")),
    ]);
    for treatment in treatments {
        let (value, interval, verdict) = match (&treatment.effect, &treatment.refusal) {
            (Some(effect), _) => {
                let show = |amount| signed(currency, amount);
                let found = identification(effect.verdict.identification, lang);
                let interval = format!("{} … {}", show(effect.effect.low), show(effect.effect.high));
                (show(effect.effect.value), interval, found.to_owned())
            }
            (None, Some((why, _))) => (String::new(), String::new(), why.clone()),
            (None, None) => (String::new(), String::new(), String::new()),
        };
        table.row([
            treatment.campaign.clone(),
            treatment.date.clone(),
            verdict,
            value,
            interval,
            group(treatment.treated),
            group(treatment.untreated),
            group(treatment.reached),
            group(treatment.late),
        ]);
    }
    out.table(table);
}

/// Who is compared, and how many intervals are looked at at once.
fn looked_at(treatments: &[Treatment], lang: Lang) -> String {
    let campaigns = lang.count(treatments.len() as u64, "campaign", "个活动");
    let mut text = lang.say(
        format!(
            "Treated are those reached within the campaign's first day. Those it reached later count as untreated, \
             as they were at the date: that can only hide some of an effect. {campaigns} looked at; the intervals are not corrected for \
             that, and each is wrong once in twenty times by itself."
        ),
        format!(
            "触达组为活动首日触达的客户；其后（归因窗口内）才触达的客户按首日情况计为未触达，这只会掩盖部分效果。\
             共考察 {campaigns}；置信区间未作多重比较校正，每个区间各有二十分之一的概率出错。"
        ),
    );
    for treatment in treatments {
        let (name, drawn) = (&treatment.campaign, treatment.treated + treatment.untreated);
        if drawn < treatment.customers {
            let (drawn, all) = (group(drawn), group(treatment.customers));
            text += &lang.say(
                format!(" Of {name}, {drawn} of {all} customers were drawn to be compared."),
                format!("活动 {name} 从 {all} 位客户中抽取 {drawn} 位作比较。"),
            );
        }
    }
    text
}

/// Most concurrent campaigns that are named.
const NAMED_MAX: usize = 3;

/// What else was sent: within the window, and after the earlier dates.
fn surroundings(treatments: &[Treatment], out: &mut Document) {
    let lang = out.lang;
    let mut table = Table::new(vec![
        words(lang.say("campaign", "活动")),
        numbers(lang.say("earlier dates", "可用的此前日期")),
        numbers(lang.say("dates left out", "排除的日期")),
        numbers(lang.say("treated touched by others", "触达组另受触达")),
        numbers(lang.say("untreated touched by others", "未触达组另受触达")),
        prose(lang.say("other campaigns within the window", "窗口内的其他活动")),
    ]);
    for treatment in treatments {
        let [treated, untreated] = treatment.touched_otherwise.map(percent);
        let dates = match treatment.placebo_dates {
            0 => lang.say("none", "无").to_owned(),
            dates => dates.to_string(),
        };
        let left_out = treatment.placebo_dates_left_out.to_string();
        table.row([treatment.campaign.clone(), dates, left_out, treated, untreated, named(treatment, lang)]);
    }
    out.table(table);
    out.note(lang.say(
        "Earlier dates after which more than 1 % of either arm was touched are left out: something happened there. \
         Where other campaigns reached more than 1 % of either arm within the window, their effect cannot be told from \
         this one's, and the verdict is weak at best.",
        "此前某日期之后若任一组有超过 1 % 的客户受到触达，则排除该日期：那时并非什么也没发生。若窗口内另有活动触达任一组超过 1 % 的客户，\
         其效果与本活动无法区分，结论至多为“证据薄弱”。",
    ));
}

fn named(treatment: &Treatment, lang: Lang) -> String {
    let name = |other: &Concurrent| {
        let name = other.campaign.as_deref().unwrap_or(lang.say("no name", "未命名"));
        let (treated, untreated) = (percent(other.treated), percent(other.untreated));
        lang.say(format!("{name} ({treated}, {untreated})"), format!("{name}（{treated}、{untreated}）"))
    };
    let mut names: Vec<_> = treatment.concurrent.iter().take(NAMED_MAX).map(name).collect();
    if let Some(more) = treatment.concurrent.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        names.push(lang.say(format!("{more} more"), format!("另有 {more} 个")));
    }
    if names.is_empty() { lang.say("none", "无").into() } else { names.join(lang.say(", ", "、")) }
}

fn details(run: &Run, treatment: &Treatment, effect: &Observational, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let name = &treatment.campaign;
    out.heading(lang.say(format!("Campaign {name} in detail"), format!("活动 {name} 详情")));
    let mut reasons = Table::new(vec![
        words(lang.say("finding", "判断")),
        prose(lang.say("because (amounts in minor units)", "依据（金额为最小货币单位）")),
    ]);
    for check in &effect.verdict.checks {
        reasons.row([identification(check.finding, lang).to_owned(), check.reason.clone()]);
    }
    out.table(reasons);
    let major = |minor: f64| minor / f64::from(10_u32.pow(currency.digits));
    let row = |label: String, estimate: &stratagem_measure::Estimate, is_total| chart::Effect {
        label,
        count: None,
        value: major(estimate.value),
        interval: Interval { low: major(estimate.low), high: major(estimate.high) },
        is_total,
    };
    let axis = || {
        let label = lang.say("effect on GMV a customer", "对人均 GMV 的效果");
        Axis::new(label, Unit::Amount(currency.code.clone()))
    };
    let interval = || lang.say("95 % interval", "95 % 置信区间").to_owned();
    let methods = effect.estimates.iter().map(|one| {
        row(method(one.method, lang).to_owned(), &one.estimate, one.method == effect.options.method)
    });
    out.chart(Chart {
        title: lang.say("By method", "各方法的估计").into(),
        caption: lang
            .say(
                "The same campaign by several methods: where they disagree, at least one of their assumptions is wrong.",
                "同一活动的多种估计：若不一致，至少有一种方法的假设不成立。",
            )
            .into(),
        plot: Plot::Forest(Forest { x: axis(), interval: interval(), reference: 0.0, rows: methods.collect() }),
    });
    if let Some(placebo) = &effect.placebo {
        let mut rows = vec![row(treatment.date.clone(), &effect.effect, true)];
        rows.extend(placebo.estimates.iter().map(|fake| row(fake.date.clone(), &fake.estimate, false)));
        out.chart(Chart {
            title: lang.say("At earlier dates, when nothing happened", "在此前什么也没发生的日期").into(),
            caption: lang
                .say(
                    "An honest method finds nothing there. Effects at fake dates are what it would find without any campaign.",
                    "诚实的方法在这些日期不应发现任何效果；若发现，便是没有活动时它也会得出的数值。",
                )
                .into(),
            plot: Plot::Forest(Forest { x: axis(), interval: interval(), reference: 0.0, rows }),
        });
    }
    few_dates(treatment, effect, out);
    balance(effect, out);
}

/// Says so where nothing shows what the method finds by itself.
fn few_dates(treatment: &Treatment, effect: &Observational, out: &mut Document) {
    let (dates, asked) = (treatment.placebo_dates, effect.options.thresholds.placebo_dates_min);
    if dates >= asked {
        return;
    }
    let lang = out.lang;
    let dates = match dates {
        0 => lang.say("none", "无").to_owned(),
        dates => dates.to_string(),
    };
    out.note(lang.say(
        format!(
            "Earlier dates without other touches: {dates}. At least {asked} are needed to see what the method finds where \
             nothing happened."
        ),
        format!("此前没有其他触达的日期：{dates}。至少需要 {asked} 个，才能看出该方法在什么也没发生时会得出什么。"),
    ));
}

fn balance(effect: &Observational, out: &mut Document) {
    let lang = out.lang;
    let rows = effect.balance.iter().map(|covariate| chart::Balance {
        label: covariate_name(&covariate.covariate, lang),
        before: covariate.standardised_difference_before,
        after: covariate.standardised_difference_after,
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        out.chart(Chart {
            title: lang.say("Balance before and after weighting", "加权前后的平衡性").into(),
            caption: lang
                .say(
                    "Standardised mean differences of what was known before the campaign. Beyond 0.1 the customers compared \
                     are not alike.",
                    "活动前已知信息的标准化均值差。超过 0.1 说明所比较的客户并不相似。",
                )
                .into(),
            plot: Plot::Love(Love { rows }),
        });
    }
}
