//! The rooms of `src`, kept apart: who may import whom, how long a file may be, what its header must say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::support::tools::repository;

/// Which rooms a room may import. The same table stands in docs/architecture.md for people.
const TABLE: [(&str, Imports); 17] = [
    ("base", Imports::Only(&[])),
    ("config", Imports::Only(&["base"])),
    ("net", Imports::Only(&["base"])),
    ("trust", Imports::Only(&["base"])),
    ("bundle", Imports::Only(&["base", "trust"])),
    ("store", Imports::Only(&["base", "net"])),
    ("plan", Imports::Only(&["base", "trust", "bundle", "store"])),
    ("transfer", Imports::Only(&["base", "trust", "bundle", "plan", "store"])),
    ("reader", Imports::Only(&["base", "net", "trust"])),
    ("health", Imports::Only(&["base", "net", "trust", "reader", "store"])),
    ("history", Imports::Only(&["base", "store", "transfer", "health"])),
    ("report", Imports::Only(&["base", "store", "transfer", "health", "history"])),
    ("alert", Imports::Only(&["base", "net", "health", "history", "report"])),
    ("registration", Imports::Only(&["base", "config", "net", "trust", "store", "health"])),
    ("schedule", Imports::AllBut(&["web", "cli"])),
    ("web", Imports::Only(&["base", "report", "registration", "history"])),
    ("cli", Imports::AllBut(&[])),
];

/// A file longer than this asks for a split.
const LONGEST_FILE: usize = 600;

/// What a room's header says, one paragraph each.
const HEADER: [&str; 4] = ["Purpose: ", "Comes in: ", "Goes out: ", "Must not know: "];

#[derive(Debug, Clone, Copy)]
enum Imports {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

impl Imports {
    fn allow(self, room: &str) -> bool {
        match self {
            Self::Only(rooms) => rooms.contains(&room),
            Self::AllBut(rooms) => !rooms.contains(&room),
        }
    }

    /// As the cell of the table in docs/architecture.md.
    fn cell(self) -> String {
        let quoted = |rooms: &[&str]| rooms.iter().map(|room| format!("`{room}`")).collect::<Vec<_>>().join(", ");
        match self {
            Self::Only([]) => "-".to_owned(),
            Self::Only(rooms) => quoted(rooms),
            Self::AllBut([]) => "all".to_owned(),
            Self::AllBut(rooms) => format!("all but {}", quoted(rooms)),
        }
    }
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let mut problems = Vec::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == room) else {
            problems.push(format!("{}: the table has no room `{room}`", source.name()));
            continue;
        };
        for (line, import) in source.imports() {
            if import != room && !allowed.allow(&import) {
                problems.push(format!("{}:{line}: `{room}` may not import `{import}`", source.name()));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn the_table_has_no_circle() {
    let mut settled = BTreeSet::new();
    while settled.len() < TABLE.len() {
        let ready = |allowed: Imports| {
            TABLE.iter().map(|(room, _)| *room).filter(|room| allowed.allow(room)).all(|room| settled.contains(room))
        };
        // Rooms that connect the others may import themselves by the wording "all".
        let ready_but_self = |name: &str, allowed: Imports| match allowed {
            Imports::Only(_) => ready(allowed),
            Imports::AllBut(but) => {
                TABLE.iter().map(|(room, _)| *room).all(|room| room == name || but.contains(&room) || settled.contains(room))
            }
        };
        let next: Vec<_> = TABLE
            .iter()
            .filter(|(name, allowed)| !settled.contains(name) && ready_but_self(name, *allowed))
            .map(|(name, _)| *name)
            .collect();
        assert!(!next.is_empty(), "a circle among the rooms other than {settled:?}");
        settled.extend(next);
    }
}

#[test]
fn the_architecture_page_has_the_same_table() {
    let page = std::fs::read_to_string(repository().join("docs/architecture.md")).expect("the page is there");
    let written: BTreeMap<_, _> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "))
        .map(|(room, cell)| (room.to_owned(), cell.to_owned()))
        .collect();
    let ours: BTreeMap<_, _> = TABLE.iter().map(|(room, allowed)| ((*room).to_owned(), allowed.cell())).collect();
    assert_eq!(written, ours, "docs/architecture.md and tests/suite/layering.rs differ");
}

#[test]
fn no_source_file_is_longer_than_its_reader_s_patience() {
    let long: Vec<_> = sources()
        .iter()
        .map(|source| (source.name(), source.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(name, lines)| format!("{name}: {lines} lines, {LONGEST_FILE} allowed"))
        .collect();
    assert_none(&long);
}

#[test]
fn the_program_never_unwraps() {
    let sources = sources();
    let tests: Vec<_> = sources.iter().flat_map(Source::test_modules).collect();
    let is_test = |source: &Source| tests.iter().any(|module| source.path.with_extension("").starts_with(module));
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| !is_test(source)) {
        for (line, code) in source.program() {
            if code.contains(".unwrap()") {
                problems.push(format!("{}:{line}: `.unwrap()`", source.name()));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn every_room_says_what_it_is_for() {
    let mut problems = Vec::new();
    for source in sources() {
        let is_header = source.path.file_name().is_some_and(|name| name == "mod.rs") && source.path.components().count() == 2;
        // A room may also be a single file beside lib.rs and main.rs.
        let is_single = source.path.components().count() == 1 && source.room().is_some();
        if !is_header && !is_single {
            continue;
        }
        let header: Vec<_> =
            source.text.lines().map_while(|line| line.strip_prefix("//! ").or((line == "//!").then_some(""))).collect();
        for part in HEADER {
            if !header.iter().any(|line| line.contains(part)) {
                problems.push(format!("{}: the header lacks `{}`", source.name(), part.trim()));
            }
        }
    }
    assert_none(&problems);
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// One file of `src`.
struct Source {
    /// Below `src`.
    path: PathBuf,
    text: String,
}

impl Source {
    fn name(&self) -> String {
        format!("src/{}", self.path.display())
    }

    /// The room it belongs to; none for the crate's own `lib.rs` and `main.rs`.
    fn room(&self) -> Option<String> {
        let first = self.path.components().next()?.as_os_str().to_str()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (!matches!(name, "lib" | "main")).then(|| name.to_owned())
    }

    /// Lines of the program, numbered, without comments: those before the file's own test module, which stands last.
    fn program(&self) -> Vec<(usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let numbered = self.text[..end].lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//")).collect()
    }

    /// Paths, without `.rs`, of the modules that the file declares for tests only.
    fn test_modules(&self) -> Vec<PathBuf> {
        let parent = self.path.parent().expect("a file lies in a folder");
        let folder = match self.path.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib" | "main") | None => parent.to_owned(),
            Some(stem) => parent.join(stem),
        };
        let declared = self.text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| {
            let line = rest.lines().next()?.trim_start_matches("pub").trim_start_matches("(crate)").trim_start_matches("(super)");
            line.trim().strip_prefix("mod ")?.strip_suffix(';')
        });
        declared.map(|name| folder.join(name)).collect()
    }

    /// Every room that the file names through `crate::`, tests included: a test that needs another room belongs there.
    fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (start, matched) in code.match_indices("crate::") {
                let before = code[..start].chars().next_back();
                if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':') {
                    continue;
                }
                for name in names(&self.text, code, start + matched.len()) {
                    found.push((index + 1, name));
                }
            }
        }
        found
    }
}

/// The first names after `crate::`: one, or each of a `{...}` group, which may go on over further lines.
fn names(text: &str, line: &str, from: usize) -> Vec<String> {
    let rest = &line[from..];
    if !rest.starts_with('{') {
        return vec![identifier(rest)];
    }
    // Where the line lies in the text is known by its address: it is a part of it.
    let offset = line.as_ptr() as usize - text.as_ptr() as usize + from + 1;
    let mut depth = 0_usize;
    let mut names = vec![String::new()];
    for letter in text[offset..].chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            _ if depth == 0 => names.last_mut().expect("it begins with one").push(letter),
            _ => {}
        }
    }
    names.iter().map(|name| identifier(name.trim())).filter(|name| !name.is_empty()).collect()
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

fn sources() -> Vec<Source> {
    let root = repository().join("src");
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    assert!(sources.len() > 10, "only {} files below {}", sources.len(), root.display());
    sources
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("source is text");
            sources.push(Source { path: path.strip_prefix(root).expect("it is below").to_owned(), text });
        }
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::base::A;\nuse crate::{net::{B, C}, trust};\nuse crate::{\n    store,\n    plan::X,\n};\nlet x = crate::health::Y;\n// crate::web\nuse other_crate::cli;\npub(crate) fn f() {}\n";
    let source = Source { path: "plan/mod.rs".into(), text: text.to_owned() };
    let found: Vec<_> = source.imports().into_iter().map(|(line, name)| format!("{line} {name}")).collect();
    assert_eq!(found, ["1 base", "2 net", "2 trust", "3 store", "3 plan", "7 health"]);
}
