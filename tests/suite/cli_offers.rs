//! A volunteer and a maintainer, each at a desk of their own: from an offer to a mirror, and to its end.

use std::fs;
use std::path::Path;

use serde_json::Value;
use spartacus::history::{Front, Received, Reception};

use crate::alerts::{KEEP, events};
use crate::cli_desk::{Desk, Said};
use crate::support::face::Face;
use crate::support::schema;
use crate::support::sshd_root::ChrootSshd;
use crate::webdav_servers::{Kind, Server};

/// As the set-up of a volunteer has it, beside the chroot.
const NARROW: &str = "ForceCommand internal-sftp -u 0022 -p open,close,read,write,lstat,fstat,stat,opendir,readdir,remove,mkdir,\
    rmdir,realpath,rename,posix-rename,statvfs,fsync,limits\nPermitTTY no\nAllowStreamLocalForwarding no";
/// The password of the WebDAV server in these tests.
const PASSWORD: &str = crate::support::PASSWORD;

/// A project that published something and invites people; what strangers offer may lie on this machine, and nowhere else.
pub fn maintainer() -> Desk {
    let desk = Desk::with_targets(&["home"]);
    let offline = desk.shell("age-keygen -o offline.txt && age-keygen -y offline.txt").ends_with(0).out.trim().to_owned();
    desk.edit(
        "targets.yaml",
        "policy:\n",
        &format!(
            "health: {{every: 12 h}}\ninvite: {{send_to: [mirrors@example.org], recipients: [{offline}]}}\npolicy:\n  private_networks: [127.0.0.0/8]\n"
        ),
    );
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

/// Logs in with `key` from now on, and invites people to authorise it.
pub fn invite(desk: &Desk, key: Option<&Path>) -> String {
    if let Some(key) = key {
        let public = key.with_extension("pub");
        for (from, to) in [(key, "keys/deploy_ed25519"), (&public, "keys/deploy_ed25519.pub")] {
            fs::copy(from, desk.path(to)).expect("the key can be copied");
        }
    }
    desk.run(&["invite", "--yes"]).ends_with(0);
    desk.read("invite/invite.json")
}

/// Somebody with some web space: a folder with the place, the invite and a key.
pub fn volunteer(invite: &str, settings: &str) -> Desk {
    let desk = Desk::empty();
    desk.write("targets.yaml", &format!("project: {{name: my offer}}\ntargets:\n{settings}"));
    desk.write("invite.json", invite);
    desk.run(&["key", "new", "volunteer", "--vantage", "--out", "volunteer.key"]).ends_with(0);
    desk
}

pub fn sealed(desk: &Desk, word: &[&str]) -> Value {
    let arguments: Vec<&str> = ["offer"].iter().chain(word).chain(&["--json"]).copied().collect();
    schema::expect_command("offer_sealed", &desk.run(&arguments).ends_with(0).out)
}

/// Hands a file over, as a mail would.
pub fn hand_over(from: &Desk, name: &str, to: &Desk) -> Said {
    to.write(&format!("mail/{name}"), &format!("Hello,\n\nhere it is:\n\n{}\n-- \nAlice\n", from.read(name)));
    to.run(&["offers", "add", &format!("mail/{name}")])
}

fn state_of(desk: &Desk, ticket: &str) -> Value {
    let listed = schema::expect_command("offers", &desk.run(&["offers", "list", "--json"]).ends_with(0).out);
    let offers = listed["offers"].as_array().expect("a list");
    offers.iter().find(|offer| offer["ticket"] == ticket).unwrap_or_else(|| panic!("{ticket} is not in {listed}")).clone()
}

fn sftp_place(server: &ChrootSshd, face: &Face) -> String {
    format!(
        "  - name: paris\n    public_url: {}\n    operator: Alice\n    country: FR\n    contact: alice@example.org\n    sftp:\n      host: 127.0.0.1\n      \
         port: {}\n      user: {}\n      path: /data\n      key: {}\n      host_keys: [\"{}\"]\n",
        face.url(),
        server.port,
        server.jail.user,
        server.keys.client.display(),
        server.keys.fingerprint
    )
}

/// What a folder and everything below it holds, hidden files too.
fn everything_in(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((path.clone(), fs::read(&path).expect("a file")));
            }
        }
    }
    found
}

#[test]
fn an_account_with_sftp_becomes_a_mirror_without_any_secret() {
    let server = ChrootSshd::start_with(NARROW);
    let face = Face::over(&server.jail.data());
    let project = maintainer();
    let alice = volunteer(&invite(&project, Some(&server.keys.client)), &sftp_place(&server, &face));
    let offer = sealed(&alice, &["seal", "--notes", "maintenance on Sundays"]);
    let ticket = offer["ticket"].as_str().expect("a ticket").to_owned();
    let file = alice.read("offer.json");
    for private in ["127.0.0.1:", &server.jail.user, "alice@example.org", "Sundays", "SHA256:"] {
        let public = file.replace(face.url(), "");
        assert!(!public.contains(private), "{private} is in {public}");
    }

    // 1. It is taken in, and seen, without any connection.
    let taken = hand_over(&alice, "offer.json", &project).ends_with(0);
    assert!(taken.out.contains(&format!("{ticket}  paris: offer taken")), "{}", taken.out);
    assert!(hand_over(&alice, "offer.json", &project).ends_with(0).out.contains("was taken before"));
    let shown = project.run(&["offers", "show", &ticket[..6]]).ends_with(0);
    for words in
        ["operator     Alice", "secrets      none: pushes log in with the deploy key", "notes        maintenance on Sundays"]
    {
        assert!(shown.out.contains(words), "{words:?} is not in {}", shown.out);
    }
    assert_eq!(fs::read_dir(server.jail.data()).expect("a folder").count(), 0, "nobody was there yet");

    // 2. It is tried out, and the volunteer is told.
    let report =
        schema::expect_command("offer_examined", &project.run(&["offers", "verify", "paris", "--json"]).ends_with(0).out);
    assert_eq!((&report["good"], &report["sent"]), (&true.into(), &false.into()), "there is no way to send it");
    let letter = project.run(&["offers", "show", &ticket, "--report"]).ends_with(0);
    assert!(letter.out.starts_with(&format!("Your offer {ticket} (paris) to mirror demo was tried out")), "{}", letter.out);

    // 3. It is accepted: an entry, the first copy, every byte, probation.
    let before = project.read("targets.yaml");
    let accepted = project.run(&["offers", "accept", "paris", "--yes"]).ends_with(0);
    assert!(accepted.headline().contains("paris is whole, and on probation"), "{}", accepted.out);
    let after = project.read("targets.yaml");
    assert!(after.starts_with(before.trim_end()), "what was there stays:\n{after}");
    for line in ["addresses: public", "contact: \"alice@example.org\"", "key: keys/deploy_ed25519"] {
        assert!(after.contains(line), "{line:?} is not in {after}");
    }
    assert!(server.jail.data().join("releases/v1/README").exists());
    assert_eq!(state_of(&project, &ticket)["state"], "probation");
    let status = project.run(&["status"]);
    assert!(status.out.lines().any(|line| line.starts_with("paris ") && line.contains("probation")), "{}", status.out);

    // 4. Readers are sent there only after three good days.
    let links = |desk: &Desk| desk.read("home/mirrors.json").contains(face.url());
    project.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    assert!(!links(&project), "a mirror on probation is no place to send readers to");
    for hours in [20, 40, 60, 71] {
        project.shell(&format!("faketime -f '+{hours}h' spartacus check")).ends_with(0);
        assert_eq!(state_of(&project, &ticket)["state"], "probation", "after {hours} hours");
    }
    project.shell("faketime -f '+74h' spartacus check --only home").ends_with(0);
    assert_eq!(state_of(&project, &ticket)["state"], "probation", "nobody looked at it");
    project.shell("faketime -f '+75h' spartacus check").ends_with(0);
    assert_eq!(state_of(&project, &ticket)["state"], "active");
    project.run(&["push", "docs", "--as", "v3", "--yes"]).ends_with(0);
    assert!(links(&project));

    // 5. A pause is a signed message, and ends by itself.
    sealed(&alice, &["pause", "--until", "2 days"]);
    hand_over(&alice, "pause.json", &project).ends_with(0);
    project.run(&["push", "docs", "--as", "v4", "--yes"]);
    assert!(!server.jail.data().join("releases/v4/README").exists(), "it is left alone");
    project.shell("faketime -f '+3d' spartacus push");
    assert!(server.jail.data().join("releases/v4/README").exists());

    // 6. Whoever wants to end it, and has our files removed, is rid of them in the next run.
    fs::write(server.jail.data().join("theirs.txt"), "not ours").expect("a file of the volunteer's");
    sealed(&alice, &["withdraw", "--delete"]);
    hand_over(&alice, "withdraw.json", &project).ends_with(0);
    let last = project.run(&["push"]);
    assert!(last.err.contains("paris: withdrawn, and ") && last.err.contains(" files of ours were removed"), "{}", last.err);
    let left: Vec<_> = everything_in(&server.jail.data()).into_iter().map(|(path, _)| path).collect();
    assert_eq!(left, [server.jail.data().join("theirs.txt")]);
    assert_eq!(state_of(&project, &ticket)["state"], "withdrawn");
    // An old message does not bring it back.
    assert!(
        hand_over(&alice, "pause.json", &project).ends_with(5).err.contains("a newer message of this volunteer was taken before")
    );
}

pub fn webdav_place(server: &Server, password: &str) -> String {
    format!(
        "  - name: lyon\n    public_url: {}\n    webdav:\n      url: {}\n      user: {}\n      password: {password}\n",
        server.base.join("/mirror/").expect("a URL"),
        server.base,
        crate::support::USER
    )
}

#[test]
fn a_password_is_nowhere_in_clear_and_gone_when_the_offer_ends() {
    let server = Server::start(Kind::ApacheBasic);
    let project = maintainer();
    let mut bob = volunteer(&invite(&project, None), &webdav_place(&server, "env:BOX_PASSWORD"));
    bob.set("BOX_PASSWORD", PASSWORD);
    let offer = sealed(&bob, &["seal", "--valid", "30 days"]);
    let ticket = offer["ticket"].as_str().expect("a ticket").to_owned();
    hand_over(&bob, "offer.json", &project).ends_with(0);
    let said = project.run(&["offers", "accept", &ticket, "--as", "lyon-2", "--yes", "--json"]).ends_with(0);
    let accepted = schema::expect_command("offer_accepted", &said.out);
    assert_eq!((&accepted["target"], &accepted["state"]), (&"lyon-2".into(), &"probation".into()));
    let sealed_file = project.path(&format!("sealed/{ticket}.password.age"));
    assert!(
        sealed_file.exists() && project.read("targets.yaml").contains(&format!("password: sealed:sealed/{ticket}.password.age"))
    );
    let shown = schema::expect_command("offer_shown", &project.run(&["offers", "show", &ticket, "--json"]).ends_with(0).out);
    assert_eq!(shown["secrets"], serde_json::json!(["password"]));
    let clear = |desk: &Desk| {
        let in_clear = |bytes: &[u8]| bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        everything_in(&desk.path("")).into_iter().filter(|(_, bytes)| in_clear(bytes)).map(|(path, _)| path).collect::<Vec<_>>()
    };
    assert_eq!(clear(&project), Vec::<std::path::PathBuf>::new());
    assert_eq!(clear(&bob), Vec::<std::path::PathBuf>::new());
    project.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);

    // The same place for longer counts from the next run on, without anybody's doing.
    sealed(&bob, &["update", "--valid", "60 days"]);
    hand_over(&bob, "update.json", &project).ends_with(0);
    let renewed = project.run(&["check"]).ends_with(0);
    assert!(renewed.err.contains("lyon-2: renewed by its volunteer until "), "{}", renewed.err);
    let later = state_of(&project, &ticket);
    assert_eq!((&later["waits"], &later["state"]), (&false.into(), &"probation".into()));

    // Anything else of it is nothing that a volunteer changes without a maintainer.
    bob.edit("targets.yaml", "    webdav:", "    country: FR\n    webdav:");
    sealed(&bob, &["update", "--valid", "90 days"]);
    hand_over(&bob, "update.json", &project).ends_with(0);
    project.run(&["check"]).ends_with(0);
    assert_eq!(state_of(&project, &ticket)["waits"], true);
    let entry = project.read("targets.yaml");
    let agreed = project.run(&["offers", "accept", "lyon-2", "--yes"]).ends_with(0);
    assert!(agreed.headline().contains("lyon-2 is whole, and on probation"), "{}", agreed.out);
    assert_eq!(project.read("targets.yaml"), entry.replace("    addresses: public", "    country: FR\n    addresses: public"));
    bob.edit("targets.yaml", "country: FR", "country: DE");
    sealed(&bob, &["update", "--valid", "90 days"]);
    hand_over(&bob, "update.json", &project).ends_with(0);
    project.run(&["offers", "reject", "lyon-2", "--because", "it is in France"]).ends_with(0);
    assert_eq!(state_of(&project, &ticket)["waits"], false);

    // Nobody renews it: nothing is sent, and the password is gone.
    let over = project.shell("faketime -f '+91d' spartacus push docs --as v3 --yes");
    assert!(over.err.contains("lyon-2: the offer has ended; nothing is sent to it any more"), "{}", over.err);
    assert!(!sealed_file.exists());
    assert!(!server.data().join("releases/v3/README").exists());
    assert_eq!(state_of(&project, &ticket)["state"], "expired");
}

#[test]
fn what_failed_is_not_accepted_and_nothing_is_written() {
    let server = Server::start(Kind::Nginx);
    let project = maintainer();
    let mut eve = volunteer(&invite(&project, None), &webdav_place(&server, "env:BOX_PASSWORD"));
    eve.set("BOX_PASSWORD", "not-the-password");
    sealed(&eve, &["seal"]);
    hand_over(&eve, "offer.json", &project).ends_with(0);
    let before = project.read("targets.yaml");
    let told = project.run(&["offers", "accept", "lyon", "--yes"]).ends_with(7);
    assert!(
        told.out.contains("FAILED   log in ") && told.err.contains("hint: tell the volunteer: "),
        "{}\n{}",
        told.out,
        told.err
    );
    assert_eq!(project.read("targets.yaml"), before);
    assert!(!project.path("sealed").exists());
    let left: Vec<_> = fs::read_dir(project.path(".spartacus/offers")).expect("it was made").collect();
    assert!(left.is_empty(), "what it was tried with is removed");

    // Another file of the same volunteer for another project, and one that was changed underway.
    let other = maintainer();
    assert!(hand_over(&eve, "offer.json", &other).ends_with(6).err.contains("it is meant for the project with the pin"));
    eve.edit("offer.json", "\"lyon\"", "\"milan\"");
    let forged = hand_over(&eve, "offer.json", &project).ends_with(6);
    assert!(forged.err.contains("the key that it names did not sign it"), "{}", forged.err);
    // An address that is none of ours to visit: the network of the test is not allowed here.
    project.edit("targets.yaml", "private_networks: [127.0.0.0/8]", "private_networks: [192.0.2.0/24]");
    let told = project.run(&["offers", "verify", "lyon"]).ends_with(7);
    assert!(told.out.contains("127.0.0.1") && told.out.contains("FAILED   log in "), "{}", told.out);
    project.run(&["offers", "reject", "lyon"]).ends_with(0);
    project.run(&["offers", "accept", "lyon"]).ends_with(2);
    project.run(&["offers", "show", "nobody"]).complains(2, "error: no offer is called nobody\nhint: spartacus offers list");
}

#[test]
fn who_offers_a_place_with_a_copy_in_it_has_to_show_that_it_is_theirs() {
    // It tells no lists, as servers do that follow our own set-up.
    let server = Server::start_plain();
    let project = maintainer();
    let mut bob = volunteer(&invite(&project, None), &webdav_place(&server, "env:BOX_PASSWORD"));
    bob.set("BOX_PASSWORD", PASSWORD);
    sealed(&bob, &["seal"]);
    hand_over(&bob, "offer.json", &project).ends_with(0);
    project.run(&["offers", "accept", "lyon", "--yes"]).ends_with(0);
    assert!(server.data().join("releases/v1/README").exists());

    // Somebody else who knows how to get in offers the same place under another name.
    let place = webdav_place(&server, "env:BOX_PASSWORD").replace("name: lyon", "name: milan");
    let mut eve = volunteer(&project.read("invite/invite.json"), &place);
    eve.set("BOX_PASSWORD", PASSWORD);
    let ticket = sealed(&eve, &["seal"])["ticket"].as_str().expect("a ticket").to_owned();
    hand_over(&eve, "offer.json", &project).ends_with(0);
    let tried = project.run(&["offers", "verify", "milan"]).ends_with(7);
    assert!(tried.out.contains("FAILED   yours to offer") && tried.out.contains(&ticket), "{}", tried.out);
    // Who can put a file there may offer it.
    fs::write(server.data().join(format!(".spartacus-offer-{ticket}")), "").expect("our own server");
    project.run(&["offers", "verify", "milan"]).ends_with(0);
    project.run(&["offers", "reject", "milan"]).ends_with(0);

    // Its volunteer ends it: what was published is removed by name, where nobody can list it.
    project.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    let left = || everything_in(&server.data()).into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    assert!(left().len() > 12);
    sealed(&bob, &["withdraw", "--delete"]);
    hand_over(&bob, "withdraw.json", &project).ends_with(0);
    let told = project.run(&["push", "docs", "--as", "v3", "--yes"]);
    assert!(told.err.contains("lyon: withdrawn, and the files that we know of were removed by their names"), "{}", told.err);
    assert_eq!(left(), [server.data().join(format!(".spartacus-offer-{ticket}"))], "earlier metadata is gone, too");
}

#[test]
fn an_entry_that_is_missing_for_a_while_ends_nothing_and_what_nobody_decides_on_does_end() {
    let server = Server::start(Kind::ApacheBasic);
    let project = maintainer();
    let later = |time: &str, command: &str| project.shell(&format!("faketime -f '{time}' spartacus {command}"));
    let before = project.read("targets.yaml");
    let mut bob = volunteer(&invite(&project, None), &webdav_place(&server, "env:BOX_PASSWORD"));
    bob.set("BOX_PASSWORD", PASSWORD);
    let ticket = sealed(&bob, &["seal"])["ticket"].as_str().expect("a ticket").to_owned();
    hand_over(&bob, "offer.json", &project).ends_with(0);
    project.run(&["offers", "accept", "lyon", "--yes", "--no-push"]).ends_with(0);
    let accepted = project.read("targets.yaml");
    let secret = project.path(&format!("sealed/{ticket}.password.age"));

    // Commented out, and put back some days later.
    project.write("targets.yaml", &before);
    let told = later("+3d", "check");
    assert!(told.err.contains("lyon: its entry is not in targets.yaml any more; its offer ends "), "{}", told.err);
    project.write("targets.yaml", &accepted);
    later("+9d", "check");
    assert_eq!((state_of(&project, &ticket)["state"].clone(), secret.exists()), ("verifying".into(), true));
    // Taken out for good.
    project.write("targets.yaml", &before);
    for (time, state) in [("+10d", "verifying"), ("+16d", "verifying"), ("+18d", "rejected")] {
        later(time, "check");
        assert_eq!(state_of(&project, &ticket)["state"], state, "{time}");
    }
    assert!(!secret.exists());

    sealed(&bob, &["seal", "--valid", "200 days"]);
    hand_over(&bob, "offer.json", &project).ends_with(0);
    later("+59d", "check");
    assert_eq!(state_of(&project, &ticket)["state"], "waiting");
    let told = later("+61d", "check");
    assert!(told.err.contains("nobody decided on this offer within 60 days"), "{}", told.err);
    assert_eq!(state_of(&project, &ticket)["state"], "expired");
}

/// A journal that SQLite rolls back, which names a file that whoever opens it waits for.
fn endless_journal(database: &Path) -> Vec<u8> {
    const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let pipe = database.with_file_name("x-mj000000900");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from(0o666), 0).expect("a pipe");
    let bytes = fs::read(database).expect("the front database");
    let page = u32::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let pages = u32::try_from(bytes.len()).expect("it is small") / page;
    let mut journal = MAGIC.to_vec();
    for number in [0, 0, pages, 512, page] {
        journal.extend(number.to_be_bytes());
    }
    journal.resize(512, 0);
    let name = pipe.to_str().expect("UTF-8").as_bytes();
    let sum: u32 = name.iter().map(|byte| u32::from(*byte)).sum();
    // The page that is locked stands for the name of another journal (sqlite.org/fileformat2.html, section 3).
    journal.extend((0x4000_0000 / page + 1).to_be_bytes());
    journal.extend(name);
    journal.extend(u32::try_from(name.len()).expect("it is short").to_be_bytes());
    journal.extend(sum.to_be_bytes());
    journal.extend(MAGIC);
    journal
}

#[test]
fn whatever_the_web_process_does_a_run_goes_on_and_no_more_piles_up_than_may_wait() {
    let project = maintainer();
    project.edit("targets.yaml", "targets:", "serve: {waiting: 1}\ntargets:");
    project.run(&["check"]).ends_with(0);
    let invite = invite(&project, None);
    let database = project.path(".spartacus/front/front.db");
    let front = Front::open_existing(camino::Utf8Path::from_path(&database).expect("UTF-8")).expect("the round has made it");
    let place = "  - name: lyon\n    public_url: https://lyon.example.org/\n    webdav:\n      url: https://lyon.example.org/box/\n      \
                 user: mirror\n      password: env:BOX_PASSWORD\n";
    for _ in 0..2 {
        let mut bob = volunteer(&invite, place);
        bob.set("BOX_PASSWORD", PASSWORD);
        let told = sealed(&bob, &["seal"]);
        let message = Received {
            ticket: told["ticket"].as_str().expect("a ticket").to_owned(),
            sequence: told["sequence"].as_u64().expect("a number"),
            received: jiff::Timestamp::now(),
            bytes: bob.read("offer.json").into_bytes().into(),
        };
        assert_eq!(front.receive(&message, 200).expect("the database is ours"), Reception::Kept);
    }
    let waiting = || {
        let listed = schema::expect_command("offers", &project.run(&["offers", "list", "--json"]).ends_with(0).out);
        let offers = listed["offers"].as_array().expect("a list").clone();
        offers.into_iter().filter(|offer| offer["state"] == "waiting").map(|offer| offer["ticket"].clone()).collect::<Vec<_>>()
    };
    let first = waiting();
    assert_eq!((first.len(), front.queue().expect("the database is ours").waiting), (1, 1), "the other one waits outside");
    project.run(&["offers", "reject", first[0].as_str().expect("a ticket")]).ends_with(0);
    assert_eq!((waiting().len(), front.queue().expect("the database is ours").waiting), (1, 0));
    drop(front);

    fs::write(project.path(".spartacus/front/front.db-journal"), endless_journal(&database)).expect("our own folder");
    let told = project.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    assert!(told.err.contains("warning: ") && told.err.contains("in use by another process"), "{}", told.err);
    // Nor is the project's own state taken for it.
    project.edit("targets.yaml", "{waiting: 1}", "{database: .spartacus/state.db}");
    let told = project.run(&["check"]).ends_with(0);
    assert!(told.err.contains("state.db: this is no front database"), "{}", told.err);
    project.run(&["check"]).ends_with(0);
}

#[test]
fn the_volunteer_gets_the_report_and_the_page_of_the_ticket_tells_nothing_private() {
    let server = Server::start(Kind::Nginx);
    let project = maintainer();
    project.write("note.sh", KEEP);
    fs::create_dir(project.path("letters")).expect("a folder of the test's own");
    let route = |name: &str, command: &str| format!("  - {{name: {name}, audience: volunteer, command: [/bin/sh, {command}]}}\n");
    let routes =
        format!("alerts:\n{}{}serve: {{}}\n", route("volunteers", "./note.sh, ./letters"), route("broken", "-c, exit 9"));
    project.edit("targets.yaml", "policy:\n", &format!("{routes}policy:\n"));
    let place = webdav_place(&server, "env:BOX_PASSWORD").replace("    webdav:", "    contact: eve@example.org\n    webdav:");
    let mut eve = volunteer(&invite(&project, None), &place);
    eve.set("BOX_PASSWORD", "not-the-password");
    let ticket = sealed(&eve, &["seal"])["ticket"].as_str().expect("a ticket").to_owned();
    hand_over(&eve, "offer.json", &project).ends_with(0);
    let told = || {
        let database = project.path(".spartacus/front/front.db");
        let front = Front::open(camino::Utf8Path::from_path(&database).expect("UTF-8")).expect("the project has made it");
        front.ticket(&ticket).expect("it can be read").expect("it is told").words
    };
    assert_eq!(told(), "");

    let tried = project.run(&["offers", "verify", "lyon", "--json"]).ends_with(7);
    assert_eq!(schema::expect_command("offer_examined", &tried.out)["sent"], true);
    assert!(tried.err.contains("the report was sent to the volunteer (volunteers)"), "{}", tried.err);
    assert!(tried.err.contains("warning: the report was not sent to the volunteer (broken): "), "{}", tried.err);
    let letters = events(&project.path("letters"));
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(letter["title"], format!("[demo] your offer {ticket} was tried out: something is to be mended"));
    assert_eq!(letter["to"], serde_json::json!(["eve@example.org"]));
    let text = letter["text"].as_str().expect("text");
    assert!(text.contains("FAILED   log in ") && text.contains("to mend it: "), "{text}");
    let words = told();
    assert!(words.starts_with("It was tried out at ") && words.contains(", 1 failed.\n"), "{words}");
    for private in ["127.0.0.1", crate::support::USER, "eve@", "log in"] {
        assert!(!words.contains(private), "{words}");
    }
    let accepted = project.run(&["offers", "accept", "lyon", "--yes"]).ends_with(7);
    assert!(!accepted.err.contains("tell the volunteer"), "it was told: {}", accepted.err);
}

#[test]
fn a_volunteer_has_a_say_in_the_entry_that_was_accepted_and_in_no_other() {
    let server = Server::start(Kind::ApacheBasic);
    let project = maintainer();
    let mut bob = volunteer(&invite(&project, None), &webdav_place(&server, "env:BOX_PASSWORD"));
    bob.set("BOX_PASSWORD", PASSWORD);
    let ticket = sealed(&bob, &["seal"])["ticket"].as_str().expect("a ticket").to_owned();
    hand_over(&bob, "offer.json", &project).ends_with(0);
    let before = project.read("targets.yaml");
    project.run(&["offers", "accept", "lyon", "--yes", "--no-push"]).ends_with(0);
    let accepted = project.read("targets.yaml");

    // Killed between the entry and the memory of it: the next try finds the same entry, and goes on.
    let forget = format!(
        "python3 -c \"import sqlite3; c = sqlite3.connect('.spartacus/state.db'); c.execute('UPDATE offers SET state = ?, target = NULL, \
         entry = NULL, agreed = NULL WHERE ticket = ?', ('waiting', '{ticket}')); c.commit()\""
    );
    project.shell(&forget).ends_with(0);
    project.run(&["offers", "accept", "lyon", "--yes", "--no-push"]).ends_with(0);
    assert_eq!(project.read("targets.yaml"), accepted);
    assert_eq!(state_of(&project, &ticket)["state"], "verifying");

    // Whoever offers what is another's mirror already, under its name, gets no say in its entry.
    let mut eve = volunteer(&project.read("invite/invite.json"), &webdav_place(&server, "env:BOX_PASSWORD"));
    eve.set("BOX_PASSWORD", PASSWORD);
    let hers = sealed(&eve, &["seal"])["ticket"].as_str().expect("a ticket").to_owned();
    hand_over(&eve, "offer.json", &project).ends_with(0);
    let refused = project.run(&["offers", "accept", &hers, "--yes", "--no-push"]).ends_with(2);
    assert!(refused.err.contains("there is already a target named lyon"), "{}", refused.err);
    assert_eq!(project.read("targets.yaml"), accepted);
    assert_eq!(state_of(&project, &hers)["state"], "waiting");
    // Several at once: all of them, or none.
    let bob_s = ticket.as_str();
    project.run(&["offers", "reject", &hers, bob_s]).complains(
        2,
        &format!("error: {bob_s} does not wait for a decision: it is verifying\nhint: a mirror ends when its entry is taken out of targets.yaml"),
    );
    assert_eq!(state_of(&project, &hers)["state"], "waiting");
    let declined = project.run(&["offers", "reject", &hers, &hers[..8], "--json"]).ends_with(0);
    assert_eq!(
        schema::expect_command("offers_rejected", &declined.out)["rejected"],
        serde_json::json!([{"ticket": hers, "state": "rejected", "words": null}])
    );

    // The maintainer takes it out, and calls a folder of their own so: that is not the volunteer's to pause or to empty.
    project.write("targets.yaml", &before);
    fs::create_dir(project.path("own")).expect("a new folder");
    project.run(&["target", "add", "lyon", &format!("folder:{}", project.path("own").display())]).ends_with(0);
    project.run(&["push"]).ends_with(0);
    assert!(project.path("own/releases/v1/README").exists());
    sealed(&bob, &["withdraw", "--delete"]);
    hand_over(&bob, "withdraw.json", &project).ends_with(0);
    let told = project.run(&["push", "docs", "--as", "v2", "--yes"]).ends_with(0);
    assert!(told.err.contains("its entry is not in targets.yaml any more"), "{}", told.err);
    assert!(project.path("own/releases/v1/README").exists() && project.path("own/releases/v2/README").exists());
    let ended = state_of(&project, &ticket);
    assert_eq!((&ended["state"], &ended["target"]), (&"withdrawn".into(), &Value::Null));
    assert!(!project.path(&format!("sealed/{ticket}.password.age")).exists());

    // What was in it is not kept, and cannot be tried out.
    assert!(project.run(&["offers", "show", &ticket]).ends_with(0).out.contains("what was in the offer is not kept"));
    project.run(&["offers", "verify", &ticket]).ends_with(2);

    // Offered again, it takes another name.
    sealed(&bob, &["seal"]);
    hand_over(&bob, "offer.json", &project).ends_with(0);
    project
        .run(&["offers", "accept", &ticket, "--yes"])
        .complains(2, &format!("error: there is already a target named lyon\nhint: spartacus offers accept {ticket} --as NAME"));
    project.run(&["offers", "accept", &ticket, "--as", "lyon-2", "--yes", "--no-push"]).ends_with(0);

    // Paused before it ever was whole, it is no place to send readers to.
    sealed(&bob, &["pause", "--until", "2 days"]);
    hand_over(&bob, "pause.json", &project).ends_with(0);
    project.run(&["push", "docs", "--as", "v3", "--yes"]).ends_with(0);
    assert!(!project.read("home/mirrors.json").contains("lyon-2"));
}

#[test]
fn an_update_that_cannot_be_opened_keeps_no_offer_alive() {
    let server = Server::start(Kind::ApacheBasic);
    let project = maintainer();
    let mut bob = volunteer(&invite(&project, None), &webdav_place(&server, "env:BOX_PASSWORD"));
    bob.set("BOX_PASSWORD", PASSWORD);
    let ticket = sealed(&bob, &["seal", "--valid", "30 days"])["ticket"].as_str().expect("a ticket").to_owned();
    hand_over(&bob, "offer.json", &project).ends_with(0);
    project.run(&["offers", "accept", "lyon", "--yes", "--no-push"]).ends_with(0);
    // The identity that it is sealed to was replaced meanwhile.
    let old = project.read("keys/age_identity.txt");
    sealed(&bob, &["update", "--valid", "20 days"]);
    hand_over(&bob, "update.json", &project).ends_with(0);
    project.shell("age-keygen > keys/age_identity.txt && chmod 600 keys/age_identity.txt").ends_with(0);
    assert_ne!(project.read("keys/age_identity.txt"), old);
    let told = project.shell("faketime -f '+31d' spartacus check");
    assert!(
        told.err.contains("an update of the offer cannot be used") && told.err.contains("the offer has ended"),
        "{}",
        told.err
    );
    assert_eq!(state_of(&project, &ticket)["state"], "expired");
    assert!(!project.path(&format!("sealed/{ticket}.password.age")).exists());
}
