//! Documents as terminal text.

use crate::chart::Chart;
use crate::document::{Block, Document, Fact, Tone};
use crate::table::{self, Table};
use crate::{Lang, Style};

/// The widest that running text is set, however wide the terminal.
const PROSE_WIDTH: u16 = 100;

const BOLD: &str = "1";

/// Renders a document. Blocks are separated by empty lines; the first line is the verdict, unwrapped, so that
/// `head -1` has it.
pub(crate) fn render(document: &Document, style: Style) -> String {
    let mut out = paint(&document.verdict, Some(code(document.tone).unwrap_or(BOLD)), style);
    out.push('\n');
    let mut is_below_heading = false;
    for block in document.blocks.iter().filter(|block| !matches!(block, Block::Picture(_))) {
        // A heading belongs to what follows.
        if !is_below_heading {
            out.push('\n');
        }
        is_below_heading = matches!(block, Block::Heading(_));
        render_block(block, document.lang, style, &mut out);
    }
    out
}

fn render_block(block: &Block, lang: Lang, style: Style, out: &mut String) {
    match block {
        Block::Heading(text) => push_line(out, &paint(text, Some(BOLD), style)),
        Block::Headline(facts) => {
            let facts: Vec<_> =
                facts.iter().map(|fact| format!("{}{}{}", fact.label, lang.colon(), fact.text)).collect();
            wrap(&facts.join(" · "), prose_width(style)).iter().for_each(|line| push_line(out, line));
        }
        Block::Note(text) => wrap(text, prose_width(style)).iter().for_each(|line| push_line(out, line)),
        Block::Alert { tone, text, details } => alert(*tone, text, details, lang, style, out),
        Block::Facts(facts) => render_facts(facts, style, out),
        Block::Table(table) => render_table(table, style, out),
        Block::Chart(chart) => render_chart(chart, lang, style, out),
        Block::Picture(_) => {}
    }
}

fn alert(tone: Tone, text: &str, details: &[String], lang: Lang, style: Style, out: &mut String) {
    let word = format!("{}{}", tone.word(lang), lang.colon());
    for (i, line) in wrap(&format!("{word}{text}"), prose_width(style)).iter().enumerate() {
        match (i, line.strip_prefix(word.trim_end())) {
            (0, Some(rest)) => {
                let word = paint(word.trim_end(), Some(code(tone).unwrap_or(BOLD)), style);
                push_line(out, &format!("{word}{rest}"));
            }
            _ => push_line(out, line),
        }
    }
    for detail in details {
        for (i, line) in wrap(detail, prose_width(style) - 4).iter().enumerate() {
            push_line(out, &format!("{}{line}", if i == 0 { "  - " } else { "    " }));
        }
    }
}

fn render_facts(facts: &[Fact], style: Style, out: &mut String) {
    let labels = facts.iter().map(|fact| columns(&fact.label)).max().unwrap_or(0);
    let room = prose_width(style).saturating_sub(labels + 2).max(20);
    for fact in facts {
        for (i, line) in wrap(&fact.text, room).iter().enumerate() {
            let label = if i == 0 { fact.label.as_str() } else { "" };
            push_line(out, &format!("{label}{}  {line}", " ".repeat(labels - columns(label))));
        }
    }
}

fn render_table(table: &Table, style: Style, out: &mut String) {
    let blocks = table.lay_out(style.width, prose_width(style) as u16);
    for (i, table::Block { header_lines, lines }) in blocks.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        for (at, line) in lines.iter().enumerate() {
            push_line(out, &paint(line, (at < *header_lines).then_some(BOLD), style));
        }
    }
}

/// A terminal has no curves: it gets the figures that a reader would ask for, between title and caption.
fn render_chart(chart: &Chart, lang: Lang, style: Style, out: &mut String) {
    let prose = |text: &str| wrap(text, prose_width(style));
    prose(&chart.title).iter().for_each(|line| push_line(out, &paint(line, Some(BOLD), style)));
    render_table(&chart.figures(lang), style, out);
    out.push('\n');
    prose(&chart.caption).iter().for_each(|line| push_line(out, line));
}

fn prose_width(style: Style) -> usize {
    usize::from(style.width.map_or(PROSE_WIDTH, |width| width.clamp(40, PROSE_WIDTH)))
}

fn code(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Good => Some("1;32"),
        Tone::Warning => Some("1;33"),
        Tone::Bad => Some("1;31"),
    }
}

fn paint(text: &str, code: Option<&str>, style: Style) -> String {
    match code.filter(|_| style.color && !text.is_empty()) {
        Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
        None => text.to_owned(),
    }
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

/// Breaks text at spaces, between Chinese characters, and where there is neither, anywhere.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![];
    for paragraph in text.lines() {
        let mut line = String::new();
        for piece in pieces(paragraph) {
            if !line.is_empty() && columns(&line) + columns(piece.trim_end()) > width {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            for c in piece.chars() {
                // A piece that is wider than a line. Where a line is full, spaces are not needed.
                if columns(&line) + columns_of(c) > width && c != ' ' {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(c);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// What lines are made of: words with the spaces behind them, and single wide characters with the punctuation that
/// may not begin a line.
fn pieces(text: &str) -> Vec<&str> {
    const NEVER_FIRST: &str = "，。、；：！？）》」』”’％";
    const NEVER_LAST: &str = "（《「『“‘";
    let mut pieces = vec![];
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let is_break = before.is_some_and(|before| {
            let is_word_end = before == ' ' && c != ' ';
            let is_wide = c != ' ' && (columns_of(before) == 2 || columns_of(c) == 2);
            is_word_end || (is_wide && !NEVER_FIRST.contains(c) && !NEVER_LAST.contains(before))
        });
        if is_break {
            pieces.push(&text[start..at]);
            start = at;
        }
        before = Some(c);
    }
    pieces.push(&text[start..]);
    pieces
}

/// Terminal columns that a text takes.
fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Wide are the East Asian scripts and punctuation from Hangul Jamo on; close enough to wrap by.
pub(crate) fn columns_of(c: char) -> usize {
    let is_wide = matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x2_0000..=0x3_fffd);
    if is_wide { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_breaks_at_spaces_or_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("0123456789", 4), ["0123", "4567", "89"]);
        assert_eq!(wrap("多波次召回", 5), ["多波", "次召", "回"]);
        assert_eq!(wrap("a\nb", 5), ["a", "b"]);
        assert_eq!(wrap("共 1,843 位客户，成本（元）", 10), ["共 1,843", "位客户，成", "本（元）"]);
    }
}
