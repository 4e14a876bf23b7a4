//! How an error is told.

use std::error::Error;

use super::table::line;
use crate::base::{Hinted, causes};

/// `error:`, each cause once, then `hint:` lines.
#[must_use]
pub fn render_error(error: &(dyn Error + 'static), hints: &[String]) -> String {
    let mut text = String::new();
    for (depth, message) in causes(error).iter().enumerate() {
        text += &match depth {
            0 => line(0, &format!("error: {message}")),
            _ => line(1, &format!("caused by: {message}")),
        };
    }
    for hint in hints {
        text += &line(0, &format!("hint: {hint}"));
    }
    text
}

/// The hint of an error as the list that [`render_error`] takes.
#[must_use]
pub fn hints(error: &(impl Hinted + ?Sized)) -> Vec<String> {
    error.hint().into_iter().collect()
}
