//! `spartacus offer doctor` as whoever has some web space runs it: a file of their own, no project.

use serde_json::Value;

use crate::cli_desk::Desk;
use crate::support::face::Face;
use crate::support::schema;
use crate::support::sshd::Sshd;
use crate::support::sshd_root::ChrootSshd;

/// What we ask for in `sshd_config`, beside the chroot.
const NARROW: &str = "ForceCommand internal-sftp -u 0022 -p open,close,read,write,lstat,fstat,stat,opendir,readdir,remove,mkdir,\
    rmdir,realpath,rename,posix-rename,statvfs,fsync,limits\nPermitTTY no\nAllowStreamLocalForwarding no";

fn offer(desk: &Desk, settings: &str) {
    desk.write("targets.yaml", &format!("project: {{name: my offer}}\ntargets:\n{settings}"));
}

fn sftp(name: &str, face: &Face, port: u16, user: &str, path: &str, key: &std::path::Path, fingerprint: &str) -> String {
    format!(
        "  - name: {name}\n    public_url: {}\n    sftp:\n      host: 127.0.0.1\n      port: {port}\n      user: {user}\n      path: {path}\n      \
         key: {}\n      host_keys: [\"{fingerprint}\"]\n",
        face.url(),
        key.display()
    )
}

#[test]
fn a_place_that_is_narrow_and_whole_can_be_offered_without_any_project() {
    let server = ChrootSshd::start_with(NARROW);
    let face = Face::over(&server.jail.data());
    let desk = Desk::empty();
    let keys = &server.keys;
    offer(&desk, &sftp("paris", &face, server.port, &server.jail.user, "/data", &keys.client, &keys.fingerprint));
    let told = desk.run(&["offer", "doctor", "--needs", "1 KiB"]).ends_with(0);
    for line in [
        "  yes      log in ",
        "  yes      readers get it ",
        "  yes      no commands ",
        "  yes      no writing outside ",
        "  yes      free space ",
    ] {
        assert!(told.out.contains(line), "{line:?} is not in {}", told.out);
    }
    assert!(told.headline().starts_with("paris can be offered: ") && told.out.starts_with("paris:\n"), "{}", told.out);
    assert!(!desk.path(".spartacus").exists(), "it makes no project");

    // Far more than there is.
    let full = desk.run(&["offer", "doctor", "paris", "--needs", "900 PiB", "--json"]).ends_with(7);
    let report = schema::expect_command("examination", &full.out);
    assert_eq!((&report["targets"][0]["target"], &report["targets"][0]["good"]), (&"paris".into(), &false.into()));
    let failed: Vec<&Value> = findings(&report).filter(|finding| finding["outcome"] == "failed").collect();
    assert!(failed.len() == 1 && failed[0]["check"] == "space" && failed[0]["fix"].is_string(), "{failed:?}");

    desk.run(&["offer", "doctor", "lyon"]).complains(2, "error: targets.yaml has no place named lyon\nhint: places are: paris");
}

fn findings(report: &Value) -> impl Iterator<Item = &Value> {
    report["targets"][0]["findings"].as_array().expect("a list").iter()
}

#[test]
fn an_account_that_can_do_more_than_a_mirror_needs_is_told_what_and_how_to_mend_it() {
    let server = Sshd::start_with("ForceCommand none\nAllowTcpForwarding yes\nPermitTTY yes");
    let face = Face::over(&server.root);
    let desk = Desk::empty();
    let (root, keys) = (server.root.display().to_string(), &server.keys);
    offer(&desk, &sftp("paris", &face, server.port, &server.user, &root, &keys.client, &keys.fingerprint));
    let told = desk.run(&["offer", "doctor"]).ends_with(7);
    for check in ["no commands", "no shell", "no forwarding", "no writing outside"] {
        assert!(told.out.contains(&format!("  FAILED   {check} ")), "{check} is not in {}", told.out);
    }
    assert!(
        told.out.contains("to mend it: ") && told.headline().starts_with("paris cannot be offered like this: "),
        "{}",
        told.out
    );
    let left = std::fs::read_dir(&server.root).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    assert_eq!(left.filter(|name| name.to_string_lossy().contains("probe")).count(), 0, "nothing of it stays");
    // A secret that is not there is told for that place, and the others are looked at.
    std::fs::create_dir(desk.path("web")).expect("a new folder");
    let unset = "  - name: box\n    webdav:\n      url: https://127.0.0.1:9/\n      user: u\n      password: env:NOT_SET_HERE\n";
    offer(&desk, &format!("{unset}  - name: web\n    folder:\n      path: web\n"));
    let missing = desk.run(&["offer", "doctor"]).ends_with(7);
    assert!(missing.out.contains("the environment variable NOT_SET_HERE is not set"), "{}", missing.out);
    assert!(missing.headline().starts_with("web can be offered: "), "{}", missing.out);
    assert!(missing.out.contains("  -        readers get it                 no public address is named"), "{}", missing.out);
    desk.write("targets.yaml", "project: {name: my offer}\ntargets: []\n");
    desk.run(&["offer", "doctor"])
        .complains(2, "error: there is no place in targets.yaml\nhint: write it as a target, see docs/offers.md");
}
