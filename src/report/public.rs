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
