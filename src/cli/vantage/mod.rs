//! `spartacus check --vantage`: the mirrors as they are seen from here, signed for a maintainer elsewhere.

pub mod args;
mod face;
mod list;
mod number;

use std::sync::Arc;

use camino::Utf8Path;

use self::list::Addresses;
use super::alone::pause;
use super::args::{Check, Global};
use super::cancel::Cancel;
use super::check::{depth, tell};
use super::exit::{self, Ended, Failure};
use super::public::write_whole;
use super::session::{key_failure, refuse_other_content, refuse_own_files};
use super::surface::Surface;
use crate::base::{Clock, Replicas, Sha256, VantageName};
use crate::health::{self, Control, Expectation, RoundOrders, Testimony};
use crate::net::{Clients, Contacts};
use crate::trust::SigningKey;

/// Mirrors looked at, at the same time.
const CONCURRENCY: usize = 32;

/// Looks at every mirror with nothing but the pin and their addresses, and writes what was seen. Whatever that is, it ends
/// with 0: judging is the maintainer's.
pub async fn testify(surface: &Surface, global: &Global, order: &Check, vantage: &VantageName, out: &Utf8Path) -> Ended {
    let places = &order.places;
    refuse_own_files(global, "--out", out)?;
    refuse_other_content("--out", out, "{\"schema\":\"spartacus.testimony/1\"", "testimony")?;
    let key = signing_key(&places.key, vantage)?;
    let cancel = Cancel::on_signals(surface)?;
    let addresses = Addresses::gather(surface, global, places).await?.only(&global.only)?;
    if let Some(most) = order.jitter {
        pause(surface, most, &cancel).await?;
    }
    let (clients, contacts) = (Clients::for_targets(addresses.mirrors.len()), Arc::new(Contacts::new(&addresses.timeouts)));
    let face = |address| face::mirror(&clients, &contacts, &addresses.timeouts, address);
    let clock = Clock::System;
    let mut round = health::round(RoundOrders {
        mirrors: addresses.mirrors.iter().map(face).collect(),
        expected: Expectation {
            pin: addresses.pin.clone(),
            version: 0,
            snapshot: None,
            companions: Arc::default(),
            now: clock.now(),
        },
        release: None,
        depth: depth(order.files, order.full),
        replicas: Replicas::All,
        paused: 0,
        concurrency: CONCURRENCY,
        timeouts: addresses.timeouts,
        clock,
        control: Some(Control::new(contacts.clone(), addresses.control.clone())),
        cancel: cancel.token.clone(),
    })
    .await;
    let mut newest = round.mirrors.iter().filter(|mirror| mirror.version == Some(round.version));
    round.release = newest.find_map(|mirror| mirror.release.clone());
    if let (false, Some(code)) = (round.unfinished.is_empty(), cancel.code()) {
        surface.remark(&format!("stopped before every mirror was looked at: {out} was not written"));
        return Ok(code);
    }
    let urls: Vec<url::Url> = addresses.mirrors.iter().map(|mirror| mirror.url.clone()).collect();
    let number = number::next(&places.key, clock.now())?;
    let testimony = Testimony::of(Sha256::of(&addresses.pin), vantage.clone(), number, &round, &urls, places.valid);
    write_whole(out, &String::from_utf8_lossy(&testimony.to_file(&key)))?;
    tell(surface, &round, None);
    surface.remark(&format!(
        "testimony {number} of {vantage}, which counts until {}: {out}",
        testimony.expires.strftime("%Y-%m-%d %H:%MZ")
    ));
    Ok(exit::OK)
}

fn signing_key(path: &Utf8Path, vantage: &VantageName) -> Result<SigningKey, Failure> {
    SigningKey::load(path, None).map_err(|error| {
        let missing = !path.exists();
        let failure = key_failure(error);
        if missing { failure.hint(format!("spartacus key new {vantage} --vantage --out {path}")) } else { failure }
    })
}
