//! What follows from declared effects: everything here is assumed, and says so.

use stratagem_model::PPM;
use stratagem_model::money::{Money, group};
use stratagem_record::Run;
use stratagem_record::simulation::{ActionEffect, BreakEven, OverWorlds, Quantiles, Simulation};

use crate::Lang;
use crate::chart::{
    Axis, Band, Change, Chart, HeatMap, Interval, Line, Plot, Point, Step, Unit, Waterfall, day,
};
use crate::document::{Document, Tone};
use crate::numbers::{NONE, decimals, percent, ppm, signed};
use crate::repurchase::{self, TimeUnit};
use crate::table::{Table, numbers, words};

/// The profit's mean, and what 95 % of the worlds lie between.
pub(super) fn profit(run: &Run, simulation: &OverWorlds) -> String {
    let amount = |value: f64| signed(&run.data.currency, value);
    let Quantiles { mean, low, high, .. } = simulation.profit;
    format!("{} {} ({} … {})", amount(mean), run.data.currency.code, amount(low), amount(high))
}

/// The first line: what was assumed, and what comes of it.
pub(super) fn verdict(run: &Run, simulation: &Simulation, lang: Lang) -> String {
    let currency = &run.data.currency;
    let profit = &simulation.over_worlds.profit;
    let worlds = lang.count(simulation.over_worlds.worlds.len() as u64, "simulated world", "个模拟世界");
    let amount = |value: f64| format!("{} {}", signed(currency, value), currency.code);
    let (mean, low, high) = (amount(profit.mean), amount(profit.low), amount(profit.high));
    lang.say(
        format!("assumed profit {mean} (95 % of {worlds}: {low} to {high}); effects are declared, not measured (simulation)"),
        format!("假定利润 {mean}（{worlds}中 95 % 介于 {low} 与 {high}）；效果为事先声明，并非测得（模拟）"),
    )
}

pub(super) fn sections(run: &Run, of: &Simulation, out: &mut Document) {
    let (lane, simulation) = (&of.lanes.sole().outcome, &of.over_worlds);
    if simulation.losing > 0.5 {
        let losing = percent(simulation.losing);
        let text = out.lang.say(
            format!("{losing} of the worlds lose money under the declared effects"),
            format!("在所声明的效果下，{losing} 的世界亏损"),
        );
        out.alert(Tone::Warning, text, vec![]);
    }
    out.note(out.lang.say(
        "Futures without any action are drawn from repurchase models fitted on the history before the cut; contacts then \
         cause orders at the declared rates. Read it for how large an effect must be to pay, not for how large it is.",
        "先用截止日之前的历史拟合复购模型，抽取无任何触达的未来；再按声明的比率让触达带来订单。应当从中读出效果多大才能回本，而不是效果有多大。",
    ));
    effects(&lane.effects, simulation.break_even, out);
    outcome(run, simulation, out);
    waterfall(run, of.margin_ppm, simulation, out);
    curve(run, simulation, out);
    grid(simulation, out);
    let held_ppm = PPM - of.gates.global_holdout.neither_ppm(&lane.gates.holdout);
    holdout(held_ppm, simulation, out);
    models(run, simulation, out);
}

fn effects(effects: &[ActionEffect], break_even: BreakEven, out: &mut Document) {
    let lang = out.lang;
    out.heading(lang.say("Declared effects and break-even", "声明的效果与盈亏平衡"));
    let mut table = Table::new(vec![
        words(lang.say("action", "动作")),
        numbers(lang.say("declared from", "声明下限")),
        numbers(lang.say("to", "上限")),
        numbers(lang.say("break-even", "盈亏平衡")),
    ]);
    for effect in effects {
        // Of an action that is declared to do nothing none was tried.
        let never = || if effect.high > 0.0 { lang.say("not reached", "未达到") } else { NONE }.to_owned();
        table.row([
            effect.action.clone(),
            percent(effect.low),
            percent(effect.high),
            effect.break_even.map_or_else(never, percent),
        ]);
    }
    out.table(table);
    let text = match break_even {
        BreakEven::At(strength) => lang.say(
            format!("Profit begins at {} times the highest declared effects.", decimals(strength, 2)),
            format!("当效果达到声明上限的 {} 倍时开始盈利。", decimals(strength, 2)),
        ),
        BreakEven::Above(most) => lang.say(
            format!("No profit even at {most} times the highest declared effects."),
            format!("即使效果达到声明上限的 {most} 倍也不盈利。"),
        ),
        BreakEven::Always => lang.say("Nothing has to be earned back.", "没有需要收回的成本。").into(),
    };
    out.note(text);
    out.note(lang.say(
        "An effect is the share of contacts that cause one order more, at any time of the attribution window, worth what \
         this customer's orders are worth.",
        "效果指带来一笔额外订单的触达占比：订单可能在归因窗口内任何时刻发生，金额按该客户自身的消费水平抽取。",
    ));
}

fn outcome(run: &Run, simulation: &OverWorlds, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let title = lang.count(simulation.worlds.len() as u64, "world", "个世界");
    out.heading(lang.say(format!("Over {title}"), format!("{title}的结果")));
    let mut table = Table::new(vec![
        words(""),
        numbers(lang.say("mean", "均值")),
        numbers("2.5 %"),
        numbers(lang.say("median", "中位数")),
        numbers("97.5 %"),
    ]);
    let count = |value: f64| group(value.round().max(0.0) as u64);
    let change = |value: f64| signed(currency, value);
    let money = |value: f64| currency.format(value.round() as Money);
    let mut row = |name: &str, of: &Quantiles, show: &dyn Fn(f64) -> String| {
        table.row([name.to_owned(), show(of.mean), show(of.low), show(of.median), show(of.high)]);
    };
    row(lang.say("contacts", "触达次数"), &simulation.contacts, &count);
    row(lang.say("orders caused", "增量订单"), &simulation.caused_orders, &count);
    row(lang.say("incremental GMV", "增量 GMV"), &simulation.caused_gmv, &money);
    row(lang.say("attributed GMV (not causal)", "归因 GMV（非因果）"), &simulation.attributed_gmv, &money);
    row(lang.say("coupons redeemed", "核销券数"), &simulation.redemptions, &count);
    row(lang.say("of these cannibalised", "其中自然订单核销"), &simulation.cannibalised, &count);
    row(lang.say("contact cost", "触达成本"), &simulation.contact_cost, &money);
    row(lang.say("coupons redeemed, face value", "核销面值"), &simulation.redeemed, &money);
    row(lang.say("profit", "利润"), &simulation.profit, &change);
    row(lang.say("deepest drawdown", "最大回撤"), &simulation.drawdown, &money);
    if let Some(roi) = &simulation.roi {
        row("ROI", roi, &|value| percent(value));
    }
    out.table(table);
    out.facts([
        (lang.say("worlds that lose", "亏损世界占比"), percent(simulation.losing)),
        (
            lang.say("redemption", "核销假设"),
            lang.say(
                format!(
                    "{} of orders that come by themselves and could redeem a coupon do",
                    percent(simulation.redemption)
                ),
                format!("自然订单中可核销者有 {} 会核销", percent(simulation.redemption)),
            ),
        ),
    ]);
}

fn waterfall(run: &Run, margin_ppm: u32, simulation: &OverWorlds, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let margin = f64::from(margin_ppm) / f64::from(PPM);
    let major = |minor: f64| minor / f64::from(10_u32.pow(currency.digits));
    let cannibalised = match simulation.redemptions.mean {
        redemptions if redemptions > 0.0 => {
            simulation.redeemed.mean * simulation.cannibalised.mean / redemptions
        }
        _ => 0.0,
    };
    let by = |label: String, minor: f64| Step { label, change: Change::By(major(minor)) };
    let of = ppm(margin_ppm);
    let natural = simulation.attributed_gmv.mean - simulation.caused_gmv.mean;
    let steps = vec![
        by(
            lang.say(format!("margin of {of} on attributed GMV"), format!("归因 GMV 的毛利（{of}）")),
            simulation.attributed_gmv.mean * margin,
        ),
        by(lang.say("natural return", "自然回流").into(), -natural * margin),
        by(lang.say("cannibalised coupons", "自然订单核销的券").into(), -cannibalised),
        by(
            lang.say("coupons of caused orders", "增量订单核销的券").into(),
            cannibalised - simulation.redeemed.mean,
        ),
        by(lang.say("contact cost", "触达成本").into(), -simulation.contact_cost.mean),
        Step { label: lang.say("profit", "利润").into(), change: Change::Total },
    ];
    out.chart(Chart {
        title: lang.say("From attributed value to profit", "从归因价值到利润").into(),
        caption: lang
            .say(
                "Means over all worlds. Most of what is attributed would have come by itself: only what is left after \
                 natural return was caused.",
                "各世界的均值。归因价值的大部分本来就会发生：扣除自然回流后剩下的才是增量。",
            )
            .into(),
        plot: Plot::Waterfall(Waterfall {
            y: Axis::new(lang.say("amount", "金额"), Unit::Amount(currency.code.clone())),
            steps,
        }),
    });
}

fn curve(run: &Run, simulation: &OverWorlds, out: &mut Document) {
    let (lang, currency) = (out.lang, &run.data.currency);
    let major = |minor: f64| minor / f64::from(10_u32.pow(currency.digits));
    let points = simulation.curve.iter().map(|point| Point {
        x: day(&point.until),
        value: major(point.profit.median),
        interval: Some(Interval { low: major(point.profit.low), high: major(point.profit.high) }),
    });
    let name = lang.say("median profit", "利润中位数").into();
    out.chart(Chart {
        title: lang.say("Cumulative incremental profit", "累计增量利润").into(),
        caption: lang
            .say(
                "Margin on what was caused, less contacts and redeemed coupons. The band holds 95 % of the worlds; below it, \
                 how far the median has fallen from its highest point.",
                "增量毛利减去触达与核销成本。阴影含 95 % 的世界；下方为中位数自最高点的回撤。",
            )
            .into(),
        plot: Plot::Band(Band {
            x: Axis::new(lang.say("until", "截至"), Unit::Day),
            y: Axis::new(lang.say("profit so far", "累计利润"), Unit::Amount(currency.code.clone())),
            interval: lang.say("95 % of worlds", "95 % 的世界").into(),
            lines: vec![Line { name, points: points.collect() }],
            has_drawdown: true,
        }),
    });
}

fn grid(simulation: &OverWorlds, out: &mut Document) {
    let (lang, grid) = (out.lang, &simulation.grid);
    out.chart(Chart {
        title: lang.say("ROI by effect and discount", "效果 × 优惠力度的 ROI").into(),
        caption: lang.say(
            format!(
                "Rows: multiples of the highest declared effects; columns: multiples of the face values, with the same \
                 effect. Means over {} worlds a row.",
                grid.worlds
            ),
            format!("行：声明效果上限的倍数；列：面值的倍数（效果不变）。每行为 {} 个世界的均值。", grid.worlds),
        ),
        plot: Plot::HeatMap(HeatMap {
            x: Axis::new(lang.say("face value, multiples", "面值倍数"), Unit::Number(2)),
            y: Axis::new(lang.say("effect, multiples", "效果倍数"), Unit::Number(2)),
            value: Axis::new("ROI", Unit::Share),
            columns: grid.discounts.clone(),
            rows: grid.strengths.clone(),
            values: grid.roi.clone(),
            break_even: 0.0,
        }),
    });
}

fn holdout(held_ppm: u32, simulation: &OverWorlds, out: &mut Document) {
    let lang = out.lang;
    let (Some(covers), Some(detects)) = (simulation.holdout_covers, simulation.holdout_detects) else {
        return;
    };
    let held = ppm(held_ppm);
    out.heading(lang.say("Would a holdout see it?", "对照组能否测得？"));
    out.note(lang.say(
        format!(
            "With {held} held out, the 95 % interval of incremental GMV leaves out zero in {} of the worlds, and holds the \
             truth in {}.",
            percent(detects),
            percent(covers)
        ),
        format!(
            "在留出 {held} 作对照的情况下，增量 GMV 的 95 % 置信区间在 {} 的世界中不含零，在 {} 的世界中包含真值。",
            percent(detects),
            percent(covers)
        ),
    ));
}

fn models(run: &Run, simulation: &OverWorlds, out: &mut Document) {
    let lang = out.lang;
    let fitted = &simulation.fitted;
    out.heading(lang.say("Models of the futures", "未来所依据的模型"));
    let mut table = Table::new(vec![
        words(lang.say("model", "模型")),
        words(lang.say("parameter", "参数")),
        numbers(lang.say("estimate", "估计")),
        numbers(lang.say("standard error", "标准误")),
    ]);
    let parameters = fitted.repurchase.parameters.iter().map(|p| (fitted.repurchase.model.kind().name(), p));
    for (model, parameter) in parameters.chain(fitted.spend.parameters.iter().map(|p| ("Gamma-Gamma", p))) {
        table.row([
            model.to_owned(),
            parameter.name.clone(),
            decimals(parameter.estimate.value, 4),
            decimals(parameter.estimate.standard_error, 4),
        ]);
    }
    out.table(table);
    let customers = lang.count(fitted.repurchase.customers, "customer", "位客户");
    out.note(lang.say(
        format!(
            "Fitted on {customers} before {}, in days and minor units. Customers who come later, other events than orders, and \
             orders that are only brought forward are not simulated.",
            run.period.from
        ),
        format!(
            "以 {} 之前的 {customers}拟合，单位为天与最小货币单位。不模拟之后新来的客户、订单以外的事件以及仅被提前的订单。",
            run.period.from
        ),
    ));
    if let Some(tried) = &fitted.tried {
        out.note(lang.say(
            format!(
                "Tried on what is known: the same model, fitted until {}, of the days from then to {}.",
                tried.until, tried.end
            ),
            format!(
                "以已知数据检验：同一模型仅以截至 {} 的数据拟合，预测其后至 {}。",
                tried.until, tried.end
            ),
        ));
        repurchase::foretold(&tried.holdout, out);
        let until = Some(tried.until.as_str());
        repurchase::tracking(&tried.from, until, TimeUnit::Days, &tried.tracking, out);
    }
}
