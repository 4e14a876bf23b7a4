//! Staging very many files needs little memory.

use std::fs;
use std::ops::ControlFlow;
use std::process::Command;

use spartacus::bundle::{Collected, stage};

use super::{Workshop, spec, staged};

/// Enough to show the slope. 100,000 files took 85 MiB and 35 s on two busy cores, but deleting them takes minutes on
/// some disks; set the variable below to 100000 to measure that.
const FILES: usize = 20_000;
/// The bound for any number of files: 200 MiB for 100,000.
const FIXED_KIB: usize = 30 * 1024;
const BYTES_PER_FILE: usize = 1740;
/// Says to the test below that it runs as its own child, and with how many files.
const CHILD: &str = "SPARTACUS_TEST_STAGES_MANY_FILES";

/// In a process of its own, because other tests of this binary use memory at the same time.
#[test]
fn very_many_files_are_staged_in_little_memory() {
    if let Ok(files) = std::env::var(CHILD) {
        return stage_many(files.parse().expect("a number of files"));
    }
    let output = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "bundle::memory::very_many_files_are_staged_in_little_memory", "--nocapture"])
        .env(CHILD, FILES.to_string())
        .output()
        .expect("the child runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("staged within"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

fn stage_many(files: usize) {
    let workshop = Workshop::of(1);
    let root = workshop.place("tree");
    for folder in 0..files / 1000 {
        let place = root.join(format!("a folder with a longish name {folder:03}"));
        fs::create_dir_all(&place).expect("a folder");
        (0..1000).for_each(|file| {
            fs::write(place.join(format!("file number {file:04}")), format!("{folder} {file}")).expect("a file");
        });
    }
    let begun = std::time::Instant::now();
    let held = workshop.project.lock().expect("the lock");
    let collected = Collected::from_folder(&root).expect("a good tree");
    let stage = stage(&workshop.project, &held, &collected, &spec("v1"), None, &|_| ControlFlow::Continue(()));
    assert_eq!(staged(stage.expect("staged")).files(), files as u64 + 1);
    let peak = peak_kib();
    println!("staged within {peak} KiB in {:?}", begun.elapsed());
    assert!(peak <= FIXED_KIB + files * BYTES_PER_FILE / 1024, "{peak} KiB");
}

/// The most memory that this process ever had resident (proc(5), `VmHWM`).
fn peak_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}
