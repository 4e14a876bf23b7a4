//! Unsigned conveniences for people with a browser: a page that says what is here and how to verify it.

use std::fmt::Write as _;

use bytes::Bytes;
use serde::Serialize;

use super::error::BundleError;
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
}

/// One public mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MirrorLink {
    /// Its name.
    pub name: String,
    /// Where readers find it.
    pub url: String,
}

/// `index.html` and `mirrors.json`. The same state gives the same bytes.
pub(super) fn objects(project: &Project, verified: &Verified, showcase: &Showcase) -> Result<Vec<Object>, BundleError> {
    let keyring = project.keyring()?;
    let keys = keyring.targets.keys.iter().map(|key| (keyring.name_of(key), key.to_minisign(), key.to_openssh(""))).collect();
    let page = page(&showcase.project, &project.pin()?.to_string(), keys, verified);
    let mirrors = serde_json::to_vec_pretty(&serde_json::json!({"schema": 1, "mirrors": showcase.mirrors}))
        .map_err(|error| BundleError::Malformed { path: "mirrors.json".into(), reason: error.to_string() })?;
    let object = |name: &str, bytes: Vec<u8>| inline(&ObjectPath::new(name).expect("a good path"), &Bytes::from(bytes));
    Ok(vec![object("mirrors.json", mirrors), object("index.html", page.into_bytes())])
}

fn page(project: &str, pin: &str, keys: Vec<(String, String, String)>, verified: &Verified) -> String {
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
<p><a href=\"mirrors.json\">Other mirrors</a></p>
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
