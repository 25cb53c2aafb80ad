//! What a run was of: strategy, parameters, period, data and gates.

use stratagem_model::gate::{Cap, ConsentRule};
use stratagem_model::time::parse_day;
use stratagem_record::{Gates, Mode, OwnGates, Run};

use crate::Lang;
use crate::numbers::{ppm, short};

pub(super) fn facts(run: &Run, lang: Lang) -> Vec<(&'static str, String)> {
    let parameters: Vec<_> =
        run.sole_strategy().parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let none = lang.say("none", "无").to_owned();
    let mut facts = vec![
        (lang.say("strategy", "策略"), strategy(run, lang)),
        (lang.say("parameters", "参数"), if parameters.is_empty() { none } else { parameters.join(" ") }),
        (lang.say("period", "期间"), period(run, lang)),
        (lang.say("data", "数据"), data(run, lang)),
        (lang.say("tables", "总表"), tables(run.table_lag_minutes, lang)),
    ];
    let gates = match &run.mode {
        Mode::Replay(replay) => gates(run, &replay.gates, &replay.lanes.sole().outcome.gates, lang),
        Mode::Simulation(found) => gates(run, &found.gates, &found.lanes.sole().outcome.gates, lang),
        // A log is evaluated as it was drawn: nothing is gated any more.
        Mode::OffPolicy(_) => return facts,
    };
    facts.push((lang.say("gates", "门控"), gates));
    facts
}

fn strategy(run: &Run, lang: Lang) -> String {
    let strategy = run.sole_strategy();
    let (title, digest) = (&strategy.title, short(&strategy.digest));
    let chinese = title.chinese.as_ref().map(|chinese| format!(" ({chinese})")).unwrap_or_default();
    lang.say(
        format!("{}{chinese}, component {digest}", title.english),
        format!("{}，组件 {digest}", title.chinese.as_ref().unwrap_or(&title.english)),
    )
}

fn period(run: &Run, lang: Lang) -> String {
    let period = &run.period;
    let days = match (parse_day(&period.from), parse_day(&period.until)) {
        (Some(from), Some(until)) => {
            let days = lang.days(until.abs_diff(from) as u64 + 1);
            lang.say(format!(" ({days})"), format!("（{days}）"))
        }
        _ => String::new(),
    };
    let (from, until, end) = (&period.from, &period.until, &period.data_end);
    let window = lang.days(period.window_days.into());
    let counted = match run.mode {
        Mode::Replay(_) | Mode::Simulation(_) => lang.say(
            format!("orders attributed for {window} after a contact"),
            format!("触达后 {window}内的订单计入归因"),
        ),
        Mode::OffPolicy(_) => lang
            .say(format!("rewards counted for {window} after a row"), format!("每行之后 {window}内计入回报")),
    };
    let end = match run.mode {
        Mode::Replay(_) | Mode::OffPolicy(_) => {
            lang.say(format!("data end {end}"), format!("数据截至 {end}"))
        }
        Mode::Simulation(_) => lang.say(format!("simulated until {end}"), format!("模拟至 {end}")),
    };
    lang.say(
        format!("{from} to {until}{days}, {counted}; {end}"),
        format!("{from} 至 {until}{days}，{counted}；{end}"),
    )
}

fn data(run: &Run, lang: Lang) -> String {
    let data = &run.data;
    let parts = [
        lang.count(data.customers, "customer", "位客户"),
        lang.count(data.orders, "order", "笔订单"),
        data.zone.clone(),
        data.currency.code.clone(),
        format!("{} {}", lang.say("fingerprint", "指纹"), short(&data.fingerprint)),
    ];
    parts.join(lang.say(", ", "，"))
}

/// From when on RFM cuts and other tables of all customers are used.
pub(crate) fn tables(lag_minutes: u32, lang: Lang) -> String {
    let lag = match (lag_minutes / 60, lag_minutes % 60) {
        (0, 0) => return lang.say("used as soon as they are made", "制成后立即启用").into(),
        (hours, 0) => lang.count(hours.into(), "hour", "小时"),
        _ => lang.count(lag_minutes.into(), "minute", "分钟"),
    };
    lang.say(format!("used {lag} after they are made"), format!("制成 {lag}后启用"))
}

fn gates(run: &Run, shared: &Gates, own: &OwnGates, lang: Lang) -> String {
    let currency = &run.data.currency;
    let mut out = holdouts(shared, own, lang);
    out.push(consent(shared.consent, lang).into());
    out.push(cap(own.cap, lang));
    out.push(match shared.budget {
        Some(budget) => {
            format!("{} {} {}", lang.say("budget", "预算"), currency.format(budget), currency.code)
        }
        None => lang.say("no budget", "无预算限制").into(),
    });
    let retry = lang.days(own.retry_days.into());
    out.push(
        lang.say(format!("asked again {retry} after a suppression"), format!("被拦截 {retry}后再次询问")),
    );
    out.push(format!("{} {}", lang.say("seed", "随机种子"), run.seed));
    out.join(lang.say("; ", "；"))
}

fn holdouts(shared: &Gates, own: &OwnGates, lang: Lang) -> Vec<String> {
    let held = [
        (lang.say("global holdout", "全局对照组"), &shared.global_holdout),
        (lang.say("the strategy's own holdout", "策略对照组"), &own.holdout),
    ];
    let held: Vec<_> = held
        .iter()
        .filter(|(_, holdout)| holdout.ppm > 0)
        .map(|(name, holdout)| format!("{name} {}", ppm(holdout.ppm)))
        .collect();
    if held.is_empty() { vec![lang.say("no holdout", "无对照组").into()] } else { held }
}

pub(crate) fn consent(rule: ConsentRule, lang: Lang) -> &'static str {
    match rule {
        ConsentRule::OptOut => lang.say("consent until unsubscribed", "未退订即视为同意"),
        ConsentRule::OptIn => lang.say("consent only if subscribed", "仅订阅者视为同意"),
    }
}

pub(crate) fn cap(cap: Option<Cap>, lang: Lang) -> String {
    let Some(cap) = cap else { return lang.say("no frequency cap", "无频次上限").into() };
    let (contacts, days) = (lang.count(cap.touches.into(), "contact", "次"), lang.days(cap.days.into()));
    lang.say(format!("at most {contacts} in {days}"), format!("{days}内最多触达 {contacts}"))
}
