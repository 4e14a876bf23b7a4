//! What the probes saw that are not made in every round: each last one.

use super::super::probes::bytes_per_second;
use super::{Metrics, number, whole_number};
use crate::health::FileCounts;
use crate::report::fleet::{Fleet, FleetMirror};

/// A figure of a mirror, if there is one.
type Figure = fn(&FleetMirror) -> Option<f64>;

/// Canaries, speed, samples and lag.
pub(super) fn probes(out: &mut Metrics, fleet: &Fleet) {
    files(out, fleet);
    let figures: [(&str, &str, Figure); 6] = [
        ("spartacus_write_probe_success", "Whether the last canary was written, shown to readers and removed.", |mirror| {
            mirror.probes.write.as_ref().map(|told| number(told.saw.failed.is_none()))
        }),
        ("spartacus_write_propagation_seconds", "From writing the last canary until readers got it.", |mirror| {
            Some(super::milliseconds(mirror.probes.write.as_ref()?.saw.propagation_ms?))
        }),
        ("spartacus_target_free_bytes", "Free space, as the server told it last.", |mirror| {
            Some(whole_number(mirror.probes.write.as_ref()?.saw.free?.0))
        }),
        ("spartacus_throughput_bytes_per_second", "How fast it sent a piece of a large file.", |mirror| {
            Some(whole_number(bytes_per_second(&mirror.probes.throughput.as_ref()?.saw)))
        }),
        ("spartacus_mirror_releases_behind", "Publishes that it lacks.", |mirror| mirror.behind.map(whole_number)),
        (
            "spartacus_mirror_release_lag_seconds",
            "Since when it should have shown what it lacks; 0: it lacks nothing.",
            |mirror| mirror.lag.map(|lag| lag.as_secs_f64().round()),
        ),
    ];
    for (name, help, figure) in figures {
        out.family(name, "gauge", help);
        for mirror in &fleet.mirrors {
            if let Some(figure) = figure(mirror) {
                out.sample(name, &[("mirror", mirror.name.as_str())], figure);
            }
        }
    }
    let name = "spartacus_sample_chunks_total";
    out.family(name, "counter", "Pieces of files that were sampled.");
    for mirror in &fleet.mirrors {
        let pieces = mirror.probes.pieces;
        for (result, count) in [("ok", pieces.good), ("bad", pieces.bad), ("unread", pieces.unread)] {
            out.sample(name, &[("mirror", mirror.name.as_str()), ("result", result)], whole_number(count));
        }
    }
}

/// How complete each mirror was when every file was last looked at.
fn files(out: &mut Metrics, fleet: &Fleet) {
    let looked_at = || fleet.mirrors.iter().filter_map(|mirror| Some((mirror.name.as_str(), mirror.probes.files.as_ref()?.saw)));
    let name = "spartacus_mirror_files";
    out.family(name, "gauge", "Files, by how the last look at all of them found each.");
    for (mirror, counts) in looked_at() {
        let FileCounts { expected: _, present, missing, wrong_size, altered } = counts;
        for (condition, count) in [("ok", present), ("missing", missing), ("wrong_size", wrong_size), ("altered", altered)] {
            out.sample(name, &[("mirror", mirror), ("condition", condition)], whole_number(count));
        }
    }
    let name = "spartacus_mirror_completeness_ratio";
    out.family(name, "gauge", "The share of the expected files that the last look at all of them found right.");
    for (mirror, counts) in looked_at() {
        out.sample(name, &[("mirror", mirror)], counts.ratio());
    }
}
