//! What time it is, as a parameter.

use jiff::Timestamp;

/// Where the time comes from, so that every check can be asked about any moment.
#[derive(Debug, Clone, Copy, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands still: for tests and for reading expired metadata.
    Fixed(Timestamp),
}

impl Clock {
    /// The present moment, by this clock.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(moment) => moment,
        }
    }
}
