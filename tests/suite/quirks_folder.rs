//! The folder store and what others may have put in its folder.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use camino::Utf8PathBuf;
use spartacus::store::contract::{noise, path};
use spartacus::store::folder::FolderStore;
use spartacus::store::{Body, ErrorKind, Store, Write};

use crate::support::mirror::Kind;
use crate::support::project::{Finished, Project, utf8};
use crate::support::{process, tools};
use crate::webdav_servers::target;

fn store() -> (tempfile::TempDir, FolderStore) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = Utf8PathBuf::from_path_buf(folder.path().to_path_buf()).expect("a UTF-8 path");
    (folder, FolderStore::new(target(), root))
}

#[tokio::test]
async fn a_link_in_place_of_a_file_is_neither_read_nor_written_through() {
    let (folder, store) = store();
    let outside = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(outside.path(), "secret").expect("a file");
    let body = Body::bytes("x");
    let at = path("file");
    for name in ["file".to_owned(), format!(".spartacus-{}-0.part", body.sha256())] {
        std::os::unix::fs::symlink(outside.path(), folder.path().join(name)).expect("a link");
    }
    let error = store.get(&at, None).await.err().expect("it leads elsewhere");
    assert_eq!(error.kind, ErrorKind::Exists, "{error}");
    assert_eq!(store.stat(&at).await.expect("a stat succeeds"), None, "a link is no object");
    let error = store.put(&at, &body, Write::New).await.expect_err("the partial's name leads elsewhere");
    assert_eq!(error.kind, ErrorKind::Exists, "{error}");
    store.put(&at, &body, Write::New).await.expect("the next partial has another name");
    assert_eq!(std::fs::read_to_string(outside.path()).expect("a file"), "secret");
    assert_eq!(std::fs::read_to_string(folder.path().join("file")).expect("a file"), "x", "the link was replaced");
}

#[tokio::test]
async fn a_pipe_in_place_of_a_file_is_not_waited_for() {
    let (folder, store) = store();
    process::run(Command::new(tools::program("mkfifo")).arg(folder.path().join("file")));
    let got = tokio::time::timeout(Duration::from_secs(20), store.get(&path("file"), None)).await.expect("it does not wait");
    assert_eq!(got.err().expect("a pipe is no object").kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_listing_beside_running_puts_succeeds() {
    let (_folder, store) = store();
    let paths: Vec<_> = (0..50).map(|number| path(&format!("f{number}"))).collect();
    let body = Body::bytes(noise(10_000, 1));
    let puts = futures_util::future::try_join_all(paths.iter().map(|at| store.put(at, &body, Write::New)));
    let listings = async {
        for _ in 0..200 {
            store.list(None).await?;
        }
        Ok(())
    };
    let (put, listed) = tokio::join!(puts, listings);
    put.expect("every put succeeds");
    listed.map_err(|error: spartacus::store::StoreError| error.to_string()).expect("partials come and go while it lists");
}

/// Services run under `umask 077`: a web server of another user would enter none of the folders.
#[test]
fn folders_and_files_can_be_read_by_the_web_server_whatever_our_umask() {
    let mirror = Kind::Folder.start();
    let root = mirror.root.as_deref().expect("a folder");
    let project = Project::with_mirrors([&mirror]);
    let tree = project.beside("tree/deep/down");
    std::fs::write(tree.join("file"), "bytes").expect("a file");
    let own = root.join("releases");
    std::fs::create_dir(&own).expect("a folder that is there already");
    std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o751)).expect("its owner's decision");
    let tree = project.beside("tree");
    let push = project.command(&["push", utf8(&tree), "--as", "v1", "--yes"]);
    let mut under = Command::new("/bin/sh");
    under.args(["-c", "umask 077; exec \"$0\" \"$@\""]).arg(push.get_program()).args(push.get_args());
    under.current_dir(project.path());
    for (name, value) in push.get_envs() {
        match value {
            Some(value) => under.env(name, value),
            None => under.env_remove(name),
        };
    }
    Finished::new("push", process::output(&mut under)).ends_with(0);
    let mode = |name: &str| std::fs::metadata(root.join(name)).expect("it is there").permissions().mode() & 0o777;
    for folder in ["metadata", "releases/v1", "releases/v1/deep", "releases/v1/deep/down"] {
        assert_eq!(mode(folder), 0o755, "{folder}");
    }
    for file in ["metadata/timestamp.json", "releases/v1/deep/down/file"] {
        assert_eq!(mode(file), 0o644, "{file}");
    }
    assert_eq!(mode("releases"), 0o751, "what was there keeps its rights");
}
