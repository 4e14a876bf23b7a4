//! Metadata written by us, and what mirrors may do to it.

mod attacks;
mod changed_bytes;
mod json;
mod mirror;
mod roots;
mod writer;
