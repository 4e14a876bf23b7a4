//! Readers who look at mirrors while a publisher works on them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::mirror::Mirror;
use crate::support::project::{Finished, Project, utf8};

/// How often readers of one mirror found which release.
type Seen = BTreeMap<String, usize>;

/// One reader for each mirror.
pub struct Watch;

impl Watch {
    /// Runs `work` while every mirror is verified again and again, every byte of it. Panics unless each look finds one
    /// whole release, the old or the new one, and each reader came soon enough to find the old one.
    pub fn over<T>(project: &Project, mirrors: &[Mirror], [old, new]: [&str; 2], work: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let read = |mirror| {
                let over = &over;
                scope.spawn(move || read_until(over, project, mirror, [old, new]))
            };
            let readers: Vec<_> = mirrors.iter().map(read).collect();
            // Ends the readers on every way out, a failed expectation included.
            let ending = SetOnDrop(&over);
            let done = work();
            drop(ending);
            for (reader, mirror) in readers.into_iter().zip(mirrors) {
                let seen = reader.join().expect("the reader finds only whole releases");
                assert!(seen.contains_key(old), "{}: the reader came too late: {seen:?}", mirror.kind.name());
            }
            done
        })
    }
}

fn read_until(over: &AtomicBool, project: &Project, mirror: &Mirror, releases: [&str; 2]) -> Seen {
    let mut seen = Seen::new();
    while !over.load(Ordering::SeqCst) {
        let found = verify(project, mirror, "--full").ends_with(0);
        let release = found.json()["release"].as_str().expect("a whole release has a name").to_owned();
        assert!(releases.contains(&release.as_str()), "{found}");
        *seen.entry(release).or_default() += 1;
    }
    seen
}

/// What `spartacus verify` makes of the mirror's public face.
pub fn verify(project: &Project, mirror: &Mirror, depth: &str) -> Finished {
    project.run(&["verify", &mirror.public_url, "--root", utf8(&project.pin()), depth, "--json"])
}

/// Sets the flag when dropped.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
