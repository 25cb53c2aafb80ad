//! `stratagem effect`: randomised arms compared.

use stratagem_measure::bootstrap::{Bootstrap, Resampler, difference};
use stratagem_measure::effects::{
    PairedSample, cuped, fieller, guard_sample_ratio, holm, max_t, newcombe, relative_lift, sequential,
    welch, welch_p_value,
};
use stratagem_measure::{Refusal, Sample};
use stratagem_model::Zone;
use stratagem_report::{ArmEffect, Correction, Effects, OutcomeEffects};
use stratagem_store::ingest::{ReadAs, TableFile};

use crate::args::{CorrectionArg, EffectArgs};
use crate::exit::Usage;
use crate::output::Output;
use crate::progress;
use crate::values::inside;

pub(crate) fn run(args: &EffectArgs) -> anyhow::Result<()> {
    let output = Output::new(&args.output)?;
    let stop = progress::stop_at_once()?;
    let file = TableFile::open(&args.file, None)?;
    let mut wanted = vec![(args.arm.as_str(), ReadAs::Words)];
    wanted.extend(args.outcome.iter().chain(&args.covariate).map(|name| (name.as_str(), ReadAs::Numbers)));
    let columns = file.read(&wanted, &Zone::utc(), &stop)?;
    let (codes, words) = columns[0].words();
    if let Some(row) = codes.iter().position(|code| words[*code as usize].trim().is_empty()) {
        let message = format!("{}: column `{}` is empty", file.line(row), args.arm);
        return Err(Usage::new(message, "name the arm of every customer, or leave the row out").into());
    }
    let arms = Arms::new(args, codes, words)?;
    let shares = arms.shares(args)?;
    let sizes = arms.sizes();
    let test = guard_sample_ratio(&sizes, &shares).map_err(|refusal| {
        let each: Vec<_> = arms.names.iter().zip(&sizes).map(|(arm, size)| format!("{arm} {size}")).collect();
        anyhow::Error::from(refusal).context(format!("the arms cannot be compared: {}", each.join(", ")))
    })?;
    let confidence = inside(&args.confidence, "--confidence")?;
    check(args)?;
    let covariate = args.covariate.as_ref().map(|_| columns.last().expect("it was asked for last").numbers());
    let outcomes = args
        .outcome
        .iter()
        .zip(&columns[1..])
        .map(|(name, column)| arms.compare(args, name, column.numbers(), covariate, confidence));
    let found = Effects {
        file: file.name().to_owned(),
        fingerprint: file.fingerprint()?,
        arms: arms.names.clone().into_iter().zip(sizes).collect(),
        sample_ratio: test,
        confidence,
        draws: args.draws,
        seed: args.seed,
        outcomes: outcomes.collect::<Result<_, Refusal>>()?,
    };
    output.give(
        |is_html, lang| stratagem_report::effects_page(&found, lang, is_html),
        |format, style, lang| stratagem_report::effects(&found, format, style, lang),
    )
}

/// What no data is to blame for.
fn check(args: &EffectArgs) -> anyhow::Result<()> {
    if args.draws == 1 {
        return Err(Usage::new("`--draws 1` is no bootstrap", "use 0 for none, or some thousands").into());
    }
    if let Some(customers) = args.sequential.filter(|customers| !(*customers > 0.0 && customers.is_finite()))
    {
        let message = format!("`--sequential {customers}` is no number of customers");
        return Err(Usage::new(message, "write the number around which intervals are to be tightest").into());
    }
    Ok(())
}

/// The arms, the control first, and the rows of each.
struct Arms {
    names: Vec<String>,
    rows: Vec<Vec<usize>>,
}

impl Arms {
    fn new(args: &EffectArgs, codes: &[u32], words: &[String]) -> anyhow::Result<Self> {
        let mut names = words.to_vec();
        names.sort();
        if names.len() < 2 {
            let message = match names.len() {
                0 => format!("`{}` has no rows", args.file.display()),
                _ => format!("column `{}` has one arm, `{}`", args.arm, names[0]),
            };
            let hint = "an effect is a difference between arms: name their column with `--arm`";
            return Err(Usage::new(message, hint).into());
        }
        let control = match &args.control {
            Some(name) => names.iter().position(|arm| arm == name).ok_or_else(|| {
                let arms: Vec<_> = names.iter().map(|arm| format!("`{arm}`")).collect();
                Usage::new(format!("there is no arm `{name}`"), format!("the arms are {}", arms.join(", ")))
            })?,
            None => names.iter().position(|arm| arm.eq_ignore_ascii_case("control")).unwrap_or(0),
        };
        names[..=control].rotate_right(1);
        let place = |word: &String| names.iter().position(|name| name == word).expect("both are the words");
        let places: Vec<_> = words.iter().map(place).collect();
        let mut rows = vec![vec![]; names.len()];
        for (row, code) in codes.iter().enumerate() {
            rows[places[*code as usize]].push(row);
        }
        Ok(Self { names, rows })
    }

    fn sizes(&self) -> Vec<u64> {
        self.rows.iter().map(|rows| rows.len() as u64).collect()
    }

    fn shares(&self, args: &EffectArgs) -> anyhow::Result<Vec<f64>> {
        let Some(text) = &args.shares else { return Ok(vec![1.0; self.names.len()]) };
        let mut shares = vec![None; self.names.len()];
        for part in text.split(',') {
            let parsed = part.split_once('=').and_then(|(name, weight)| {
                let at = self.names.iter().position(|arm| arm == name.trim())?;
                Some((at, weight.trim().parse::<f64>().ok().filter(|weight| *weight > 0.0)?))
            });
            let (at, weight) = parsed.ok_or_else(|| {
                Usage::new(
                    format!("`--shares {part}` is not an arm with a weight"),
                    "write it as `control=1,mail=2`",
                )
            })?;
            shares[at] = Some(weight);
        }
        let missing = shares.iter().position(Option::is_none);
        match missing {
            None => Ok(shares.into_iter().flatten().collect()),
            Some(at) => {
                let message = format!("`--shares` says nothing of arm `{}`", self.names[at]);
                Err(Usage::new(message, "give every arm a weight").into())
            }
        }
    }

    fn of(&self, arm: usize, values: &[f64]) -> Vec<f64> {
        self.rows[arm].iter().map(|row| values[*row]).collect()
    }

    fn compare(
        &self,
        args: &EffectArgs,
        name: &str,
        values: &[f64],
        covariate: Option<&[f64]>,
        confidence: f64,
    ) -> Result<OutcomeEffects, Refusal> {
        let arms: Vec<_> = (0..self.names.len()).map(|arm| self.of(arm, values)).collect();
        let samples: Vec<_> = arms.iter().map(|values| Sample::of(values)).collect::<Result<_, _>>()?;
        let is_proportion = values.iter().all(|value| *value == 0.0 || *value == 1.0);
        let hits =
            |arm: usize| (arms[arm].iter().filter(|value| **value == 1.0).count() as u64, samples[arm].count);
        let mut effects = vec![];
        for arm in 1..arms.len() {
            let (first, control) = (&samples[arm], &samples[0]);
            let plain = welch(first, control, confidence)?;
            let bootstrap = (args.draws > 0).then(|| {
                let (treated, untreated) =
                    (Resampler::of_values(&arms[arm])?, Resampler::of_values(&arms[0])?);
                Bootstrap::new([&treated, &untreated], difference, args.draws, args.seed)?.bca(confidence)
            });
            let adjusted = covariate.map(|covariate| {
                let paired = |arm: usize| PairedSample::of(&arms[arm], &self.of(arm, covariate));
                cuped(&paired(arm)?, &paired(0)?, confidence)
            });
            effects.push(ArmEffect {
                arm: self.names[arm].clone(),
                mean: first.mean,
                difference: if is_proportion { newcombe(hits(arm), hits(0), confidence)? } else { plain },
                standard_error: plain.standard_error,
                p_value: welch_p_value(first, control)?,
                bootstrap: bootstrap.transpose()?,
                cuped: adjusted.transpose()?,
                relative: relative_lift(first, control, confidence).ok(),
                fieller: fieller(first, control, confidence).ok().map(|interval| interval.lift()),
                sequential: args
                    .sequential
                    .map(|tuning| sequential(first, control, confidence, tuning))
                    .transpose()?,
                adjusted_p_value: None,
            });
        }
        let correction = self.correct(args, &arms, &mut effects, confidence)?;
        Ok(OutcomeEffects {
            outcome: name.to_owned(),
            is_proportion,
            control_mean: samples[0].mean,
            effects,
            correction,
        })
    }

    fn correct(
        &self,
        args: &EffectArgs,
        arms: &[Vec<f64>],
        effects: &mut [ArmEffect],
        confidence: f64,
    ) -> Result<Option<Correction>, Refusal> {
        if effects.len() < 2 {
            return Ok(None);
        }
        match args.correction {
            CorrectionArg::None => Ok(None),
            CorrectionArg::Holm => {
                let p_values: Vec<_> = effects.iter().map(|effect| effect.p_value).collect();
                for (effect, decision) in effects.iter_mut().zip(holm(&p_values, 1.0 - confidence)?) {
                    effect.adjusted_p_value = Some(decision.adjusted_p_value);
                }
                Ok(Some(Correction::Holm))
            }
            CorrectionArg::MaxT => {
                let variants: Vec<_> = arms[1..].iter().map(Vec::as_slice).collect();
                let draws = args.draws.max(1_000);
                for (effect, found) in
                    effects.iter_mut().zip(max_t(&arms[0], &variants, confidence, draws, args.seed)?)
                {
                    effect.adjusted_p_value = Some(found.adjusted_p_value);
                    effect.difference = found.difference;
                }
                Ok(Some(Correction::MaxT))
            }
        }
    }
}
