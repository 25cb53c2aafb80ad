//! `stratagem evaluate`: what a policy would have earned, from a log of another.

use std::sync::atomic::AtomicBool;

use stratagem_insight::CATALOGUE;
use stratagem_measure::off_policy::{Categorical, Fitting, Log, Options, Policy, evaluate};
use stratagem_model::column::{Batch, Column, ColumnKind};
use stratagem_model::{Time, Zone};
use stratagem_replay::logged::NOTHING;
use stratagem_report::LogEvaluation;
use stratagem_runtime::{Evaluator, Instances};
use stratagem_store::ingest::{ReadAs, TableColumn, TableFile};

use crate::args::EvaluateArgs;
use crate::exit::Usage;
use crate::output::Output;
use crate::values::fraction;
use crate::{progress, strategy};

pub(crate) fn run(args: &EvaluateArgs) -> anyhow::Result<()> {
    let output = Output::new(&args.output)?;
    if args.switch.is_nan() || args.switch < 0.0 {
        let message = format!("`--switch {}` is no weight", args.switch);
        return Err(Usage::new(message, "write the weight above which Switch-DR trusts the model").into());
    }
    let stop = progress::stop_at_once()?;
    let file = TableFile::open(&args.log, None)?;
    let policy = Target::parse(args)?;
    let mut names = names(&file, args, &stop)?;
    policy.add_actions(&mut names.actions.names);
    let log = log(&file, args, names, &stop)?;
    let policy_on_log = policy.on(&log, &file, args, &stop)?;
    let options = Options {
        draws: args.draws,
        seed: args.seed,
        fitting: args.fit_first.map_or(Options::default().fitting, Fitting::FirstRows),
        switch_threshold: args.switch,
        ..Options::default()
    };
    let found = LogEvaluation {
        log: file.name().to_owned(),
        fingerprint: file.fingerprint()?,
        policy: args.policy.clone(),
        reward: args.reward.clone(),
        evaluation: evaluate(&log, &policy_on_log, &options)?,
    };
    output.give(
        |is_html, lang| stratagem_report::evaluation_page(&found, lang, is_html),
        |format, style, lang| stratagem_report::evaluation(&found, format, style, lang),
    )
}

/// The categorical columns of the log.
struct Names {
    actions: Categorical,
    contexts: Option<Categorical>,
}

fn names(file: &TableFile, args: &EvaluateArgs, stop: &AtomicBool) -> anyhow::Result<Names> {
    let wanted: Vec<_> =
        [&args.action].into_iter().chain(&args.context).map(|name| (name.as_str(), ReadAs::Words)).collect();
    let mut columns = file.read(&wanted, &Zone::utc(), stop)?.into_iter();
    let actions = categorical(columns.next().expect("the action was asked for"));
    // Several columns are one context: every combination that occurs.
    let contexts = columns.map(categorical).reduce(|first, second| {
        let name = |row: usize| {
            let (a, b) = (first.codes[row] as usize, second.codes[row] as usize);
            format!("{}, {}", first.names[a], second.names[b])
        };
        Categorical::of((0..first.codes.len()).map(name))
    });
    Ok(Names { actions, contexts })
}

fn categorical(column: TableColumn) -> Categorical {
    match column {
        TableColumn::Words { codes, words } => {
            // No action is an action, however it is written.
            let name = |code: &u32| match words[*code as usize].trim() {
                "" => NOTHING,
                word => word,
            };
            Categorical::of(codes.iter().map(name))
        }
        _ => Categorical::default(),
    }
}

fn log(file: &TableFile, args: &EvaluateArgs, names: Names, stop: &AtomicBool) -> anyhow::Result<Log> {
    let rows = names.actions.codes.len();
    let has = |name: &str| file.columns().iter().any(|column| column == name);
    let constant = if has(&args.propensity) { None } else { fraction(&args.propensity, "--propensity").ok() };
    let mut wanted = vec![(args.reward.as_str(), ReadAs::Numbers)];
    if constant.is_none() {
        wanted.push((&args.propensity, ReadAs::Numbers));
    }
    if let Some(cluster) = &args.cluster {
        wanted.push((cluster, ReadAs::Words));
    }
    let columns = file.read(&wanted, &Zone::utc(), stop)?;
    let rewards = columns[0].numbers().to_vec();
    let propensities = match constant {
        Some(share) => vec![share; rows],
        None => columns[1].numbers().to_vec(),
    };
    if let Some(row) = propensities.iter().position(|share| !(*share > 0.0 && *share <= 1.0)) {
        let message = format!(
            "{}: column `{}`: the propensity {} is not above 0 and at most 1",
            file.line(row),
            args.propensity,
            propensities[row]
        );
        let hint =
            "log the probability with which each action was chosen; without it no policy can be evaluated";
        return Err(Usage::new(message, hint).into());
    }
    let mut log = Log::new(names.actions, rewards, propensities)?;
    if let Some(contexts) = names.contexts {
        log = log.with_contexts(contexts)?;
    }
    if args.cluster.is_some() {
        let (codes, _) = columns.last().expect("the cluster was asked for last").words();
        let clusters: Vec<_> = codes.iter().map(|code| u64::from(*code)).collect();
        log = log.with_clusters(&clusters)?;
    }
    Ok(log)
}

/// The policy that is asked about.
enum Target {
    Uniform,
    Always(String),
    Column(String),
    Strategy(Box<stratagem_runtime::Configured>),
}

impl Target {
    fn parse(args: &EvaluateArgs) -> anyhow::Result<Self> {
        let text = &args.policy;
        let is_strategy = text.ends_with(".wasm");
        if !is_strategy && !args.set.is_empty() {
            let message = format!("`--set` is for a strategy, and `{text}` is none");
            return Err(Usage::new(message, "leave `--set` out").into());
        }
        if text == "uniform" {
            return Ok(Self::Uniform);
        }
        if let Some(action) = text.strip_prefix("always:") {
            return Ok(Self::Always(action.to_owned()));
        }
        if let Some(column) = text.strip_prefix("column:") {
            return Ok(Self::Column(column.to_owned()));
        }
        if !is_strategy {
            let message = format!("`--policy {text}` is no policy");
            let hint = "use `uniform`, `always:ACTION`, `column:NAME`, or the path of a strategy's .wasm";
            return Err(Usage::new(message, hint).into());
        }
        Ok(Self::Strategy(Box::new(strategy::load(std::path::Path::new(text), &args.set)?)))
    }

    /// Actions that only the policy knows: the log has no support for them, which must be seen.
    fn add_actions(&self, names: &mut Vec<String>) {
        let mut add = |action: &str| {
            if !names.iter().any(|name| name == action) {
                names.push(action.to_owned());
            }
        };
        match self {
            Self::Always(action) => add(action),
            Self::Strategy(configured) => {
                configured.plan().actions.iter().for_each(|action| add(&action.id));
                add(NOTHING);
            }
            Self::Uniform | Self::Column(_) => {}
        }
    }

    fn on(
        &self,
        log: &Log,
        file: &TableFile,
        args: &EvaluateArgs,
        stop: &AtomicBool,
    ) -> anyhow::Result<Policy> {
        match self {
            Self::Uniform => Ok(Policy::Uniform),
            Self::Always(action) => {
                let share = |name: &String| f64::from(u8::from(name == action));
                Ok(Policy::Shared(log.actions().iter().map(share).collect()))
            }
            Self::Column(name) => {
                let columns = file.read(&[(name, ReadAs::Numbers)], &Zone::utc(), stop)?;
                Ok(Policy::Logged(columns[0].numbers().to_vec()))
            }
            Self::Strategy(configured) => of_strategy(configured, log, file, args, stop),
        }
    }
}

/// Asks a strategy about each row, from columns of the log that are named like its own.
fn of_strategy(
    configured: &stratagem_runtime::Configured,
    log: &Log,
    file: &TableFile,
    args: &EvaluateArgs,
    stop: &AtomicBool,
) -> anyhow::Result<Policy> {
    let plan = configured.plan();
    if !plan.references.is_empty() {
        let message =
            format!("the strategy asks for reference `{}`, which no log has", plan.references[0].name);
        return Err(
            Usage::new(message, "evaluate it over a store: `stratagem backtest --mode off-policy`").into()
        );
    }
    let mut kinds = vec![];
    for request in &plan.columns {
        let known = CATALOGUE.iter().find(|info| info.name == request.name);
        if known.is_some_and(|info| info.is_ragged) {
            let message =
                format!("the strategy asks for column `{}`, which has many values a row", request.name);
            let hint =
                "a table cannot hold it; evaluate over a store: `stratagem backtest --mode off-policy`";
            return Err(Usage::new(message, hint).into());
        }
        // Attributes are codes, everything else that is not in the catalogue a count or a time.
        let is_code = request.name.starts_with("attribute.");
        kinds.push(known.map_or(if is_code { ColumnKind::U32 } else { ColumnKind::S64 }, |info| info.kind));
    }
    let wanted: Vec<_> =
        plan.columns.iter().map(|request| (request.name.as_str(), ReadAs::Numbers)).collect();
    let columns = file.read(&wanted, &Zone::utc(), stop)?;
    let times = file.read(&[(&args.time, ReadAs::Times)], &Zone::utc(), stop)?;
    let times = times[0].times();
    let actions = log.actions().len();
    let place = |id: &str| log.actions().iter().position(|name| name == id).expect("all were added");
    let places: Vec<_> = plan.actions.iter().map(|action| place(&action.id)).collect();
    let nothing = place(NOTHING);
    let mut shares = vec![0.0; log.rows() * actions];
    let mut evaluator = Evaluator::new(configured, Instances::Warm);
    let mut order: Vec<_> = (0..log.rows()).collect();
    order.sort_by_key(|row| times[*row]);
    for rows in order.chunk_by(|a, b| times[*a] == times[*b]).flat_map(|rows| rows.chunks(8_192)) {
        let built: Vec<_> =
            columns.iter().zip(&kinds).map(|(column, kind)| values(column, *kind, rows)).collect();
        let now: Time = times[rows[0]];
        let output = evaluator.evaluate(&Batch {
            now,
            utc_offset_ms: 0,
            parameters: configured.values(),
            rows: rows.len() as u32,
            columns: &built,
            references: &[],
        });
        let output =
            output.map_err(|failure| stratagem_replay::BacktestError::Failed { message: failure.message })?;
        for proposal in &output.proposals {
            let row = rows[proposal.row as usize];
            shares[row * actions + places[proposal.action as usize]] += proposal.score as f64;
        }
        for row in rows {
            let shares = &mut shares[row * actions..(row + 1) * actions];
            match shares.iter().sum::<f64>() {
                0.0 => shares[nothing] = 1.0,
                total => shares.iter_mut().for_each(|share| *share /= total),
            }
        }
    }
    Ok(Policy::ByRow(shares))
}

/// A column of a batch, from numbers of the log.
fn values(column: &TableColumn, kind: ColumnKind, rows: &[usize]) -> Column {
    let numbers = column.numbers();
    let mut out = Column::flat(kind);
    for row in rows {
        match kind {
            ColumnKind::U32 => out.push_u32(Some(numbers[*row] as u32)),
            _ => out.push_s64(Some(numbers[*row] as i64)),
        }
    }
    out.finish(rows.len());
    out
}
