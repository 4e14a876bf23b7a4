//! A web server that takes PUT and knows nothing else of WebDAV: no PROPFIND, so nothing is ever listed.

use super::trees;
use crate::support::nginx::Nginx;
use crate::support::project::Project;

#[test]
fn releases_and_repairs_need_no_listing() {
    let mirror = Nginx::start_plain().mirror();
    let project = Project::with_mirrors([&mirror]);
    let (first, second) = (project.beside("first"), project.beside("second"));
    trees::many(&first, 40, "first");
    trees::many(&second, 40, "second");
    project.push(&first, "v1").ends_with(0);
    project.push(&second, "v2").ends_with(0).concludes("v2 complete on 1 of 1 mirror");

    let root = mirror.root.as_ref().expect("nginx has a folder");
    std::fs::remove_file(root.join("releases/v1/part-3/file-3.txt")).expect("it was pushed");
    std::fs::write(root.join("releases/v2/part-5/file-5.txt"), "cut short").expect("the server's folder");
    project.run(&["repair"]).ends_with(0);
    project.run(&["check", "--full"]).ends_with(0).concludes("v2 verified on 1 of 1 mirror");
}
