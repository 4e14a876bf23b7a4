//! Apache `mod_dav`: Basic and Digest, a readers' face over the same folder, an access log, and TLS.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::mirror::{Kind, Mirror, Running, secret_file};
use super::process::{self, Server, Stop};
use super::tls::Authority;
use super::{PASSWORD, USER, rclone, tools};

const MODULES: [&str; 16] = [
    "mpm_event",
    "authn_core",
    "authn_file",
    "authz_core",
    "authz_user",
    "auth_basic",
    "auth_digest",
    "alias",
    "mime",
    "headers",
    "setenvif",
    "env",
    "socache_shmcb",
    "ssl",
    "dav",
    "dav_fs",
];
const REALM: &str = "mirror";

/// A running Apache. One folder, three ways in: `/dav/` (Basic), `/davdigest/` (Digest), `/mirror/` (readers).
#[derive(Debug)]
pub struct Apache {
    pub server: Server,
    pub port: u16,
    /// The same over TLS; the certificate is for `localhost` and `127.0.0.1`, its authority is [`Apache::authority`].
    pub tls_port: u16,
    pub authority: Authority,
    pub root: PathBuf,
    pub folder: tempfile::TempDir,
}

impl Apache {
    /// Starts it over an empty folder.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = folder.path();
        for name in ["run", "lock", "dav"] {
            std::fs::create_dir(base.join(name)).expect("the folder is new");
        }
        let root = base.join("dav");
        write_users(base);
        let authority = Authority::new();
        authority.issue(["localhost", "127.0.0.1"]).write(base, "server");
        let worker = web_worker(base, &[&root, &base.join("lock"), &base.join("run")]);
        let (server, ports) = Server::start(&base.join("apache.out"), Stop::Term, 2, |ports| {
            let config = configuration(base, ports, worker.as_deref());
            std::fs::write(base.join("httpd.conf"), config).expect("the configuration can be written");
            // Left over from a first try, it would make Apache believe that it runs already.
            let _ = std::fs::remove_file(base.join("run/httpd.pid"));
            let mut command = Command::new(tools::file("/usr/sbin/apache2"));
            command.arg("-f").arg(base.join("httpd.conf")).args(["-D", "FOREGROUND"]);
            command
        });
        Self { server, port: ports[0], tls_port: ports[1], authority, root, folder }
    }

    /// The access log: client, request line, status, bytes.
    pub fn access_log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("access.log")).expect("Apache makes its log when it starts")
    }

    /// As a target with Basic authentication.
    pub fn mirror_basic(self) -> Mirror {
        self.mirror(Kind::ApacheBasic, "dav", "basic")
    }

    /// As a target with Digest authentication. The independent client has no Digest and comes in by Basic.
    pub fn mirror_digest(self) -> Mirror {
        self.mirror(Kind::ApacheDigest, "davdigest", "digest")
    }

    fn mirror(self, kind: Kind, path: &str, auth: &str) -> Mirror {
        let password = secret_file(self.folder.path(), "password", PASSWORD);
        let origin = format!("http://127.0.0.1:{}", self.port);
        Mirror {
            kind,
            settings: format!(
                "    webdav:\n      url: {origin}/{path}/\n      user: {USER}\n      password: file:{}\n      auth: {auth}\n",
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

fn configuration(base: &Path, ports: &[u16], worker: Option<&str>) -> String {
    use std::fmt::Write as _;
    let mut config = modules();
    if let Some(worker) = worker {
        writeln!(config, "User {worker}\nGroup {worker}").expect("a string grows");
    }
    let base = base.display();
    let (plain, tls) = (ports[0], ports[1]);
    config
        + &format!(
            "ServerRoot {base}\nServerName localhost\nPidFile run/httpd.pid\nDefaultRuntimeDir run\nMutex file:{base}/run default\n\
             ErrorLog error.log\nLogLevel warn\nTypesConfig /etc/mime.types\nStartServers 1\nServerLimit 2\nThreadsPerChild 32\n\
             MaxRequestWorkers 64\nDavLockDB {base}/lock/davlock\nFileETag MTime Size\nLimitRequestBody 0\nListen 127.0.0.1:{plain}\n\
             Listen 127.0.0.1:{tls}\nLogFormat \"%h \\\"%r\\\" %>s %b\" short\nCustomLog access.log short\n\
             <Directory {base}>\n  Require all granted\n</Directory>\n\
             Alias /davdigest {base}/dav\n<Location /davdigest>\n  Dav On\n  AuthType Digest\n  AuthName {REALM}\n  \
             AuthDigestProvider file\n  AuthUserFile {base}/htdigest\n  Require valid-user\n</Location>\n\
             Alias /dav {base}/dav\n<Location /dav/>\n  Dav On\n  AuthType Basic\n  AuthName {REALM}\n  \
             AuthUserFile {base}/htpasswd\n  Require valid-user\n</Location>\n\
             Alias /mirror {base}/dav\n\
             <VirtualHost 127.0.0.1:{tls}>\n  SSLEngine on\n  SSLCertificateFile {base}/server.pem\n  \
             SSLCertificateKeyFile {base}/server.key\n</VirtualHost>\n"
        )
}

/// The lines that load what the tests need of Apache.
pub fn modules() -> String {
    let line = |module: &str| {
        let path = format!("/usr/lib/apache2/modules/mod_{module}.so");
        format!("LoadModule {module}_module {}\n", tools::file(&path))
    };
    MODULES.iter().map(|module| line(module)).collect()
}

fn write_users(base: &Path) {
    process::run(Command::new(tools::program("htpasswd")).arg("-bcB").arg(base.join("htpasswd")).args([USER, PASSWORD]));
    let digest = {
        use md5::{Digest as _, Md5};
        hex::encode(Md5::digest(format!("{USER}:{REALM}:{PASSWORD}")))
    };
    std::fs::write(base.join("htdigest"), format!("{USER}:{REALM}:{digest}\n")).expect("the user file can be written");
}

/// When root runs the tests, web servers give their workers to another user: hands the folders over and names the user.
pub fn web_worker(base: &Path, folders: &[&Path]) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    if tools::own_login() != "root" {
        return None;
    }
    std::fs::set_permissions(base, std::fs::Permissions::from_mode(0o755)).expect("our own folder");
    process::run(Command::new(tools::program("chown")).arg("www-data:www-data").args(folders));
    Some("www-data".to_owned())
}
