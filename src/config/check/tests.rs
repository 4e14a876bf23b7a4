//! The rules that no single file shows well.

use proptest::prelude::*;

use super::super::{Config, ConfigError, TargetKind};
use super::places::tidy;

fn with_target(keys: &str) -> Result<Config, ConfigError> {
    let text = format!("project: {{name: Demo}}\ntargets:\n  - name: a\n    {}\n", keys.replace('\n', "\n    "));
    Config::from_text("targets.yaml".into(), &text).map(|loaded| loaded.config)
}

#[test]
fn plain_http_is_accepted_where_nobody_listens() {
    let onion = "a".repeat(56);
    for host in ["localhost", "127.0.0.1:3900", "127.9.9.9", "[::1]:80", "dav.localhost", &format!("{onion}.onion")] {
        assert!(with_target(&format!("webdav: {{url: 'http://{host}/a'}}")).is_ok(), "{host}");
    }
    for host in ["10.0.0.1", "localhost.example.org", "onion.example.org", "[fe80::1]", "0.0.0.0", "2130706433.example.org"] {
        assert!(with_target(&format!("webdav: {{url: 'http://{host}/a'}}")).is_err(), "{host}");
    }
}

#[test]
fn hosts_come_in_every_usual_form() {
    let host = |host: &str| {
        let fingerprint = "SHA256:uNiVztksCsDhcc0u9e8BrlJEwJhnrdN0I0LxTUHCBLk";
        let keys = format!("sftp: {{host: '{host}', user: b, path: p, key: k, host_keys: ['{fingerprint}']}}");
        with_target(&keys).ok().map(|config| match &config.targets[0].kind {
            TargetKind::Sftp(sftp) => sftp.host.clone(),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(host("Mirror.Example.ORG").as_deref(), Some("mirror.example.org"));
    assert_eq!(host("2001:DB8::1").as_deref(), Some("2001:db8::1"));
    assert_eq!(host("[2001:db8::1]").as_deref(), Some("2001:db8::1"));
    assert_eq!(host("192.0.2.7").as_deref(), Some("192.0.2.7"));
    for bad in ["a b", "a:22", "u@a", "a/b", "-", "a..b", "ssh://a", "a%00b"] {
        let accepted = host(bad);
        assert!(accepted.is_none() || bad == "-", "{bad} was read as {accepted:?}");
    }
}

#[test]
fn paths_on_servers_are_tidied() {
    let path = |path: &str| {
        let fingerprint = "SHA256:uNiVztksCsDhcc0u9e8BrlJEwJhnrdN0I0LxTUHCBLk";
        let keys = format!("sftp: {{host: h, user: b, path: '{path}', key: k, host_keys: ['{fingerprint}']}}");
        with_target(&keys).ok().map(|config| match &config.targets[0].kind {
            TargetKind::Sftp(sftp) => sftp.path.clone(),
            other => panic!("{other:?}"),
        })
    };
    for (written, read) in [("pub/a/", "pub/a"), ("/srv/a", "/srv/a"), ("/", "/"), (".", "."), ("./", "."), ("..a/b", "..a/b")] {
        assert_eq!(path(written).as_deref(), Some(read));
    }
    for bad in ["..", "a/..", "a//b", "./a", "~/a", "//", "a//"] {
        assert_eq!(path(bad), None, "{bad}");
    }
}

#[test]
fn dots_in_addresses_are_refused_in_every_disguise() {
    for path in ["..", "a/../b", "%2e%2e/a", ".%2E/a", "./a", "a\\b"] {
        assert!(with_target(&format!("folder: {{path: /srv/a}}\npublic_url: 'https://m.example.org/{path}'")).is_err(), "{path}");
    }
    for path in ["", "a", "a/", "~b/a.b/..c", "files/blue@example.org/a"] {
        assert!(with_target(&format!("folder: {{path: /srv/a}}\npublic_url: 'https://m.example.org/{path}'")).is_ok(), "{path}");
    }
}

#[test]
fn equal_paths_look_equal() {
    assert_eq!(tidy("/srv/./a/../b/".into()), "/srv/b");
    assert_eq!(tidy("../a".into()), "../a");
    assert_eq!(tidy("../../a".into()), "../../a");
    assert_eq!(tidy(".".into()), "");
}

#[test]
fn a_private_name_is_another_place_behind_another_jump_host() {
    const KEYS: &str = "user: b, key: k, host_keys: ['SHA256:uNiVztksCsDhcc0u9e8BrlJEwJhnrdN0I0LxTUHCBLk']";
    let differ = |first: (&str, &[&str]), second: (&str, &[&str])| {
        let target = |name: &str, (host, jump): (&str, &[&str])| {
            let hops: Vec<String> = jump.iter().map(|hop| format!("{{host: '{hop}', {KEYS}}}")).collect();
            let jump = if hops.is_empty() { String::new() } else { format!(", jump: [{}]", hops.join(", ")) };
            format!("  - {{name: {name}, sftp: {{host: '{host}', path: /srv/a, {KEYS}{jump}}}}}\n")
        };
        let text = format!("project: {{name: Demo}}\ntargets:\n{}{}", target("a", first), target("b", second));
        Config::from_text("targets.yaml".into(), &text).is_ok()
    };
    for private in ["10.0.0.5", "localhost", "127.0.0.1", "mirror", "mirror.lan", "mirror.internal", "fd00::1", "fe80::1"] {
        assert!(differ((private, &["a.example.org"]), (private, &["b.example.org"])), "{private}");
        assert!(differ((private, &["a.example.org"]), (private, &[])), "{private}");
        assert!(!differ((private, &["a.example.org"]), (private, &["A.example.org"])), "{private}");
        // What lies before a jump host that is known everywhere changes nothing; before a private one it does.
        assert!(!differ((private, &["a.example.org"]), (private, &["b.example.org", "a.example.org"])), "{private}");
        assert!(differ((private, &["a.example.org", "gate"]), (private, &["b.example.org", "gate"])), "{private}");
    }
    for public in ["mirror.example.org", "203.0.113.5", "2001:db8::1", "local.example.org"] {
        assert!(!differ((public, &["a.example.org"]), (public, &["b.example.org"])), "{public}");
        assert!(!differ((public, &["a.example.org"]), (public, &[])), "{public}");
    }
}

#[test]
fn every_secret_form_is_read() {
    for form in ["env:A_1", "file:/run/secret", "{env: A}", "{file: secret}", "{command: [pass, show, 'a b']}"] {
        let read = with_target(
            &format!("webdav: {{url: 'https://d.example.org/', user: b, password: '{form}'}}")
                .replace("'{", "{")
                .replace("}'}", "}}"),
        );
        assert!(read.is_ok(), "{form}: {}", read.err().map(|error| error.render(false)).unwrap_or_default());
    }
}

proptest! {
    /// Whatever stands there: an answer, never a panic.
    #[test]
    fn any_value_gets_an_answer(
        key in "(name|public_url|country|tags|holds|proxy|state|limits|folder|sftp|s3|webdav|ca)",
        value in "\\PC{0,20}",
    ) {
        let _ = with_target(&format!("folder: {{path: /srv/a}}\n{key}: {value}"));
    }
}
