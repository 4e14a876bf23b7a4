//! `sftp:`

use camino::Utf8PathBuf;
use ssh_key::{Fingerprint, PublicKey};

use super::super::problem::Finding;
use super::super::raw::Value;
use super::super::section::{Section, Text};
use super::super::{JumpHost, SecretRef, SftpTarget};
use super::address::{host, remote_path};
use super::{local_path, secrets};

const HOST_KEY_HINT: &str = "ask the volunteer for the output of: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub";

/// Most hosts on the way to a target. Each is one more that can break it, and one more whose operator can.
const MOST_JUMPS: usize = 4;

/// Reads `sftp:`.
pub(super) fn sftp(section: &Section<'_, '_>) -> Option<SftpTarget> {
    let host = host(section, "host");
    let port = port(section);
    let path = section.required("path", "pub/archive").and_then(|text| remote_path(section, "path", text, true));
    let login = login(section);
    let jump = jump(section);
    credentials(section, "this target");
    let Login { user, key, passphrase, password, host_keys } = login?;
    Some(SftpTarget { host: host?, port: port?, user, path: path?, key, passphrase, password, host_keys, jump: jump? })
}

/// Reads `jump:`, hosts that are passed one after the other.
fn jump(section: &Section<'_, '_>) -> Option<Vec<JumpHost>> {
    let Some((name, _)) = section.entry("jump") else { return Some(Vec::new()) };
    let sections = section.sections("jump", "the jump host")?;
    if sections.is_empty() {
        section.wrong(
            name,
            "`jump` is an empty list",
            "at least one host belongs here",
            Some("remove it if there is none on the way"),
        );
    } else if sections.len() > MOST_JUMPS {
        let message = format!("{} jump hosts for one target", sections.len());
        section.wrong(name, message, "", Some("use at most 4, in the order in which they are passed"));
    }
    let fits = (1..=MOST_JUMPS).contains(&sections.len());
    let hosts: Vec<Option<JumpHost>> = sections.into_iter().map(jump_host).collect();
    hosts.into_iter().collect::<Option<_>>().filter(|_| fits)
}

fn jump_host(mut section: Section<'_, '_>) -> Option<JumpHost> {
    let host = host(&section, "host");
    if let Some(host) = &host {
        section.rename(format!("jump host `{host}`"));
    }
    let port = port(&section);
    let login = login(&section);
    credentials(&section, "this jump host");
    section.finish();
    let Login { user, key, passphrase, password, host_keys } = login?;
    Some(JumpHost { host: host?, port: port?, user, key, passphrase, password, host_keys })
}

fn port(section: &Section<'_, '_>) -> Option<u16> {
    match section.entry("port") {
        Some(_) => section.number("port", 1..=65_535).and_then(|port| u16::try_from(port).ok()),
        None => Some(22),
    }
}

/// Who we are at a server, and who it is.
struct Login {
    user: String,
    key: Option<Utf8PathBuf>,
    passphrase: Option<SecretRef>,
    password: Option<SecretRef>,
    host_keys: Vec<String>,
}

fn login(section: &Section<'_, '_>) -> Option<Login> {
    let user = user(section);
    let key = key(section);
    let passphrase = secrets::secret(section, "passphrase");
    let password = secrets::secret(section, "password");
    let host_keys = host_keys(section);
    Some(Login { user: user?, key, passphrase, password, host_keys: host_keys? })
}

/// The path of a private key; the key itself does not belong here.
fn key(section: &Section<'_, '_>) -> Option<Utf8PathBuf> {
    let (name, node) = section.entry("key")?;
    if matches!(&node.value, Value::Text(text) if text.contains("PRIVATE KEY")) {
        let hint = "save it in a file that only you can read (chmod 600), and write the file's path here";
        section.wrong(name, "`key` holds a private key", "the value is not shown", Some(hint));
        return None;
    }
    section.text("key").and_then(|text| local_path(section, text))
}

/// The login name. It is shown only if no password can hang on it.
fn user(section: &Section<'_, '_>) -> Option<String> {
    section.require("user", "mirror");
    let text = section.unshown_text("user")?;
    if text.text.contains(|character: char| character.is_whitespace() || character.is_control() || character == ':') {
        let hint = "write only the login name; the password is a reference of its own, or better a key";
        section.wrong(text.span, "`user` is not a login name", "not shown: a blank or a colon is in it", Some(hint));
        return None;
    }
    section.show(text);
    Some(text.text.to_owned())
}

/// One way to log in is needed; a key is the better one.
fn credentials(section: &Section<'_, '_>, what: &str) {
    match (section.entry("key"), section.entry("password"), section.entry("passphrase")) {
        (None, None, _) => section.missing("key", "keys/deploy_ed25519"),
        (Some((_, _)), Some((span, _)), _) => {
            let hint = "remove one of them";
            section.wrong(
                span,
                format!("{} has both a `key` and a `password`", section.what()),
                "not needed beside the key",
                Some(hint),
            );
        }
        (None, Some((_, _)), Some((span, _))) => {
            section.wrong(span, "`passphrase` without a `key`", "it would open nothing", Some("add the key, or remove it"));
        }
        (None, Some((span, _)), None) => section.review().report(
            Finding::warning(format!("{what} is reached with a password"))
                .at(span, "a key would be safer")
                .hint("give the volunteer the project's public key, and write key: PATH instead"),
        ),
        (Some(_), None, _) => {}
    }
}

/// At least one pinned host key: a key that is trusted when first seen could be anybody's.
fn host_keys(section: &Section<'_, '_>) -> Option<Vec<String>> {
    if section.entry("host_keys").is_none() {
        section.review().report(
            Finding::error(format!("{} has no `host_keys`: whoever answers could be anybody", section.what()))
                .at(section.span(), "`host_keys` is missing here")
                .hint(HOST_KEY_HINT),
        );
        return None;
    }
    let keys = section.texts("host_keys")?;
    if keys.is_empty() {
        section.wrong(section.span(), "`host_keys` is an empty list", "at least one is needed", Some(HOST_KEY_HINT));
        return None;
    }
    keys.into_iter().map(|text| host_key(section, text)).collect()
}

/// A fingerprint, a public key, or the public key of an authority that signs host keys.
fn host_key(section: &Section<'_, '_>, text: Text<'_>) -> Option<String> {
    let written = text.text.trim();
    let authority =
        written.strip_prefix("@cert-authority").filter(|rest| rest.starts_with(char::is_whitespace)).map(str::trim_start);
    let fingerprint = authority.is_none() && matches!(written.parse(), Ok(Fingerprint::Sha256(_)));
    let line = authority.unwrap_or(written);
    if fingerprint || PublicKey::from_openssh(line).is_ok() {
        return Some(written.to_owned());
    }
    let after_host = line.split_once(' ').is_some_and(|(_, rest)| PublicKey::from_openssh(rest).is_ok());
    let hint = if after_host && authority.is_some() {
        "leave out the hosts between @cert-authority and the key: it counts for this target alone"
    } else if after_host {
        "leave out the host name at its beginning"
    } else if authority.is_some() {
        "write \"@cert-authority ssh-ed25519 AAAA...\" with the whole public key of the authority, a fingerprint is not enough"
    } else if written.starts_with("MD5:") || written.split(':').count() == 16 {
        "MD5 fingerprints can be forged: take the SHA256 one that ssh-keygen -lf prints"
    } else {
        "write SHA256:... as ssh-keygen -lf prints it, or the whole line ssh-ed25519 AAAA..."
    };
    section.wrong(text.span, "this is not an SSH host key", "not a fingerprint or a public key", Some(hint));
    None
}
