//! Reports of samples, as literal text.

mod json;
mod progress;
pub(super) mod sample;
mod schema;
mod text;
