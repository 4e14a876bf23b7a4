//! `spartacus offer setup`: what to do on the server, once more.

use std::fmt::Write as _;

use camino::Utf8Path;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;
use url::Url;

use super::folder::{CHOICES, CONFIG, DOCTOR_KEY, INVITE, PAGE};
use crate::base::{Clock, Sha256, TargetName};
use crate::cli::args::OfferSetup;
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::invite::{authentic, over};
use crate::cli::public::write_whole;
use crate::cli::session::{configuration_at, file_failure, hinted, read_at_most};
use crate::cli::surface::{Surface, answer};
use crate::config::{SecretRef, TargetKind};
use crate::registration::{Flavour, Invite, LONGEST_INVITE, Preparation, SetupChoices, SetupStep, setup_page};

/// How long what is given lasts, in days, unless said.
const USUAL_DAYS: i64 = 365;
/// Longest file of choices, in bytes.
const LONGEST_CHOICES: u64 = 64 * 1024;

/// Makes the steps from what lies in the folder, and writes anew what they consist of.
pub fn setup(surface: &Surface, order: &OfferSetup) -> Ended {
    let folder = &order.folder;
    let path = folder.join(CHOICES);
    let mut choices = choices_in(folder)?;
    if let Some(until) = order.until {
        choices.until = last_day(Some(until))?;
    }
    let config = configuration_at(surface, &folder.join(CONFIG))?;
    let [target] = <[_; 1]>::try_from(config.targets).map_err(|targets: Vec<_>| {
        Failure::told(exit::USAGE, format!("{} has {} targets instead of one", config.path, targets.len()))
            .hint("leave the others out of the file")
    })?;
    let invite = match config.project.root {
        Some(pin) => Some(known_invite(surface, &folder.join(INVITE), pin)?),
        None => None,
    };
    let own_key = own_key(folder)?;
    let kind = seen_from_inside(target.kind, folder);
    let steps = steps_of(&target.name, &kind, target.public_url.as_ref(), &choices, invite.as_ref(), own_key.as_deref())?;
    let mut files = vec![PAGE.to_owned()];
    if order.until.is_some() {
        write_whole(&path, &format!("{}\n", serde_json::to_string_pretty(&choices)?))?;
        files.push(CHOICES.to_owned());
    }
    for (name, step) in steps.iter().filter_map(|step| step.own_file().map(|name| (name, step))) {
        write_whole(&folder.join(name), &format!("{}\n", step.text))?;
        files.push(name.to_owned());
    }
    write_whole(&folder.join(PAGE), &setup_page(&heading(&target.name), &steps))?;
    let next = [format!("cd {folder} && spartacus offer doctor")];
    tell(surface, "spartacus.offer_new/1", folder, (&target.name, &kind), choices.flavour, &files, &steps, &next);
    Ok(exit::OK)
}

/// What was chosen when the folder was made.
pub fn choices_in(folder: &Utf8Path) -> Result<SetupChoices, Failure> {
    let path = folder.join(CHOICES);
    let choices = read_at_most(&path, LONGEST_CHOICES)
        .map_err(|failure| failure.hint("spartacus offer new DIR makes such a folder; or name it: spartacus offer setup DIR"))?;
    serde_json::from_slice(&choices)
        .map_err(|error| Failure::new(exit::USAGE, anyhow::Error::new(error).context(format!("cannot read {path}"))))
}

/// One that is over will do for lines that are written already; its keys may have changed since.
fn known_invite(surface: &Surface, path: &Utf8Path, pin: Sha256) -> Result<Invite, Failure> {
    let invite = authentic(path, &read_at_most(path, LONGEST_INVITE)?, pin)?;
    if invite.expires <= Clock::System.now() {
        let failure = over(path, &invite);
        surface.remark(&format!("{}; its keys stand in the steps all the same", failure.error));
        failure.hints.iter().for_each(|hint| surface.remark(&format!("hint: {hint}")));
    }
    Ok(invite)
}

fn own_key(folder: &Utf8Path) -> Result<Option<String>, Failure> {
    let path = folder.join(format!("{DOCTOR_KEY}.pub"));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file_failure("read", &path, error)),
    }
}

/// Secrets of the folder under their bare names, as whoever is in it calls them.
fn seen_from_inside(mut kind: TargetKind, folder: &Utf8Path) -> TargetKind {
    let bare = |secret: &mut SecretRef| {
        if let SecretRef::File(path) = secret
            && let Ok(inside) = path.strip_prefix(folder)
        {
            *path = inside.to_owned();
        }
    };
    match &mut kind {
        TargetKind::Sftp(sftp) => sftp.password.iter_mut().for_each(bare),
        TargetKind::Webdav(webdav) => webdav.password.iter_mut().for_each(bare),
        TargetKind::S3(s3) => [&mut s3.access_key, &mut s3.secret_key].into_iter().for_each(bare),
        TargetKind::Folder(_) => {}
    }
    kind
}

/// What to do on the server of such a place.
pub fn steps_of(
    name: &TargetName,
    kind: &TargetKind,
    public_url: Option<&Url>,
    choices: &SetupChoices,
    invite: Option<&Invite>,
    own_key: Option<&str>,
) -> Result<Vec<SetupStep>, Failure> {
    Preparation { name, kind, public_url, choices, invite, own_key }.steps().map_err(|error| hinted(exit::USAGE, error))
}

/// The last day of what is given, a year from now unless said.
pub fn last_day(said: Option<Date>) -> Result<Date, Failure> {
    let today = Clock::System.now().to_zoned(TimeZone::UTC).date();
    match said {
        Some(day) if day <= today => Err(Failure::told(exit::USAGE, format!("--until {day}: that day is over"))
            .hint("name a day to come, or leave --until out")),
        Some(day) => Ok(day),
        None => Ok(today.saturating_add(USUAL_DAYS.days())),
    }
}

/// The first line of the page.
pub fn heading(name: &TargetName) -> String {
    format!("How {name} becomes a mirror")
}

/// The steps, for people or as an object.
#[expect(clippy::too_many_arguments, reason = "they are the fields of one report")]
pub fn tell(
    surface: &Surface,
    schema: &'static str,
    folder: &Utf8Path,
    (name, kind): (&TargetName, &TargetKind),
    flavour: Flavour,
    files: &[String],
    steps: &[SetupStep],
    next: &[String],
) {
    let fields = json!({
        "folder": folder.as_str(),
        "name": name,
        "protocol": kind.word(),
        "flavour": flavour.word(),
        "files": files,
        "steps": steps,
        "next": next,
    });
    let mut text = setup_page(&heading(name), steps);
    if !files.is_empty() {
        let _ = write!(text, "\nwritten to {folder}: {}\n", files.join(", "));
    }
    text += "\nnext:\n";
    for line in next {
        let _ = writeln!(text, "  {line}");
    }
    answer(surface, schema, &fields, &text);
}
