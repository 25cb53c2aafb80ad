//! Whether a run is to be believed: failures, audits, and what must be chance and is not.

use stratagem_measure::{Estimate, Rate};
use stratagem_model::Reason;
use stratagem_model::money::group;
use stratagem_record::{Audit, FailureCount, Finding, Mode, Replay, Run, Summary};

use crate::Lang;
use crate::document::{Document, Tone};
use crate::numbers::{percent, signed};

/// Why a run is not to be believed as it stands, in two words.
pub(crate) fn doubt(run: &Run, lang: Lang) -> Option<&'static str> {
    if let Mode::Replay(replay) = &run.mode
        && replay.audits.iter().any(|finding| finding.difference.is_some())
    {
        return Some(lang.say("AUDIT FAILED", "审计未通过"));
    }
    (!failures_of(&run.mode).is_empty()).then_some(lang.say("BATCHES FAILED", "批次失败"))
}

/// The failures of a run's lane. On a log a failure ends the run.
pub(crate) fn failures_of(mode: &Mode) -> &[FailureCount] {
    match mode {
        Mode::Replay(replay) => &replay.lanes.sole().outcome.failures,
        Mode::Simulation(found) => &found.lanes.sole().outcome.failures,
        Mode::OffPolicy(_) => &[],
    }
}

/// Says first what makes the rest doubtful.
pub(super) fn alerts(run: &Run, replay: &Replay, out: &mut Document) {
    for finding in &replay.audits {
        if let Some(difference) = &finding.difference {
            out.alert(Tone::Bad, failed_audit(finding.audit, out.lang), vec![difference.clone()]);
        }
    }
    let lane = &replay.lanes.sole().outcome;
    failures(&lane.failures, out);
    if let Some(difference) = lane.summary.arms_difference.filter(differs_from_zero) {
        arms_differ(run, &difference, out);
    }
    actions_differ(&lane.summary, out);
}

fn failed_audit(audit: Audit, lang: Lang) -> &'static str {
    match audit {
        Audit::LookAhead { .. } => lang.say(
            "look-ahead audit: decisions changed when the future was hidden. Do not believe this run",
            "前视审计：隐藏未来数据后，决策发生了变化。不要相信这次回测",
        ),
        Audit::Wake => lang.say(
            "wake audit: decisions changed when every customer was asked at every step. The strategy's wake times \
             are wrong, and it misses customers",
            "唤醒审计：每一步都询问每位客户时，决策发生了变化。策略给出的唤醒时间有误，会漏掉客户",
        ),
    }
}

pub(super) fn failures(failures: &[FailureCount], out: &mut Document) {
    if failures.is_empty() {
        return;
    }
    let lang = out.lang;
    let batches = failures.iter().map(|failure| failure.batches).sum();
    let rows = failures.iter().map(|failure| failure.rows).sum();
    let (all, asked) = (lang.count(batches, "batch", "个批次"), lang.count(rows, "row", "行"));
    let text = lang.say(
        format!(
            "the strategy failed in {all}: {asked} got its declared fallback instead of an answer, so the numbers \
             below are not what it would do when it works"
        ),
        format!("策略在 {all}中失败：{asked}得到的是它声明的兜底动作而非答复，因此下面的数字不代表它正常工作时的表现"),
    );
    let line = |failure: &FailureCount| {
        let counts = [
            reason_name(failure.reason, lang),
            lang.count(failure.batches, "batch", "个批次"),
            lang.count(failure.rows, "row", "行"),
        ];
        format!("{}{}{}", counts.join(lang.say(", ", "，")), lang.colon(), failure.message)
    };
    out.alert(Tone::Bad, text, failures.iter().map(line).collect());
}

pub(crate) fn differs_from_zero(difference: &Estimate) -> bool {
    difference.low > 0.0 || difference.high < 0.0
}

fn arms_differ(run: &Run, difference: &Estimate, out: &mut Document) {
    let code = &run.data.currency.code;
    let money = |amount| signed(&run.data.currency, amount);
    let (estimate, low, high) = (money(difference.value), money(difference.low), money(difference.high));
    let text = out.lang.say(
        format!(
            "A/A check: GMV for each eligible customer differs between treated and control by {estimate} {code} \
             ({low} to {high}), though nothing was done to anyone. Chance does this in 1 of 20 runs. Try another \
             holdout salt: if it stays, the arms are not alike, and an effect measured between them cannot be \
             believed"
        ),
        format!(
            "A/A 检验：没有对任何人做任何事，实验组与对照组的人均 GMV 却相差 {estimate} {code}（{low} 至 {high}）。\
             20 次里会有 1 次是偶然。请换一个对照组盐值再试：如果差异仍在，说明两组并不相似，在它们之间测得的效果不可信"
        ),
    );
    out.alert(Tone::Warning, text, vec![]);
}

/// Contacts that nobody got cannot convert better or worse than those held out.
fn actions_differ(summary: &Summary, out: &mut Document) {
    let apart = |a: &Rate, b: &Rate| a.low > b.high || a.high < b.low;
    let mut details = vec![];
    for action in &summary.actions {
        let (Some(conversion), Some(held)) = (&action.conversion, &action.natural_return_holdout) else {
            continue;
        };
        if apart(conversion, held) {
            let (conversion, held) = (percent(conversion.value), percent(held.value));
            let against = out.lang.say("against", "对比");
            details.push(format!("{}{}{conversion} {against} {held}", action.id, out.lang.colon()));
        }
    }
    if !details.is_empty() {
        let text = out.lang.say(
            "conversion and the holdout's natural return lie apart by more than their intervals, though nothing was \
             done to anyone: the arms are not alike",
            "没有对任何人做任何事，转化率与对照组自然回流率的差距却超出了各自的置信区间：两组并不相似",
        );
        out.alert(Tone::Warning, text, details);
    }
}

/// The line below the arms.
pub(super) fn arms_line(run: &Run, summary: &Summary, out: &mut Document) {
    let lang = out.lang;
    let text = match summary.arms_difference {
        _ if summary.control.eligible == 0 => lang
            .say(
                "A/A check: not possible, nobody was held out. A live run without a holdout measures no effect.",
                "A/A 检验：无法进行，没有设对照组。没有对照组的实际投放测不出任何效果。",
            )
            .into(),
        None => lang
            .say(
                "A/A check: not possible, too few customers in an arm, or none bought.",
                "A/A 检验：无法进行，某一组客户太少，或没有人购买。",
            )
            .into(),
        Some(difference) => arms_difference(run, &difference, lang),
    };
    out.note(text);
}

fn arms_difference(run: &Run, difference: &Estimate, lang: Lang) -> String {
    let code = &run.data.currency.code;
    let money = |amount| signed(&run.data.currency, amount);
    let (estimate, low, high) = (money(difference.value), money(difference.low), money(difference.high));
    let judgement = match differs_from_zero(difference) {
        true => lang.say(
            ". It should be chance in this mode, and looks like more: see the warning above.",
            "。此模式下它应当只是偶然，看起来却不止：见上面的警告。",
        ),
        false => lang.say(": chance, as it must be in this mode.", "：属于偶然，此模式下也必须如此。"),
    };
    lang.say(
        format!(
            "A/A check: ARPU of treated less control is {estimate} {code} (95 %: {low} to {high}){judgement}"
        ),
        format!("A/A 检验：实验组与对照组 ARPU 之差为 {estimate} {code}（95 %：{low} 至 {high}）{judgement}"),
    )
}

pub(crate) fn audit_name(audit: Audit, lang: Lang) -> String {
    match audit {
        Audit::LookAhead { cuts } => {
            let cuts = lang.count(cuts.into(), "cut", "个截断点");
            lang.say(format!("look-ahead ({cuts})"), format!("前视（{cuts}）"))
        }
        Audit::Wake => lang.say("wake times", "唤醒时间").into(),
    }
}

pub(super) fn audits(replay: &Replay, out: &mut Document) {
    let lang = out.lang;
    out.heading(lang.say("Audits", "审计"));
    if replay.audits.is_empty() {
        return out.note(lang.say("None were run.", "未做审计。"));
    }
    let line = |finding: &Finding| {
        let compared = group(finding.compared);
        let text = match &finding.difference {
            None => lang.say(
                format!("passed: {compared} decisions compared, none differs"),
                format!("通过：对比了 {compared} 个决策，全部一致"),
            ),
            Some(difference) => format!("{}{}{difference}", Tone::Bad.word(lang), lang.colon()),
        };
        (audit_name(finding.audit, lang), text)
    };
    out.facts(replay.audits.iter().map(line));
}

/// Proposals that were carried out neither as proposed nor as a fallback.
pub(super) fn is_suppressed(reason: Reason) -> bool {
    !reason.is_sent() && !reason.is_fallback()
}

/// What a reason is called; its hyphens are where it may be broken.
pub(super) fn reason_name(reason: Reason, lang: Lang) -> String {
    let chinese = match reason {
        Reason::Sent => "已发送",
        Reason::NotDrawn => "未抽中",
        Reason::HeldOutGlobally => "全局对照组",
        Reason::HeldOut => "策略对照组",
        Reason::NoConsent => "未同意",
        Reason::FrequencyCap => "频次上限",
        Reason::Budget => "预算",
        Reason::Trapped => "兜底：崩溃",
        Reason::OutOfFuel => "兜底：燃料耗尽",
        Reason::OutOfMemory => "兜底：内存不足",
        Reason::TimedOut => "兜底：超时",
        Reason::Refused => "兜底：拒绝作答",
        Reason::BrokenOutput => "兜底：输出违约",
    };
    lang.say(reason.name(), chinese).into()
}
