//! `SeaweedFS`: an S3 store with honest checksums and conditional writes; readers come in anonymously by S3's own port.

use std::path::PathBuf;
use std::process::Command;

use super::mirror::{Kind, Mirror, Running};
use super::process::{Server, Stop, output, wait_until};
use super::rclone::{self, BUCKET};
use super::{ACCESS_KEY, SECRET_KEY, http, tools};

/// Key of an account that may use the bucket and nothing else.
pub const BUCKET_KEY: &str = "AKIASPARTACUSBUCKET";
/// Key of an account that may use what lies below [`PREFIX`] in the bucket and nothing else.
pub const PREFIX_KEY: &str = "AKIASPARTACUSPREFIX";
/// The one prefix of [`PREFIX_KEY`].
pub const PREFIX: &str = "some/where";

/// Key of an account that may do nothing but what the policy of a bucket allows it.
pub const POLICY_KEY: &str = "AKIASPARTACUSPOLICY";
/// That account, as policies name it.
pub const POLICY_USER: &str = "arn:aws:iam::000000000000:user/policy";

/// The parts of one `weed server`; each has a port for HTTP and one for gRPC.
const PARTS: [&str; 4] = ["s3", "master", "volume", "filer"];

/// Sockets that a killed `weed` leaves in `/tmp`, whatever it is told; removed when dropped.
#[derive(Debug)]
pub struct Sockets(Vec<PathBuf>);

impl Drop for Sockets {
    fn drop(&mut self) {
        for socket in &self.0 {
            // Not every version makes every one of them.
            let _ = std::fs::remove_file(socket);
        }
    }
}

/// A running `weed server` with one empty bucket.
#[derive(Debug)]
pub struct Seaweed {
    pub server: Server,
    pub port: u16,
    /// Its filer as other parts of SeaweedFS want it told: `host:port.grpc-port`.
    pub filer: String,
    pub sockets: Sockets,
    pub folder: tempfile::TempDir,
}

impl Seaweed {
    /// Starts it over an empty folder: on old data it takes four times as long.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = folder.path();
        std::fs::create_dir(base.join("data")).expect("the folder is new");
        std::fs::write(base.join("s3.json"), identities().to_string()).expect("the identities can be written");
        // SIGKILL: it is one process, and a graceful stop takes 17 s.
        let (server, ports) = Server::start(&base.join("weed.out"), Stop::Kill, 8, |ports| {
            let mut command = Command::new(tools::from_venv("weed"));
            command.args(["-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]);
            command.arg(format!("-dir={}", base.join("data").display()));
            command.arg(format!("-s3.config={}", base.join("s3.json").display()));
            // Each gRPC port is said as well: by default it is the port plus 10000, which may be taken or not exist.
            for (part, pair) in PARTS.iter().zip(ports.chunks(2)) {
                command.arg(format!("-{part}.port={}", pair[0])).arg(format!("-{part}.port.grpc={}", pair[1]));
            }
            command.args(["-volume.max=100", "-volume.preStopSeconds=0", "-master.volumeSizeLimitMB=64", "-filer", "-s3"]);
            // They would otherwise lie in /tmp, like those of gRPC, which cannot be moved: see Sockets.
            for part in ["s3", "filer"] {
                command.arg(format!("-{part}.localSocket={}", base.join(part).display()));
            }
            command.args(["-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]);
            command.args(["-s3.allowDeleteBucketNotEmpty=false", "-s3.autoCreateBucket=false"]);
            command
        });
        let socket = |(part, pair): (&&str, &[u16])| PathBuf::from(format!("/tmp/seaweedfs-{part}-grpc-{}.sock", pair[1]));
        let sockets = Sockets(PARTS.iter().zip(ports.chunks(2)).map(socket).collect());
        let filer = format!("127.0.0.1:{}.{}", ports[6], ports[7]);
        let started = Self { server, port: ports[0], filer, sockets, folder };
        started.make_bucket();
        started
    }

    /// The S3 endpoint.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// As a target and a mirror.
    pub fn mirror(self) -> Mirror {
        let endpoint = self.endpoint();
        Mirror {
            kind: Kind::Seaweed,
            settings: rclone::s3_settings(self.folder.path(), &endpoint, ACCESS_KEY, SECRET_KEY, "us-east-1"),
            public_url: format!("{endpoint}/{BUCKET}/"),
            rclone_remote: rclone::s3_remote(&endpoint, ACCESS_KEY, SECRET_KEY, "us-east-1"),
            rclone_path: BUCKET.to_owned(),
            root: None,
            running: Running {
                server: Some(self.server),
                face: None,
                cleanup: Some(Box::new(self.sockets)),
                folder: self.folder,
            },
        }
    }

    /// The port answers before the filer and the volumes behind it are ready: ready is when an object can be written.
    fn make_bucket(&self) {
        let remote = rclone::s3_remote(&self.endpoint(), ACCESS_KEY, SECRET_KEY, "us-east-1");
        let rclone = |words: &[&str]| output(rclone::with_remote(self.folder.path(), &remote).args(words)).status.success();
        let health = format!("{}/healthz", self.endpoint());
        wait_until("SeaweedFS is healthy", || http::get(&health).is_some_and(|answer| answer.status == 200));
        let (bucket, scratch) = (format!("mirror:{BUCKET}"), format!("mirror:{BUCKET}/scratch"));
        wait_until("SeaweedFS makes a bucket", || rclone(&["mkdir", &bucket]));
        wait_until("SeaweedFS stores an object", || rclone(&["touch", &scratch]));
        wait_until("SeaweedFS removes an object", || rclone(&["deletefile", &scratch]));
    }
}

/// Who may do what: the maintainer everything, two volunteers' accounts the least, anyone read the bucket.
fn identities() -> serde_json::Value {
    let least = |place: &str| ["Read", "Write", "List", "Tagging"].map(|action| format!("{action}:{place}"));
    serde_json::json!({ "identities": [
        {
            "name": "deploy",
            "credentials": [{ "accessKey": ACCESS_KEY, "secretKey": SECRET_KEY }],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {
            "name": "bucket",
            "credentials": [{ "accessKey": BUCKET_KEY, "secretKey": SECRET_KEY }],
            "actions": least(BUCKET),
        },
        {
            "name": "prefix",
            "credentials": [{ "accessKey": PREFIX_KEY, "secretKey": SECRET_KEY }],
            "actions": least(&format!("{BUCKET}/{PREFIX}/*")),
        },
        {
            "name": "policy",
            "credentials": [{ "accessKey": POLICY_KEY, "secretKey": SECRET_KEY }],
            "actions": [],
        },
        { "name": "anonymous", "actions": [format!("Read:{BUCKET}")] },
    ] })
}
