//! The servers that the other tests stand on: each starts, takes files from an independent client, shows them to readers,
//! stops, and leaves nothing behind.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::mirror::{Kind, Mirror};
use crate::support::proxy::{Conditions, Fault, Proxy};
use crate::support::tls::Authority;
use crate::support::{embedded::mirrors, face::Face, http, process, rclone, tools};

#[test]
fn sshd_serves_and_stops() {
    serves_and_stops(Kind::Sshd);
}

#[test]
fn sshd_in_a_chroot_serves_and_stops() {
    serves_and_stops(Kind::SshdChroot);
}

#[test]
fn sshd_with_passwords_serves_and_stops() {
    serves_and_stops(Kind::SshdPassword);
}

#[test]
fn apache_serves_and_stops() {
    serves_and_stops(Kind::ApacheBasic);
}

#[test]
fn apache_with_digest_serves_and_stops() {
    let mirror = Kind::ApacheDigest.start();
    let url = mirror.public_url.replace("/mirror/", "/davdigest/");
    let answer = http::get(&url).expect("Apache answers");
    assert_eq!(answer.status, 401);
    assert!(answer.head.contains("Digest realm=\"mirror\""), "{}", answer.head);
    serves_and_stops_started(mirror);
}

#[test]
fn nginx_serves_and_stops() {
    serves_and_stops(Kind::Nginx);
}

#[test]
fn seaweed_serves_and_stops() {
    serves_and_stops(Kind::Seaweed);
}

#[test]
fn rclone_s3_serves_and_stops() {
    serves_and_stops(Kind::RcloneS3);
}

#[test]
fn embedded_mirrors_take_files_from_an_independent_client() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let started = runtime.block_on(mirrors::start(&folder.path().join("mirrors"), None)).unwrap();
    let tree = tree(folder.path());
    for mirror in &started {
        let port = mirror.address.port();
        let (remote, path) = match mirror.name {
            "demo-s3" => {
                let endpoint = format!("http://{}", mirror.address);
                (rclone::s3_remote(&endpoint, mirrors::ACCESS_KEY, mirrors::SECRET_KEY, "us-east-1"), "mirror")
            }
            "demo-sftp" => {
                let password = rclone::obscure(mirrors::PASSWORD);
                (
                    format!(
                        "type = sftp\nhost = 127.0.0.1\nport = {port}\nuser = {}\npass = {password}\nshell_type = none\n",
                        mirrors::USER
                    ),
                    "/",
                )
            }
            _ => {
                let password = rclone::obscure(mirrors::PASSWORD);
                (
                    format!(
                        "type = webdav\nurl = http://{}/dav/\nvendor = other\nuser = {}\npass = {password}\n",
                        mirror.address,
                        mirrors::USER
                    ),
                    "",
                )
            }
        };
        let remote_path = format!("mirror:{path}");
        let client = || rclone::with_remote(folder.path(), &remote);
        process::run(client().arg("copy").arg(&tree).arg(&remote_path));
        process::run(client().args(["check", "--download"]).arg(&tree).arg(&remote_path));
        assert_eq!(std::fs::read(mirror.folder.join("a/b.txt")).unwrap(), b"second", "{}", mirror.name);
        assert_eq!(http::get(&format!("{}a/b.txt", mirror.public_url)).unwrap().body, b"second", "{}", mirror.name);
    }
}

#[test]
fn the_embedded_sftp_server_takes_a_key_that_is_made_after_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("deploy");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mirror = runtime.block_on(mirrors::start_sftp(folder.path(), Some(&key))).unwrap();
    let remote = format!(
        "type = sftp\nhost = 127.0.0.1\nport = {}\nuser = {}\nkey_file = {}\nshell_type = none\n",
        mirror.address.port(),
        mirrors::USER,
        key.display()
    );
    let generate = |path: &Path| {
        process::run(std::process::Command::new(tools::program("ssh-keygen")).args(["-qt", "ed25519", "-N", "", "-f"]).arg(path));
    };
    let list = || process::output(rclone::with_remote(folder.path(), &remote).args(["lsf", "mirror:/"])).status.success();

    generate(&key);
    assert!(list(), "the key is not taken");
    std::fs::remove_file(folder.path().join("deploy.pub")).unwrap();
    generate(&folder.path().join("other"));
    std::fs::rename(folder.path().join("other"), &key).unwrap();
    assert!(!list(), "any key is taken");
}

#[test]
fn a_face_gives_ranges_and_keeps_inside_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    std::fs::write(folder.path().join("in/file name"), b"0123456789").unwrap();
    std::fs::write(folder.path().join("secret"), b"outside").unwrap();
    let face = Face::over(&folder.path().join("in"));
    let file = format!("{}file%20name", face.url());
    let ranged = |range: &str| http::request("GET", &file, &format!("Range: {range}\r\n")).unwrap();

    assert_eq!(http::get(&file).unwrap().body, b"0123456789");
    let part = ranged("bytes=2-4");
    assert_eq!((part.status, part.body.as_slice()), (206, b"234".as_slice()));
    assert!(part.head.contains("bytes 2-4/10"), "{}", part.head);
    assert_eq!(ranged("bytes=7-").body, b"789");
    assert_eq!(ranged("bytes=-3").body, b"789");
    assert_eq!(ranged("bytes=10-").status, 416);
    assert_eq!(ranged("bytes=0-1,3-4").status, 200);
    let head = http::request("HEAD", &file, "").unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert!(head.head.to_ascii_lowercase().contains("content-length: 10"), "{}", head.head);
    assert_eq!(http::get(&format!("{}../secret", face.url())).unwrap().status, 404);
    assert_eq!(http::get(&format!("{}%2e%2e/secret", face.url())).unwrap().status, 404);
    assert_eq!(http::get(face.url()).unwrap().status, 404);
    assert_eq!(http::request("DELETE", &file, "").unwrap().status, 405);
}

#[test]
fn the_proxy_passes_on_and_counts() {
    let (proxy, _) = before_echo();
    let mut stream = connect(&proxy);
    stream.write_all(&vec![7; 100_000]).unwrap();
    let mut back = vec![0; 100_000];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(back, vec![7; 100_000]);
    assert_eq!((proxy.connections(), proxy.bytes_up(), proxy.bytes_down()), (1, 100_000, 100_000));
}

#[test]
fn the_proxy_delays_without_limiting_throughput() {
    let (proxy, _) = before_echo();
    proxy.set(Conditions::round_trip(Duration::from_millis(100)));
    let mut stream = connect(&proxy);
    let begun = Instant::now();
    let mut writer = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all(&vec![1; 2_000_000]).unwrap());
    let mut back = vec![0; 2_000_000];
    stream.read_exact(&mut back).unwrap();
    sender.join().unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(100));
    // Were the delay paid for each piece of 16 KiB, it would be more than 6 s.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn the_proxy_cuts_resets_and_stalls_where_it_is_told() {
    let (proxy, _) = before_echo();
    let received = |fault| {
        proxy.set(Conditions::down(fault));
        let mut stream = connect(&proxy);
        // Waited out by the stall alone.
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(&[1; 1000]).unwrap();
        let mut bytes = Vec::new();
        let ending = stream.read_to_end(&mut bytes).map_err(|error| error.kind()).err();
        (bytes.len(), ending)
    };
    assert_eq!(received(Fault::CutAfter(300)), (300, None));
    assert_eq!(received(Fault::StallAfter(300)), (300, Some(std::io::ErrorKind::WouldBlock)));
    // What the kernel had not yet handed over is lost with a reset.
    assert_eq!(received(Fault::ResetAfter(300)).1, Some(std::io::ErrorKind::ConnectionReset));
}

#[test]
fn the_proxy_resets_what_runs_when_it_is_switched_off() {
    let (proxy, _) = before_echo();
    let mut stream = connect(&proxy);
    stream.write_all(b"x").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    proxy.set(Conditions { off: true, ..Conditions::default() });
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    proxy.set(Conditions::default());
    let mut stream = connect(&proxy);
    stream.write_all(b"y").unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

#[test]
fn certificates_name_their_host() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let verdict = |name: &str| {
        let leaf = folder.path().join(format!("{name}.pem"));
        let mut openssl = std::process::Command::new(tools::program("openssl"));
        openssl.args(["verify", "-verify_ip", "127.0.0.1", "-CAfile"]).arg(folder.path().join("ca.pem")).arg(leaf);
        process::text(&process::output(&mut openssl))
    };
    authority.issue(["localhost", "127.0.0.1"]).write(folder.path(), "good");
    authority.issue_expired().write(folder.path(), "expired");
    authority.issue_not_yet_valid().write(folder.path(), "early");
    authority.issue_wrong_host().write(folder.path(), "wrong");
    assert!(verdict("good").contains("good.pem: OK"), "{}", verdict("good"));
    assert!(verdict("expired").contains("certificate has expired"), "{}", verdict("expired"));
    assert!(verdict("early").contains("not yet valid"), "{}", verdict("early"));
    assert!(verdict("wrong").contains("IP address mismatch"), "{}", verdict("wrong"));
}

pub fn serves_and_stops(kind: Kind) {
    serves_and_stops_started(kind.start());
}

fn serves_and_stops_started(mirror: Mirror) {
    let folder = tempfile::tempdir().unwrap();
    let tree = tree(folder.path());
    rclone::copy(&tree, &mirror);
    rclone::check(&tree, &mirror);
    assert_eq!(rclone::list(&mirror), ["a/b.txt", "top.txt"]);
    let seen = http::get(&format!("{}a/b.txt", mirror.public_url)).expect("readers get an answer");
    assert_eq!((seen.status, seen.body.as_slice()), (200, b"second".as_slice()));
    if let Some(root) = &mirror.root {
        assert_eq!(std::fs::read(root.join("a/b.txt")).unwrap(), b"second");
    }
    // The judge must be able to say no.
    std::fs::write(tree.join("a/b.txt"), b"SECOND").unwrap();
    assert!(!rclone::try_check(&tree, &mirror).status.success(), "rclone check accepts a changed file");

    let (id, folder) = (mirror.server().id(), mirror.folder().to_owned());
    drop(mirror);
    assert!(!Path::new(&format!("/proc/{id}")).exists(), "process {id} is still there");
    assert!(!folder.exists(), "{} is still there", folder.display());
}

/// Two small files, one in a sub-folder.
fn tree(parent: &Path) -> std::path::PathBuf {
    let tree = parent.join("tree");
    std::fs::create_dir_all(tree.join("a")).unwrap();
    std::fs::write(tree.join("top.txt"), b"first").unwrap();
    std::fs::write(tree.join("a/b.txt"), b"second").unwrap();
    tree
}

/// A proxy before a server that sends back what it gets.
fn before_echo() -> (Proxy, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = stream.try_clone().expect("a stream can be cloned");
                // The client's faults end it.
                let _ = std::io::copy(&mut reader, &mut &stream);
            });
        }
    });
    (Proxy::before(port), port)
}

fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap()
}
