//! Documents as Markdown files.

use crate::document::{Block, Document, Tone};

/// Renders a document: the verdict is the title, so that the first line says it here too.
pub(crate) fn render(document: &Document) -> String {
    let mut out = format!("# {}\n", document.verdict);
    for block in &document.blocks {
        out.push('\n');
        match block {
            Block::Heading(text) => out += &format!("## {text}\n"),
            Block::Note(text) => out += &format!("{text}\n"),
            Block::Alert { tone, text, details } => out += &alert(*tone, text, details),
            Block::Facts(facts) => {
                for fact in facts {
                    out += &format!("- **{}**: {}\n", fact.label, fact.text.replace('\n', " "));
                }
            }
            Block::Table(table) => out += &table.markdown(),
        }
    }
    out
}

fn alert(tone: Tone, text: &str, details: &[String]) -> String {
    let mut out = format!("> **{}**: {text}\n", tone.word());
    if !details.is_empty() {
        out += ">\n";
    }
    for detail in details {
        out += &format!("> - {}\n", detail.replace('\n', " "));
    }
    out
}
