//! Volunteers in front of a real browser: from an empty machine to a mirror.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::driver::{drive, everything_in, own_tests, pictures};
use super::site::{Site, ask};
use crate::cli_desk::Desk;
use crate::support::face::Face;
use crate::support::process::{self, Server, Stop, wait_until};
use crate::support::rclone::BUCKET;
use crate::support::seaweed::{BUCKET_KEY, Seaweed};
use crate::support::sshd_root::ChrootSshd;
use crate::support::{PASSWORD, SECRET_KEY, USER, tools};
use crate::webdav_servers::{self, Kind};

/// As the set-up of a volunteer has it, beside the chroot.
const NARROW: &str = "ForceCommand internal-sftp -u 0022 -p open,close,read,write,lstat,fstat,stat,opendir,readdir,remove,mkdir,\
    rmdir,realpath,rename,posix-rename,statvfs,fsync,limits\nPermitTTY no\nAllowStreamLocalForwarding no";
/// What a volunteer types and nobody but the project may ever see.
const NOTES: &str = "canary: ring twice";

/// A project that published something and invites people, and its web front.
struct Front {
    project: Desk,
    base: String,
    address: SocketAddr,
    server: Server,
    log: tempfile::TempDir,
}

impl Front {
    /// `key` is what pushes by SFTP log in with.
    fn open(key: Option<&Path>) -> Self {
        let project = Desk::with_targets(&["home"]);
        let offline = project.shell("age-keygen -o offline.txt && age-keygen -y offline.txt").ends_with(0).out;
        project.edit(
            "targets.yaml",
            "policy:\n",
            &format!(
                "serve: {{}}\ninvite:\n  send_to: [mirrors@example.org]\n  recipients: [{}]\n  probation: 1 h\n  \
                 conditions: [Nothing but our files lies in the folder.]\npolicy:\n  private_networks: [127.0.0.0/8]\n",
                offline.trim()
            ),
        );
        if let Some(key) = key {
            fs::copy(key, project.path("keys/deploy_ed25519")).expect("the key can be copied");
            let public = fs::read_to_string(key.with_extension("pub")).expect("its other half");
            let words: Vec<&str> = public.split_whitespace().take(2).collect();
            project.write("keys/deploy_ed25519.pub", &format!("{} spartacus deploy demo\n", words.join(" ")));
        }
        project.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
        project.run(&["invite", "--yes"]).ends_with(0);
        project.run(&["check"]).ends_with(0);
        let log = tempfile::tempdir().expect("a temporary folder");
        let (server, ports) = Server::start(&log.path().join("serve.log"), Stop::Term, 2, |ports| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_spartacus"));
            command.arg("serve").args(["--listen", &format!("127.0.0.1:{}", ports[0])]);
            command.args(["--metrics", &format!("127.0.0.1:{}", ports[1])]).current_dir(project.path(""));
            command
        });
        let address = SocketAddr::from(([127, 0, 0, 1], ports[0]));
        Self { project, base: format!("http://{address}"), address, server, log }
    }

    /// The memory of the web process becomes a file beside its log.
    fn dump(&self) {
        let image = self.log.path().join("image");
        let id = self.server.id().to_string();
        process::run(Command::new(tools::program("gcore")).arg("-o").arg(&image).arg(&id));
        let bytes = fs::read(image.with_file_name(format!("image.{id}"))).expect("gcore has written it");
        assert!(bytes.windows(4).any(|window| window == b"oslo"), "the image is one of a process that took the offers");
    }

    /// Files of the web process, its memory if that was dumped, and what it logged, in which one of `secrets` is.
    fn leaks(&self, secrets: &[&str]) -> Vec<String> {
        let leaks = |bytes: &[u8]| {
            let has = |secret: &&&str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            secrets.iter().find(has).map(|secret| (*secret).to_owned())
        };
        let files = everything_in(&self.project.path(".spartacus/front")).into_iter().chain(everything_in(self.log.path()));
        let mut looked_at = 0;
        let found = files
            .inspect(|_| looked_at += 1)
            .filter_map(|(path, bytes)| leaks(&bytes).map(|secret| format!("{secret} in {}", path.display())))
            .collect();
        assert!(looked_at >= 2, "a database and a log are looked at");
        found
    }
}

fn fields(name: &str, kind: &str, public_url: &str, more: &Value) -> Value {
    let mut fields = json!({
        "name": name,
        "public_url": public_url,
        "kind": kind,
        "operator": "Bianca",
        "country": "IT",
        "contact": "canary-ann@volunteers.example",
        "notes": NOTES,
        "days": "90",
    });
    fields.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    fields
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}"))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no list {name} in {value}"))
}

/// Neither axe-core's serious findings nor anything that the browser complained of, such as the content policy.
fn assert_sound(seen: &[Value]) {
    for page in seen {
        let about = format!("{} {} {}", page["name"], page["shape"], page["colorScheme"]);
        if let Some(complaints) = page["complaints"].as_array() {
            assert!(complaints.is_empty(), "{about}: {complaints:#?}");
            continue;
        }
        let serious: Vec<&Value> =
            list(page, "findings").iter().filter(|found| found["impact"] != "minor" && found["impact"] != "moderate").collect();
        assert!(serious.is_empty(), "{about}: {serious:#?}");
        assert!(page["passed"].as_u64().is_some_and(|passed| passed > 10), "{about}: axe-core looked at nothing");
        assert_eq!(page["overflow"], 0, "{about} is wider than its window");
    }
}

#[test]
fn the_script_s_own_tests_pass() {
    own_tests();
}

#[test]
fn three_volunteers_register_in_a_browser_and_become_mirrors() {
    let sshd = ChrootSshd::start_with(NARROW);
    let face = Face::over(&sshd.jail.data());
    let seaweed = Seaweed::start();
    let apache = webdav_servers::Server::start(Kind::ApacheBasic);
    let front = Front::open(Some(&sshd.keys.client));
    let project = &front.project;
    let volunteers = [
        fields(
            "lyon",
            "sftp",
            face.url(),
            &json!({
                "operator": "Ann & friends",
                "country": "FR",
                "sftp.host": "127.0.0.1",
                "sftp.port": sshd.port.to_string(),
                "sftp.user": sshd.jail.user,
                "sftp.path": "/data",
                "sftp.host_keys": format!("256 {} root@host (ED25519)\n", sshd.keys.fingerprint),
            }),
        ),
        fields(
            "oslo",
            "s3",
            &format!("{}/{BUCKET}/", seaweed.endpoint()),
            &json!({
                "operator": "Fjord Library",
                "country": "no",
                "s3.endpoint": seaweed.endpoint(),
                "s3.bucket": BUCKET,
                "s3.access_key": BUCKET_KEY,
                "s3.secret_key": SECRET_KEY,
                "limits.max_bytes": "2 GiB",
                "limits.metered": true,
            }),
        ),
        fields(
            "rome",
            "webdav",
            apache.base.join("/mirror/").expect("a URL").as_str(),
            &json!({ "webdav.url": apache.base.as_str(), "webdav.user": USER, "webdav.password": PASSWORD }),
        ),
    ];

    // 1. They register. Nothing secret leaves the browser, and nobody is connected to.
    let keys = tempfile::tempdir().expect("a temporary folder");
    let order: Vec<Value> = volunteers.iter().map(|fields| json!({ "name": text(fields, "name"), "fields": fields })).collect();
    let told = drive("register", &front.base, &json!({ "volunteers": order, "folder": keys.path(), "pictures": pictures() }));
    let secrets = [SECRET_KEY, BUCKET_KEY, PASSWORD, NOTES, "canary-ann@volunteers.example", sshd.keys.fingerprint.as_str()];
    for offer in list(&told, "offers") {
        let name = text(offer, "name");
        assert_eq!(offer["complaints"], json!([]), "{name}");
        assert_eq!(offer["left"], json!([]), "{name}: secrets are still in the page");
        assert_eq!(offer["empty"]["focused"], "sftp.host", "{name}: who forgot a field is led there");
        assert!(text(offer, "words").contains("keep it"), "{offer}");
        assert!(text(offer, "warning").contains("not saved volunteer.key"), "{offer}");
        assert_eq!(offer["key"]["suggested"], "volunteer.key");
        let sent: Vec<&str> = list(offer, "requests").iter().filter_map(Value::as_str).collect();
        assert!(sent.iter().all(|line| line.contains(&front.base)), "{name}: somebody else was asked: {sent:#?}");
        for secret in secrets {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            assert!(sent.iter().all(|line| !line.contains(secret) && !line.contains(&encoded)), "{name}: {secret} was sent");
            assert!(!text(offer, "offer").contains(secret), "{name}: {secret} is in clear");
        }
        // The key that was saved is one that later messages are signed with.
        let saved = text(&offer["key"], "path");
        let alice = Desk::empty();
        alice.write("invite.json", &project.read("invite/invite.json"));
        fs::copy(saved, alice.path("volunteer.key")).expect("our own file");
        alice.run(&["offer", "resume"]).ends_with(2);
        alice.shell("chmod 600 volunteer.key && spartacus offer resume").ends_with(0);
        assert_eq!(serde_json::from_str::<Value>(&alice.read("resume.json")).expect("JSON")["signed"]["volunteer"], {
            let sent: Value = serde_json::from_str(text(offer, "offer")).expect("JSON");
            sent["signed"]["volunteer"].clone()
        });
    }
    assert_eq!(fs::read_dir(sshd.jail.data()).expect("a folder").count(), 0, "nobody was there yet");
    front.dump();
    assert_eq!(front.leaks(&secrets), Vec::<String>::new());

    // 2. The maintainer takes them in.
    for (offer, fields) in list(&told, "offers").iter().zip(&volunteers) {
        let (ticket, name) = (text(offer, "ticket"), text(fields, "name"));
        let listed = project.run(&["offers", "list"]).ends_with(0);
        assert!(listed.out.contains(ticket) && listed.out.contains(name), "{}", listed.out);
        let verified = project.run(&["offers", "verify", name]).ends_with(0);
        assert!(verified.out.contains(&format!("{name} can be offered: ")), "{}", verified.out);
        let accepted = project.run(&["offers", "accept", name, "--yes"]).ends_with(0);
        assert!(accepted.headline().contains(&format!("{name} is whole, and on probation")), "{}", accepted.out);
    }

    // 3. A release is pushed, and an hour later everybody sees three healthy mirrors.
    project.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    let told_before = jiff::Timestamp::now().to_string();
    let round = project.shell("faketime -f '+61m' spartacus check --full").ends_with(0);
    assert!(!round.err.contains("warning: "), "{}", round.err);
    wait_until("the round is shown", || {
        let told = ask(front.address, "GET", "/api/v1/status", "", b"").json();
        told["round"].as_str().is_some_and(|round| round > told_before.as_str())
    });
    let ticket = text(&list(&told, "offers")[1], "ticket");
    let pages = json!([
        { "name": "status", "path": "/" },
        { "name": "mirror", "path": "/mirrors/oslo.html" },
        { "name": "invite", "path": "/invite" },
        { "name": "register", "path": "/register" },
        { "name": "ticket", "path": format!("/offers/{ticket}") },
    ]);
    let looked = drive("look", &front.base, &json!({ "pages": pages, "pictures": pictures() }));
    let seen = list(&looked, "seen");
    assert_sound(seen);
    for page in seen.iter().filter(|page| page["name"] == "status") {
        // Columns or lines, as the window is wide.
        let words = text(page, "words").split_whitespace().collect::<Vec<_>>().join(" ");
        for fields in &volunteers {
            assert!(words.contains(&format!("{} ✓ healthy", text(fields, "name"))), "{words}");
        }
        assert!(words.contains("Mirrors wanted"), "{words}");
    }
    assert_eq!(front.leaks(&secrets), Vec::<String>::new());
    drop(front.server);
}

#[test]
fn the_form_needs_no_pointer_and_no_script() {
    let front = Front::open(None);
    let keys = tempfile::tempdir().expect("a temporary folder");
    // In the order of the page, as Tab goes.
    let typed = json!([
        ["kind", "W"],
        ["webdav.url", "https://dav.example.org/box/"],
        ["webdav.user", "ann"],
        ["webdav.password", PASSWORD],
        ["public_url", "https://mirror.example.org/archive/"],
        ["name", "by-keyboard"],
        ["contact", "canary-ann@volunteers.example"],
    ]);
    let told = drive("keyboard", &front.base, &json!({ "fields": typed, "folder": keys.path() }));
    assert_eq!(told["unseen"], json!([]), "who has the focus is seen");
    assert_eq!(told["isFocused"], true, "the key to be saved is next");
    assert_eq!(told["complaints"], json!([]));
    let listed = front.project.run(&["offers", "list"]).ends_with(0);
    assert!(listed.out.contains(text(&told, "ticket")), "{}", listed.out);

    // Whoever corrects something after sealing seals again, with the same key; the secrets are asked for anew.
    let fields = fields(
        "rome",
        "webdav",
        "https://mirror.example.org/archive/",
        &json!({
            "webdav.url": "https://dav.example.org/box/", "webdav.user": "ann", "webdav.password": PASSWORD,
        }),
    );
    let (then, secrets) = (json!({ "name": "corrected" }), json!({ "webdav.password": PASSWORD }));
    let told = drive("correct", &front.base, &json!({ "fields": fields, "then": then, "secrets": secrets }));
    assert_eq!(told["between"]["offer"], "");
    assert_eq!(told["asked"], json!(["webdav.password"]));
    assert_eq!(told["first"]["volunteer"], told["second"]["volunteer"]);
    assert!(told["first"]["sequence"].as_u64() < told["second"]["sequence"].as_u64(), "{told}");
    assert_eq!(told["second"]["request"]["offer"]["name"], "corrected");
    assert_eq!(told["back"], json!({ "left": [], "key": false }), "nobody finds anything by going back");

    // Mirrors in every condition can be read, too.
    let site = Site::new();
    let pages = json!([
        { "name": "status", "path": "/" },
        { "name": "mirror", "path": "/mirrors/berlin-1.html" },
        { "name": "invite", "path": "/invite" },
        { "name": "missing", "path": "/mirrors/nobody.html" },
    ]);
    let looked = drive("look", &format!("http://{}", site.address), &json!({ "pages": pages }));
    assert_sound(list(&looked, "seen"));

    let plain = drive("plain", &front.base, &json!({}));
    assert_eq!((&plain["visible"], &plain["paste"]), (&json!(0), &json!(true)), "no field for a secret, a field for a file");
    for words in ["spartacus offer seal", "Your browser runs no scripts here"] {
        assert!(text(&plain, "words").contains(words), "{plain}");
    }
    assert_eq!(front.leaks(&[PASSWORD]), Vec::<String>::new());
}
