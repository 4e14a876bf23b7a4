//! Apache.

use std::fmt::Write as _;

use super::{Address, Block, POINTER, Pushes};
use crate::registration::setup::SetupStep;

impl Block {
    /// The block, and how it is taken in.
    pub(in super::super) fn apache(&self) -> Vec<SetupStep> {
        let title = if self.pushes.is_some() { "Let pushes and readers in" } else { "Let readers in" };
        let text: Vec<String> = self.servers().into_iter().map(|(at, pushes, readers)| self.host(at, pushes, readers)).collect();
        let file = format!("{}/apache2/sites-available/{}.conf", self.etc, self.name);
        let mut modules = vec!["alias", "headers"];
        if self.pushes.is_some() {
            modules.extend(["dav", "dav_fs", "auth_basic", "authn_file", "authz_user"]);
        }
        if self.servers().iter().any(|(address, ..)| address.secure) {
            modules.push("ssl");
        }
        let ports = self.servers().into_iter().map(|(address, ..)| address.port).find(|port| !matches!(port, 80 | 443));
        let why = ports.map(|port| format!("Add a line Listen {port} to {}/apache2/ports.conf.", self.etc)).unwrap_or_default();
        let of_a_site = format!(
            "take the lines from <Directory> on, up to </VirtualHost>, into its <VirtualHost> (below {}/apache2/sites-enabled), and leave out a2ensite in the next step",
            self.etc
        );
        let mut steps: Vec<SetupStep> = self.get_certificates("apache2").into_iter().collect();
        steps.push(SetupStep::file(title, &self.why(&of_a_site), file, text.join("\n")));
        steps.push(SetupStep::commands(
            "Take it in (web server)",
            &why,
            &[
                format!("a2enmod {} && a2ensite {}", modules.join(" "), self.name),
                "apachectl configtest && systemctl reload apache2".to_owned(),
            ],
        ));
        steps
    }

    fn host(&self, at: &Address, pushes: Option<&Pushes>, readers: Option<&Address>) -> String {
        let folder = &self.folder;
        let listens = if at.is_literal() { at.host.as_str() } else { "*" };
        let mut text = format!("<VirtualHost {listens}:{}>\n    ServerName {}\n", at.port, at.host);
        if at.secure {
            let (certificate, key) = self.certificate(at);
            let _ = writeln!(text, "    SSLEngine on\n    SSLCertificateFile {certificate}\n    SSLCertificateKeyFile {key}");
        }
        let _ = write!(
            text,
            "\n    <Directory {folder}>\n        AllowOverride None\n        Options None\n        RemoveEncoding .gz .tgz .Z .bz2 .xz\n        \
             Require all granted\n    </Directory>\n"
        );
        let mut parts: Vec<(&str, String)> = Vec::new();
        parts.extend(pushes.map(|pushes| (pushes.address.path.as_str(), push_location(pushes))));
        parts.extend(readers.map(|readers| (readers.path.as_str(), reader_locations(&readers.path))));
        // Of aliases the first that fits counts, of locations the last: the longer path is the more special one.
        parts.sort_by_key(|(path, _)| path.len());
        for (path, _) in parts.iter().rev() {
            let _ = writeln!(text, "\n    Alias {} {folder}{}", bare(path), if *path == "/" { "/" } else { "" });
        }
        for (_, part) in &parts {
            text += part;
        }
        text + "</VirtualHost>\n"
    }
}

/// A path without the slash at its end: with it, Apache would not know the collection itself.
fn bare(path: &str) -> &str {
    if path == "/" { path } else { path.trim_end_matches('/') }
}

/// `default-handler` also here: `GET` is none of WebDAV's, and a rule for `.php` elsewhere would run what was uploaded. An index, such as
/// our own `index.html`, would answer in place of the collection, and refuse `PROPFIND`.
fn push_location(pushes: &Pushes) -> String {
    format!(
        "\n    # pushes: with a login\n    <Location {path}>\n        Dav On\n        AuthType Basic\n        AuthName mirror\n        \
         AuthBasicProvider file\n        AuthUserFile {passwords}\n        Require user {user}\n        LimitRequestBody 0\n        \
         SetHandler default-handler\n        <IfModule dir_module>\n            DirectoryIndex disabled\n        </IfModule>\n        SetEnv no-gzip 1\n        \
         SetEnv no-brotli 1\n    </Location>\n",
        path = bare(&pushes.address.path),
        passwords = pushes.passwords,
        user = pushes.user,
    )
}

/// `default-handler`: no rule for `.php` elsewhere in the configuration runs a file from here.
fn reader_locations(path: &str) -> String {
    format!(
        "\n    # readers\n    <Location {bare}>\n        Dav Off\n        Require all granted\n        SetHandler default-handler\n        \
         SetEnv no-gzip 1\n        SetEnv no-brotli 1\n        Header set X-Content-Type-Options nosniff\n    </Location>\n    <Location {path}{POINTER}>\n        \
         Header set Cache-Control no-cache\n    </Location>\n",
        bare = bare(path),
    )
}
