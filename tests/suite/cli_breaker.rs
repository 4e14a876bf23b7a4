//! A mirror that is gone costs its time-outs once, not in every push.

use serde_json::Value;

use crate::cli_desk::Desk;
use crate::support::process::free_ports;
use crate::support::schema;

#[test]
fn a_mirror_that_is_gone_is_tried_once_in_the_next_push() {
    let mut desk = Desk::with_targets(&["one"]);
    desk.set("AWAY_PASSWORD", "a-password-of-nobody");
    let ports = free_ports(2);
    let gone = format!(
        "  - name: web\n    webdav:\n      url: http://127.0.0.1:{}/m/\n  - name: ssh\n    sftp:\n      host: 127.0.0.1\n      \
         port: {}\n      user: nobody\n      path: /m\n      password: env:AWAY_PASSWORD\n      host_keys: [\"SHA256:{}\"]\n",
        ports[0],
        ports[1],
        "A".repeat(43)
    );
    let text = desk.read("targets.yaml").replace("replicas: all ", "retry: {breaker: 3, base: 1 ms}\n  replicas: 1 ");
    desk.write("targets.yaml", &format!("{text}{gone}"));

    for (run, retries) in [(1, 2), (2, 0)] {
        let said = match run {
            1 => desk.run(&["push", "docs", "--as", "v1", "--yes", "--json"]),
            _ => desk.run(&["push", "--json"]),
        };
        let said = said.ends_with(3);
        schema::expect_run(&said.out);
        let report: Value = serde_json::from_str(&said.out).expect("one JSON object");
        for outcome in report["outcomes"].as_array().expect("a list").iter().filter(|outcome| outcome["target"] != "one") {
            assert_eq!((&outcome["ending"], &outcome["retries"]), (&"failed".into(), &retries.into()), "run {run}: {outcome}");
            assert_eq!(outcome["failure"]["code"], "unreachable", "run {run}: {outcome}");
            let told = outcome["notes"].to_string().contains("so it was tried once");
            assert_eq!(told, run == 2, "run {run}: {outcome}");
        }
    }
    let shown = desk.run(&["push"]).ends_with(3);
    assert!(shown.out.contains("failing since 2"), "{}", shown.out);
}
