//! What is shown, before it is text, Markdown or a page.

use crate::Lang;
use crate::chart::Chart;
use crate::table::Table;

/// What a line is about, for colour and for the word before it. Never said by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
}

impl Tone {
    /// The word that begins an alert.
    pub(crate) fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Plain | Self::Good => lang.say("note", "提示"),
            Self::Warning => lang.say("warning", "警告"),
            Self::Bad => lang.say("FAILED", "失败"),
        }
    }
}

/// A first line and what follows.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) lang: Lang,
    pub(crate) verdict: String,
    pub(crate) tone: Tone,
    pub(crate) blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Debug)]
pub(crate) enum Block {
    Heading(String),
    /// The few numbers that a reader wants first; all of them stand below too.
    Headline(Vec<Fact>),
    /// Running text.
    Note(String),
    /// What must not be overlooked, with details a line each.
    Alert {
        tone: Tone,
        text: String,
        details: Vec<String>,
    },
    Facts(Vec<Fact>),
    Table(Table),
    /// Boxed, because it is much larger than the others.
    Chart(Box<Chart>),
    /// A chart of a table that stands above it: only where charts are drawn.
    Picture(Box<Chart>),
}

/// A labelled line.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) label: String,
    pub(crate) text: String,
}

impl Document {
    /// A document in English.
    pub(crate) fn new(verdict: String) -> Self {
        Self::of(Lang::English, verdict)
    }

    pub(crate) fn of(lang: Lang, verdict: String) -> Self {
        Self { lang, verdict, tone: Tone::Plain, blocks: vec![] }
    }

    pub(crate) fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Note(text.into()));
    }

    pub(crate) fn alert(&mut self, tone: Tone, text: impl Into<String>, details: Vec<String>) {
        self.blocks.push(Block::Alert { tone, text: text.into(), details });
    }

    pub(crate) fn headline<L: Into<String>>(&mut self, facts: impl IntoIterator<Item = (L, String)>) {
        let facts = facts.into_iter().map(|(label, text)| Fact { label: label.into(), text });
        self.blocks.push(Block::Headline(facts.collect()));
    }

    pub(crate) fn facts<L: Into<String>>(&mut self, facts: impl IntoIterator<Item = (L, String)>) {
        let facts = facts.into_iter().map(|(label, text)| Fact { label: label.into(), text });
        self.blocks.push(Block::Facts(facts.collect()));
    }

    /// Adds a table that has rows.
    pub(crate) fn table(&mut self, table: Table) {
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table));
        }
    }

    /// Adds a chart that shows no more than a table above it.
    pub(crate) fn picture(&mut self, chart: Chart) {
        let chart = chart.finite();
        if !chart.is_empty() {
            self.blocks.push(Block::Picture(Box::new(chart)));
        }
    }

    /// Adds a chart without what is not a number; of one that has none left, a line that says so.
    pub(crate) fn chart(&mut self, chart: Chart) {
        let chart = chart.finite();
        if chart.is_empty() {
            let nothing = self.lang.say("nothing to show", "暂无数据");
            return self.note(format!("{}{}{nothing}", chart.title, self.lang.colon()));
        }
        self.blocks.push(Block::Chart(Box::new(chart)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Axis, Change, Plot, Step, Unit, Waterfall};

    #[test]
    fn a_chart_without_numbers_says_so() {
        let chart = |by| {
            let steps = vec![Step { label: "s".into(), change: Change::By(by) }];
            let plot = Plot::Waterfall(Waterfall { y: Axis::new("a", Unit::Count), steps });
            let mut out = Document::new(String::new());
            out.chart(Chart { title: "t".into(), caption: "c".into(), plot });
            out.blocks
        };
        assert!(matches!(&chart(1.0)[..], [Block::Chart(_)]));
        assert!(matches!(&chart(f64::NAN)[..], [Block::Note(text)] if text == "t: nothing to show"));
    }
}
