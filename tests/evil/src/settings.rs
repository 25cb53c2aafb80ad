//! What the guest can do wrong.

use stratagem_sdk::prelude::*;

/// Which rule, and what its customers get instead.
#[derive(Debug, Parameters)]
pub struct Settings {
    /// The rule to break.
    #[parameter(default = Misbehave::None)]
    pub misbehave: Misbehave,

    /// Whether the plan declares a fallback.
    #[parameter(default = true)]
    pub fallback: bool,

    /// Whether only those are greeted who order more often than the mean of all. Never asks to be woken.
    #[parameter(default = false)]
    pub greet_frequent: bool,
}

/// The rules, in the words of the contract. In `evaluate`, unless the name says `configure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Misbehave {
    /// Greets everyone.
    None,

    // Runs away.
    /// Never returns.
    Spin,
    /// Never returns from `configure`.
    SpinInConfigure,
    /// Calls itself until the stack ends.
    Recurse,
    /// Allocates and fills memory until there is no more.
    GrowTo4Gib,

    // Gives up.
    /// Panics, which the SDK logs.
    Panic,
    /// Traps without a word.
    Trap,
    /// Traps in `configure`.
    TrapInConfigure,
    /// Says that it cannot answer.
    Refuse,
    /// Refuses its parameters.
    RefuseInConfigure,

    // Answers wrongly.
    /// A row more than there are proposals.
    WrongLengthRows,
    /// An action more than there are proposals.
    WrongLengthActions,
    /// An item more than there are proposals.
    WrongLengthItems,
    /// A score more than there are proposals.
    WrongLengthScores,
    /// A time more than there are proposals.
    WrongLengthTimes,
    /// A wake more than there are rows.
    WrongLengthWakes,
    /// A row that the batch does not have.
    RowOutOfRange,
    /// The same row, action and item twice.
    Duplicate,
    /// An action that the plan does not have.
    UnknownAction,
    /// A score of 0.
    ZeroScore,
    /// A score below 0.
    NegativeScore,
    /// A time before now.
    TimeInThePast,
    /// A time 24 hours after now.
    TimeTooLate,
    /// 17 proposals a row.
    TooManyProposals,
    /// 16 million proposals.
    HugeOutput,

    // Talks too much.
    /// A failure with a message of 32 MiB.
    HugeFailure,
    /// A plan with a text of 32 MiB.
    HugePlan,
    /// 1,000 columns.
    ManyColumns,
    /// 64 MiB of log lines.
    FloodLog,

    // Answers something else the next time.
    /// Proposes in every other call only.
    Remember,
    /// Proposes for the first row of a batch only.
    DependOnBatch,

    // Reaches out; see `ambient.rs`.
    /// Reads, lists and writes files.
    Files,
    /// Reads variables and arguments.
    Environment,
    /// Connects to an address and looks one up.
    Network,
    /// Reads both clocks.
    Clock,
    /// Draws a random number and answers by it.
    Random,
    /// Waits for an hour.
    Sleep,
    /// Starts a thread.
    Thread,
    /// Writes to standard output and error, reads standard input.
    Print,
    /// Ends the process.
    Exit,
}
