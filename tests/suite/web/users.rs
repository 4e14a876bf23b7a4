//! The front as docs/operations.md has it: another user, in a folder whose files alone that user's group may write.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;

use jiff::Timestamp;
use spartacus::trust::SigningKey;

use super::site::{Site, ask};
use crate::public::example;
use crate::support::process::{Server, Stop, wait_until};
use crate::support::tools;

/// Nobody has these.
const USER: u32 = 54_322;
const GROUP: u32 = 54_321;

fn as_the_web_user(program: &str) -> Command {
    let mut command = Command::new(tools::program("setpriv"));
    command.args([format!("--reuid={USER}"), format!("--regid={GROUP}"), "--clear-groups".to_owned(), program.to_owned()]);
    command
}

#[test]
fn another_user_serves_the_database_and_can_put_nothing_beside_it() {
    let site = Site::new();
    let (top, folder) = (site.folder.path(), site.folder.path().join("front"));
    for name in ["", "front.db", "front.db-journal"] {
        chown(folder.join(name), None, Some(GROUP)).expect("these tests run as root");
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o2750)).expect("our own folder");
    // That user has to reach the program and the folder.
    fs::set_permissions(top, Permissions::from_mode(0o711)).expect("our own folder");
    let program = top.join("spartacus");
    fs::copy(env!("CARGO_BIN_EXE_spartacus"), &program).expect("there is room");

    let (server, ports) = Server::start(&top.join("other.log"), Stop::Term, 1, |ports| {
        let mut command = as_the_web_user(&program.display().to_string());
        command.args(["serve", "--database", site.front.path().as_str(), "--listen", &format!("127.0.0.1:{}", ports[0])]);
        command.current_dir(top).env_clear();
        command
    });
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports[0]));
    wait_until("the front listens", || TcpStream::connect(address).is_ok());

    // Messages come in, and rounds go out.
    let offer = site.offer(&SigningKey::generate("volunteer").expect("a key"), 0);
    let sent = ask(address, "POST", "/api/v1/offers", "Content-Type: application/json\r\n", offer.as_bytes());
    assert_eq!(sent.status, 202, "{}", sent.text());
    let waiting = site.front.waiting().expect("the database is ours");
    assert_eq!(waiting.len(), 1);
    assert!(site.front.take(&waiting[0], None, Timestamp::now()).expect("the database is ours"));
    site.publish(&example::many(7), Timestamp::now());
    wait_until("the new pages are shown", || {
        let told = ask(address, "GET", "/api/v1/status", "", b"");
        told.status == 200 && told.text().contains("\"mirrors\":7")
    });

    for harm in ["touch x", "mv front.db y", "rm -f front.db-journal", "ln -s /etc/passwd front.db-wal", "rmdir front.db-shm"] {
        let script = format!("cd '{}' && {harm}", folder.display());
        let done = as_the_web_user("/bin/sh").args(["-c", &script]).output().expect("a shell");
        assert!(!done.status.success(), "{harm} could be done");
    }
    drop(server);
}
