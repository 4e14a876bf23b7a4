//! `spartacus offer seal`, `update`, `pause`, `resume`, `withdraw`: what a volunteer tells a project, each as one signed file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::folder::{CONFIG, INVITE, VOLUNTEER_KEY};
use super::setup::choices_in;
use crate::base::{Clock, sanitise};
use crate::cli::args::{Global, OfferMessage, OfferSeal};
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::invite::{authentic, over};
use crate::cli::public::write_whole;
use crate::cli::session::{configuration, hinted, key_failure, read_at_most, refuse_other_content};
use crate::cli::surface::{Surface, answer};
use crate::config::{Config, Target};
use crate::registration::{
    Invite, LONGEST_INVITE, LONGEST_OFFER, Limits, Message, Offered, OfferedPlace, Request, Sealed, as_target,
};
use crate::trust::SigningKey;

/// How a file of ours begins.
const BEGINS: &str = "{\n  \"schema\": \"spartacus.offer/1\"";

/// A folder that is prepared for an offer.
struct Desk {
    folder: Utf8PathBuf,
    invite: Invite,
    key: SigningKey,
}

impl Desk {
    /// `secrets`: something is sealed to the invite's recipients, so that it has to hold still.
    fn open(surface: &Surface, global: &Global, order: &OfferMessage, secrets: Option<Timestamp>) -> Result<Self, Failure> {
        // Names without a dot before them, as people write them.
        let here = |folder: Utf8PathBuf| if folder == "." { Utf8PathBuf::new() } else { folder };
        let folder = order.folder.clone().unwrap_or_else(|| here(crate::cli::session::folder(global)));
        let path = order.invite.clone().unwrap_or_else(|| folder.join(INVITE));
        let file = read_at_most(&path, LONGEST_INVITE).map_err(|failure| {
            failure.hint("get it from the project's pages, or from any of its mirrors: fleet/N.invite.json")
        })?;
        // The pin that was compared when the folder was made is believed more than what a file says today.
        let known = order.pin.or_else(|| Config::load(&folder.join(CONFIG)).ok()?.config.project.root);
        let pin = match known {
            Some(pin) => pin,
            None => Invite::claimed_pin(&file)
                .ok_or_else(|| Failure::told(exit::FORGED, format!("{path} is no invite")).hint("get it again"))?,
        };
        let invite = authentic(&path, &file, pin)?;
        if secrets.is_some_and(|now| invite.expires <= now) {
            return Err(over(&path, &invite));
        }
        if known.is_none() {
            surface.remark(&format!(
                "the invite is for {}, pin sha256:{}: compare it with what the project says elsewhere",
                invite.project, pin
            ));
        }
        let path = order.key.clone().unwrap_or_else(|| folder.join(VOLUNTEER_KEY));
        if !path.exists() {
            return Err(Failure::told(exit::USAGE, format!("there is no key of yours at {path}"))
                .hint("spartacus offer new makes the folder of an offer with its key")
                .hint(format!("or make one: spartacus key new volunteer --vantage --out {path}")));
        }
        Ok(Self { key: open_own_key(surface, &path)?, folder, invite })
    }

    /// Signs it, writes it, and says where it goes.
    fn send(&self, surface: &Surface, order: &OfferMessage, request: Request, now: Timestamp) -> Ended {
        let word = request.word();
        let out = order.out.clone().unwrap_or_else(|| self.folder.join(format!("{word}.json")));
        let message = Message::new(self.invite.pin, &self.key, request, now);
        let file = message.to_file(&self.key);
        if file.len() as u64 > LONGEST_OFFER {
            return Err(Failure::told(exit::USAGE, "the offer is longer than 64 KiB").hint("shorten the notes"));
        }
        // What the project would not take is not written.
        let read = Message::read(file.as_bytes(), self.invite.pin, now).map_err(|error| hinted(exit::USAGE, error))?;
        refuse_other_content("--out", &out, BEGINS, "message of an offer")?;
        write_whole(&out, &file)?;
        let ticket = read.ticket();
        let mut text = format!("{out} is signed with your key; ticket {ticket}\n");
        if message.request.offered().is_some() {
            let count = self.invite.recipients.len();
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "what is private in it is sealed to {count} keys of the project; the rest may be read by everybody"
            );
        }
        if let Some(offered) = message.request.offered() {
            let _ = writeln!(
                text,
                "it holds until {}: before that, send an update (spartacus offer update)",
                crate::report::moment(offered.expires)
            );
        }
        text += "send it to one of:\n";
        for place in &self.invite.send_to {
            let _ = writeln!(text, "  {}", place.strip_prefix("mailto:").unwrap_or(place));
        }
        let key = self.folder.join(VOLUNTEER_KEY);
        let _ = write!(text, "keep {key} safe: only with it can you change or withdraw the offer");
        let fields = json!({
            "file": out.as_str(), "request": word, "ticket": ticket, "sequence": message.sequence, "send_to": self.invite.send_to,
            "expires": message.request.offered().map(|offered| offered.expires),
        });
        answer(surface, "spartacus.offer_sealed/1", &fields, &text);
        Ok(exit::OK)
    }
}

/// A key without a password opens at once; with one it is asked for.
fn open_own_key(surface: &Surface, path: &Utf8Path) -> Result<SigningKey, Failure> {
    match SigningKey::load(path, None) {
        Err(crate::trust::TrustError::PasswordNeeded { .. }) => crate::cli::init::open_key(surface, path),
        opened => opened.map_err(key_failure),
    }
}

/// `spartacus offer seal`, and `spartacus offer update`
pub fn seal(surface: &Surface, global: &Global, order: &OfferSeal, is_update: bool) -> Ended {
    let now = Clock::System.now();
    let desk = Desk::open(surface, global, &order.message, Some(now))?;
    let config = desk.folder.join(global.config.file_name().unwrap_or("targets.yaml"));
    let config = configuration(surface, &Global { config, ..global.clone() })?;
    let target = only_one(&config.targets, &config.path)?;
    let offered = offered(&desk, target, order, now)?;
    remark_on_login(surface, &desk.folder, target, offered.expires);
    let request = if is_update { Request::Update(Box::new(offered)) } else { Request::Offer(Box::new(offered)) };
    desk.send(surface, &order.message, request, now)
}

/// What the project logs in with may end before the offer does: then nobody would hear of it before pushes fail.
fn remark_on_login(surface: &Surface, folder: &Utf8Path, target: &Target, expires: Timestamp) {
    let Ok(choices) = choices_in(folder) else { return };
    let Some(until) = choices.ends(&target.kind) else { return };
    let day = expires.to_zoned(jiff::tz::TimeZone::UTC).date();
    if until < day {
        let place = if folder.as_str().is_empty() { String::new() } else { format!("{folder} ") };
        surface.remark(&format!(
            "what the project logs in with ends {until}, and the offer {day}: spartacus offer setup {place}--until {day}   (then do that \
             step on the server again)"
        ));
    }
}

fn only_one<'a>(targets: &'a [Target], path: &Utf8Path) -> Result<&'a Target, Failure> {
    match targets {
        [target] => Ok(target),
        [] => Err(Failure::told(exit::USAGE, format!("there is no place in {path}")).hint("spartacus offer new")),
        more => Err(Failure::told(exit::USAGE, format!("there are {} places in {path}; an offer is of one", more.len()))
            .hint("give each a folder of its own: spartacus offer new DIR")),
    }
}

fn offered(desk: &Desk, target: &Target, order: &OfferSeal, now: Timestamp) -> Result<Offered, Failure> {
    let refuse = |error| hinted(exit::USAGE, error);
    let missing = |what: &str, hint: &str| Failure::told(exit::USAGE, what.to_owned()).hint(hint.to_owned());
    let Some(url) = &target.public_url else {
        return Err(missing(
            &format!("{} has no public address: readers would not find it", target.name),
            "add public_url: https://mirror.example.org/archive/ to the place",
        ));
    };
    if target.ca.is_some() || target.proxy.is_some() {
        return Err(missing(
            &format!("{} is reached with `ca` or `proxy`, which are things of this machine", target.name),
            "offer an address with a certificate that every reader accepts",
        ));
    }
    let (place, references) = OfferedPlace::of_target(&target.kind).map_err(refuse)?;
    let mut secrets = BTreeMap::new();
    for (name, reference) in references {
        secrets.insert(name, reference.resolve().map_err(|error| hinted(exit::USAGE, error))?);
    }
    let sealed = Sealed {
        place,
        secrets,
        contact: target.contact.as_deref().cloned(),
        notes: order.notes.as_deref().map(sanitise).filter(|notes| !notes.trim().is_empty()),
    };
    let expires = now + SignedDuration::try_from(order.valid).unwrap_or(SignedDuration::ZERO);
    let offered = Offered {
        name: target.name.clone(),
        public_url: url.to_string(),
        kind: sealed.place.word().to_owned(),
        operator: target.operator.clone(),
        country: target.country.clone(),
        network: target.network.clone(),
        limits: Limits::of_target(&target.limits),
        expires: Timestamp::from_second(expires.as_second()).unwrap_or(expires),
        sealed: sealed.close(desk.key.public(), &desk.invite.recipients).map_err(refuse)?,
    };
    // As the project will read it: what its configuration would refuse is told here and not weeks later.
    let nowhere = |_| crate::config::SecretRef::Env("SECRET".to_owned());
    let new = sealed.target(&offered, target.name.clone(), nowhere, "deploy_ed25519").map_err(refuse)?;
    as_target(&new, Utf8Path::new("targets.yaml")).map_err(refuse)?;
    Ok(offered)
}

/// `spartacus offer pause`
pub fn pause(surface: &Surface, global: &Global, order: &OfferMessage, until: &str) -> Ended {
    let now = Clock::System.now();
    let until = moment(until, now).filter(|until| *until > now).ok_or_else(|| {
        Failure::told(exit::USAGE, format!("--until {}: this is no moment to come", sanitise(until)))
            .hint("write a day or a time to come: --until 2027-01-06, --until '14 days'")
    })?;
    Desk::open(surface, global, order, None)?.send(surface, order, Request::Pause { until }, now)
}

/// `spartacus offer resume`, `spartacus offer withdraw`
pub fn send(surface: &Surface, global: &Global, order: &OfferMessage, request: Request) -> Ended {
    let now = Clock::System.now();
    Desk::open(surface, global, order, None)?.send(surface, order, request, now)
}

/// A day (its beginning, UTC), a moment, or a time from now.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let whole = |moment: Timestamp| Timestamp::from_second(moment.as_second()).ok();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return whole(moment);
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|moment| moment.timestamp());
    }
    let span = SignedDuration::try_from(crate::base::parse_duration(text).ok()?).ok()?;
    whole(now.checked_add(span).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Sha256;

    #[test]
    fn people_write_moments_in_several_ways() {
        let now: Timestamp = "2026-11-29T17:00:00Z".parse().expect("a moment");
        let read = |text| moment(text, now).map(|moment| moment.to_string());
        assert_eq!(read("2026-12-24").as_deref(), Some("2026-12-24T00:00:00Z"));
        assert_eq!(read("2026-12-24T12:30:00+01:00").as_deref(), Some("2026-12-24T11:30:00Z"));
        assert_eq!(read("14 days").as_deref(), Some("2026-12-13T17:00:00Z"));
        for text in ["", "tomorrow", "2026-13-01", "14", "99999999999 days"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn an_unused_pin_is_a_digest() {
        assert_eq!(Invite::claimed_pin(br#"{"signed":{"pin":"00"}}"#), None);
        let pin = Sha256::of(b"x");
        assert_eq!(Invite::claimed_pin(format!(r#"{{"signed":{{"pin":"{pin}"}}}}"#).as_bytes()), Some(pin));
    }
}
