//! Documents as Markdown files.

use crate::Lang;
use crate::document::{Block, Document, Tone};

/// Renders a document: the verdict is the title, so that the first line says it here too.
pub(crate) fn render(document: &Document) -> String {
    let mut out = format!("# {}\n", document.verdict);
    for block in document.blocks.iter().filter(|block| !matches!(block, Block::Picture(_))) {
        out.push('\n');
        match block {
            Block::Heading(text) => out += &format!("## {text}\n"),
            Block::Headline(facts) => {
                let colon = document.lang.colon();
                let facts = facts.iter().map(|fact| format!("{}{colon}**{}**", fact.label, fact.text));
                let facts: Vec<_> = facts.collect();
                out += &format!("{}\n", facts.join(" · "));
            }
            Block::Note(text) => out += &format!("{text}\n"),
            Block::Alert { tone, text, details } => out += &alert(*tone, text, details, document.lang),
            Block::Facts(facts) => {
                for fact in facts {
                    out += &format!(
                        "- **{}**{}{}\n",
                        fact.label,
                        document.lang.colon(),
                        fact.text.replace('\n', " ")
                    );
                }
            }
            Block::Table(table) => out += &table.markdown(),
            Block::Chart(chart) => {
                let figures = chart.figures(document.lang).markdown();
                out += &format!("**{}**\n\n{figures}\n{}\n", chart.title, chart.caption);
            }
            Block::Picture(_) => {}
        }
    }
    out
}

fn alert(tone: Tone, text: &str, details: &[String], lang: Lang) -> String {
    let mut out = format!("> **{}**{}{text}\n", tone.word(lang), lang.colon());
    if !details.is_empty() {
        out += ">\n";
    }
    for detail in details {
        out += &format!("> - {}\n", detail.replace('\n', " "));
    }
    out
}
