//! `spartacus offer`: what whoever has some web space does.

mod doctor;

use super::args::{Global, Offer};
use super::exit::Ended;
use super::surface::Surface;

/// Does what is asked.
pub async fn offer(surface: &Surface, global: &Global, order: &Offer) -> Ended {
    match order {
        Offer::Doctor(order) => doctor::doctor(surface, global, order).await,
    }
}
