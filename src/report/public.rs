//! The public folder: everything that is told to everybody, file by file.

use super::badge::add_badges;
use super::board::Board;
use super::feed::add_feeds;
use super::list::add_lists;
use super::metalink::add_metalinks;
use super::page::{PageSet, add_index, add_mirrors};

/// All files, in the order in which they should be written: the index links to the others and is the last.
#[must_use]
pub fn public_files(board: &Board) -> PageSet {
    let mut set = PageSet::default();
    add_badges(&mut set, board);
    add_metalinks(&mut set, board);
    add_lists(&mut set, board);
    add_feeds(&mut set, board);
    add_mirrors(&mut set, board);
    add_index(&mut set, board);
    set
}

/// The content type of a public file, by its name.
#[must_use]
pub fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "json" => "application/json",
        "atom" => "application/atom+xml",
        "svg" => "image/svg+xml",
        "meta4" => "application/metalink4+xml",
        _ => "text/plain; charset=utf-8",
    }
}
