//! The languages of the backtest report.
//!
//! Both wordings stand side by side where a sentence is made, so that neither can be changed without the other.
//! Digits, units and names (of strategies, actions, parameters, columns) are the same in both.

use stratagem_model::money::group;

use crate::numbers::plural;

/// The language that a report is read in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lang {
    #[default]
    English,
    Chinese,
}

impl Lang {
    /// One of two wordings.
    pub(crate) fn say<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// A count of things: `2,469 customers`, or with a measure word, `2,469 位客户`.
    pub(crate) fn count(self, count: u64, english: &str, chinese: &str) -> String {
        match self {
            Self::English => plural(count, english),
            Self::Chinese => format!("{} {chinese}", group(count)),
        }
    }

    /// Days: `14 days`.
    pub(crate) fn days(self, count: u64) -> String {
        self.count(count, "day", "天")
    }

    /// What stands between a name and what it is the name of.
    pub(crate) fn colon(self) -> &'static str {
        self.say(": ", "：")
    }

    /// The BCP 47 tag.
    pub(crate) fn tag(self) -> &'static str {
        self.say("en", "zh-Hans")
    }
}
