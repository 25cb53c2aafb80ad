//! `stratagem power`: effect, customers and power, two of which give the third.

use stratagem_measure::effects::{ArmSizes, Effect, Outcome};
use stratagem_report::{Power, PowerAnswer};

use crate::args::PowerArgs;
use crate::exit::Usage;
use crate::ingest::format;
use crate::output;
use crate::values::{fraction, inside};

pub(crate) fn run(args: &PowerArgs) -> anyhow::Result<()> {
    let outcome = match (&args.rate, args.mean, args.deviation) {
        (Some(rate), ..) => Outcome::Proportion { rate: fraction(rate, "--rate")? },
        (None, Some(mean), Some(standard_deviation)) => Outcome::Mean { mean, standard_deviation },
        _ => unreachable!("the command line demands a rate, or a mean with its deviation"),
    };
    let effect = effect(args)?;
    let (confidence, power) = (
        inside(&args.confidence, "--confidence")?,
        inside(args.power.as_deref().unwrap_or("80%"), "--power")?,
    );
    let treated_share = 1.0 - inside(&args.holdout, "--holdout")?;
    let sizes = |customers: u64| {
        let control = (customers as f64 * (1.0 - treated_share)).round() as u64;
        ArmSizes { treated: customers - control, control }
    };
    if args.power.is_some() && effect.is_some() && args.customers.is_some() {
        let message = "effect, customers and `--power` are all given: nothing is left to compute";
        return Err(Usage::new(message, "leave one of them out").into());
    }
    let answer = match (effect, args.customers) {
        (Some(effect), Some(customers)) => {
            PowerAnswer::Power(outcome.power(effect, sizes(customers), confidence)?, sizes(customers))
        }
        (Some(effect), None) => {
            PowerAnswer::Required(outcome.required(effect, treated_share, power, confidence)?)
        }
        (None, Some(customers)) => PowerAnswer::Detectable(
            outcome.detectable(sizes(customers), power, confidence)?,
            sizes(customers),
        ),
        (None, None) => {
            let hint = "give `--lift 10%` to ask how many, or `--customers 40000` to ask which effect";
            return Err(Usage::new("neither an effect nor a number of customers is given", hint).into());
        }
    };
    let found = Power { outcome, effect, confidence, power, answer };
    output::print(&stratagem_report::power(&found, format(args.format), output::style()))
}

fn effect(args: &PowerArgs) -> anyhow::Result<Option<Effect>> {
    let signed = |text: &str, flag: &str| {
        let (sign, rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
        let (number, scale) = rest.strip_suffix('%').map_or((rest, 1.0), |number| (number, 0.01));
        let wrong =
            || Usage::new(format!("`{flag} {text}` is not a number"), "write it as `10%`, `0.1` or `-0.5`");
        Ok::<_, anyhow::Error>(sign * scale * number.trim().parse::<f64>().map_err(|_| wrong())?)
    };
    Ok(match (&args.lift, &args.effect) {
        (Some(text), _) => Some(Effect::Relative(signed(text, "--lift")?)),
        (None, Some(text)) => Some(Effect::Absolute(signed(text, "--effect")?)),
        (None, None) => None,
    })
}
