//! What is shown, before it is text or Markdown.

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
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Plain | Self::Good => "note",
            Self::Warning => "warning",
            Self::Bad => "FAILED",
        }
    }
}

/// A first line and what follows.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) verdict: String,
    pub(crate) tone: Tone,
    pub(crate) blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Debug)]
pub(crate) enum Block {
    Heading(String),
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
}

/// A labelled line.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) label: String,
    pub(crate) text: String,
}

impl Document {
    pub(crate) fn new(verdict: String) -> Self {
        Self { verdict, tone: Tone::Plain, blocks: vec![] }
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
}
