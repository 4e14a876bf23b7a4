//! What a push of many files costs before the first byte goes out: writing a role, planning, hashing.
//!
//! `cargo bench --bench hot_paths` prints one line for each; the figures in docs name this command.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use spartacus::base::{ByteCount, Holds, ObjectPath, Sha256};
use spartacus::bundle::{BundleEntry, Content, Object, Release};
use spartacus::plan::{Inventory, plan};
use spartacus::trust::FileRecord;
use spartacus::trust::role::{self, BundleSpec};

/// Files of the bundle that is written and planned.
const FILES: usize = 100_000;
/// Each figure is the median of this many runs.
const RUNS: usize = 5;

fn main() {
    let files: Vec<FileRecord> = (0..FILES).map(record).collect();
    let name = "bench".parse().expect("a bundle name");
    let expires = "2126-01-01T00:00:00Z".parse().expect("a moment");
    let spec = BundleSpec { name: &name, version: 1, expires, files: &files, signers: &[] };
    report(&format!("write the role of {FILES} files"), || role::bundle(&spec).expect("a role").canonical.len());

    let release = release(&files);
    report(&format!("plan {FILES} files for a new target"), || plan(&release, Holds::All, &Inventory::empty()).steps().len());

    let block = Bytes::from(vec![7; 64 << 20]);
    report(&format!("hash {}", ByteCount(block.len() as u64)), || Sha256::of(&block));
}

fn record(number: usize) -> FileRecord {
    let path = ObjectPath::new(format!("releases/bench/folder-{:03}/file-{number:06}.html", number % 300)).expect("a path");
    FileRecord { path, length: 4096, sha256: Sha256::of(&number.to_be_bytes()), chunks: Vec::new() }
}

fn release(files: &[FileRecord]) -> Release {
    let object = |file: &FileRecord| Object {
        path: file.path.clone(),
        length: file.length,
        sha256: file.sha256,
        content: Content::Object(format!(".spartacus/objects/{}", file.sha256).into()),
    };
    let pointer = Bytes::from_static(b"{}");
    Release {
        version: 1,
        snapshot_version: 1,
        newest: None,
        bundles: vec![BundleEntry {
            name: "bench".parse().expect("a bundle name"),
            created: "2026-01-01T00:00:00Z".parse().expect("a moment"),
            files: Arc::new(files.iter().map(object).collect()),
        }],
        metadata: Vec::new(),
        roots: Vec::new(),
        pointer: Object {
            path: ObjectPath::new("metadata/timestamp.json").expect("a path"),
            length: 2,
            sha256: Sha256::of(&pointer),
            content: Content::Inline(pointer),
        },
        conveniences: Vec::new(),
    }
}

fn report<T>(what: &str, mut work: impl FnMut() -> T) {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            black_box(work());
            begun.elapsed()
        })
        .collect();
    times.sort();
    println!("{what}: {:.1} ms", times[RUNS / 2].as_secs_f64() * 1000.0);
}
