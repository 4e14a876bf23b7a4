//! `spartacus offer doctor`: does a place work, and does its account allow no more than a mirror needs?

use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use serde_json::{Value, json};

use crate::base::{ByteCount, Clock, ObjectPath, causes, escape, sanitise};
use crate::cli::args::{Global, OfferDoctor};
use crate::cli::cancel::Cancel;
use crate::cli::connect::{TargetConnector, destinations, http_policy};
use crate::cli::deploy_key::DeployKey;
use crate::cli::exit::{self, Ended, Failure};
use crate::cli::session::{configuration, hinted, project};
use crate::cli::surface::{Surface, say};
use crate::config::{Config, Target, TargetKind};
use crate::net::{Clients, Contacts};
use crate::registration::{Check, Examination, Finding, Outcome, Place, PublicFace, examine, examine_chroot};
use crate::report;

/// How long readers may wait until they see a change, as long as a canary is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Examines each place of the configuration, or those named; no project is needed.
pub async fn doctor(surface: &Surface, global: &Global, order: &OfferDoctor) -> Ended {
    let config = configuration(surface, global)?;
    let places = chosen(&config, global, &order.names)?;
    let cancel = Cancel::on_signals(surface)?;
    let clients = Arc::new(Clients::for_targets(places.len()));
    // A volunteer has none; a maintainer looks at targets of one.
    let project = project(global).ok();
    let mut good = true;
    let mut told: Vec<Value> = Vec::new();
    for target in places {
        let deploy = project.as_ref().and_then(|project| DeployKey::of(project, target));
        let (needs, chroot) = (order.needs, order.chroot.as_deref());
        let trial = Trial { config: &config, clients: &clients, target, needs, chroot, deploy, claim: None };
        let looking = try_out(surface, &trial);
        let found = tokio::select! {
            biased;
            () = cancel.token.cancelled() => {
                surface.remark(&format!("{}: what was written for it may lie there still: .spartacus-probe-...", target.name));
                return Ok(cancel.code().unwrap_or(exit::INTERRUPTED));
            }
            found = looking => found?,
        };
        good &= found.is_good();
        if !surface.json {
            say(&conclusion(target, &found));
        }
        told.push(json!({"target": target.name, "good": found.is_good(), "findings": found.findings}));
    }
    if surface.json {
        say(&report::object("spartacus.examination/1", &json!({"targets": told})));
    }
    Ok(if good { exit::OK } else { exit::UNHEALTHY })
}

fn chosen<'a>(config: &'a Config, global: &Global, names: &[String]) -> Result<Vec<&'a Target>, Failure> {
    let words: Vec<&String> = names.iter().chain(&global.only).collect();
    let is_meant = |target: &Target, word: &str| target.name.as_str() == word || target.tags.iter().any(|tag| tag == word);
    if let Some(word) = words.iter().find(|word| !config.targets.iter().any(|target| is_meant(target, word))) {
        let known: Vec<&str> = config.targets.iter().map(|target| target.name.as_str()).collect();
        return Err(Failure::told(exit::USAGE, format!("{} has no place named {}", config.path, sanitise(word)))
            .hint(format!("places are: {}", known.join(", "))));
    }
    if config.targets.is_empty() {
        return Err(Failure::told(exit::USAGE, format!("there is no place in {}", config.path))
            .hint("write it as a target, see docs/offers.md"));
    }
    Ok(config.targets.iter().filter(|target| words.is_empty() || words.iter().any(|word| is_meant(target, word))).collect())
}

/// A place that is tried out.
pub struct Trial<'a> {
    /// What holds for all places.
    pub config: &'a Config,
    /// HTTP clients.
    pub clients: &'a Arc<Clients>,
    /// The place, as a target.
    pub target: &'a Target,
    /// How much will be stored there.
    pub needs: Option<ByteCount>,
    /// The folder that an account is locked into, on this machine.
    pub chroot: Option<&'a Utf8Path>,
    /// The project's deploy key, if the place logs in with it.
    pub deploy: Option<DeployKey>,
    /// What shows that a copy that lies there is of whoever offers the place.
    pub claim: Option<ObjectPath>,
}

/// Examines a place, and tells each finding as it comes.
pub async fn try_out(surface: &Surface, trial: &Trial<'_>) -> Result<Examination, Failure> {
    let Trial { config, clients, target, .. } = *trial;
    let mut tell = |finding: &Finding| {
        if !surface.json {
            say(&line(finding));
        }
    };
    if !surface.json {
        say(&format!("{}:", target.name));
    }
    // What lies below explains a login that fails, so it is looked at first.
    let locked_in = trial.chroot.iter().filter(|_| matches!(target.kind, TargetKind::Sftp(_)));
    let below: Vec<Finding> = locked_in.flat_map(|folder| examine_chroot(folder)).collect();
    below.iter().for_each(&mut tell);
    let login =
        match TargetConnector::alone(config, clients, target).with_deploy_key(trial.deploy.clone()).login_with_either_key().await
        {
            Ok(login) => login,
            Err(error) => {
                // No server was asked: it is our own side that lacks something.
                let what = causes(&error).pop().unwrap_or_default();
                let fix = error.advice.as_ref().map(|advice| escape(advice));
                let missing = Finding { check: Check::Login, outcome: Outcome::Failed, what: escape(&what), fix };
                tell(&missing);
                return Ok(Examination { findings: below.into_iter().chain([missing]).collect() });
            }
        };
    let place = Place {
        target: target.name.clone(),
        login,
        face: face(config, clients, target)?,
        needed: trial.needs,
        patience: PATIENCE,
        clock: Clock::System,
        claim: trial.claim.clone(),
    };
    let found = examine(&place, &mut tell).await;
    Ok(Examination { findings: below.into_iter().chain(found.findings).collect() })
}

fn face(config: &Config, clients: &Arc<Clients>, target: &Target) -> Result<Option<PublicFace>, Failure> {
    let Some(url) = target.public_url.clone() else { return Ok(None) };
    let (timeouts, destinations) = (&config.policy.timeouts, destinations(config, target));
    let client = clients.get(&http_policy(target, timeouts, &destinations)).map_err(|error| hinted(exit::USAGE, error))?;
    let contacts = target.proxy.is_none().then(|| Arc::new(Contacts::new(timeouts)));
    Ok(Some(PublicFace { url, client, contacts, destinations, ca: target.ca.clone() }))
}

/// A finding in a line, and what mends it in a second one.
pub fn line(finding: &Finding) -> String {
    let word = match finding.outcome {
        Outcome::Passed => "yes    ",
        Outcome::Warning => "WARNING",
        Outcome::Failed => "FAILED ",
        Outcome::NotTried => "-      ",
    };
    let fix = finding.fix.as_ref().map(|fix| format!("\n           to mend it: {fix}")).unwrap_or_default();
    format!("  {word}  {:<30} {}{fix}", finding.check.title(), finding.what)
}

/// The last line about a place.
pub fn conclusion(target: &Target, found: &Examination) -> String {
    let count = |outcome| found.findings.iter().filter(|finding| finding.outcome == outcome).count();
    let (failed, warnings) = (count(Outcome::Failed), count(Outcome::Warning));
    let warned = match warnings {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        more => format!(", {more} warnings"),
    };
    if found.is_good() {
        format!("{} can be offered: {} passed{warned}", target.name, count(Outcome::Passed))
    } else {
        format!("{} cannot be offered like this: {failed} failed{warned}", target.name)
    }
}
