//! Trees to publish.

use std::fs;
use std::path::Path;

use spartacus::store::contract::noise;

/// Names that a program which builds URLs, shell lines or listings from them gets wrong.
pub const UNUSUAL: [&str; 12] = [
    "with a space.txt",
    "plus+and&equals=.txt",
    "it's; a, list!.txt",
    "(round) [square] {curly}.txt",
    "-begins-with-a-dash",
    ".hidden",
    "~tilde",
    "at@sign$",
    "colon:in:it",
    "ünïcödé/日本語/🗝.txt",
    "a/b/c/d/e/f/g/deep",
    "percent-free/café au lait",
];
/// An ordinary file in a folder, as a victim.
pub const ORDINARY: &str = "docs/guide.txt";
/// Longer than one request of any backend.
pub const LARGE: &str = "images/large.bin";

/// Unusual names, an empty file, folders in folders, and files of several chunks of 4 MiB.
pub fn unusual(folder: &Path) {
    for name in UNUSUAL {
        write(folder, name, format!("the file {name}\n").as_bytes());
    }
    write(folder, ORDINARY, b"how to begin: read this to its end, then begin\n");
    write(folder, "empty", b"");
    write(folder, "images/chunks.bin", &noise(9 << 20, 1));
    write(folder, LARGE, &noise((17 << 20) + 3, 2));
}

/// `count` small files in ten folders; what they hold depends on `edition`.
pub fn many(folder: &Path, count: usize, edition: &str) {
    for number in 0..count {
        let text = format!("{edition}, file {number}\n").repeat(100 + number % 50);
        write(folder, &format!("part-{}/file-{number}.txt", number % 10), text.as_bytes());
    }
}

/// Writes one file, with the folders above it.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("it is below the folder")).expect("a folder of the test's own");
    fs::write(path, bytes).expect("a folder of the test's own");
}
