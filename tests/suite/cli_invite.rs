//! Invites: written by a maintainer, verified by strangers with nothing but the pin, carried by every mirror.

use std::fs;

use crate::cli_desk::{Desk, Said};
use crate::support::{process, schema, tools};

/// A project that has published something and invites people.
pub fn inviting() -> Desk {
    let desk = Desk::with_targets(&["paris"]);
    let offline = recipient(&desk, "offline.txt");
    let invite = format!(
        "invite:\n  send_to: [mirrors@example.org, 'https://example.org/mirrors']\n  recipients: [{offline}]\n  \
         from: [203.0.113.7, '2001:db8::/64']\n  growth: 2 GiB\n  conditions: ['Nobody changes <b>them</b>.', Be kind.]\n  valid: 30 days\ntargets:"
    );
    desk.edit("targets.yaml", "targets:", &invite);
    desk.run(&["push", "docs", "--as", "v1", "--yes"]).ends_with(0);
    desk
}

fn recipient(desk: &Desk, name: &str) -> String {
    desk.shell(&format!("age-keygen -o {name} && age-keygen -y {name}")).ends_with(0).out.trim().to_owned()
}

pub fn pin(desk: &Desk) -> String {
    desk.shell("sha256sum .spartacus/metadata/1.root.json").ends_with(0).out[..64].to_owned()
}

/// What a stranger sees of `file`, in a folder of their own.
fn shown(desk: &Desk, file: &str, pin: &str) -> Said {
    let stranger = Desk::empty();
    stranger.write("invite.json", &desk.read(file));
    stranger.run(&["invite", "--show", "invite.json", "--pin", pin])
}

#[test]
fn whoever_knows_the_pin_can_trust_an_invite_and_nobody_else_can_make_one() {
    let desk = inviting();
    let pin = pin(&desk);
    let made = schema::expect_command("invited", &desk.run(&["invite", "--yes", "--json"]).ends_with(0).out);
    assert_eq!((&made["file"], &made["pin"]), (&"invite/invite.json".into(), &pin.as_str().into()));
    let told = shown(&desk, "invite/invite.json", &pin).ends_with(0);
    let deploy = desk.read("keys/deploy_ed25519.pub");
    for words in [
        "in 3 files; bundles: 1; newest v1, ",
        "about 2.0 GiB more in a year",
        "mailto:mirrors@example.org, https://example.org/mirrors",
        "2001:db8::/64",
        deploy.trim(),
        desk.read("keys/age_recipient.txt").trim(),
        "Be kind.",
    ] {
        assert!(told.out.contains(words), "{words:?} is not in {}", told.out);
    }
    assert_eq!(told.headline(), "a maintainer of the project signed it");
    let json =
        desk.run(&["invite", "--show", "invite/invite.json", "--root", ".spartacus/metadata/1.root.json", "--json"]).ends_with(0);
    schema::expect_command("invite_shown", &json.out);

    // Another recipient, another project, a day after its end.
    let ours = desk.read("invite/invite.json");
    let (recipient, attacker) = (desk.read("keys/age_recipient.txt"), recipient(&desk, "attacker.txt"));
    desk.write("forged.json", &ours.replace(recipient.trim(), &attacker));
    let forged = shown(&desk, "forged.json", &pin).ends_with(6);
    assert!(
        forged.err.contains("invite.json is not to be trusted: no maintainer of the project signed it")
            || forged.err.contains("no maintainer of the project signed it"),
        "{}",
        forged.err
    );
    let other = Desk::with_project();
    assert!(
        shown(&desk, "invite/invite.json", &self::pin(&other)).ends_with(6).err.contains("it is of the project with the pin")
    );
    let late = desk.shell(&format!("faketime -f '+31d' spartacus invite --show invite/invite.json --pin {pin}")).ends_with(2);
    assert!(
        late.err.contains("is over: a maintainer signed it, and it held until ") && late.err.contains("mailto:"),
        "{}",
        late.err
    );
    desk.run(&["invite", "--show", "invite/invite.json"]).ends_with(2);

    // The online key and a stranger's are no maintainers', and what they would sign is not written.
    desk.run(&["key", "new", "eve", "--out", "eve.key"]).ends_with(0);
    fs::remove_dir_all(desk.path("invite")).expect("it was made");
    let refused = desk.run(&["invite", "--yes", "--key", "eve.key"]).ends_with(6);
    assert!(refused.err.contains("no maintainer of the project signed it"), "{}", refused.err);
    assert!(!desk.path("invite").exists());
}

#[test]
fn the_page_says_what_a_volunteer_needs_and_its_line_is_one_that_sshd_takes() {
    let desk = inviting();
    desk.edit("targets.yaml", "name: \"demo\"", "name: \"<script>alert(1)</script>\"");
    desk.run(&["invite", "--yes"]).ends_with(0);
    let page = desk.read("invite/invite.html");
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    for words in [
        "&lt;script&gt;",
        "mailto:mirrors@example.org",
        "restrict,command=&quot;internal-sftp&quot;,from=&quot;203.0.113.7,2001:db8::/64&quot; ssh-ed25519 ",
        "Be kind.",
        &pin(&desk),
    ] {
        assert!(page.contains(words), "{words:?} is not in {page}");
    }
    let line = page.split("<pre>").nth(1).and_then(|rest| rest.split("</pre>").next()).expect("the line for SFTP");
    desk.write("authorized_keys", &(line.replace("&quot;", "\"") + "\n"));
    let told = process::text(&process::output(
        std::process::Command::new(tools::program("ssh-keygen")).arg("-lf").arg(desk.path("authorized_keys")),
    ));
    assert!(told.contains("SHA256:"), "{told}");
}

#[test]
fn mirrors_carry_the_newest_invite_that_still_holds() {
    let desk = inviting();
    desk.edit("targets.yaml", "project:\n", "project:\n  publish_status: true\n");
    desk.run(&["push"]).ends_with(0);
    assert!(!desk.path("paris/fleet/1.invite.json").exists(), "there is none yet");
    desk.run(&["invite", "--yes"]).ends_with(0);
    desk.run(&["renew"]).ends_with(0);
    assert_eq!(desk.read("paris/fleet/2.invite.json"), desk.read("invite/invite.json"));
    desk.run(&["check", "--full"]).ends_with(0);
    shown(&desk, "paris/fleet/2.invite.json", &pin(&desk)).ends_with(0);
    desk.shell("faketime -f '+31d' spartacus renew").ends_with(0);
    assert!(desk.path("paris/fleet/3.status.html").exists() && !desk.path("paris/fleet/3.invite.json").exists());
}

#[test]
fn whoever_does_not_say_how_to_invite_is_told_what_is_missing() {
    let desk = Desk::with_targets(&["paris"]);
    let told = desk.run(&["invite", "--yes"]).ends_with(2);
    assert!(told.err.contains("error: targets.yaml does not say whom and how it invites"), "{}", told.err);
    let own = desk.read("keys/age_recipient.txt");
    desk.edit(
        "targets.yaml",
        "targets:",
        &format!("invite: {{send_to: [mirrors@example.org], recipients: [{}]}}\ntargets:", own.trim()),
    );
    let told = desk.run(&["invite", "--yes"]).ends_with(2);
    assert!(told.err.contains("names only the project's own identity"), "{}", told.err);
}
