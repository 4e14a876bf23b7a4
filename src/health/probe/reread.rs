//! Objects that somebody elsewhere says to be wrong, read again from here.

use crate::base::ObjectPath;
use crate::health::Depth;
use crate::health::check::{Mirror, look_at_file};
use crate::health::findings::Findings;
use crate::health::lists::FileLists;
use crate::trust::{BundleRecord, Verified, role};

/// Bytes of one mirror that are read again in one round, at most: a vantage must not be able to have a mirror's traffic used
/// up. What is larger waits for the next look at every byte.
const MOST: u64 = 64 << 20;

/// Reads each of `paths` that the signed lists of the bundles in `held` name, and those lists themselves. What is wrong or
/// missing is told as a finding, as in a look at every byte. Roles above them were read by the look itself.
pub(in crate::health) async fn reread(
    found: &mut Findings,
    mirror: &Mirror,
    verified: &Verified,
    held: &[&BundleRecord],
    lists: &FileLists,
    paths: &[ObjectPath],
) {
    let mut left = MOST;
    for path in paths {
        for bundle in held {
            let version = verified.pins.get(bundle.name.as_str()).map_or(0, |pin| pin.version);
            let is_list = role::role_path(bundle.name.as_str(), version).is_ok_and(|list| list == *path);
            // Lists are large: only the one is asked for that can name the object.
            if !is_list && !path.as_str().starts_with(&format!("releases/{}/", bundle.name)) {
                continue;
            }
            let files = if is_list {
                // This mirror's own bytes.
                lists.of(mirror.source.as_ref(), verified, &bundle.name).await
            } else {
                lists.agreed(mirror.source.as_ref(), verified, &bundle.name).await
            };
            match files {
                Ok(files) => {
                    let Some(file) = files.iter().find(|file| file.path == *path) else { continue };
                    let Some(rest) = left.checked_sub(file.length) else { continue };
                    left = rest;
                    let sighting = look_at_file(mirror.source.as_ref(), file, Depth::Full).await;
                    found.read_again(sighting.hashed);
                    if let Some((verdict, what)) = sighting.trouble {
                        found.tell(verdict, Some(path), what);
                    }
                }
                Err(rejection) => found.rejected(&rejection),
            }
        }
    }
}
