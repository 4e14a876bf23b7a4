//! Any byte of any file changed, removed or added: never a panic, and never another content.

use std::sync::LazyLock;

use proptest::prelude::*;
use spartacus::base::BundleName;
use spartacus::trust::{FileRecord, RolePin, verify_bundle};

use super::mirror::{Mirror, Project};

struct Good {
    project: Project,
    mirror: Mirror,
    state: State,
}

/// What a reader goes by.
#[derive(Debug, PartialEq)]
struct State {
    pins: Vec<(String, RolePin)>,
    newest: Option<BundleName>,
    files: Vec<FileRecord>,
}

static GOOD: LazyLock<Good> = LazyLock::new(|| {
    let project = Project::new();
    let mut mirror = project.mirror(2);
    mirror.role(&project.root(2), &[&project.alice, &project.bob]);
    let state = read(&project, &mirror).expect("a good mirror");
    Good { project, mirror, state }
});

fn read(project: &Project, mirror: &Mirror) -> Option<State> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let verified = project.verify(mirror).await.ok()?;
        let newest = verified.newest.clone()?;
        let bundle = verify_bundle(mirror, &verified, &newest).await.ok()?;
        Some(State { pins: verified.pins.into_iter().collect(), newest: Some(newest), files: bundle.files })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn changed_bytes_change_nothing_that_is_accepted(
        file in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        how in 0..3_u8,
    ) {
        let good = &*GOOD;
        let mut mirror = good.mirror.clone();
        let path = file.get(&mirror.0.keys().cloned().collect::<Vec<_>>()).clone();
        let mut bytes = mirror.get(&path).to_vec();
        let at = place.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, byte),
        }
        mirror.put(&path, bytes);
        if let Some(state) = read(&good.project, &mirror) {
            prop_assert_eq!(&state, &good.state, "{}", path);
        }
    }
}
