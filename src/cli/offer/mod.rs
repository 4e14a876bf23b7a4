//! `spartacus offer`: what whoever has some web space does.

mod doctor;
mod folder;
mod interview;
mod new;
mod seal;
mod setup;

pub use doctor::{Trial, conclusion, line, try_out};

use super::args::{Global, Offer};
use super::exit::Ended;
use super::surface::Surface;
use crate::registration::{Request, Withdrawal};

/// Does what is asked.
pub async fn offer(surface: &Surface, global: &Global, order: &Offer) -> Ended {
    match order {
        Offer::New(order) => new::new(surface, order).await,
        Offer::Setup(order) => setup::setup(surface, order),
        Offer::Doctor(order) => doctor::doctor(surface, global, order).await,
        Offer::Seal(order) => seal::seal(surface, global, order, false),
        Offer::Update(order) => seal::seal(surface, global, order, true),
        Offer::Pause { message, until } => seal::pause(surface, global, message, until),
        Offer::Resume(message) => seal::send(surface, global, message, Request::Resume {}),
        Offer::Withdraw { message, delete } => {
            seal::send(surface, global, message, Request::Withdraw(Withdrawal { delete: *delete }))
        }
    }
}
