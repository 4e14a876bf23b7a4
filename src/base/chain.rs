//! How errors are told: each cause once, then hints.

use std::error::Error;

/// An error that can say what to do about it.
pub trait Hinted: Error {
    /// A command or an edit that works when pasted, or `None`.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// The causes of `error`, outermost first, without repeating a message that the one above already holds.
#[must_use]
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(current) = next {
        let line = super::sanitise(&current.to_string());
        if !lines.last().is_some_and(|above| above.contains(&line)) {
            lines.push(line);
        }
        next = current.source();
    }
    lines
}
