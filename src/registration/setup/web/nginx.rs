//! nginx.

use std::fmt::Write as _;

use super::{Address, Block, POINTER, Pushes};
use crate::registration::setup::SetupStep;

impl Block {
    /// The block, and how it is taken in.
    pub(in super::super) fn nginx(&self) -> Vec<SetupStep> {
        let title = if self.pushes.is_some() { "Let pushes and readers in" } else { "Let readers in" };
        let text: Vec<String> =
            self.servers().into_iter().map(|(at, pushes, readers)| self.server(at, pushes, readers)).collect();
        let file = format!("{}/nginx/conf.d/{}.conf", self.etc, self.name);
        let of_a_site = format!(
            "take the location parts, and no more, into its server {{ }} for the same port: below {0}/nginx/sites-enabled or {0}/nginx/conf.d",
            self.etc
        );
        let mut steps: Vec<SetupStep> = self.get_certificates("nginx").into_iter().collect();
        steps.push(SetupStep::file(title, &self.why(&of_a_site), file, text.join("\n")));
        steps.push(SetupStep::commands("Take it in (web server)", "", &["nginx -t && systemctl reload nginx".to_owned()]));
        steps
    }

    fn server(&self, at: &Address, pushes: Option<&Pushes>, readers: Option<&Address>) -> String {
        let mut text = "server {\n".to_owned();
        let tls = if at.secure { " ssl" } else { "" };
        if at.is_literal() {
            let _ = writeln!(text, "    listen {}:{}{tls};", at.host, at.port);
        } else {
            let _ = writeln!(text, "    listen {port}{tls};\n    listen [::]:{port}{tls};", port = at.port);
        }
        let _ = writeln!(text, "    server_name {};", at.host);
        if at.secure {
            let (certificate, key) = self.certificate(at);
            let _ = writeln!(text, "    ssl_certificate {certificate};\n    ssl_certificate_key {key};");
        }
        if let Some(pushes) = pushes {
            text += &self.push_location(pushes);
        }
        if let Some(readers) = readers {
            text += &self.reader_locations(&readers.path);
        }
        text + "}\n"
    }

    /// `MOVE` and `COPY` are left out: no push needs them. Uploads are gathered beside the folder, so that a file appears whole, by
    /// a rename.
    fn push_location(&self, pushes: &Pushes) -> String {
        format!(
            "\n    # pushes: with a login, and only these methods\n    location ^~ {path} {{\n        alias {folder}/;\n        auth_basic \"mirror\";\n        \
             auth_basic_user_file {passwords};\n        dav_methods PUT DELETE MKCOL;\n        dav_access user:rw group:r all:r;\n        \
             client_max_body_size 0;\n        client_body_temp_path {folder}.uploads;\n        gzip off;\n    }}\n",
            path = pushes.address.path,
            folder = self.folder,
            passwords = pushes.passwords,
        )
    }

    /// `^~`: no rule for `.php` elsewhere in the configuration takes a file away from here.
    fn reader_locations(&self, path: &str) -> String {
        let folder = &self.folder;
        format!(
            "\n    # readers\n    location ^~ {path} {{\n        alias {folder}/;\n        autoindex off;\n        gzip off;\n        \
             default_type application/octet-stream;\n        add_header X-Content-Type-Options nosniff;\n    }}\n    \
             location = {path}{POINTER} {{\n        alias {folder}/{POINTER};\n        gzip off;\n        \
             default_type application/json;\n        add_header Cache-Control no-cache;\n    }}\n"
        )
    }
}
