//! Files made to exhaust the reader: each is refused within a second and 64 MiB.

use std::fs;
use std::process::Command;

use camino::Utf8Path;
use spartacus::config::Config;

/// Names the file for the process that is to read it.
const FILE: &str = "SPARTACUS_BOMB_FILE";
/// Processor time for one file, in nanoseconds; waiting for other tests does not count.
const TIME: u64 = 1_000_000_000;
/// Growth of the process, in KiB.
const MEMORY: u64 = 64 * 1024;
/// Just below the largest file that is read.
const FULL: usize = (4 << 20) - 64;

fn bombs() -> Vec<(&'static str, String)> {
    let fill = |piece: &str| piece.repeat(FULL / piece.len());
    let laughs = (1..9).map(|level| format!("l{level}: &l{level} [{}]\n", format!("*l{},", level - 1).repeat(9)));
    let nested = (0..2000).map(|level| format!("{}a:\n", " ".repeat(level)));
    vec![
        ("laughs", format!("l0: &l0 [{}]\n{}", "ha,".repeat(9), laughs.collect::<String>())),
        ("anchors", numbered(200_000, |number| format!("- &a{number} x\n"))),
        ("brackets", fill("[")),
        ("braces", fill("{a: ")),
        ("dashes", fill("- ")),
        ("questions", fill("? ")),
        ("indents", nested.collect()),
        ("items", format!("targets: [{}]", fill("a,"))),
        ("empty-items", format!("targets: [{}]", "[],".repeat(FULL / 3 - 8))),
        ("few-items", format!("project: {{name: x}}\ntargets: [{}]", "a,".repeat(100_000))),
        ("many-targets", format!("project: {{name: x}}\ntargets:\n{}", "- {name: A, zzz: {}, country: no}\n".repeat(25_000))),
        ("same-targets", format!("project: {{name: x}}\ntargets:\n{}", "- {name: a, folder: {path: a}}\n".repeat(30_000))),
        (
            "windows",
            format!(
                "project: {{name: x}}\ntargets:\n- {{name: a, folder: {{path: b}}, limits: {{windows: [{}]}}}}",
                "{from: 01:00, until: 02:00, zone: Europe/Berln},".repeat(30_000)
            ),
        ),
        ("keys", numbered(100_000, |number| format!("key{number}: 1\n"))),
        ("one-key", fill("a: 1\n")),
        (
            "tags",
            format!("project: {{name: x}}\ntargets: [{{name: a, tags: [{}]}}]", numbered(200_000, |number| format!("{number},"))),
        ),
        ("documents", fill("---\n")),
        ("scalar", format!("project: {{name: {}}}", fill("a"))),
        ("quoted", format!("project: {{name: \"{}\"}}", fill("\\x41"))),
        ("open-quote", format!("project: {{name: \"{}", fill("a "))),
        ("block", format!("project:\n  name: |\n{}", fill("   a\n"))),
        ("blank-lines", fill("\n")),
        ("comments", fill("#\n")),
        ("comment", format!("# {}", fill("x"))),
        ("name", format!("project: {{name: x}}\ntargets: [{{name: {}}}]", fill("A"))),
        ("key", format!("{}: 1", fill("k"))),
        ("tag", format!("a: !{} b", fill("t"))),
        ("url", format!("project: {{name: x}}\ntargets: [{{name: a, public_url: 'https://{}/'}}]", fill("u."))),
    ]
}

fn numbered(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |text, number| text + &piece(number))
}

/// Without the variable, makes the files and starts itself once for each; with it, reads that file. A process of its
/// own is the only way to know the memory that one reading takes.
#[test]
fn each_bomb_is_refused_in_time_and_space() {
    if let Some(file) = std::env::var_os(FILE) {
        return read_one(Utf8Path::from_path(file.as_ref()).expect("a UTF-8 path"));
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in bombs() {
        let file = folder.path().join(format!("{name}.yaml"));
        fs::write(&file, text).expect("a file");
        let output = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "config_bombs::each_bomb_is_refused_in_time_and_space", "--nocapture"])
            .env(FILE, &file)
            .output()
            .expect("this test can be started");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.contains("refused"), "{name}: {told}");
    }
}

fn read_one(file: &Utf8Path) {
    let (time, memory) = (processor_time(), highest_memory());
    let error = Config::load(file).map(|_| ()).expect_err("a bomb is no configuration");
    let rendered = error.render(false);
    let (time, memory) = (processor_time() - time, highest_memory() - memory);
    eprintln!("{file} refused: {error}, {} ms, {memory} KiB", time / 1_000_000);
    assert!(time < TIME, "{} ms", time / 1_000_000);
    assert!(memory < MEMORY, "{memory} KiB");
    assert!(!rendered.is_empty() && rendered.len() < 300_000, "{} bytes of message", rendered.len());
}

/// Nanoseconds that this thread has run.
fn processor_time() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

/// The most memory that this process ever had, in KiB.
fn highest_memory() -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the line");
    line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}
