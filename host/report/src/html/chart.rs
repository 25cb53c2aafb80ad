//! A chart on the page: its title, what to look for, the drawing, and its figures for those who want the numbers.

use maud::{Markup, PreEscaped, html};

use super::{heat, table};
use crate::Lang;
use crate::chart::{Chart, Drawing, Plot};
use crate::typeset::prose;

/// Widths in pixels at which every chart is drawn: text in a drawing that is scaled down cannot be read.
const WIDE: f64 = 720.0;
const NARROW: f64 = 340.0;

pub(super) fn render(chart: &Chart, id: &str, lang: Lang) -> Markup {
    let shown = match &chart.plot {
        Plot::Cohorts(cohorts) => heat::cohorts(cohorts, &chart.alternative(lang), lang),
        Plot::HeatMap(map) => heat::map(map, &chart.alternative(lang), lang),
        _ => drawn(chart, id, lang),
    };
    html! {
        figure {
            figcaption { h3 { (chart.title) } p { (prose(&chart.caption)) } }
            (shown)
        }
    }
}

fn drawn(chart: &Chart, id: &str, lang: Lang) -> Markup {
    let figures = chart.figures(lang);
    html! {
        @for (class, width) in [("wide", WIDE), ("narrow", NARROW)] {
            @if let Some(drawing) = chart.draw(width, lang) {
                (svg(&drawing, chart, &format!("{id}{class}"), class, lang))
            }
        }
        @if !figures.rows.is_empty() {
            details {
                summary { (lang.say("Figures", "数据")) }
                (table(&figures, &chart.title))
            }
        }
    }
}

fn svg(drawing: &Drawing, chart: &Chart, id: &str, class: &str, lang: Lang) -> Markup {
    let Drawing { width, height, body } = drawing;
    html! {
        svg class=(class) viewBox={ "0 0 " (width) " " (height) } role="img"
            aria-labelledby={ (id) "t " (id) "d" } {
            title id={ (id) "t" } { (chart.title) }
            desc id={ (id) "d" } { (chart.alternative(lang)) }
            (PreEscaped(body))
        }
    }
}
