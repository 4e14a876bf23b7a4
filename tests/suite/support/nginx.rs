//! nginx with its own `dav` and the dav-ext module, and a readers' face over the same folder.

use std::path::PathBuf;
use std::process::Command;

use super::apache::web_worker;
use super::mirror::{Kind, Mirror, Running, secret_file};
use super::process::{self, Server, Stop};
use super::{PASSWORD, USER, rclone, tools};

const DAV_EXT: &str = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so";

/// A running nginx: `/dav/` (Basic) and `/mirror/` (readers).
#[derive(Debug)]
pub struct Nginx {
    pub server: Server,
    pub port: u16,
    pub root: PathBuf,
    pub folder: tempfile::TempDir,
}

/// The lines that the dav-ext module needs.
#[derive(Default)]
struct Extension {
    load: String,
    zone: &'static str,
    methods: &'static str,
}

impl Nginx {
    /// Starts it over an empty folder.
    pub fn start() -> Self {
        let module = tools::file(DAV_EXT);
        Self::start_with(&Extension {
            load: format!("load_module {module};\n"),
            zone: "  dav_ext_lock_zone zone=locks:1m;\n",
            methods: "      dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;\n      dav_ext_lock zone=locks;\n",
        })
    }

    /// The same with nginx's own `dav` alone: no PROPFIND, so nothing is ever listed.
    pub fn start_plain() -> Self {
        Self::start_with(&Extension::default())
    }

    fn start_with(extension: &Extension) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = folder.path();
        let root = base.join("dav");
        let temporary = base.join("tmp");
        for made in [&root, &temporary] {
            std::fs::create_dir(made).expect("the folder is new");
        }
        process::run(Command::new(tools::program("htpasswd")).arg("-bcm").arg(base.join("htpasswd")).args([USER, PASSWORD]));
        let user = web_worker(base, &[&root, &temporary]).map_or(String::new(), |worker| format!("user {worker};"));
        let (server, ports) = Server::start(&base.join("nginx.out"), Stop::Term, 1, |ports| {
            let config = format!(
                "{load}{user}\npid {base}/nginx.pid;\nerror_log {base}/error.log warn;\nworker_processes 1;\n\
                 events {{ worker_connections 512; }}\nhttp {{\n  access_log {base}/access.log;\n  \
                 client_body_temp_path {tmp}/body; proxy_temp_path {tmp}/proxy; fastcgi_temp_path {tmp}/fastcgi;\n  \
                 uwsgi_temp_path {tmp}/uwsgi; scgi_temp_path {tmp}/scgi;\n  client_max_body_size 0;\n\
                 {zone}  server {{\n    listen 127.0.0.1:{port};\n    location /dav/ {{\n      \
                 root {base};\n      auth_basic mirror; auth_basic_user_file {base}/htpasswd;\n      \
                 dav_methods PUT DELETE MKCOL COPY MOVE;\n\
                 {methods}      dav_access user:rw group:r all:r;\n      create_full_put_path off;\n      \
                 min_delete_depth 0;\n    }}\n    location /mirror/ {{ alias {base}/dav/; }}\n  }}\n}}\n",
                load = extension.load,
                zone = extension.zone,
                methods = extension.methods,
                base = base.display(),
                tmp = temporary.display(),
                port = ports[0],
            );
            std::fs::write(base.join("nginx.conf"), config).expect("the configuration can be written");
            let mut command = Command::new(tools::file("/usr/sbin/nginx"));
            command.arg("-c").arg(base.join("nginx.conf")).arg("-e").arg(base.join("error.log")).args(["-g", "daemon off;"]);
            command
        });
        Self { server, port: ports[0], root, folder }
    }

    /// As a target and a mirror.
    pub fn mirror(self) -> Mirror {
        let password = secret_file(self.folder.path(), "password", PASSWORD);
        let origin = format!("http://127.0.0.1:{}", self.port);
        Mirror {
            kind: Kind::Nginx,
            settings: format!(
                "    webdav:\n      url: {origin}/dav/\n      user: {USER}\n      password: file:{}\n",
                password.display()
            ),
            public_url: format!("{origin}/mirror/"),
            rclone_remote: rclone::webdav_remote(&format!("{origin}/dav/")),
            rclone_path: String::new(),
            root: Some(self.root),
            running: Running { server: Some(self.server), face: None, cleanup: None, folder: self.folder },
        }
    }
}
