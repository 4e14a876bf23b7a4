//! Metrics in the text format of Prometheus (exposition format 0.0.4), for the node exporter's textfile collector.
//!
//! Base units, moments instead of ages, and no label whose values strangers choose.

mod alerts;
mod probes;
mod reach;
mod resilience;
mod vantages;

use std::fmt::Write as _;

use jiff::Timestamp;

use super::fleet::{Fleet, FleetMirror};
use crate::base::Level;
use crate::health::Condition;
pub use alerts::prometheus_alerts;
pub use resilience::prometheus_resilience;

/// All mirrors as metrics; every family is there in each round, so that an alert can tell "none" from "gone".
#[must_use]
pub fn prometheus(fleet: &Fleet) -> String {
    let mut out = Metrics::default();
    observer(&mut out, fleet);
    release(&mut out, fleet);
    conditions(&mut out, fleet);
    uptime(&mut out, fleet);
    probes::probes(&mut out, fleet);
    reach::reach(&mut out, fleet);
    vantages::vantages(&mut out, fleet);
    out.text
}

fn observer(out: &mut Metrics, fleet: &Fleet) {
    out.family("spartacus_build_info", "gauge", "The version that wrote this.");
    out.sample("spartacus_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    out.family("spartacus_observer_saw", "gauge", "0: so many mirrors failed at once in the last round that the fault was ours.");
    out.sample("spartacus_observer_saw", &[], number(fleet.observer.saw));
    let name = "spartacus_observer_online";
    out.family(name, "gauge", "Whether any place of health.control answered in the last round; absent: none is named.");
    if let Some(online) = fleet.observer.online {
        out.sample(name, &[], number(online));
    }
    if let Some(at) = fleet.observer.round_at {
        let name = "spartacus_round_last_completed_timestamp_seconds";
        out.family(name, "gauge", "When the last round over the mirrors ended.");
        out.sample(name, &[], seconds(at));
    }
    if let Some(duration) = fleet.observer.round_ms {
        out.family("spartacus_round_duration_seconds", "gauge", "How long the last round took.");
        out.sample("spartacus_round_duration_seconds", &[], milliseconds(duration));
    }
}

fn release(out: &mut Metrics, fleet: &Fleet) {
    let version = fleet.release.as_ref().map_or("", |release| release.as_str());
    let verified = fleet.mirrors.iter().filter(|mirror| counts(mirror, Level::Verified)).count();
    let current = fleet.mirrors.iter().filter(|mirror| counts(mirror, Level::Current)).count();
    out.family("spartacus_release_verified_mirrors", "gauge", "Mirrors whose every byte of the newest release was hashed.");
    out.sample("spartacus_release_verified_mirrors", &[("version", version)], whole(verified));
    out.family("spartacus_release_current_mirrors", "gauge", "Mirrors that serve the newest signed pointer.");
    out.sample("spartacus_release_current_mirrors", &[("version", version)], whole(current));
    out.family("spartacus_release_replication_target", "gauge", "Copies wanted.");
    out.sample("spartacus_release_replication_target", &[], whole(fleet.wanted));
}

/// Whether the last look found this level.
fn counts(mirror: &FleetMirror, level: Level) -> bool {
    mirror.standing.condition.is_good()
        && mirror.seen.as_ref().is_some_and(|seen| seen.look.is_good() && seen.look.level >= Some(level))
}

/// A moment in a mirror's life, if it came.
type Moment = fn(&FleetMirror) -> Option<Timestamp>;

fn conditions(out: &mut Metrics, fleet: &Fleet) {
    out.family("spartacus_mirror_info", "gauge", "What is configured of a mirror.");
    for mirror in &fleet.mirrors {
        let country = mirror.country.as_deref().unwrap_or_default();
        let lifecycle = mirror.lifecycle.to_string();
        let labels =
            [("mirror", mirror.name.as_str()), ("type", &mirror.protocol), ("country", country), ("lifecycle", &lifecycle)];
        out.sample("spartacus_mirror_info", &labels, 1.0);
    }
    out.family("spartacus_mirror_up", "gauge", "Whether readers can be sent there, after hysteresis.");
    for mirror in &fleet.mirrors {
        out.sample("spartacus_mirror_up", &[("mirror", mirror.name.as_str())], number(mirror.standing.condition.is_good()));
    }
    out.family("spartacus_mirror_state", "gauge", "1 for the state that a mirror is in, 0 for every other.");
    for mirror in &fleet.mirrors {
        for condition in Condition::ALL {
            let labels = [("mirror", mirror.name.as_str()), ("state", condition.word())];
            out.sample("spartacus_mirror_state", &labels, number(mirror.standing.condition == condition));
        }
    }
    let moments: [(&str, &str, Moment); 4] = [
        ("spartacus_mirror_state_changed_timestamp_seconds", "When the state began.", |mirror| Some(mirror.standing.since)),
        ("spartacus_mirror_last_answer_timestamp_seconds", "When it last answered rightly.", |mirror| {
            mirror.standing.answered_at
        }),
        ("spartacus_mirror_last_full_verify_timestamp_seconds", "When every byte was last hashed and right.", |mirror| {
            mirror.standing.verified_at
        }),
        (
            "spartacus_mirror_certificate_not_after_timestamp_seconds",
            "When the certificate ends that it last showed.",
            FleetMirror::certificate_ends,
        ),
    ];
    for (name, help, moment) in moments {
        out.family(name, "gauge", help);
        for mirror in &fleet.mirrors {
            if let Some(moment) = moment(mirror) {
                out.sample(name, &[("mirror", mirror.name.as_str())], seconds(moment));
            }
        }
    }
}

fn uptime(out: &mut Metrics, fleet: &Fleet) {
    let windows = ["24h", "7d", "30d", "90d"];
    out.family("spartacus_mirror_uptime_ratio", "gauge", "Good looks of all looks with a result.");
    for mirror in &fleet.mirrors {
        for (window, uptime) in windows.iter().zip(&mirror.uptime) {
            if let Some(ratio) = uptime.ratio {
                out.sample("spartacus_mirror_uptime_ratio", &[("mirror", mirror.name.as_str()), ("window", window)], ratio);
            }
        }
    }
    out.family("spartacus_mirror_coverage_ratio", "gauge", "Looks with a result of those that were due.");
    for mirror in &fleet.mirrors {
        for (window, uptime) in windows.iter().zip(&mirror.uptime) {
            let labels = [("mirror", mirror.name.as_str()), ("window", *window)];
            out.sample("spartacus_mirror_coverage_ratio", &labels, uptime.coverage);
        }
    }
}

/// Text in the making.
#[derive(Debug, Default)]
pub struct Metrics {
    text: String,
}

impl Metrics {
    /// Begins a family: the samples that follow have its name.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample. What labels may say comes from fixed lists, never from strangers.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{name}{labels} {value}");
    }

    /// The whole text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn number(truth: bool) -> f64 {
    f64::from(u8::from(truth))
}

/// Above 2^53 bytes the last digits are lost, as in every metric.
#[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
fn whole_number(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_precision_loss, reason = "mirrors are thousands at most")]
fn whole(count: usize) -> f64 {
    count as f64
}

#[allow(clippy::cast_precision_loss, reason = "durations of requests are far below 2^52 ms")]
fn milliseconds(duration: u64) -> f64 {
    duration as f64 / 1000.0
}

fn seconds(moment: Timestamp) -> f64 {
    moment.as_duration().as_secs_f64().round()
}
