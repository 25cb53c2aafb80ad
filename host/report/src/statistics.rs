//! Effects of randomised arms, policies on logs, and what a sample can show.

use serde::Serialize;
use stratagem_measure::Estimate;
use stratagem_measure::effects::{
    ArmSizes, Cuped, Detectable, Effect, FiellerInterval, Outcome, SampleRatio,
};
use stratagem_measure::off_policy::Evaluation;
use stratagem_model::money::group;

use crate::Lang;
use crate::backtest::{Rewards, evaluation_sections};
use crate::chart::{self, Axis, Chart, Forest, Interval, Plot, Unit};
use crate::document::Document;
use crate::numbers::{decimals, percent};
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
    let rewards = Rewards { unit: 1.0, decimals: 6, name: found.reward.clone() };
    let value = found.evaluation.estimated(found.evaluation.preferred);
    let value = value.map_or_else(String::new, |one| {
        let estimate = one.bootstrap.as_ref().unwrap_or(&one.normal);
        let interval = format!("{} … {}", rewards.show(estimate.low), rewards.show(estimate.high));
        format!("{} ({interval}, {})", rewards.show(estimate.value), one.estimator.label())
    });
    let logged = rewards.show(found.evaluation.logged);
    let mut out = Document::of(lang, lang.say(
        format!("{}: would have earned {value} {} a row, against {logged} as logged; true if the logged propensities are", found.policy, found.reward),
        format!("{}：每行{}估计为 {value}，日志实际为 {logged}；前提是日志中的倾向概率属实", found.policy, found.reward),
    ));
    out.facts([(
        lang.say("log", "日志"),
        format!("{}, {}", found.log, &found.fingerprint[..12.min(found.fingerprint.len())]),
    )]);
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

pub(crate) fn effects(found: &Effects, lang: Lang) -> Document {
    let outcome = &found.outcomes[0];
    let best = outcome.effects.iter().max_by(|a, b| a.difference.value.total_cmp(&b.difference.value));
    let verdict = best.map_or_else(String::new, |best| {
        let show = |value: f64| if outcome.is_proportion { percent(value) } else { decimals(value, 4) };
        let interval = format!("{} … {}", show(best.difference.low), show(best.difference.high));
        let (arm, value, control) = (&best.arm, show(best.difference.value), &found.arms[0].0);
        let apart = best.difference.excludes(0.0);
        lang.say(
            format!(
                "{arm} less {control}: {value} ({interval}) {} a customer; {}",
                outcome.outcome,
                if apart { "caused, if the arms were drawn" } else { "may be chance" }
            ),
            format!(
                "{arm} 减 {control}：人均{} {value}（{interval}）；{}",
                outcome.outcome,
                if apart { "若分组为随机抽取，则为因果" } else { "可能只是偶然" }
            ),
        )
    });
    let mut out = Document::of(lang, verdict);
    let arms = found.arms.iter().map(|(name, size)| format!("{name} {}", group(*size))).collect::<Vec<_>>();
    out.facts([
        (lang.say("arms", "分组"), arms.join(", ")),
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
    let show = |value: f64| if outcome.is_proportion { percent(value) } else { decimals(value, 4) };
    let interval = |e: &Estimate| format!("{} … {}", show(e.low), show(e.high));
    out.heading(outcome.outcome.clone());
    out.facts([(lang.say("control", "对照组"), show(outcome.control_mean))]);
    let mut table = Table::new(vec![
        words(lang.say("arm", "分组")),
        numbers(lang.say("mean", "均值")),
        numbers(lang.say("difference", "差")),
        numbers(lang.say("interval", "区间")),
        numbers("p"),
        numbers(lang.say("p, corrected", "校正 p")),
        numbers(lang.say("relative lift", "相对提升")),
        numbers(lang.say("interval", "区间")),
    ]);
    for effect in &outcome.effects {
        let p = |p: f64| if p < 0.0001 { "<0.0001".to_owned() } else { decimals(p, 4) };
        table.row([
            effect.arm.clone(),
            show(effect.mean),
            show(effect.difference.value),
            interval(&effect.difference),
            p(effect.p_value),
            effect.adjusted_p_value.map_or_else(String::new, p),
            effect.relative.map_or_else(String::new, |e| percent(e.value)),
            fieller(effect.fieller),
        ]);
    }
    out.table(table);
    let mut more = Table::new(vec![
        words(lang.say("arm", "分组")),
        words(lang.say("method", "方法")),
        numbers(lang.say("difference", "差")),
        numbers(lang.say("interval", "区间")),
    ]);
    for effect in &outcome.effects {
        let bca = lang.say(format!("BCa, {} draws", found.draws), format!("BCa，{} 次", found.draws));
        for (name, estimate) in [
            (bca, effect.bootstrap),
            (cuped_name(effect, lang), effect.cuped.map(|cuped| cuped.difference)),
            (lang.say("sequential", "序贯").to_owned(), effect.sequential),
        ] {
            let Some(estimate) = estimate else { continue };
            more.row([effect.arm.clone(), name, show(estimate.value), interval(&estimate)]);
        }
    }
    out.table(more);
    match outcome.correction {
        Some(Correction::Holm) => out.note(lang.say(
            "p-values are corrected for the number of arms by Holm; intervals are each for itself.",
            "p 值按 Holm 法对多组校正；区间为各自的区间。",
        )),
        Some(Correction::MaxT) => out.note(lang.say(
            "p-values and intervals hold for all arms together (Westfall and Young's max-T).",
            "p 值与区间对所有组同时成立（Westfall–Young max-T）。",
        )),
        None => {}
    }
    forest(outcome, out);
}

fn cuped_name(effect: &ArmEffect, lang: Lang) -> String {
    let narrower = effect.cuped.map_or(0.0, |cuped| cuped.narrower);
    lang.say(format!("CUPED, {} narrower", percent(narrower)), format!("CUPED，缩窄 {}", percent(narrower)))
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
    let rows = outcome.effects.iter().map(|effect| chart::Effect {
        label: effect.arm.clone(),
        count: None,
        value: effect.difference.value,
        interval: Interval { low: effect.difference.low, high: effect.difference.high },
        is_total: false,
    });
    out.chart(Chart {
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
            x: Axis::new(
                lang.say("difference", "差"),
                if outcome.is_proportion { Unit::Share } else { Unit::Number(3) },
            ),
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
        Outcome::Proportion { .. } => format!("{} points", percent(value)),
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
