//! What a strategy says of itself before it runs.

/// A line or paragraph in English and, where the author gives it, in Chinese. At most 2,000 bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub english: &'static str,
    /// Chinese.
    pub chinese: Option<&'static str>,
}

impl Text {
    /// English only.
    pub const fn english(english: &'static str) -> Self {
        Self { english, chinese: None }
    }

    /// English and Chinese.
    pub const fn both(english: &'static str, chinese: &'static str) -> Self {
        Self { english, chinese: Some(chinese) }
    }
}

/// What kind of marketing operation a strategy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationClass {
    /// Always on, over the customer's life: welcome, growth, recall.
    Lifecycle,
    /// A special period of the year: festivals, sales.
    Seasonal,
    /// The customer's own important day: birthday, anniversary.
    PersonalDay,
    /// An answer to one act: reward the good one, alert on the abnormal break.
    KeyAction,
}

/// The seven questions every strategy answers before it runs (5W2H), a sentence each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// Which customers.
    pub to_whom: &'static str,
    /// What it should change.
    pub why: &'static str,
    /// What they get.
    pub what: &'static str,
    /// At which moment.
    pub when: &'static str,
    /// Through which channel.
    pub r#where: &'static str,
    /// By which rule.
    pub how: &'static str,
    /// What it costs at most.
    pub how_much: &'static str,
}

/// Name and version of the crate that is being compiled, from [`package!`](crate::package).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    /// Lower-case words joined by `-`; the same in every version.
    pub name: &'static str,
    /// Semantic version, such as `1.2.0`.
    pub version: &'static str,
}

/// What a strategy is. Constant: it depends on nothing. The parameters are added by the SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// Name and version, best from [`package!`](crate::package).
    pub package: Package,
    /// A few words.
    pub title: Text,
    /// One paragraph.
    pub summary: Text,
    /// The kind of operation.
    pub class: OperationClass,
    /// 5W2H.
    pub answers: Answers,
}

/// Name and version of the crate it is written in, as a [`Package`](crate::Package).
#[macro_export]
macro_rules! package {
    () => {
        $crate::Package { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    };
}
