//! Effects of randomised arms, policies on logs, and what a sample can show.

use serde::Serialize;
use stratagem_measure::Estimate;
use stratagem_measure::effects::{
    ArmSizes, Cuped, Detectable, Effect, FiellerInterval, Outcome, SampleRatio,
};
use stratagem_measure::off_policy::Evaluation;
use stratagem_model::money::group;

use crate::Lang;
use crate::backtest::{Rewards, earned, evaluation_sections};
use crate::chart::{self, Axis, Chart, Forest, Interval, Plot, Unit};
use crate::document::Document;
use crate::numbers::{decimals, percent, percent_bare, points, short};
use crate::table::{Table, numbers, words};

/// A policy evaluated on a log of its own, without a store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LogEvaluation {
    pub log: String,
    pub fingerprint: String,
    pub policy: String,
    pub reward: String,
    pub evaluation: Evaluation,
}

pub(crate) fn evaluation(found: &LogEvaluation, lang: Lang) -> Document {
    let rewards = Rewards::of_column(&found.reward, lang);
    let earned = earned(&found.evaluation, &rewards, lang);
    let truth = lang.say("; true if the logged propensities are", "；前提是日志中的倾向概率属实");
    let mut out = Document::of(lang, format!("{}{}{earned}{truth}", found.policy, lang.colon()));
    let digest = short(&found.fingerprint);
    out.facts([(lang.say("log", "日志"), format!("{}{}{digest}", found.log, lang.say(", ", "，")))]);
    evaluation_sections(&found.evaluation, &rewards, &mut out);
    out
}

/// How several comparisons were corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correction {
    Holm,
    MaxT,
}

/// An arm compared with the control.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ArmEffect {
    pub arm: String,
    pub mean: f64,
    /// Arm less control: Newcombe's interval of a proportion, else Welch's; simultaneous with max-T.
    pub difference: Estimate,
    /// Of the difference of means.
    pub standard_error: f64,
    pub p_value: f64,
    pub adjusted_p_value: Option<f64>,
    /// BCa.
    pub bootstrap: Option<Estimate>,
    pub cuped: Option<Cuped>,
    /// Relative to the control, by the delta method, and by Fieller.
    pub relative: Option<Estimate>,
    pub fieller: Option<FiellerInterval>,
    /// Valid however often one looks.
    pub sequential: Option<Estimate>,
}

/// One outcome over all arms.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OutcomeEffects {
    pub outcome: String,
    pub is_proportion: bool,
    pub control_mean: f64,
    pub effects: Vec<ArmEffect>,
    pub correction: Option<Correction>,
}

/// A randomised test.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Effects {
    pub file: String,
    pub fingerprint: String,
    /// With their customers, the control first.
    pub arms: Vec<(String, u64)>,
    pub sample_ratio: SampleRatio,
    pub confidence: f64,
    pub draws: usize,
    pub seed: u64,
    pub outcomes: Vec<OutcomeEffects>,
}

impl OutcomeEffects {
    /// A mean: shares in per cent.
    fn mean(&self, value: f64) -> String {
        if self.is_proportion { percent(value) } else { decimals(value, 4) }
    }

    /// A difference of means: of shares in percentage points.
    fn difference(&self, value: f64, lang: Lang) -> String {
        if self.is_proportion { points(value, lang) } else { decimals(value, 4) }
    }

    fn interval(&self, estimate: &Estimate, lang: Lang) -> String {
        let low = if self.is_proportion { percent_bare(estimate.low) } else { decimals(estimate.low, 4) };
        format!("{low} … {}", self.difference(estimate.high, lang))
    }
}

/// What the first outcome's best arm did.
fn verdict(found: &Effects, lang: Lang) -> String {
    let outcome = &found.outcomes[0];
    let best = outcome.effects.iter().max_by(|a, b| a.difference.value.total_cmp(&b.difference.value));
    let Some(best) = best else { return String::new() };
    let estimate = &best.difference;
    let interval = outcome.interval(estimate, lang);
    let (arm, control, name) = (&best.arm, &found.arms[0].0, &outcome.outcome);
    let value = outcome.difference(estimate.value, lang);
    let value = if estimate.value > 0.0 { format!("+{value}") } else { value };
    let apart = estimate.excludes(0.0);
    let so = match lang {
        Lang::English if apart => "caused, if the arms were drawn",
        Lang::English => "may be chance",
        Lang::Chinese if apart => "若分组为随机抽取，则为因果",
        Lang::Chinese => "可能只是偶然",
    };
    let (per, each) = if outcome.is_proportion { ("", "") } else { (" a customer", "人均 ") };
    lang.say(
        format!("{arm} less {control}: {value} ({interval}) of {name}{per}; {so}"),
        format!("{arm} 减 {control}：{each}{name} {value}（{interval}）；{so}"),
    )
}

pub(crate) fn effects(found: &Effects, lang: Lang) -> Document {
    let mut out = Document::of(lang, verdict(found, lang));
    let arms = found.arms.iter().map(|(name, size)| format!("{name} {}", group(*size))).collect::<Vec<_>>();
    out.facts([
        (lang.say("arms", "分组"), arms.join(lang.say(", ", "、"))),
        (
            lang.say("sample ratio", "样本比例"),
            lang.say(
                format!("as drawn (p = {})", decimals(found.sample_ratio.p_value, 3)),
                format!("与抽取比例相符（p = {}）", decimals(found.sample_ratio.p_value, 3)),
            ),
        ),
        (lang.say("confidence", "置信水平"), percent(found.confidence)),
    ]);
    for outcome in &found.outcomes {
        one_outcome(found, outcome, &mut out);
    }
    out
}

fn one_outcome(found: &Effects, outcome: &OutcomeEffects, out: &mut Document) {
    let lang = out.lang;
    out.heading(outcome.outcome.clone());
    out.facts([(lang.say("control", "对照组"), outcome.mean(outcome.control_mean))]);
    let mut table = Table::new(vec![
        words(lang.say("arm", "分组")),
        numbers(lang.say("mean", "均值")),
        numbers(lang.say("difference", "差")),
        numbers(lang.say("interval", "区间")),
        numbers("p"),
        numbers(lang.say("p, corrected", "校正 p")),
    ]);
    for effect in &outcome.effects {
        let p = |p: f64| if p < 0.0001 { "<0.0001".to_owned() } else { decimals(p, 4) };
        table.row([
            effect.arm.clone(),
            outcome.mean(effect.mean),
            outcome.difference(effect.difference.value, lang),
            outcome.interval(&effect.difference, lang),
            p(effect.p_value),
            effect.adjusted_p_value.map_or_else(String::new, p),
        ]);
    }
    out.table(table);
    out.table(other_methods(found, outcome, lang));
    match outcome.correction {
        Some(Correction::Holm) => out.note(lang.say(
            "p-values are corrected for the number of arms by Holm; intervals are each for itself.",
            "p 值按 Holm 法对多组校正；区间为各自的区间。",
        )),
        Some(Correction::MaxT) => out.note(lang.say(
            "Corrected p-values and the first table's intervals of the difference hold for all arms together (Westfall \
             and Young's max-T); all other intervals are each for itself.",
            "校正 p 值与第一张表中差的区间对所有组同时成立（Westfall–Young max-T）；其余区间为各自的区间。",
        )),
        None => {}
    }
    forest(outcome, out);
}

/// The difference once more, relative to the control and by other methods.
fn other_methods(found: &Effects, outcome: &OutcomeEffects, lang: Lang) -> Table {
    let mut table = Table::new(vec![
        words(lang.say("arm", "分组")),
        words(lang.say("method", "方法")),
        numbers(lang.say("difference", "差")),
        numbers(lang.say("interval", "区间")),
    ]);
    for effect in &outcome.effects {
        if let Some(lift) = effect.relative {
            let name = lang.say("relative lift, Fieller", "相对提升，Fieller").to_owned();
            table.row([effect.arm.clone(), name, percent(lift.value), fieller(effect.fieller)]);
        }
        let draws = group(found.draws as u64);
        let bca = lang.say(format!("BCa, {draws} draws"), format!("BCa，{draws} 次"));
        for (name, estimate) in [
            (bca, effect.bootstrap),
            (cuped_name(effect, lang), effect.cuped.map(|cuped| cuped.difference)),
            (lang.say("sequential", "序贯").to_owned(), effect.sequential),
        ] {
            let Some(estimate) = estimate else { continue };
            let value = outcome.difference(estimate.value, lang);
            table.row([effect.arm.clone(), name, value, outcome.interval(&estimate, lang)]);
        }
    }
    table
}

fn cuped_name(effect: &ArmEffect, lang: Lang) -> String {
    let narrower = effect.cuped.map_or(0.0, |cuped| cuped.narrower);
    let by = percent(narrower.abs());
    match narrower < 0.0 {
        true => lang.say(format!("CUPED, {by} wider"), format!("CUPED，变宽 {by}")),
        false => lang.say(format!("CUPED, {by} narrower"), format!("CUPED，缩窄 {by}")),
    }
}

fn fieller(interval: Option<FiellerInterval>) -> String {
    match interval {
        None => String::new(),
        Some(FiellerInterval::Bounded(e)) => format!("{} … {}", percent(e.low), percent(e.high)),
        Some(FiellerInterval::Outside { at_most, at_least }) => {
            format!("≤ {} / ≥ {}", percent(at_most), percent(at_least))
        }
        Some(FiellerInterval::Everything) => "-∞ … ∞".into(),
    }
}

fn forest(outcome: &OutcomeEffects, out: &mut Document) {
    let lang = out.lang;
    let (x, scale) = match outcome.is_proportion {
        true => (Axis::new(lang.say("difference, pp", "差（百分点）"), Unit::Number(1)), 100.0),
        false => (Axis::new(lang.say("difference", "差"), Unit::Number(3)), 1.0),
    };
    let rows = outcome.effects.iter().map(|effect| chart::Effect {
        label: effect.arm.clone(),
        count: None,
        value: scale * effect.difference.value,
        interval: Interval { low: scale * effect.difference.low, high: scale * effect.difference.high },
        is_total: false,
    });
    out.picture(Chart {
        title: lang.say(
            format!("{}: arms less control", outcome.outcome),
            format!("{}：各组减对照组", outcome.outcome),
        ),
        caption: lang
            .say(
                "An interval that leaves out zero is a difference that chance hardly explains.",
                "区间不含零，说明差异很难用偶然解释。",
            )
            .into(),
        plot: Plot::Forest(Forest {
            x,
            interval: lang.say("interval", "区间").into(),
            reference: 0.0,
            rows: rows.collect(),
        }),
    });
}

/// What is asked of a sample, and the answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Power {
    pub outcome: Outcome,
    pub effect: Option<Effect>,
    pub confidence: f64,
    /// That was asked for.
    pub power: f64,
    pub answer: PowerAnswer,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerAnswer {
    Required(ArmSizes),
    Detectable(Detectable, ArmSizes),
    Power(f64, ArmSizes),
}

pub(crate) fn power(found: &Power) -> Document {
    let sizes =
        |sizes: &ArmSizes| format!("{} treated and {} controls", group(sizes.treated), group(sizes.control));
    let show = |value: f64| match found.outcome {
        Outcome::Proportion { .. } => points(value, Lang::English),
        Outcome::Mean { .. } => decimals(value, 4),
    };
    let effect = match found.effect {
        Some(Effect::Absolute(value)) => format!("a difference of {}", show(value)),
        Some(Effect::Relative(value)) => format!("a lift of {}", percent(value)),
        None => String::new(),
    };
    let verdict = match &found.answer {
        PowerAnswer::Required(needed) => {
            format!("to see {effect} with probability {} it takes {}", percent(found.power), sizes(needed))
        }
        PowerAnswer::Detectable(least, of) => {
            let relative =
                least.relative.map_or_else(String::new, |lift| format!(", a lift of {}", percent(lift)));
            format!(
                "{} show a difference of {}{relative} with probability {}, and hardly a smaller one",
                sizes(of),
                show(least.absolute),
                percent(found.power)
            )
        }
        PowerAnswer::Power(power, of) => {
            format!("{} show {effect} with probability {}", sizes(of), percent(*power))
        }
    };
    let mut out = Document::of(Lang::English, verdict);
    let baseline = match found.outcome {
        Outcome::Proportion { rate } => format!("{} of controls convert", percent(rate)),
        Outcome::Mean { mean, standard_deviation } => {
            format!("controls have mean {mean}, customers a standard deviation of {standard_deviation}")
        }
    };
    out.facts([("baseline", baseline), ("confidence", format!("{}, two-sided", percent(found.confidence)))]);
    out
}
