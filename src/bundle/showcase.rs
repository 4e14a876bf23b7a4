//! Unsigned conveniences for people with a browser: a page that says what is here and how to verify it.

use std::fmt::Write as _;

use bytes::Bytes;
use serde::Serialize;

use super::error::BundleError;
use super::fleet::{self, FleetFile};
use super::project::Project;
use super::published::inline;
use super::release::Object;
use crate::base::{ByteCount, ObjectPath};
use crate::trust::Verified;

/// What the conveniences tell beside the signed state.
#[derive(Debug, Clone, Default)]
pub struct Showcase {
    /// The project's name.
    pub project: String,
    /// Where else the same tree can be read.
    pub mirrors: Vec<MirrorLink>,
    /// The project tells of its mirrors: copies of what it signed of them lie under constant names.
    pub tells: bool,
    /// What is published and signed of the mirrors from now on; empty: nothing new.
    pub fleet: Vec<FleetFile>,
}

/// One public mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MirrorLink {
    /// Its name.
    pub name: String,
    /// Where readers find it.
    pub url: String,
}

/// The page of mirrors among the files of the fleet role.
pub(super) const STATUS: &str = "status.html";
/// The list of mirrors among them.
pub(super) const MIRRORS: &str = "mirrors.json";

/// `index.html` and `mirrors.json`, and `status.html` where the `fleet` role signed one: these are copies of the newest signed
/// ones, under names that do not change. The same state gives the same bytes.
pub(super) fn objects(
    project: &Project,
    verified: &Verified,
    showcase: &Showcase,
    fleet: &[Object],
) -> Result<Vec<Object>, BundleError> {
    let keyring = project.keyring()?;
    let keys = keyring.targets.keys.iter().map(|key| (keyring.name_of(key), key.to_minisign(), key.to_openssh(""))).collect();
    let path = |name: &str| ObjectPath::new(name).expect("a good path");
    let copy = |name: &str| {
        fleet::newest(fleet, name).filter(|_| showcase.tells).map(|signed| Object { path: path(name), ..signed.clone() })
    };
    let status = copy(STATUS);
    let page = page(&showcase.project, &project.pin()?.to_string(), keys, verified, status.is_some());
    let mirrors = if let Some(signed) = copy(MIRRORS) {
        signed
    } else {
        let mirrors = serde_json::to_vec_pretty(&serde_json::json!({"schema": 1, "mirrors": showcase.mirrors}))
            .map_err(|error| BundleError::Malformed { path: MIRRORS.into(), reason: error.to_string() })?;
        inline(&path(MIRRORS), &Bytes::from(mirrors))
    };
    let page = inline(&path("index.html"), &Bytes::from(page.into_bytes()));
    Ok([mirrors].into_iter().chain(status).chain([page]).collect())
}

fn page(project: &str, pin: &str, keys: Vec<(String, String, String)>, verified: &Verified, has_status: bool) -> String {
    let mut rows = String::new();
    for bundle in verified.bundles.iter().rev() {
        let (name, date) = (bundle.name.as_str(), bundle.created.strftime("%Y-%m-%d"));
        let newest = if verified.newest.as_ref() == Some(&bundle.name) { " (newest)" } else { "" };
        // Writing into memory cannot fail. A bundle's name has no character that HTML or a URL would read otherwise.
        let _ = writeln!(
            rows,
            "<tr><td>{name}{newest}</td><td>{date}</td><td>{} files, {}</td><td><a href=\"releases/{name}/SHA256SUMS\">SHA256SUMS</a></td></tr>",
            bundle.files,
            ByteCount(bundle.bytes)
        );
    }
    let mut commands = String::new();
    for (who, minisign, openssh) in keys {
        let _ = writeln!(commands, "minisign -V -P {minisign} -m SHA256SUMS -x SHA256SUMS.{who}.minisig");
        let _ = writeln!(commands, "echo '{who} {openssh}' &gt; allowed_signers");
        let _ = writeln!(
            commands,
            "ssh-keygen -Y verify -f allowed_signers -I {who} -n file -s SHA256SUMS.{who}.sshsig &lt; SHA256SUMS"
        );
    }
    let title = escape(project);
    let status = if has_status { ", and <a href=\"status.html\">how they are</a>" } else { "" };
    format!(
        "<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>{title}</title><meta name=\"viewport\" content=\"width=device-width\"></head>
<body>
<h1>{title}</h1>
<table>
{rows}</table>
<h2>How to verify</h2>
<p>This page is not signed, and whoever runs this server could change it. Take the keys and the pin from another place
that you trust, and compare.</p>
<pre>
{commands}sha256sum -c --strict SHA256SUMS
</pre>
<p>With spartacus: <code>spartacus verify URL --root 1.root.json</code>, where SHA-256 of <code>1.root.json</code> is
<code>{pin}</code>.</p>
<p><a href=\"mirrors.json\">Other mirrors</a>{status}</p>
</body>
</html>
"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_name_cannot_become_markup() {
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
