//! Metalink 4 (RFC 5854): a file list that programs download from several mirrors at once, each piece checked.

use url::Url;

use super::board::{Board, BoardBundle, BoardFile};
use super::page::PageSet;
use super::xml::Xml;

/// Mirrors that are named for one file at most: programs use a handful. Which ones differ from file to file, so that all
/// of them carry their part.
const MIRRORS: usize = 24;

/// A Metalink for every bundle that is on a verified mirror.
pub(super) fn add_metalinks(set: &mut PageSet, board: &Board) {
    for bundle in &board.bundles {
        if !bundle.verified_on.is_empty() {
            set.add(path_of(bundle), metalink(board, bundle));
        }
    }
}

/// Where a bundle's Metalink lies.
pub(super) fn path_of(bundle: &BoardBundle) -> String {
    format!("metalink/{name}/{name}.meta4", name = bundle.name)
}

fn metalink(board: &Board, bundle: &BoardBundle) -> String {
    let mirrors: Vec<(&Url, Option<&str>)> = bundle
        .verified_on
        .iter()
        .filter_map(|&position| board.fleet.mirrors.get(position))
        .filter_map(|mirror| Some((mirror.public_url.as_ref()?, mirror.country.as_deref())))
        .collect();
    Xml::document("metalink", &[("xmlns", "urn:ietf:params:xml:ns:metalink")], |xml| {
        xml.text("generator", &[], concat!("spartacus/", env!("CARGO_PKG_VERSION")));
        xml.text("published", &[], &bundle.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        for file in &bundle.files {
            add_file(xml, bundle, file, &mirrors, board.chunk_bytes);
        }
    })
}

fn add_file(xml: &mut Xml, bundle: &BoardBundle, file: &BoardFile, mirrors: &[(&Url, Option<&str>)], chunk_bytes: u64) {
    let name = file.path.strip_prefix("releases/").unwrap_or(&file.path);
    let name = name.strip_prefix(bundle.name.as_str()).and_then(|name| name.strip_prefix('/')).unwrap_or(name);
    xml.inside("file", &[("name", name)], |xml| {
        xml.text("size", &[], &file.length.to_string());
        xml.text("hash", &[("type", "sha-256")], &file.sha256.to_string());
        if !file.chunks.is_empty() {
            xml.inside("pieces", &[("length", &chunk_bytes.to_string()), ("type", "sha-256")], |xml| {
                for chunk in &file.chunks {
                    xml.text("hash", &[], &chunk.to_string());
                }
            });
        }
        for (priority, (url, country)) in (1..).zip(share(mirrors, file)) {
            let priority: u32 = priority;
            let location = country.map(str::to_ascii_lowercase);
            let mut attributes = vec![("priority", priority.to_string())];
            attributes.extend(location.map(|location| ("location", location)));
            let attributes: Vec<(&str, &str)> = attributes.iter().map(|(key, value)| (*key, value.as_str())).collect();
            xml.text("url", &attributes, below(url, &file.path).as_str());
        }
    });
}

/// The mirrors of one file: all of them in order, or a part that the file's own digest picks.
fn share<'a>(mirrors: &'a [(&'a Url, Option<&'a str>)], file: &BoardFile) -> impl Iterator<Item = (&'a Url, Option<&'a str>)> {
    let from = if mirrors.len() > MIRRORS { usize::from(file.sha256.as_bytes()[0]) % mirrors.len() } else { 0 };
    mirrors.iter().cycle().skip(from).take(mirrors.len().min(MIRRORS)).copied()
}

/// A file's address below a mirror's, each part of its path escaped as URLs want it.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    // An address that cannot have a path (`data:`) is refused by the configuration.
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.pop_if_empty().extend(path.split('/'));
    }
    url
}
