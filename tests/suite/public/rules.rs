//! The alert rules that are shipped, judged by Prometheus' own program.

use std::process::Command;

use crate::support::{process, tools};

#[test]
fn alert_rules_fire_when_they_should_and_are_silent_when_not() {
    let root = tools::repository();
    let rules = root.join("docs/prometheus/spartacus.rules.yml");
    process::run(Command::new(tools::program("promtool")).args(["check", "rules"]).arg(&rules));
    process::run(
        Command::new(tools::program("promtool"))
            .args(["test", "rules"])
            .arg(root.join("tests/prometheus/spartacus.rules.test.yml")),
    );
    // Each rule is in the test twice at least: once it fires, once it is silent.
    let text = |name: &str| std::fs::read_to_string(root.join(name)).expect("a file of ours");
    let (rules, tests) = (text("docs/prometheus/spartacus.rules.yml"), text("tests/prometheus/spartacus.rules.test.yml"));
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let cases: Vec<&str> = tests.split("alertname: ").skip(1).filter(|case| case.lines().next() == Some(alert)).collect();
        assert!(cases.iter().any(|case| case.contains("\n        exp_alerts: []")), "{alert} is never silent");
        assert!(cases.iter().any(|case| case.starts_with(&format!("{alert}\n        exp_alerts:\n"))), "{alert} never fires");
    }
    // Whatever they ask for is written.
    let sources = ["prometheus.rs", "prometheus/alerts.rs", "prometheus/vantages.rs"];
    let metrics = sources.map(|source| text(&format!("src/report/{source}"))).concat();
    let asked = rules
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split(|c: char| !(c.is_ascii_lowercase() || c == '_')));
    for name in asked.filter(|word| word.starts_with("spartacus_")) {
        assert!(metrics.contains(&format!("\"{name}\"")), "nobody writes {name}");
    }
}
