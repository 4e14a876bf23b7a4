//! Mail, taken by a server that nobody here wrote, over STARTTLS and with a login.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Fleet, assert_unseen};
use crate::support::mirror::secret_file;
use crate::support::process::{self, Server, Stop};
use crate::support::tls::Authority;
use crate::support::tools;

const USER: &str = "mirrors@project.example";
const PASSWORD: &str = "canary-mail-8Wk3";

/// A running mail server and the folder in which it keeps what it takes.
struct Post {
    _server: Server,
    port: u16,
    folder: PathBuf,
}

impl Post {
    /// One that speaks STARTTLS (`starttls`), TLS at once (`implicit`) or neither (`none`), with a certificate of an authority
    /// that is written to `authority.pem`.
    fn open(fleet: &Fleet, mode: &str) -> Self {
        let folder = fleet.desk.path("post");
        fs::create_dir_all(&folder).expect("a folder of the test's own");
        let authority = Authority::new();
        authority.issue(["127.0.0.1"]).write(&folder, "mail");
        fleet.desk.write("authority.pem", &authority.pem());
        fs::write(folder.join("authority.pem"), authority.pem()).expect("a file of the test's own");
        secret_file(&fleet.desk.path("."), "mail-password", PASSWORD);
        let (server, ports) = Server::start(&folder.join("log"), Stop::Kill, 1, |ports| {
            let mut command = Command::new(tools::from_venv("python"));
            command.arg(tools::repository().join("tests/peers/mail_server.py")).arg(ports[0].to_string()).arg(&folder).arg(mode);
            command.arg(folder.join("mail.pem")).arg(folder.join("mail.key")).args([USER, PASSWORD]);
            command
        });
        Self { _server: server, port: ports[0], folder }
    }

    /// `smtp:` to this server.
    fn smtp(&self, more: &str) -> String {
        format!(
            "smtp: {{host: 127.0.0.1, port: {}, user: {USER}, password: \"file:mail-password\", from: {USER}, ca: authority.pem, {more}}}",
            self.port
        )
    }

    /// Both audiences, as most projects would have it.
    fn both(&self) -> [String; 2] {
        [
            format!("{{name: ops, {}}}", self.smtp("to: [ops@project.example, night@project.example]")),
            format!("{{name: volunteers, audience: volunteer, {}}}", self.smtp("reply_to: ops@project.example")),
        ]
    }

    /// What has arrived: to whom, and the mail as Python's own parser reads it.
    fn mails(&self) -> Vec<(Vec<String>, Value)> {
        let named = |number: &usize| self.folder.join(format!("{number}.eml"));
        let numbers: Vec<usize> = (1..1000).take_while(|number| named(number).exists()).collect();
        let script = tools::repository().join("tests/judges/mail_reader.py");
        let read = process::run(Command::new(tools::from_venv("python")).arg(script).args(numbers.iter().map(named)));
        let read: Vec<Value> = serde_json::from_str(&read).expect("a list");
        let to = |number: usize| {
            let text = fs::read_to_string(self.folder.join(format!("{number}.to"))).expect("it is written first");
            text.lines().map(str::to_owned).collect()
        };
        numbers.into_iter().map(to).zip(read).collect()
    }

    fn to(&self, recipient: &str) -> Vec<Value> {
        self.mails().into_iter().filter(|(to, _)| to.iter().any(|one| one == recipient)).map(|(_, mail)| mail).collect()
    }
}

fn field<'a>(mail: &'a Value, name: &str) -> Vec<&'a str> {
    let fields = mail["fields"].as_array().expect("a list");
    fields.iter().filter(|field| field[0] == name).map(|field| field[1].as_str().expect("text")).collect()
}

fn text(mail: &Value) -> &str {
    mail["text"].as_str().expect("text")
}

#[test]
fn both_audiences_get_mails_that_are_well_formed_and_their_own() {
    let mut fleet = Fleet::new();
    let post = Post::open(&fleet, "starttls");
    fleet.routes(&post.both());
    // Words that would be header fields if they ever got into one.
    fleet.desk.edit("targets.yaml", "name: paris\n", "name: paris\n    operator: \"Bcc: everybody@evil.example\"\n");
    fleet.desk.set("RUST_LOG", "trace");
    let dead = fleet.away("paris");
    let rounds = [fleet.round().ends_with(4)];
    assert!(!rounds[0].err.contains("alert route"), "{}", rounds[0].err);
    assert!(rounds[0].err.contains("TRACE"), "the log is not switched on");

    let mails = post.mails();
    assert_eq!(mails.len(), 2, "one for each audience: {mails:?}");
    for (to, mail) in &mails {
        assert_eq!((&mail["defects"], &mail["lines_are_right"]), (&serde_json::json!([]), &true.into()), "{mail}");
        for name in ["From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted", "MIME-Version"] {
            assert_eq!(field(mail, name).len(), 1, "{name} of {mail}");
        }
        for never in ["Bcc", "Cc", "Sender", "Return-Path"] {
            assert_eq!(field(mail, never), Vec::<&str>::new(), "{mail}");
        }
        assert_eq!((field(mail, "From"), field(mail, "Auto-Submitted")), (vec![USER], vec!["auto-generated"]));
        assert!(field(mail, "Message-ID")[0].ends_with("@project.example>"), "{mail}");
        assert_eq!(field(mail, "To")[0].split(", ").collect::<Vec<_>>(), *to);
    }
    let ops = &post.to("ops@project.example")[0];
    assert_eq!(field(ops, "To"), ["ops@project.example, night@project.example"]);
    assert_eq!(field(ops, "Subject"), ["[demo] too few good copies, paris is unreachable"]);
    assert!(text(ops).contains("More: spartacus status --explain paris\n"), "{ops}");

    let volunteer = &post.to("paris@volunteers.example")[0];
    assert_eq!(field(volunteer, "To"), ["paris@volunteers.example"]);
    assert_eq!(field(volunteer, "Reply-To"), ["ops@project.example"]);
    assert_eq!(field(volunteer, "Subject"), ["[demo] your mirror paris is unreachable"]);
    for part in [
        &format!("this is about your mirror paris at {dead}."),
        "\nWhat we saw\n",
        "    ipv4, at 127.0.0.1: ",
        "  we come from 127.0.0.1; requests name themselves spartacus/",
        &format!("  curl -v -o /dev/null '{dead}metadata/timestamp.json'\n"),
        "\nWhat helps\n  See that the web server runs",
        "\nTo be left alone for a while\n",
    ] {
        assert!(text(volunteer).contains(part), "{part:?} is not in\n{}", text(volunteer));
    }
    for others in ["lyon", "rome", "copies", "wanted", "ops@", "Bcc", fleet.desk.path("").to_str().expect("UTF-8")] {
        assert!(!text(volunteer).contains(others), "{others:?} is in\n{}", text(volunteer));
    }

    // The end: one mail for each, in the same thread.
    fleet.back("paris", &dead);
    fleet.round();
    fleet.round();
    let volunteers = post.to("paris@volunteers.example");
    assert_eq!(volunteers.len(), 2);
    assert_eq!(field(&volunteers[1], "Subject"), ["[demo] your mirror paris is no longer unreachable"]);
    assert_eq!(field(&volunteers[0], "References"), field(&volunteers[1], "References"));
    assert_ne!(field(&volunteers[0], "Message-ID"), field(&volunteers[1], "Message-ID"));
    assert_eq!(post.to("lyon@volunteers.example"), Vec::<Value>::new());

    let login = STANDARD.encode(format!("\0{USER}\0{PASSWORD}"));
    let list = fleet.desk.run(&["alert", "list", "--json"]).ends_with(0);
    assert_unseen(&fleet.desk, &[PASSWORD, &login, &STANDARD.encode(PASSWORD)], &[&rounds[0], &list], &[".spartacus/state.db"]);
    assert_unseen(&fleet.desk, &["@volunteers.example", "@project.example"], &[&list], &[".spartacus/state.db"]);
}

#[test]
fn an_address_that_does_not_exist_is_not_repeated_and_keeps_nobody_else_from_hearing() {
    let fleet = Fleet::new();
    let post = Post::open(&fleet, "starttls");
    fleet.routes(&post.both());
    fs::write(post.folder.join("unknown"), "night@project.example\nlyon@volunteers.example\n").expect("a file of the test's own");
    fleet.away("paris");
    fleet.away("lyon");
    let said = fleet.round().ends_with(4);
    assert!(said.err.contains("alert route volunteers failed, and is tried again later: the mail server: "), "{}", said.err);
    assert!(said.err.contains("<[address]>: nobody of that name"), "{}", said.err);
    assert!(said.err.contains("one of 2 recipients was refused"), "{}", said.err);
    assert!(!said.err.contains("@project") && !said.err.contains("@volunteers"), "{}", said.err);
    let mails = post.mails();
    let to: Vec<&str> = mails.iter().flat_map(|(to, _)| to).map(String::as_str).collect();
    assert_eq!(to.len(), 2, "{to:?}");
    assert!(to.contains(&"ops@project.example") && to.contains(&"paris@volunteers.example"), "{to:?}");
    let (ops, volunteers) = (fleet.route("ops"), fleet.route("volunteers"));
    assert_eq!((&ops["sent"], &ops["waiting"]), (&1.into(), &0.into()));
    assert_eq!((&volunteers["sent"], &volunteers["waiting"]), (&1.into(), &1.into()));
    let list = fleet.desk.run(&["alert", "list", "--json"]).ends_with(0);
    assert_unseen(&fleet.desk, &["@volunteers.example", "@project.example"], &[&list], &[".spartacus/state.db"]);
    // A test is stricter: everybody has to be reached.
    let tested = fleet.desk.run(&["alert", "test", "ops"]).ends_with(7);
    assert!(tested.out.starts_with("ops: failed: recipient 2 of 2: the mail server: "), "{}", tested.out);
}

#[test]
fn a_server_that_refuses_for_a_while_loses_nothing_and_is_told_once() {
    let fleet = Fleet::new();
    let post = Post::open(&fleet, "implicit");
    let smtp = post.smtp("tls: implicit, to: [ops@project.example]");
    fleet.routes(&[format!("{{name: ops, {smtp}}}")]);
    fs::write(post.folder.join("refuse"), "").expect("a file of the test's own");
    fleet.away("paris");
    let said = fleet.round().ends_with(4);
    assert!(said.err.contains("not now\\u{1b}[31m"), "{}", said.err);
    let dead = fleet.away("rome");
    fleet.round();
    assert_eq!((post.mails().len(), &fleet.route("ops")["waiting"]), (0, &2.into()));
    fs::remove_file(post.folder.join("refuse")).expect("a file of the test's own");
    fleet.back("rome", &dead);
    assert_eq!(fleet.desk.run(&["alert", "send"]).ends_with(0).out, "2 messages sent\n");
    let subjects: Vec<String> = post.mails().iter().map(|(_, mail)| field(mail, "Subject")[0].to_owned()).collect();
    assert_eq!(subjects, ["[demo] too few good copies, paris is unreachable", "[demo] rome is unreachable"]);
    assert_eq!(fleet.desk.run(&["alert", "send"]).ends_with(0).out, "0 messages sent\n");
}

#[test]
fn nothing_is_sent_in_clear_and_nothing_to_a_stranger() {
    let fleet = Fleet::new();
    let plain = Post::open(&fleet, "none");
    fleet.routes(&[format!("{{name: ops, {}}}", plain.smtp("to: ops@project.example"))]);
    let tested = fleet.desk.run(&["alert", "test"]).ends_with(7);
    assert!(tested.out.starts_with("ops: failed: the mail server: "), "{}", tested.out);
    drop(plain);
    fs::remove_dir_all(fleet.desk.path("post")).expect("a folder of the test's own");
    fs::remove_file(fleet.desk.path("mail-password")).expect("a file of the test's own");
    let post = Post::open(&fleet, "starttls");
    fleet.desk.write("authority.pem", &Authority::new().pem());
    fleet.routes(&[format!("{{name: ops, {}}}", post.smtp("to: ops@project.example"))]);
    let tested = fleet.desk.run(&["alert", "test"]).ends_with(7);
    assert!(tested.out.contains("certificate"), "{}", tested.out);
    assert!(tested.err.contains("hint: is `host` a name in the server's certificate"), "{}", tested.err);
    // The right server and the wrong login.
    fs::write(fleet.desk.path("mail-password"), "not-the-password").expect("a file of the test's own");
    fs::copy(post.folder.join("authority.pem"), fleet.desk.path("authority.pem")).expect("a file of the test's own");
    let tested = fleet.desk.run(&["alert", "test"]).ends_with(7);
    assert!(tested.err.contains("hint: are `user` and `password` right?"), "{}{}", tested.out, tested.err);
    assert_eq!(post.mails().len(), 0);
}

#[test]
fn names_that_would_break_a_header_are_refused_before_anything_is_sent() {
    let fleet = Fleet::new();
    for (from, to) in [
        ("name: paris\n", "name: \"paris\\r\\nBcc: x@evil.example\"\n"),
        ("name: paris\n", "name: paris\n    operator: \"Eve\\r\\nBcc: x@evil.example\"\n"),
        ("contact: paris@volunteers.example", "contact: \"paris@volunteers.example\\r\\nBcc: x@evil.example\""),
    ] {
        let before = fleet.desk.read("targets.yaml");
        fleet.desk.edit("targets.yaml", from, to);
        fleet.desk.run(&["alert", "list"]).ends_with(2);
        fleet.desk.write("targets.yaml", &before);
    }
}
