//! Tables of colours: cohorts, and values over two conditions. Every cell has its number.

use maud::{Markup, html};
use stratagem_model::money::group;

use super::scrolling;
use crate::Lang;
use crate::chart::{Cohorts, HeatMap};
use crate::typeset::figures;

/// Steps of the colours of cohorts, and of each side of break-even.
const STEPS: usize = 7;
const SIDE_STEPS: usize = 4;

pub(super) fn cohorts(cohorts: &Cohorts, alternative: &str, lang: Lang) -> Markup {
    let all = || cohorts.rows.iter().flat_map(|row| row.values.iter().flatten().copied());
    let notation = cohorts.value.notation(all());
    // The first column is where everyone is: it has no colour, and leaves all of them for the rest.
    let later = cohorts.rows.iter().flat_map(|row| row.values.iter().skip(1).flatten().copied());
    let (low, high) =
        later.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    let class = |column: usize, value: f64| {
        if column == 0 {
            return "n".to_owned();
        }
        let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        format!("n q{}", ((share * STEPS as f64) as usize).min(STEPS - 1))
    };
    let columns = cohorts.columns.len();
    let inner = html! {
        table class="heat" {
            thead {
                tr {
                    th scope="col" rowspan="2" { (cohorts.cohort) }
                    th scope="col" rowspan="2" class="n" { (lang.say("customers", "客户数")) }
                    th scope="colgroup" colspan=(columns) { (lang.say(
                        format!("{} by {}", cohorts.value.title(lang), cohorts.since),
                        format!("{}，按{}", cohorts.value.title(lang), cohorts.since),
                    )) }
                }
                tr { @for column in &cohorts.columns { th scope="col" class="n" { (column) } } }
            }
            tbody {
                @for row in &cohorts.rows {
                    tr {
                        th scope="row" { (row.name) }
                        td class="n" { (group(row.customers)) }
                        @for (at, value) in row.values.iter().enumerate() {
                            @match value {
                                Some(value) => td class=(class(at, *value)) { (figures(&notation.write(*value))) },
                                None => td {},
                            }
                        }
                    }
                }
            }
        }
    };
    scrolling(alternative, inner)
}

pub(super) fn map(map: &HeatMap, alternative: &str, lang: Lang) -> Markup {
    let (x, y) = (map.x.notation(map.columns.iter().copied()), map.y.notation(map.rows.iter().copied()));
    let inner = html! {
        table class="heat map" {
            thead {
                tr {
                    th scope="col" rowspan="2" { (map.y.label) }
                    th scope="colgroup" colspan=(map.columns.len()) { (lang.say(
                        format!("{} by {}; heavy line: break-even", map.value.title(lang), map.x.label),
                        format!("{}，按{}；粗线：盈亏平衡", map.value.title(lang), map.x.label),
                    )) }
                }
                tr { @for column in &map.columns { th scope="col" class="n" { (x.full(*column)) } } }
            }
            tbody {
                @for (at, row) in map.rows.iter().enumerate() {
                    tr {
                        th scope="row" { (y.full(*row)) }
                        @for column in 0..map.columns.len() { (cell(map, at, column)) }
                    }
                }
            }
        }
    };
    scrolling(alternative, inner)
}

/// A value, with a rule where break-even lies between it and the one to the right or below.
fn cell(map: &HeatMap, row: usize, column: usize) -> Markup {
    let value = |row: usize, column: usize| *map.values.get(row)?.get(column)?;
    let Some(here) = value(row, column) else { return html! { td {} } };
    let is_won = |value: f64| value > map.break_even;
    let crosses = |other: Option<f64>| other.is_some_and(|other| is_won(other) != is_won(here));
    let extreme = map.values.iter().flatten().flatten().filter(|other| is_won(**other) == is_won(here));
    let most = extreme.map(|other| (other - map.break_even).abs()).fold(0.0, f64::max);
    let share = if most > 0.0 { (here - map.break_even).abs() / most } else { 0.0 };
    let step = ((share * SIDE_STEPS as f64).ceil() as usize).clamp(1, SIDE_STEPS);
    let side = if is_won(here) { "p" } else { "m" };
    let right = if crosses(value(row, column + 1)) { " br" } else { "" };
    let below = if crosses(value(row + 1, column)) { " bb" } else { "" };
    let notation = map.value.notation(map.values.iter().flatten().flatten().copied());
    html! { td class={ "n " (side) (step) (right) (below) } { (figures(&notation.signed(here))) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Axis, Cohort, Unit};

    fn classes(page: &Markup) -> Vec<&str> {
        let cells = page.0.split("<td").skip(1);
        cells
            .map(|cell| {
                cell.split('>').next().unwrap_or_default().trim_start_matches(" class=").trim_matches('"')
            })
            .collect()
    }

    #[test]
    fn break_even_has_its_colours_and_a_line() {
        let values = vec![vec![Some(-0.4), Some(0.1), None], vec![Some(-0.1), Some(-0.2), Some(0.4)]];
        let map = map(
            &HeatMap {
                x: Axis::new("x", Unit::Count),
                y: Axis::new("y", Unit::Count),
                value: Axis::new("ROI", Unit::Share),
                columns: vec![1.0, 2.0, 3.0],
                rows: vec![1.0, 2.0],
                values,
                break_even: 0.0,
            },
            "",
            Lang::English,
        );
        assert_eq!(classes(&map), ["n m4 br", "n p1 bb", "", "n m1", "n m2 br", "n p4"]);
    }

    #[test]
    fn colours_of_cohorts_are_for_the_months_after_the_first() {
        let cohort =
            |values: [Option<f64>; 3]| Cohort { name: "c".into(), customers: 9, values: values.into() };
        let cohorts = cohorts(
            &Cohorts {
                cohort: "c".into(),
                since: "s".into(),
                value: Axis::new("retention", Unit::Share),
                columns: ["0", "1", "2"].map(String::from).into(),
                rows: vec![cohort([Some(1.0), Some(0.5), Some(0.1)]), cohort([Some(1.0), Some(0.3), None])],
            },
            "",
            Lang::English,
        );
        assert_eq!(classes(&cohorts), ["n", "n", "n q6", "n q0", "n", "n", "n q3", ""]);
    }
}
