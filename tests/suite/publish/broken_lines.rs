//! Pushes over lines that reset, stall and cut.

use serde_json::Value;
use spartacus::store::contract::noise;

use super::{headline, start, trees};
use crate::support::mirror::{Kind, Mirror};
use crate::support::project::{Finished, Project, utf8};
use crate::support::proxy::{Conditions, Fault, Proxy};

/// One of each protocol.
const KINDS: [Kind; 3] = [Kind::Sshd, Kind::ApacheBasic, Kind::Seaweed];
const FILES: usize = 150;
/// Bytes sent on a connection when it breaks: its login is over by then, and its part of the files is not. Less than two files:
/// which of sixteen connections gets how many is for the scheduler to say.
const MIDWAY: u64 = 30_000;

/// Bytes that came back on it: midway through the answers to uploads by SFTP (a login that breaks off cannot be told from
/// one that was refused, so it is never repeated), through what is looked at first by HTTP.
fn midway_back(kind: Kind) -> u64 {
    if kind == Kind::Sshd { 12_000 } else { 1_500 }
}

/// A project whose pushes go through a proxy before each server; readers come by another way.
struct Scene {
    mirrors: Vec<Mirror>,
    proxies: Vec<Proxy>,
    project: Project,
}

impl Scene {
    fn new() -> Self {
        let mut mirrors = start(&KINDS);
        let proxies: Vec<Proxy> = mirrors.iter_mut().map(divert).collect();
        let project = Project::with_mirrors(&mirrors);
        let first = project.beside("first");
        trees::many(&first, 10, "first");
        project.push(&first, "v1").ends_with(0);
        let second = project.beside("second");
        for number in 0..FILES {
            // Long enough that the first of sixteen connections carries more than the fault lets through.
            let bytes = noise(20_000, number as u64);
            trees::write(&second, &format!("part-{}/file-{number}.bin", number % 10), &bytes);
        }
        Self { mirrors, proxies, project }
    }

    /// From now on the first connection of each next push goes through these conditions.
    fn break_next(&self, conditions: impl Fn(Kind) -> Conditions) {
        for (proxy, kind) in self.proxies.iter().zip(KINDS) {
            proxy.set(conditions(kind).for_the_first(proxy.connections() + 1));
        }
    }

    fn push(&self) -> Finished {
        self.project.run(&["push", utf8(&self.project.beside("second")), "--as", "v2", "--yes", "--json"])
    }

    /// Expects that the push ended well all the same.
    fn ends_well(&self, push: Finished) {
        let push = push.ends_with(0);
        for outcome in push.json()["outcomes"].as_array().expect("one for each target") {
            assert_eq!(outcome["ending"], "done", "{push}");
        }
        self.project.run(&["check", "--full"]).ends_with(0).concludes(&headline("v2", "verified", KINDS.len()));
    }
}

/// Lets the mirror's target be reached through a proxy.
fn divert(mirror: &mut Mirror) -> Proxy {
    let settings = mirror.settings.clone();
    let after = settings.split_once("port: ").or_else(|| settings.split_once("127.0.0.1:")).expect("it has a port").1;
    let port: String = after.chars().take_while(char::is_ascii_digit).collect();
    let proxy = Proxy::before(port.parse().expect("a port"));
    mirror.settings = settings.replacen(&port, &proxy.port().to_string(), 1);
    proxy
}

#[test]
fn a_reset_midway_costs_a_retry() {
    let scene = Scene::new();
    scene.break_next(|_| Conditions::up(Fault::ResetAfter(MIDWAY)));
    let push = scene.push();
    assert!(scene.proxies.iter().all(|proxy| proxy.breaks() > 0) && retried_everywhere(&push), "{push}");
    scene.ends_well(push);
}

#[test]
fn a_stall_midway_costs_a_retry_once_the_time_is_up() {
    let scene = Scene::new();
    let policy = "policy:\n  timeouts:\n    first_byte: 5 s\n    idle: 5 s\n";
    scene.project.reconfigure("policy:\n", policy);
    scene.break_next(|_| Conditions::up(Fault::StallAfter(MIDWAY)));
    let push = scene.push();
    assert!(retried_everywhere(&push), "{push}");
    scene.ends_well(push);
}

#[test]
fn an_answer_that_is_cut_midway_is_asked_for_again() {
    let scene = Scene::new();
    scene.break_next(|kind| Conditions::down(Fault::CutAfter(midway_back(kind))));
    let push = scene.push();
    assert!(scene.proxies.iter().all(|proxy| proxy.breaks() > 0), "{push}");
    scene.ends_well(push);
}

#[test]
fn a_line_that_breaks_every_time_fails_its_target_alone_and_the_next_push_finishes() {
    let scene = Scene::new();
    for (broken, proxy) in scene.proxies.iter().enumerate() {
        let name = format!("v{}", broken + 2);
        let tree = scene.project.beside(&name);
        trees::many(&tree, FILES, &name);
        scene.project.want_replicas("2");
        // Less than a login or a file takes.
        proxy.set(Conditions::up(Fault::ResetAfter(700)));
        let push = scene.project.run(&["push", utf8(&tree), "--as", &name, "--yes", "--json"]).ends_with(3);
        let expected: Vec<Value> =
            (0..KINDS.len()).map(|target| if target == broken { "failed" } else { "done" }.into()).collect();
        assert_eq!(endings(&push), expected, "{push}");
        // Readers of the broken target still have all of the release before.
        let verified =
            scene.project.run(&["verify", &scene.mirrors[broken].public_url, "--root", "1.root.json", "--full", "--json"]);
        assert_eq!(verified.json()["release"], format!("v{}", broken + 1), "{verified}");

        proxy.set(Conditions::default());
        scene.project.run(&["push"]).ends_with(0);
    }
    scene.project.run(&["check", "--full"]).ends_with(0);
}

fn retried_everywhere(push: &Finished) -> bool {
    let report = push.json();
    let outcomes = report["outcomes"].as_array().expect("one for each target");
    outcomes.iter().all(|outcome| outcome["retries"].as_u64().is_some_and(|retries| retries > 0))
}

fn endings(push: &Finished) -> Vec<Value> {
    let report = push.json();
    report["outcomes"].as_array().expect("one for each target").iter().map(|outcome| outcome["ending"].clone()).collect()
}
