//! `spartacus offer new`: what it prints is done on real servers, and then the place can be offered.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cli_desk::Desk;
use crate::cli_invite::{inviting, pin};
use crate::support::apache::modules;
use crate::support::mirror::secret_file;
use crate::support::process::{self, Server, Stop, accepts, free_ports, wait_until};
use crate::support::seaweed::{POLICY_KEY, POLICY_USER, Seaweed};
use crate::support::sshd::Sshd;
use crate::support::sshd_root::Jail;
use crate::support::{ACCESS_KEY, SECRET_KEY, pty, rclone, schema, sshd, tools};

/// A fingerprint that no server has.
const FINGERPRINT: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const SFTP: [&str; 4] = ["--place", "sftp://mirror@mirror.example.org/pub", "--host-key", FINGERPRINT];

/// A folder of a server: root's alone down to it, as sshd wants it, and open to those who read.
fn server_folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("spartacus-etc-").tempdir_in("/var/lib").expect("root may");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("our own folder");
    folder
}

fn steps(report: &Value) -> &Vec<Value> {
    report["steps"].as_array().expect("steps")
}

/// Does what an administrator does who follows the page: files are written where it says so, and the commands of these titles are run.
fn follow(report: &Value, titles: &[&str]) {
    let mut done = 0;
    for step in steps(report) {
        let (title, text) = (step["title"].as_str().expect("a title"), step["text"].as_str().expect("a text"));
        match (step["form"].as_str(), step["file"].as_str()) {
            (Some("file"), Some(path)) if path.starts_with('/') => {
                fs::create_dir_all(Path::new(path).parent().expect("a folder above")).expect("folders can be made");
                fs::write(path, format!("{text}\n")).expect("the file can be written");
            }
            (Some("commands"), _) if titles.contains(&title) => {
                process::run(Command::new("/bin/bash").args(["-ec", text]));
                done += 1;
            }
            _ => {}
        }
    }
    assert_eq!(done, titles.len(), "each of {titles:?} is there: {report:#}");
}

/// Everything passed, and what is told besides.
fn assert_can_be_offered(desk: &Desk, folder: &str) -> String {
    let told = desk.shell(&format!("cd {folder} && spartacus offer doctor --needs '1 MiB'")).ends_with(0);
    assert!(told.headline().contains(" can be offered: "), "{}", told.out);
    assert!(!told.out.contains("WARNING"), "{}", told.out);
    told.out
}

/// nginx with nothing in it but what `etc` brings; the port tells that it is up.
fn nginx(etc: &Path, out: &Path) -> Server {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {}/tmp/{kind};\n", out.display()))
        .concat();
    fs::create_dir_all(out.join("tmp")).expect("a new folder");
    let (server, _) = Server::start(&out.join("nginx.out"), Stop::Term, 1, |ports| {
        let config = format!(
            "user www-data;\npid {out}/nginx.pid;\nerror_log {out}/error.log warn;\nworker_processes 1;\nevents {{ worker_connections 512; }}\n\
             http {{\n  include /etc/nginx/mime.types;\n  access_log {out}/access.log;\n{temporary}  \
             server {{ listen 127.0.0.1:{}; return 204; }}\n  include {}/nginx/conf.d/*.conf;\n}}\n",
            ports[0],
            etc.display(),
            out = out.display(),
        );
        fs::write(out.join("nginx.conf"), config).expect("the configuration can be written");
        let mut command = Command::new(tools::file("/usr/sbin/nginx"));
        command.arg("-c").arg(out.join("nginx.conf")).arg("-e").arg(out.join("error.log")).args(["-g", "daemon off;"]);
        command
    });
    server
}

/// Apache likewise, with the modules that `a2enmod` names, and with a rule of another site's that does something with each `.php`.
fn apache(etc: &Path, out: &Path, port: u16) -> Server {
    for name in ["run", "lock"] {
        fs::create_dir(out.join(name)).expect("a new folder");
    }
    process::run(Command::new(tools::program("chown")).arg("www-data:www-data").arg(out.join("lock")));
    let (server, _) = Server::start(&out.join("apache.out"), Stop::Term, 1, |ports| {
        let config = format!(
            "{}User www-data\nGroup www-data\nServerRoot {out}\nServerName localhost\nPidFile run/httpd.pid\nDefaultRuntimeDir run\n\
             Mutex file:{out}/run default\nErrorLog error.log\nTypesConfig /etc/mime.types\nStartServers 1\nServerLimit 2\nThreadsPerChild 32\n\
             MaxRequestWorkers 64\nLoadModule status_module {}\nLoadModule dir_module {}\nDirectoryIndex index.html index.php\nAddHandler server-status .php\nDavLockDB {out}/lock/davlock\nListen 127.0.0.1:{}\nListen 127.0.0.1:{port}\n\
             <Directory />\n  Require all denied\n</Directory>\nIncludeOptional {}/apache2/sites-available/*.conf\n",
            modules(),
            tools::file("/usr/lib/apache2/modules/mod_status.so"),
            tools::file("/usr/lib/apache2/modules/mod_dir.so"),
            ports[0],
            etc.display(),
            out = out.display(),
        );
        fs::write(out.join("httpd.conf"), config).expect("the configuration can be written");
        let _ = fs::remove_file(out.join("run/httpd.pid"));
        let mut command = Command::new(tools::file("/usr/sbin/apache2"));
        command.arg("-f").arg(out.join("httpd.conf")).args(["-D", "FOREGROUND"]);
        command
    });
    server
}

/// sshd as Debian has it: its own file includes what a folder brings. Gives the fingerprint of its host key, too.
fn openssh(etc: &Path, out: &Path) -> (Server, u16, String, PathBuf) {
    tools::folder_of_sshd();
    let host = out.join("hostkey");
    process::run(Command::new(tools::program("ssh-keygen")).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&host));
    let shown = process::run(Command::new(tools::program("ssh-keygen")).arg("-lf").arg(out.join("hostkey.pub")));
    let fingerprint = shown.split_whitespace().nth(1).expect("ssh-keygen shows a fingerprint").to_owned();
    let (server, ports) = Server::start(&out.join("sshd.out"), Stop::Term, 1, |ports| {
        let config = format!(
            "Include {}/ssh/sshd_config.d/*.conf\nPort {}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nUsePAM no\n\
             AuthorizedKeysFile none\nSubsystem sftp internal-sftp\nUseDNS no\nMaxStartups 100:30:200\nMaxSessions 50\n",
            etc.display(),
            ports[0],
            host.display(),
        );
        sshd::command(out, &config)
    });
    (server, ports[0], fingerprint, out.join("sshd.log"))
}

#[test]
fn what_is_printed_for_openssh_and_nginx_makes_a_place_that_can_be_offered() {
    tools::require_root("a chroot");
    let (etc, out) = (server_folder(), tempfile::tempdir().expect("a folder"));
    let user = format!("spartacus-test-{}-{:04x}", std::process::id(), fastrand::u16(..));
    // Its drop takes the account away again, and the chroot.
    let jail = Jail { path: Path::new("/var/lib").join(&user), user: user.clone() };
    let (sshd, port, fingerprint, log) = openssh(etc.path(), out.path());
    let nginx = nginx(etc.path(), out.path());
    let web = free_ports(1)[0];

    let project = inviting();
    project.edit("targets.yaml", "203.0.113.7", "127.0.0.1");
    project.run(&["invite", "--yes"]).ends_with(0);
    let desk = Desk::empty();
    desk.write("invite.json", &project.read("invite/invite.json"));
    let (place, public) = (format!("sftp://{user}@127.0.0.1:{port}/pub"), format!("http://127.0.0.1:{web}/archive/"));
    let (server, settings) = (jail.path.display().to_string(), etc.path().display().to_string());
    let pin = pin(&project);
    let order = [
        &["offer", "new", "paris", "--invite", "invite.json", "--pin", &pin, "--place", &place, "--host-key", &fingerprint][..],
        &["--public-url", &public, "--name", "paris", "--server-folder", &server, "--etc", &settings, "--no-input", "--json"],
    ]
    .concat();
    let report = schema::expect_command("offer_new", &desk.run(&order).ends_with(0).out);
    follow(&report, &["Make the account and its folder"]);
    // As `sshd -t`, and then as a reload does it.
    process::run(Command::new(tools::file("/usr/sbin/sshd")).arg("-t").arg("-f").arg(out.path().join("sshd_config")));
    sshd.signal("HUP");
    wait_until("sshd has read it", || fs::read_to_string(&log).unwrap_or_default().matches("Server listening").count() >= 2);
    nginx.signal("HUP");
    wait_until("nginx has read it", || accepts(web));

    let told = assert_can_be_offered(&desk, "paris");
    for check in ["no commands", "no shell", "no forwarding", "no writing outside"] {
        assert!(told.contains(&format!("  yes      {check} ")), "{check}: {told}");
    }
    let below = desk.run(&["--config", "paris/targets.yaml", "offer", "doctor", "--chroot", &server]).ends_with(0);
    assert!(below.out.contains("belong to root"), "{}", below.out);

    // What comes next takes the folder as it is.
    desk.shell("cd paris && spartacus offer seal").ends_with(0);
    project.write("offer.json", &desk.read("paris/offer.json"));
    project.run(&["offers", "add", "offer.json"]).ends_with(0);

    // The project's own key gets in from the address that it named, and so a push would.
    let target = format!(
        "  - name: offered\n    public_url: {public}\n    sftp: {{host: 127.0.0.1, port: {port}, user: {user}, path: /pub, \
         key: keys/deploy_ed25519, host_keys: ['{fingerprint}']}}\n"
    );
    project.write("targets.yaml", &(project.read("targets.yaml") + &target));
    project.run(&["offer", "doctor", "offered"]).ends_with(0);
    let keys = fs::read_to_string(format!("{settings}/ssh/authorized_keys.d/{user}")).expect("the lines");
    let ours = keys.lines().find(|line| line.contains("spartacus deploy")).expect("the line of the project");
    assert!(ours.starts_with("restrict,from=\"127.0.0.1,2001:db8::/64\",expiry-time=\"20"), "{keys}");
    let elsewhere = keys.replace("from=\"127.0.0.1,", "from=\"203.0.113.7,");
    fs::write(format!("{settings}/ssh/authorized_keys.d/{user}"), elsewhere).expect("root may");
    let refused = project.run(&["offer", "doctor", "offered"]).ends_with(7);
    assert!(refused.out.contains("FAILED   log in"), "{}", refused.out);
    drop((sshd, nginx));
}

/// Nobody but the lines themselves keeps commands out there.
#[test]
fn the_lines_for_a_hoster_open_files_and_nothing_else() {
    let server = Sshd::start_with("ForceCommand none\nAllowTcpForwarding yes\nPermitTTY yes");
    let desk = Desk::empty();
    let place = format!("sftp://{}@127.0.0.1:{}{}", server.user, server.port, server.root.display());
    let key = &server.keys.fingerprint;
    desk.run(&["offer", "new", "box", "--place", &place, "--flavour", "hoster", "--host-key", key, "--no-input"]).ends_with(0);
    let (lines, file) = (desk.read("box/authorized_keys"), server.folder.path().join("authorized_keys"));
    let looked = |lines: &str| {
        fs::write(&file, lines).expect("a file of the test's own");
        // There is no chroot: what lies outside can be written.
        desk.shell("cd box && spartacus offer doctor").ends_with(7).out
    };
    let told = looked(&lines);
    for check in ["log in", "no commands", "no shell", "no forwarding"] {
        assert!(told.contains(&format!("  yes      {check} ")), "{check}: {told}");
    }
    assert!(looked(&lines.replace(",command=\"internal-sftp\"", "")).contains("  FAILED   no commands "));
}

#[test]
fn what_is_printed_for_webdav_makes_a_place_that_can_be_offered() {
    tools::require_root("a web server with workers of its own");
    for (flavour, below) in [("nginx", ""), ("apache", ""), ("apache", "archive/")] {
        let (etc, out) = (server_folder(), tempfile::tempdir().expect("a folder"));
        fs::set_permissions(out.path(), fs::Permissions::from_mode(0o755)).expect("our own folder");
        for folder in ["nginx", "apache2"] {
            fs::create_dir(etc.path().join(folder)).expect("a new folder");
        }
        let web = free_ports(1)[0];
        let server = if flavour == "nginx" { nginx(etc.path(), out.path()) } else { apache(etc.path(), out.path(), web) };
        let desk = Desk::empty();
        let (place, public) = (format!("webdav://mirror@127.0.0.1:{web}/push/"), format!("http://127.0.0.1:{web}/{below}"));
        let origin = format!("http://127.0.0.1:{web}/");
        let (folder, settings) = (format!("{}/mirror", etc.path().display()), etc.path().display().to_string());
        let order = [
            &["offer", "new", "box", "--place", &place, "--flavour", flavour, "--public-url", &public, "--name", "box"][..],
            &["--server-folder", &folder, "--etc", &settings, "--no-input", "--json"],
        ]
        .concat();
        let report = schema::expect_command("offer_new", &desk.run(&order).ends_with(0).out);
        let password = desk.read("box/password");
        assert!(password.len() == 32 && !report.to_string().contains(&password), "a new password is in its file alone");
        follow(&report, &["Make the folder"]);
        // Both programs ask on the terminal; here the password comes from its file.
        let login = steps(&report).iter().find(|step| step["title"] == "Make the login").expect("it is there");
        let commands = login["text"].as_str().expect("commands");
        let commands =
            commands.replace("openssl passwd -6", "openssl passwd -6 -stdin").replace("htpasswd -c -B", "htpasswd -i -c -B");
        desk.shell(&format!("set -e; export PATH=$PATH:/usr/sbin:/sbin; ({commands}) < box/password")).ends_with(0);
        server.signal("HUP");
        wait_until("the web server has read it", || {
            crate::support::http::get(&format!("{origin}push/")).is_some_and(|answer| answer.status == 401)
        });
        let told = assert_can_be_offered(&desk, "box");
        assert!(told.contains("  yes      no writing outside "), "{flavour}: {told}");
        // Who has no login can read, and no more.
        for method in ["PUT", "DELETE", "MKCOL", "PROPFIND"] {
            for path in [format!("{below}x"), "push/x".to_owned()] {
                let line = format!("curl -s -o /dev/null -w '%{{http_code}}' -X {method} {origin}{path}");
                let status = desk.shell(&line).ends_with(0).out;
                assert!(["401", "403", "404", "405"].contains(&status.as_str()), "{flavour}: {method} {path}: {status}");
            }
        }
        // A mirror has an index of its own, and every push after the first one meets it.
        let mut project = Desk::with_project();
        project.set("BOX", password.trim());
        let entry = format!(
            "targets:\n  - name: box\n    public_url: {public}\n    webdav: {{url: '{origin}push/', user: mirror, password: env:BOX}}\n"
        );
        let config = project.read("targets.yaml");
        let (above, _) = config.split_once("targets:").expect("there is a list");
        project.write("targets.yaml", &format!("{above}{entry}"));
        for release in ["v1", "v2"] {
            project.run(&["push", "docs", "--as", release, "--yes"]).ends_with(0);
        }
        project.run(&["check", "--full"]).ends_with(0);
        if flavour == "apache" {
            // Nor does it stop pushes where nobody has thought of it.
            let file = fs::read_dir(etc.path().join("apache2/sites-available")).expect("a folder").next().expect("a file");
            let file = file.expect("an entry").path();
            let block = fs::read_to_string(&file).expect("text");
            assert!(block.contains("DirectoryIndex disabled"), "{block}");
            fs::write(&file, block.replace("DirectoryIndex disabled", "DirectoryIndex index.html")).expect("root may");
            server.signal("HUP");
            let asked = format!(
                "curl -s -o /dev/null -w '%{{http_code}}' -u mirror:$(cat box/password) -X PROPFIND -H 'Depth: 1' {origin}push/"
            );
            wait_until("the index stands before the collection", || desk.shell(&asked).out == "405");
            project.run(&["push", "docs", "--as", "v3", "--yes"]).ends_with(0);
        }
        // What was uploaded is never run, at neither address.
        let script = "<?php echo 6 * 7;";
        fs::write(Path::new(&folder).join("x.php"), script).expect("root may");
        for line in [format!("curl -sf {public}x.php"), format!("curl -sf -u mirror:$(cat box/password) {origin}push/x.php")] {
            assert_eq!(desk.shell(&line).ends_with(0).out, script, "{flavour}: {line}");
        }
        let headers = desk.shell(&format!("curl -sI {public}metadata/timestamp.json")).ends_with(0).out.to_lowercase();
        assert!(headers.contains("cache-control: no-cache") && headers.starts_with("http/1.1 200"), "{flavour}: {headers}");
    }
}

/// Of a service that knows policies: a key that may do nothing by itself, and readers who may read no bucket, get what the two policies
/// give them. Both go to the bucket, the first one for that key alone: this server knows Amazon's conditions there and nowhere else.
#[test]
fn the_policies_that_are_printed_make_a_place_that_can_be_offered() {
    let server = Seaweed::start();
    let desk = Desk::empty();
    let bucket = format!("{}/offered", server.endpoint());
    let remote = rclone::s3_remote(&server.endpoint(), ACCESS_KEY, SECRET_KEY, "us-east-1");
    for words in [&["mkdir", "mirror:offered"][..], &["touch", "mirror:offered/others/diary.txt"], &["mkdir", "mirror:private"]] {
        process::run(rclone::with_remote(server.folder.path(), &remote).args(words));
    }
    let (place, public) = (format!("s3+{bucket}/some/where"), format!("{bucket}/some/where/"));
    for (name, text) in [("access", POLICY_KEY), ("secret", SECRET_KEY)] {
        secret_file(&desk.path(""), name, text);
    }
    let order = [
        &["offer", "new", "weed", "--place", &place, "--flavour", "aws", "--public-url", &public, "--name", "weed", "--no-input"]
            [..],
        &["--access-key", "file:access", "--secret-key", "file:secret"],
    ]
    .concat();
    desk.run(&order).ends_with(0);
    let before = desk.shell("cd weed && spartacus offer doctor").ends_with(7);
    assert!(before.out.contains("FAILED   write"), "nothing is allowed yet: {}", before.out);

    let policy = |name: &str| -> Value { serde_json::from_str(&desk.read(&format!("weed/{name}"))).expect("JSON") };
    let mut both = policy("push-policy.json");
    let rules = both["Statement"].as_array_mut().expect("rules");
    for rule in &mut *rules {
        rule["Principal"] = serde_json::json!({"AWS": [POLICY_USER]});
    }
    rules.extend(policy("reader-policy.json")["Statement"].as_array().expect("rules").clone());
    desk.write("both.json", &both.to_string());
    let put = format!(
        "curl -sf --aws-sigv4 aws:amz:us-east-1:s3 --user {ACCESS_KEY}:{SECRET_KEY} -X PUT '{bucket}?policy=' -H \"x-amz-content-sha256: \
         $(sha256sum < both.json | cut -c-64)\" -H 'content-type: application/json' --data-binary @both.json"
    );
    desk.shell(&put).ends_with(0);
    let told = assert_can_be_offered(&desk, "weed");
    for check in ["no other buckets", "no listing outside", "no writing outside", "no policy of the bucket"] {
        assert!(told.contains(&format!("  yes      {check} ")), "{check}: {told}");
    }
    // Readers get what is below the prefix, and neither lists nor anything else.
    for (path, wanted) in
        [("/some/where/nothing", &["403", "404"][..]), ("/others/diary.txt", &["403"]), ("?list-type=2", &["403"])]
    {
        let status = desk.shell(&format!("curl -s -o /dev/null -w '%{{http_code}}' '{bucket}{path}'")).ends_with(0).out;
        assert!(wanted.contains(&status.as_str()), "{path}: {status}");
    }
    // After its last day the key opens nothing.
    desk.write("both.json", &both.to_string().replace("\"aws:CurrentTime\":\"20", "\"aws:CurrentTime\":\"19"));
    desk.shell(&put).ends_with(0);
    let over = desk.shell("cd weed && spartacus offer doctor").ends_with(7);
    assert!(over.out.contains("FAILED   write"), "{}", over.out);
}

#[test]
fn a_folder_is_made_whole_and_nothing_in_it_is_ever_overwritten() {
    let desk = Desk::empty();
    let plain = [&["offer", "new"][..], &SFTP, &["--no-input"]].concat();
    let rehearsal = desk.run(&[&plain[..], &["--dry-run"]].concat()).ends_with(0);
    assert_eq!(rehearsal.headline(), "  dry run: nothing was written");
    assert!(!desk.path("my-mirror").exists());
    let made = desk.run(&plain).ends_with(0);
    for words in
        ["KEY OF THE PROJECT", "Choose a public address", "cd my-mirror && spartacus offer doctor", "spartacus offer seal"]
    {
        assert!(made.out.contains(words), "{words:?} is not in {}", made.out);
    }
    let rights = |name: &str| fs::metadata(desk.path(name)).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(["my-mirror", "my-mirror/volunteer.key", "my-mirror/doctor_ed25519"].map(rights), [0o700, 0o600, 0o600]);
    let secret = |name: &str| desk.read(name).lines().nth(1).expect("its second line").to_owned();
    for secret in ["my-mirror/volunteer.key", "my-mirror/doctor_ed25519"].map(secret) {
        assert!(!made.out.contains(&secret) && !made.err.contains(&secret), "a secret is shown");
    }
    assert!(made.out.contains(desk.read("my-mirror/doctor_ed25519.pub").trim()), "the public half is part of a step");
    let all = || desk.shell("cd my-mirror && sha256sum *").ends_with(0).out;
    let before = all();
    desk.run(&plain).complains(
        2,
        "error: my-mirror is not empty; nothing was changed\nhint: name another folder: spartacus offer new DIR\n\
         hint: if it is an offer already: spartacus offer setup my-mirror",
    );
    assert_eq!(all(), before);

    // Once more, and after a change.
    let again = desk.run(&["offer", "setup", "my-mirror"]).ends_with(0);
    assert_eq!(again.out.split("\nwritten to").next(), made.out.split("\nwritten to").next());
    assert_eq!(all(), before);
    let url = "    public_url: https://m.example/x/\n    sftp:\n";
    desk.edit("my-mirror/targets.yaml", "    sftp:\n", url);
    let json = desk.shell("cd my-mirror && spartacus offer setup --json").ends_with(0);
    let report = schema::expect_command("offer_new", &json.out);
    assert!(report["steps"].to_string().contains("location ^~ /x/"), "{report}");
    assert!(desk.read("my-mirror/setup.md").contains("location ^~ /x/"));
    let later = desk.run(&["offer", "setup", "my-mirror", "--until", "2999-12-31"]).ends_with(0);
    assert!(later.out.contains("restrict,expiry-time=\"299912312359\" ssh-ed25519 "), "{}", later.out);
    assert!(desk.read("my-mirror/setup.json").contains("\"until\": \"2999-12-31\""));
    desk.run(&["offer", "setup"]).ends_with(2);

    // Each service has a region of its own that nobody has to know.
    for (folder, host, flavour, region) in
        [("g", "s3.example", &["--flavour", "garage"][..], "garage"), ("r", "a.r2.cloudflarestorage.com", &[], "auto")]
    {
        let place = format!("s3+https://{host}/bucket");
        desk.run(&[&["offer", "new", folder, "--no-input", "--place", &place][..], flavour].concat()).ends_with(0);
        let config = desk.read(&format!("{folder}/targets.yaml"));
        assert!(config.contains(&format!("region: {region}\n")), "{config}");
    }

    // What is refused leaves nothing behind.
    for (bad, words) in [
        (&["--place", "sftp://mi%0Aror@h.example/pub", "--host-key", FINGERPRINT][..], "the user cannot stand"),
        (&["--place", "sftp://m@h.example/pub", "--host-key", "nothing"], "with this entry the file would be wrong"),
        (&["--place", "sftp://m:hunter2@h.example/pub"], "the address holds a password"),
        (&["--place", "folder:/srv"], "fit folder"),
        (&["--place", "webdavs://m@h.example/p/", "--password", "hunter2"], "takes a reference, not the secret itself"),
        (&["--place", "webdavs://m@h.example/p/", "--flavour", "aws"], "aws does not fit webdav"),
        (&["--place", "sftp://m@h.example/pub", "--until", "2020-01-01"], "that day is over"),
        (&["--invite", "my-mirror/targets.yaml"], "an invite is verified against the project's pin"),
        (&[], "where is the place?"),
    ] {
        let said = desk.run(&[&["offer", "new", "other", "--no-input"][..], bad].concat()).ends_with(2);
        assert!(said.err.contains(words) && said.err.contains("hint: "), "{words:?}: {}", said.err);
        assert!(!said.err.contains("hunter2") && !desk.path("other").exists(), "{}", said.err);
    }
    let forged = desk.shell(
        "echo '{}' > i.json; spartacus offer new other --invite i.json --no-input --pin $(sha256sum < i.json | cut -c-64)",
    );
    forged.ends_with(6);
}

#[test]
fn a_file_or_a_host_key_that_is_shown_answers_every_question() {
    let server = Sshd::start();
    let desk = Desk::empty();
    let place = format!("sftp://mirror@127.0.0.1:{}/pub", server.port);
    let shown = desk.run(&["offer", "new", "a", "--place", &place, "--yes", "--no-input"]).ends_with(0);
    assert!(shown.err.contains(&server.keys.fingerprint) && shown.err.contains("ssh-keygen -lf"), "{}", shown.err);
    assert!(desk.read("a/targets.yaml").contains("ssh-ed25519 AAAA"));
    let asked = desk.run(&["offer", "new", "b", "--place", &place, "--no-input"]).ends_with(2);
    assert!(asked.err.contains("--host-key SHA256:...") && !desk.path("b").exists(), "{}", asked.err);

    desk.write("secrets/key", "AKIACANARY\n");
    desk.write(
        "place.yaml",
        "project: {name: x}\ntargets:\n  - name: attic\n    public_url: https://m.example/\n    country: FR\n    contact: me@example.org\n    \
         network: AS64496\n    tags: [attic]\n    limits: {max_bytes: 20 GiB, metered: true}\n    s3: {endpoint: 'https://s3.example', region: garage, bucket: b, access_key: 'file:secrets/key', secret_key: 'env:NOT_SET'}\n",
    );
    let made = desk.run(&["offer", "new", "c", "--from", "place.yaml", "--no-input", "--json"]).ends_with(0);
    let report = schema::expect_command("offer_new", &made.out);
    assert_eq!((&report["name"], &report["flavour"]), (&"attic".into(), &"garage".into()), "{report}");
    assert!(!made.out.contains("CANARY") && !report["steps"].to_string().contains("umask"), "they lie elsewhere: {}", made.out);
    let config = desk.read("c/targets.yaml");
    for line in [
        "country: FR",
        "network: AS64496",
        "attic",
        "max_bytes: ",
        "metered: true",
        "me@example.org",
        "access_key: file:/",
        "/secrets/key",
        "secret_key: env:NOT_SET",
    ] {
        assert!(config.contains(line), "{line:?} is not in {config}");
    }
    let proxied = desk.read("place.yaml").replace("    country: FR", "    proxy: socks5h://127.0.0.1:9050");
    desk.write("proxied.yaml", &proxied);
    let refused = desk.run(&["offer", "new", "d", "--from", "proxied.yaml", "--no-input"]).ends_with(2);
    assert!(refused.err.contains("attic in proxied.yaml has `proxy`, which is a thing of this machine"), "{}", refused.err);
    desk.write("two.yaml", "project: {name: x}\ntargets:\n  - {name: a, folder: {path: a}}\n  - {name: b, folder: {path: b}}\n");
    let two = desk.run(&["offer", "new", "d", "--from", "two.yaml", "--no-input"]).ends_with(2);
    assert!(two.err.contains("has 2 targets"), "{}", two.err);
}

/// With the values that nobody chose: invite and offer hold 180 days, and the invite is always the older one.
#[test]
fn an_offer_is_renewed_also_when_the_invite_in_its_folder_is_over() {
    let project = inviting();
    project.edit("targets.yaml", "\n  valid: 30 days", "");
    project.run(&["invite", "--yes"]).ends_with(0);
    let (desk, pin) = (Desk::empty(), pin(&project));
    desk.write("invite.json", &project.read("invite/invite.json"));
    let order = [
        &["offer", "new", "paris", "--invite", "invite.json", "--pin", &pin, "--name", "paris", "--no-input"][..],
        &SFTP,
        &["--public-url", "https://mirror.example.org/archive/"],
    ]
    .concat();
    desk.run(&order).ends_with(0);
    let after = |days: u32, words: &str| desk.shell(&format!("cd paris && faketime -f '+{days}d' spartacus offer {words}"));
    let sealed = after(0, "seal").ends_with(0);
    assert!(!sealed.err.contains("--until"), "{}", sealed.err);
    after(175, "update").ends_with(0);

    let over = after(181, "update").ends_with(2);
    assert!(over.err.starts_with("error: invite.json is over: a maintainer signed it, and it held until "), "{}", over.err);
    for words in [
        "hint: get the newest one: fleet/N.invite.json on a mirror of the project",
        "invite.json on its web front, or ask mailto:mirrors@example.org or https://example.org/mirrors\n",
        &format!("in the place of invite.json: spartacus invite --show invite.json --pin {pin}"),
    ] {
        assert!(over.err.contains(words), "{words:?} is not in {}", over.err);
    }
    // What seals nothing does not mind, and the steps are told.
    for words in ["pause --until '14 days'", "resume", "withdraw"] {
        after(181, words).ends_with(0);
    }
    let steps = after(181, "setup --until 2999-12-31").ends_with(0);
    assert!(steps.err.contains("invite.json is over") && steps.out.contains("299912312359"), "{} {}", steps.err, steps.out);
    let fresh = [&order[..2], &["rome"], &order[3..]].concat();
    let fresh = fresh.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let fresh = desk.shell(&format!("faketime -f '+181d' spartacus {fresh}")).ends_with(2);
    assert!(fresh.err.contains("error: invite.json is over"), "{}", fresh.err);

    // The newest one goes into its place. What the project logs in with ends before the offer does, and that is said.
    project.edit("targets.yaml", "  growth:", "  valid: 400 days\n  growth:");
    project.run(&["invite", "--yes"]).ends_with(0);
    desk.write("paris/invite.json", &project.read("invite/invite.json"));
    assert!(!after(181, "update").ends_with(0).err.contains("--until"));
    let choices = desk.read("paris/setup.json").replace("2999-12-31", "2027-01-01");
    desk.write("paris/setup.json", &choices);
    let short = after(181, "update").ends_with(0);
    let said = "what the project logs in with ends 2027-01-01, and the offer 2";
    assert!(short.err.contains(said) && short.err.contains(": spartacus offer setup --until 2"), "{}", short.err);
}

#[test]
fn on_a_terminal_it_asks_a_few_questions() {
    let project = inviting();
    project.run(&["invite", "--yes"]).ends_with(0);
    let desk = Desk::empty();
    desk.write("invite.json", &project.read("invite/invite.json"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_spartacus"));
    desk.prepared(command.args(["offer", "new", "--invite", "invite.json"]));
    let pin = pin(&project);
    let (code, seen) = pty::converse(
        &command,
        &[
            ("pin of the project", pin.as_str()),
            ("sftp, webdav or s3", ""),
            ("what runs there", "apache"),
            ("answer one of openssh, hoster", "openssh"),
            ("host, with :port", "https://mirror.example.org/x"),
            ("write only the host name", "mirror.example.org:2222"),
            ("user [mirror]", ""),
            ("as the account sees it [/pub]", "/pub/archive"),
            ("is locked into [/srv/mirror]", ""),
            ("address for readers", "https://mirror.example.org/archive/"),
            ("nginx, apache, other [nginx]", "apache"),
            ("name of the mirror [mirror.example.org]", "paris"),
            ("country", "xx"),
            ("no such country", "fr"),
            ("mail address", "me@example.org"),
            ("host key", &format!("256 {FINGERPRINT} root@mirror (ED25519)")),
        ],
    );
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("<VirtualHost *:443>") && seen.contains("spartacus deploy demo"), "{seen}");
    let config = desk.read("my-mirror/targets.yaml");
    for line in ["name: paris", "port: 2222", "path: /pub/archive", "country: FR", "me@example.org", FINGERPRINT, &pin] {
        assert!(config.contains(line), "{line:?} is not in {config}");
    }
    assert_eq!(desk.read("my-mirror/invite.json"), desk.read("invite.json"));

    // Secrets are typed without echo, and lie in files of their own.
    let mut command = Command::new(env!("CARGO_BIN_EXE_spartacus"));
    desk.prepared(command.args(["offer", "new", "s3", "--place", "s3+https://s3.example.org/files", "--flavour", "minio"]));
    let answers = [
        ("address for readers", ""),
        ("name of the mirror [files]", ""),
        ("country", ""),
        ("mail address", ""),
        ("access key (not shown", "AKIACANARY"),
        ("secret key (not shown", "hunter2-canary"),
    ];
    let (code, seen) = pty::converse(&command, &answers);
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains("CANARY") && !seen.contains("canary"), "{seen}");
    assert_eq!((desk.read("s3/access_key").as_str(), desk.read("s3/secret_key").as_str()), ("AKIACANARY", "hunter2-canary"));
    assert!(!desk.shell("cat s3/*.yaml s3/*.md s3/*.json").out.contains("anary"));
    let mode = fs::metadata(desk.path("s3/secret_key")).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}
