//! Probes as a maintainer uses them: samples, canaries and speed, asked for and told.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::cli_desk::Desk;
use crate::support::{process, schema, tools};

/// A release with a file of more than one chunk, on two folders.
fn published() -> Desk {
    let desk = Desk::with_targets(&["paris", "lyon"]);
    fs::write(desk.path("docs/large.bin"), vec![7; (4 << 20) + 500_000]).expect("a file of the tree");
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

fn of<'a>(report: &'a Value, mirror: &str) -> &'a Value {
    let mirrors = report["mirrors"].as_array().expect("a list");
    mirrors.iter().find(|check| check["target"] == mirror).expect("it was looked at")
}

#[test]
fn a_sample_finds_one_changed_byte_of_a_large_file_and_names_its_place() {
    let desk = published();
    let well = desk.run(&["check", "--sample", "100"]).ends_with(0);
    assert!(
        well.out.contains("\nprobes:\n  lyon  sample: ") && well.out.contains(" hashed (4.4 MiB), all right\n"),
        "{}",
        well.out
    );

    let file = desk.path("paris/releases/v1/large.bin");
    let mut bytes = fs::read(&file).expect("a file of the mirror");
    bytes[4 << 20] ^= 1;
    fs::write(&file, bytes).expect("a file of the mirror");
    desk.run(&["check", "--files"]).ends_with(0);
    let found = desk.run(&["check", "--sample", "100", "--json"]).ends_with(6);
    schema::expect_check(&found.out);
    let report: Value = serde_json::from_str(&found.out).expect("JSON");
    let paris = of(&report, "paris");
    assert_eq!(paris["evidence"][0]["path"], "releases/v1/large.bin");
    let what = paris["evidence"][0]["what"].as_str().expect("words");
    // Two pieces are nearly all bytes: that one of them is not among 6,400 draws is less likely than once in 10^290.
    assert!(what.starts_with("altered: bytes 4194304 to 4694303 have sha256 "), "{what}");
    assert_eq!((&paris["probes"]["sample"]["bad"], &of(&report, "lyon")["verdict"]), (&paris["evidence"], &"current".into()));

    // Quarantined with the evidence; the file is known as one to bring again.
    let why = desk.run(&["status", "--explain", "paris"]).ends_with(0);
    assert!(why.out.starts_with("paris is quarantined since "), "{}", why.out);
    assert!(why.out.contains("releases/v1/large.bin: altered: bytes 4194304 to 4694303"), "{}", why.out);
    let told = schema::expect_command("mirror", &desk.run(&["status", "--explain", "paris", "--json"]).ends_with(0).out);
    let pieces = &told["probes"]["pieces"];
    assert_eq!((&pieces["bad"], &pieces["unread"]), (&1.into(), &0.into()), "{told}");
    assert!(pieces["good"].as_u64() >= Some(3), "{told}");
    desk.run(&["repair"]).ends_with(0);
    desk.run(&["check", "--sample", "100"]).ends_with(0);
}

#[test]
fn how_complete_a_mirror_is_is_counted_and_kept() {
    let desk = published();
    fs::remove_file(desk.path("paris/releases/v1/README")).expect("a file of the mirror");
    fs::write(desk.path("paris/releases/v1/guide/one.txt"), "x").expect("a file of the mirror");
    let bytes = vec![8; (4 << 20) + 500_000];
    fs::write(desk.path("paris/releases/v1/large.bin"), bytes).expect("a file of the mirror");
    let counted = |arguments: &[&str], code: i32| {
        let said = desk.run(&[arguments, &["--json"]].concat()).ends_with(code);
        schema::expect_check(&said.out);
        serde_json::from_str::<Value>(&said.out).expect("JSON")
    };
    let report = counted(&["check", "--files"], 4);
    let (paris, lyon) = (&of(&report, "paris")["probes"]["files"], &of(&report, "lyon")["probes"]["files"]);
    let all = lyon["expected"].as_u64().expect("a count");
    assert_eq!((&lyon["present"], &lyon["ratio"]), (&all.into(), &1.0.into()), "{lyon}");
    assert_eq!([&paris["missing"], &paris["wrong_size"], &paris["altered"]], [1, 1, 0], "sizes tell nothing of bytes: {paris}");
    assert_eq!((&paris["expected"], &paris["present"]), (&all.into(), &(all - 2).into()), "{paris}");

    let report = counted(&["check", "--full", "--prometheus", "spartacus.prom"], 6);
    let paris = &of(&report, "paris")["probes"]["files"];
    assert_eq!([&paris["missing"], &paris["wrong_size"], &paris["altered"]], [1, 1, 1], "{paris}");
    let metrics = desk.read("spartacus.prom");
    for line in [
        format!("spartacus_mirror_files{{mirror=\"paris\",condition=\"ok\"}} {}", all - 3),
        "spartacus_mirror_files{mirror=\"paris\",condition=\"altered\"} 1".to_owned(),
        "spartacus_mirror_completeness_ratio{mirror=\"lyon\"} 1".to_owned(),
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} is not in\n{metrics}");
    }

    // A look that reads no file leaves the counts as they are.
    desk.run(&["check"]).ends_with(0);
    let status = schema::expect_command("status", &desk.run(&["status", "--json"]).ends_with(0).out);
    let paris =
        status["mirrors"].as_array().and_then(|all| all.iter().find(|mirror| mirror["target"] == "paris")).expect("paris");
    assert_eq!((&paris["completeness"]["altered"], &paris["completeness"]["expected"]), (&1.into(), &all.into()), "{paris}");
    let told = desk.run(&["status", "--explain", "paris"]).ends_with(0);
    let expected =
        format!("\n  files just now: {} of {all} there with their sizes, 1 missing, 1 of another size, 1 altered\n", all - 3);
    assert!(told.out.contains(&expected), "{}", told.out);
}

#[test]
fn a_sample_is_not_taken_again_within_the_hour_and_never_beyond_the_budget() {
    let desk = published();
    let sampled = |desk: &Desk, arguments: &[&str]| {
        let report: Value = serde_json::from_str(&desk.run(&[arguments, &["--json"]].concat()).ends_with(0).out).expect("JSON");
        of(&report, "paris")["probes"]["sample"]["chunks"].clone()
    };
    assert_eq!(sampled(&desk, &["check"]), Value::Null, "the first look only starts the clock");
    assert_eq!(sampled(&desk, &["check", "--sample", "2"]), 2);
    assert_eq!(sampled(&desk, &["check"]), Value::Null);
    assert_eq!(sampled(&desk, &["check", "--sample", "0"]), Value::Null);

    // The budget is remembered between runs: what is left of it is not enough for a large piece.
    desk.edit("targets.yaml", "name: paris\n", "name: paris\n    limits: {verify_bytes_per_day: 5 MB}\n");
    let spent: Value = {
        for _ in 0..4 {
            desk.run(&["check", "--sample", "100"]).ends_with(0);
        }
        let told = desk.run(&["status", "--explain", "paris", "--json"]).ends_with(0);
        serde_json::from_str(&told.out).expect("JSON")
    };
    let read = spent["probes"]["read"].as_u64().expect("bytes");
    assert!((1..=5_000_000).contains(&read), "{read}");
    let free: Value = serde_json::from_str(&desk.run(&["status", "--explain", "lyon", "--json"]).ends_with(0).out).expect("JSON");
    assert!(free["probes"]["read"].as_u64().expect("bytes") > 16_000_000, "lyon has the budget of the project: {free}");
}

#[test]
fn a_canary_is_written_when_asked_for_and_told() {
    let desk = published();
    let plain = desk.run(&["check"]).ends_with(0);
    assert!(!plain.out.contains("write:"), "{}", plain.out);
    let well = desk.run(&["check", "--write", "--throughput", "--prometheus", "spartacus.prom"]).ends_with(0);
    assert!(well.out.contains("\n  paris  write: written in "), "{}", well.out);
    assert!(well.out.contains(" free\n") && well.out.contains("\n  paris  speed: "), "{}", well.out);
    let left = fs::read_dir(desk.path("paris")).expect("a folder");
    let names: Vec<String> = left.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    assert!(!names.iter().any(|name| name.starts_with(".spartacus-")), "{names:?}");

    let metrics = desk.read("spartacus.prom");
    for line in [
        "spartacus_write_probe_success{mirror=\"paris\"} 1",
        "spartacus_mirror_releases_behind{mirror=\"paris\"} 0",
        "spartacus_mirror_release_lag_seconds{mirror=\"paris\"} 0",
        "spartacus_sample_chunks_total{mirror=\"paris\",result=\"bad\"} 0",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} is not in\n{metrics}");
    }
    for name in ["spartacus_target_free_bytes", "spartacus_throughput_bytes_per_second"] {
        assert!(metrics.contains(&format!("\n{name}{{mirror=\"lyon\"}} ")), "{name} is not in\n{metrics}");
    }
    let judge = format!("{} check metrics < {}", tools::program("promtool").display(), desk.path("spartacus.prom").display());
    assert_eq!(process::run(Command::new("/bin/sh").args(["-c", &judge])), "");

    let told = desk.run(&["status", "--explain", "paris"]).ends_with(0);
    assert!(told.out.contains("\n  lag: none, it shows the newest release\n"), "{}", told.out);
    assert!(told.out.contains("\n  canary just now: written in "), "{}", told.out);
    assert!(told.out.contains("\n  speed just now: "), "{}", told.out);
}

#[test]
fn a_folder_that_cannot_be_written_goes_on_serving_and_is_degraded() {
    let desk = published();
    desk.run(&["check", "--full"]).ends_with(0);
    // A file where the scratch folder would go cannot be arranged, because its name is random: the base becomes a link to
    // nowhere for the store, and readers have another way.
    let url = crate::support::face::Face::over(&desk.path("paris"));
    desk.edit("targets.yaml", "name: paris\n", &format!("name: paris\n    public_url: {}\n", url.url()));
    let folder = desk.path("paris").display().to_string();
    desk.edit("targets.yaml", &folder, &format!("{folder}-gone"));
    let failed = desk.run(&["check", "--write"]).ends_with(0);
    assert!(failed.out.contains("\n  paris  write: FAILED to write: "), "{}", failed.out);
    let why = desk.run(&["status", "--explain", "paris"]).ends_with(0);
    assert!(why.out.starts_with("paris is degraded since "), "{}", why.out);
    assert!(why.out.contains("  cannot write (since "), "{}", why.out);

    // The reverse: what is written there does not show to those who read here.
    desk.edit("targets.yaml", "  replicas: all ", "  timeouts: {first_byte: 3 s}\n  replicas: all ");
    fs::create_dir(desk.path("paris-gone")).expect("a new folder");
    let hidden = desk.run(&["check", "--write"]).ends_with(0);
    let expected = "\n  paris  write: FAILED to show readers what was written: readers do not find it";
    assert!(hidden.out.contains(expected), "{}", hidden.out);
    let why = desk.run(&["status", "--explain", "paris"]).ends_with(0);
    assert!(why.out.contains("  not shown (since "), "{}", why.out);
    assert!(!why.out.contains("cannot write"), "{}", why.out);
}

#[test]
fn whoever_pays_for_bytes_is_never_timed() {
    let desk = published();
    desk.edit("targets.yaml", "name: paris\n", "name: paris\n    limits: {metered: true}\n");
    let report: Value = serde_json::from_str(&desk.run(&["check", "--throughput", "--json"]).ends_with(0).out).expect("JSON");
    assert_eq!(of(&report, "paris")["probes"]["throughput"], Value::Null);
    assert!(of(&report, "lyon")["probes"]["throughput"]["bytes"].as_u64() >= Some(256 << 10), "{report}");
}

/// The table in docs/health.md: the chance to find damage.
#[test]
fn the_chances_in_the_manual_are_those_of_its_formula() {
    let manual = include_str!("../../docs/health.md");
    let picks = [8, 47, 192, 329, 1344];
    for (damaged, fraction) in [("10 %", 0.1), ("1 %", 0.01), ("0.1 %", 0.001), ("one piece of 10,000", 0.0001_f64)] {
        let chance = |picks: i32| match 1.0 - (1.0 - fraction).powi(picks) {
            almost if almost > 0.9995 => "> 99.9 %".to_owned(),
            chance => format!("{:.1} %", chance * 100.0),
        };
        let row = format!("| {damaged} | {} |", picks.map(chance).join(" | "));
        assert!(manual.lines().any(|line| line == row), "{row}");
    }
}
