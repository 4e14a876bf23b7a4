//! Two vantages, each a process with a key and a folder of its own, before nginx and Apache.

use crate::cli_desk::Desk;
use crate::support::mirror::{Kind, Mirror};
use crate::support::project::{Finished, Project, utf8};
use crate::support::proxy::{Conditions, Proxy};

use super::trees;

/// The release on both servers, each behind a line that can be cut, and two vantages that are listed.
struct World {
    project: Project,
    lines: Vec<Proxy>,
    vantages: Vec<Desk>,
    _mirrors: Vec<Mirror>,
}

const NAMES: [&str; 2] = ["de", "br"];

fn port_of(url: &str) -> u16 {
    let rest = url.strip_prefix("http://127.0.0.1:").expect("loopback");
    rest.split('/').next().and_then(|port| port.parse().ok()).expect("a port")
}

impl World {
    fn new() -> Self {
        let mirrors = super::start(&[Kind::Nginx, Kind::ApacheBasic]);
        let lines: Vec<Proxy> = mirrors.iter().map(|mirror| Proxy::before(port_of(&mirror.public_url))).collect();
        let project = Project::new();
        project.name_targets(mirrors.iter().zip(&lines).map(|(mirror, line)| {
            let port = |port: u16| format!("public_url: http://127.0.0.1:{port}/");
            mirror.yaml_entry().replacen(&port(port_of(&mirror.public_url)), &port(line.port()), 1)
        }));
        let tree = project.beside("tree");
        trees::write(&tree, "hello.txt", b"hello\n");
        project.push(&tree, "v1").ends_with(0);
        project.run(&["status", "--html", "public"]).ends_with(0);
        let read = |name: &str| std::fs::read_to_string(project.path().join(name)).expect("a file of the project");
        let mut listed = Vec::new();
        let vantages = NAMES.map(|name| {
            let desk = Desk::empty();
            desk.run(&["key", "new", name, "--vantage"]).ends_with(0);
            desk.write("mirrors.json", &read("public/mirrors.json"));
            desk.write("1.root.json", &read("1.root.json"));
            listed.push(format!("{{name: {name}, key: {}}}", desk.read("vantage.pub").lines().nth(1).expect("the key")));
            desk
        });
        project.reconfigure("targets:\n", &format!("health:\n  vantages: [{}]\ntargets:\n", listed.join(", ")));
        Self { project, lines, vantages: vantages.into(), _mirrors: mirrors }
    }

    /// Keeps everybody from nginx, or lets them through.
    fn cut(&self, off: bool) {
        self.lines[0].set(Conditions { off, ..Conditions::default() });
    }

    fn looks(&self, vantage: usize) {
        let arguments = ["check", "--vantage", NAMES[vantage], "--out", "seen.json", "--root", "1.root.json", "--mirrors"];
        self.vantages[vantage].run(&[&arguments[..], &["mirrors.json"]].concat()).ends_with(0);
    }

    fn merge(&self) -> Finished {
        let files: Vec<String> = self.vantages.iter().map(|desk| utf8(&desk.path("seen.json")).to_owned()).collect();
        self.project.run(&["check", "--merge", &files[0], &files[1]])
    }

    fn explain(&self, mirror: &str) -> Finished {
        self.project.run(&["status", "--explain", mirror]).ends_with(0)
    }
}

#[test]
fn a_server_that_one_place_does_not_reach_is_not_down_and_one_that_nobody_reaches_is() {
    let world = World::new();
    world.cut(true);
    world.looks(0);
    world.cut(false);
    world.looks(1);
    world.merge().ends_with(0);
    world.explain("nginx").says("nginx is degraded since ").says(": unreachable from de, fine from br and here: ");
    world.explain("apache-basic").says("apache-basic is healthy since ");

    world.cut(true);
    (0..2).for_each(|vantage| world.looks(vantage));
    world.merge().ends_with(4);
    world.merge().ends_with(4).says("taken before; ");
    world.explain("nginx").hides("unreachable since ");
    world.project.run(&["check"]).ends_with(4);
    world.explain("nginx").says("nginx is unreachable since ").says("no right answer in 3 rounds from br, de and here: ");

    // And back: two rounds, and every byte.
    world.cut(false);
    (0..2).for_each(|vantage| world.looks(vantage));
    world.merge().ends_with(0);
    world.explain("nginx").says("nginx is unreachable since ");
    world.project.run(&["check"]).ends_with(0);
    world.explain("nginx").says("nginx is degraded since ").says("reverifying");
    world.project.run(&["check", "--full"]).ends_with(0);
    world.explain("nginx").says("nginx is healthy since ");
}
