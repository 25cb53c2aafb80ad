//! How a strategy is asked: the one path that a component's exports, the test bench and a host's benchmark share.

use crate::batch::{BatchView, Row};
use crate::builder::PlanBuilder;
use crate::output::{Output, Proposals};
use crate::parameters::{ParameterError, Parameters, Value};
use crate::plan::Plan;
use crate::strategy::{Failure, Strategy};
use crate::time::NEVER;

/// The plan of a strategy with these parameter values.
///
/// # Errors
/// The strategy refuses the values, or they do not fit its schema.
pub fn configure<S: Strategy>(values: &[Value]) -> Result<Plan, Vec<ParameterError>> {
    let settings = S::Parameters::from_values(values).map_err(|error| vec![error])?;
    let mut builder = PlanBuilder::collecting();
    S::configure(settings, &mut builder)?;
    builder.finish().ok_or_else(Vec::new)
}

/// What a strategy with these parameter values proposes for a batch that was made from its plan.
///
/// # Errors
/// The strategy cannot answer, or the values or the batch are not those of its plan.
pub fn evaluate<S: Strategy>(values: &[Value], batch: &BatchView<'_>) -> Result<Output, Failure> {
    let settings = S::Parameters::from_values(values)?;
    let mut builder = PlanBuilder::counting();
    let mut strategy = S::configure(settings, &mut builder).map_err(first_error)?;
    builder.check(batch)?;
    strategy.begin(batch)?;

    let mut output = Output::default();
    let wakes = evaluate_rows(&strategy, batch, &mut output);
    if wakes.iter().any(|wake| *wake != NEVER) {
        output.wakes = wakes;
    }
    Ok(output)
}

/// Out of line, so that the loop over the rows has all registers to itself: inlined beside the reading of parameters,
/// it runs from the stack.
#[inline(never)]
fn evaluate_rows<S: Strategy>(strategy: &S, batch: &BatchView<'_>, output: &mut Output) -> Vec<i64> {
    let evaluate = |row| {
        let mut proposals = Proposals { output, now: batch.now, row, wake: NEVER };
        strategy.evaluate(Row { batch, row: row as usize }, &mut proposals);
        proposals.wake
    };
    (0..batch.rows).map(evaluate).collect()
}

fn first_error(errors: Vec<ParameterError>) -> Failure {
    errors.into_iter().next().map_or_else(|| Failure::new("the parameters were refused"), Failure::from)
}
