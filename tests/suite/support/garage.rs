//! Garage, an S3 store that volunteers run at home. Built once by `make test-servers`, which says where it is.

use std::path::PathBuf;
use std::process::Command;

use super::face::Face;
use super::mirror::{Kind, Mirror, Running};
use super::process::{self, Server, Stop, wait_until};
use super::rclone::{self, BUCKET};

/// Names the program; set by the Makefile.
const VARIABLE: &str = "SPARTACUS_TEST_GARAGE";
/// What signatures must name.
pub const REGION: &str = "garage";

/// A running Garage with one empty bucket, readable by all through its web port.
#[derive(Debug)]
pub struct Garage {
    pub server: Server,
    pub port: u16,
    pub web_port: u16,
    pub access_key: String,
    pub secret_key: String,
    pub folder: tempfile::TempDir,
}

impl Garage {
    /// Starts it as a single node over an empty folder.
    pub fn start() -> Self {
        let program = program();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = folder.path();
        // Garage insists on these forms: GK and 24 hex digits; 64 hex digits.
        let access_key = format!("GK{}", hex::encode(std::array::from_fn::<u8, 12, _>(|_| fastrand::u8(..))));
        let secret_key = hex::encode(std::array::from_fn::<u8, 32, _>(|_| fastrand::u8(..)));
        let config = base.join("garage.toml");
        let (server, ports) = Server::start(&base.join("garage.out"), Stop::Term, 4, |ports| {
            let text = format!(
                "metadata_dir = \"{base}/meta\"\ndata_dir = \"{base}/data\"\ndb_engine = \"sqlite\"\nreplication_factor = 1\n\
                 metadata_fsync = false\ndata_fsync = false\nrpc_bind_addr = \"127.0.0.1:{rpc}\"\nrpc_public_addr = \"127.0.0.1:{rpc}\"\n\
                 rpc_secret = \"{secret_key}\"\n[s3_api]\ns3_region = \"{REGION}\"\napi_bind_addr = \"127.0.0.1:{s3}\"\n\
                 root_domain = \".s3.localhost\"\n[s3_web]\nbind_addr = \"127.0.0.1:{web}\"\nroot_domain = \".web.localhost\"\n\
                 index = \"index.html\"\n[admin]\napi_bind_addr = \"127.0.0.1:{admin}\"\nadmin_token = \"{secret_key}\"\n",
                base = base.display(),
                s3 = ports[0],
                web = ports[1],
                rpc = ports[2],
                admin = ports[3],
            );
            let _ = std::fs::remove_file(&config);
            super::mirror::secret_file(base, "garage.toml", &text);
            let mut command = Command::new(&program);
            command.arg("-c").arg(&config).args(["server", "--single-node", "--default-bucket"]);
            command.env("GARAGE_DEFAULT_ACCESS_KEY", &access_key).env("GARAGE_DEFAULT_SECRET_KEY", &secret_key);
            command.env("GARAGE_DEFAULT_BUCKET", BUCKET);
            command
        });
        // A bucket whose alias is the host that readers ask for needs no name resolution; an address is no bucket name.
        let publish =
            |words: &[&str]| process::output(Command::new(&program).arg("-c").arg(&config).args(words)).status.success();
        wait_until("Garage publishes the bucket", || publish(&["bucket", "website", "--allow", BUCKET]));
        wait_until("Garage names the bucket", || publish(&["bucket", "alias", BUCKET, "localhost"]));
        Self { server, port: ports[0], web_port: ports[1], access_key, secret_key, folder }
    }

    /// As a target and a mirror.
    pub fn mirror(self) -> Mirror {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        Mirror {
            kind: Kind::Garage,
            settings: rclone::s3_settings(self.folder.path(), &endpoint, &self.access_key, &self.secret_key, REGION),
            public_url: format!("http://localhost:{}/", self.web_port),
            rclone_remote: rclone::s3_remote(&endpoint, &self.access_key, &self.secret_key, REGION),
            rclone_path: BUCKET.to_owned(),
            root: None,
            running: Running { server: Some(self.server), face: None::<Face>, cleanup: None, folder: self.folder },
        }
    }
}

fn program() -> PathBuf {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    named.filter(|path| path.is_file()).unwrap_or_else(|| panic!("{VARIABLE} names no program: run `make test-servers`"))
}
