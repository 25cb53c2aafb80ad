//! Documents as one HTML page.
//!
//! # Invariants
//!
//! - **The page is whole**: no script, no font, no image, no address; its policy forbids the browser to fetch any.
//! - **Everything that is shown is escaped** by `maud`, and what is drawn by `plotters`.
//! - **The first line is the verdict**, as in the other forms.
//! - **It reads everywhere**: on a phone, on dark screens, on paper, with a keyboard, by screen readers.

mod chart;
mod heat;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::Lang;
use crate::document::{Block, Document, Fact, Tone};
use crate::table::{Column, Holds, Table, one_line};
use crate::typeset::{figures, prose};

const STYLE: &str = include_str!("page.css");

/// Renders a document as a page with this title.
pub(crate) fn render(document: &Document, title: &str) -> String {
    let lang = document.lang;
    let sections = sections(&document.blocks);
    let page = html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 class=(tone(document.tone)) { (prose(&document.verdict)) } }
                (contents(&sections, lang))
                main { @for (i, section) in sections.iter().enumerate() { (render_section(section, i, lang)) } }
            }
        }
    };
    let mut out = page.into_string();
    out.push('\n');
    out
}

/// A heading and what stands below it; what stands before the first has none.
struct Section<'d> {
    heading: Option<&'d str>,
    blocks: Vec<&'d Block>,
}

fn sections(blocks: &[Block]) -> Vec<Section<'_>> {
    let mut sections = vec![Section { heading: None, blocks: vec![] }];
    for block in blocks {
        match (block, sections.last_mut()) {
            (Block::Heading(heading), _) => sections.push(Section { heading: Some(heading), blocks: vec![] }),
            (block, Some(section)) => section.blocks.push(block),
            (_, None) => {}
        }
    }
    sections
}

fn contents(sections: &[Section<'_>], lang: Lang) -> Markup {
    let headed = || sections.iter().enumerate().filter_map(|(i, section)| Some((i, section.heading?)));
    html! {
        @if headed().count() > 1 {
            nav aria-label=(lang.say("Contents", "目录")) {
                ol { @for (i, heading) in headed() { li { a href={ "#s" (i) } { (heading) } } } }
            }
        }
    }
}

fn render_section(section: &Section<'_>, number: usize, lang: Lang) -> Markup {
    html! {
        section id={ "s" (number) } {
            @if let Some(heading) = section.heading { h2 { (heading) } }
            @for (i, block) in section.blocks.iter().enumerate() {
                (render_block(block, &format!("s{number}c{i}"), section.heading.unwrap_or_default(), lang))
            }
        }
    }
}

/// A block whose parts have this id, below this heading.
fn render_block(block: &Block, id: &str, heading: &str, lang: Lang) -> Markup {
    match block {
        // A heading begins a section.
        Block::Heading(_) => html! {},
        Block::Headline(facts) => html! { dl.headline { @for fact in facts { (render_fact(fact)) } } },
        Block::Note(text) => html! { p { (prose(text)) } },
        Block::Alert { tone: kind, text, details } => html! {
            div class={ "alert " (tone(*kind)) } role="note" {
                p { strong { (kind.word(lang)) (lang.colon()) } (prose(text)) }
                @if !details.is_empty() { ul { @for detail in details { li { (prose(detail)) } } } }
            }
        },
        Block::Facts(facts) => html! { dl { @for fact in facts { (render_fact(fact)) } } },
        Block::Table(of) => table(of, heading),
        Block::Chart(of) | Block::Picture(of) => chart::render(of, id, lang),
    }
}

fn render_fact(fact: &Fact) -> Markup {
    html! { div { dt { (figures(&fact.label)) } dd { @for line in fact.text.lines() { div { (prose(line)) } } } } }
}

/// The class of a tone.
fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Bad => "bad",
    }
}

/// A table that scrolls by itself where it is wider than the page.
fn table(table: &Table, name: &str) -> Markup {
    scrolling(
        name,
        html! {
            table {
                thead { tr { @for column in &table.columns { (header(column)) } } }
                tbody { @for row in &table.rows { (render_row(table, row)) } }
            }
        },
    )
}

fn header(column: &Column) -> Markup {
    html! {
        th scope="col" class=[class(column)] {
            @for (i, line) in column.header.lines().enumerate() { @if i > 0 { br; } (line) }
        }
    }
}

fn render_row(table: &Table, row: &[String]) -> Markup {
    html! {
        tr {
            @for (i, (column, cell)) in table.columns.iter().zip(row).enumerate() {
                @if i == 0 { th scope="row" { (one_line(cell)) } }
                @else if column.holds == Holds::Numbers { td class="n" { (figures(cell)) } }
                @else { td class=[class(column)] { (one_line(cell)) } }
            }
        }
    }
}

fn class(column: &Column) -> Option<&'static str> {
    match column.holds {
        Holds::Words => None,
        Holds::Numbers => Some("n"),
        Holds::Prose => Some("p"),
    }
}

/// What may be scrolled must be reachable by keyboard, and then has a name.
fn scrolling(name: &str, inner: Markup) -> Markup {
    html! { div class="scroll" role="group" tabindex="0" aria-label=(name) { (inner) } }
}
