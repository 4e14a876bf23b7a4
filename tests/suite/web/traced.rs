//! No outbound connection before a maintainer approves an offer: what the kernel saw.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;

use camino::Utf8PathBuf;

use super::offers::{submit, token};
use super::site::{ask, serve};
use crate::cli_offers::{invite, maintainer, sealed, volunteer, webdav_place};
use crate::support::face::Face;
use crate::support::strace::Trace;
use crate::support::{PASSWORD, process, schema, tools};
use crate::webdav_servers::{Kind, Server};

fn address_of(url: &str) -> SocketAddr {
    let url: url::Url = url.parse().expect("a URL");
    url.socket_addrs(|| None).expect("an address and a port")[0]
}

#[test]
fn nobody_is_connected_to_before_a_maintainer_tries_an_offer_out() {
    let theirs = Server::start(Kind::ApacheBasic);
    let their_readers = Face::over(&theirs.data());
    let project = maintainer();
    let ours = Face::over(&project.path("home"));
    project.edit("targets.yaml", "name: home\n", &format!("name: home\n    public_url: {}\n", ours.url()));
    project.edit("targets.yaml", "targets:", "serve: {}\ntargets:");
    let invite = invite(&project, None);
    project.run(&["check"]).ends_with(0);

    // One place is on this machine, where connections would arrive; the other has names, which would have to be looked up.
    let here = webdav_place(&theirs, "env:BOX_PASSWORD")
        .replace(theirs.base.join("/mirror/").expect("a URL").as_str(), their_readers.url());
    let named = "  - name: milan\n    public_url: https://mirror.stranger.test/\n    webdav:\n      url: https://box.stranger.test/dav/\n      \
                 user: mirror\n      password: env:BOX_PASSWORD\n";
    let offer = |place: &str| {
        let mut desk = volunteer(&invite, place);
        desk.set("BOX_PASSWORD", PASSWORD);
        let ticket = sealed(&desk, &["seal"])["ticket"].as_str().expect("a ticket").to_owned();
        (desk.read("offer.json"), ticket)
    };
    let [(to_paste, lyon), (to_post, milan)] = [offer(&here), offer(named)];

    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = Utf8PathBuf::from_path_buf(project.path(".spartacus/front/front.db")).expect("UTF-8");
    let trace = Trace::into_file(folder.path().join("serve.trace"));
    let (front, address, _) = serve(folder.path(), &database, &trace.words_beside());
    assert_eq!(submit(address, "Sec-Fetch-Site: same-origin\r\n", &token(address), &to_paste).status, 303);
    let sent = ask(address, "POST", "/api/v1/offers", "Content-Type: application/json\r\n", to_post.as_bytes());
    assert_eq!(sent.status, 202, "{}", sent.text());
    for ticket in [&lyon, &milan] {
        assert_eq!(ask(address, "GET", &format!("/offers/{ticket}"), "", b"").status, 200);
    }

    // Nobody decides yet, and everything else goes its way.
    let traced = |arguments: &[&str], code: i32| {
        let trace = Trace::into_file(folder.path().join(format!("{}.trace", arguments.join("_"))));
        let words = trace.words();
        let mut command = Command::new(tools::program(words[0]));
        command.args(&words[1..]).arg(env!("CARGO_BIN_EXE_spartacus")).args(arguments);
        let said = process::output(project.prepared(&mut command));
        assert_eq!(said.status.code(), Some(code), "{arguments:?}: {}", process::text(&said));
        (String::from_utf8(said.stdout).expect("text"), trace.destinations())
    };
    let nowhere = BTreeSet::new();
    let listed = |tried: bool| {
        let (said, destinations) = traced(&["offers", "list", "--json"], 0);
        let told = schema::expect_command("offers", &said);
        let offers = told["offers"].as_array().expect("a list");
        assert_eq!(offers.len(), 2, "{told}");
        for offer in offers {
            assert_eq!(offer["state"], "waiting");
            assert_eq!(offer["examined"].is_object(), tried && offer["ticket"] == lyon.as_str(), "{offer}");
        }
        assert_eq!(destinations, nowhere, "offers list");
    };
    listed(false);
    for ticket in [&lyon, &milan] {
        assert_eq!(traced(&["offers", "show", ticket], 0).1, nowhere, "offers show");
    }
    let known = BTreeSet::from([address_of(ours.url())]);
    for arguments in [&["schedule", "--once"][..], &["check", "--full"]] {
        let (_, destinations) = traced(arguments, 0);
        assert_eq!(destinations, known, "{arguments:?} goes to the mirror that is in targets.yaml");
    }
    assert_eq!(traced(&["push", "docs", "--as", "v2", "--yes"], 0).1, nowhere, "what is pushed to is a folder");
    listed(false);

    // It was there all the time, and went nowhere; nor did it when it was asked to end.
    assert_eq!(ask(address, "GET", "/healthz", "", b"").status, 200);
    front.signal("TERM");
    let end = trace.end_of(front.id());
    assert!(end.contains("exited with 143"), "{end}");
    let accepted = trace.text().matches("accept4(").count();
    assert!(accepted >= 5, "the trace is one of a server that was asked: {}", trace.text());
    assert_eq!(trace.destinations(), nowhere, "serve");

    // The test can tell: once a maintainer wants it tried out, both addresses of that offer are visited, and no other.
    let (_, destinations) = traced(&["offers", "verify", &lyon], 0);
    assert_eq!(destinations, BTreeSet::from([address_of(theirs.base.as_str()), address_of(their_readers.url())]));
    listed(true);
}
