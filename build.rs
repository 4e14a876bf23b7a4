//! Builds the registration form's script in, when `make web` has bundled it: `target/web/register.js`.
//!
//! Without it the form offers the command line and a field for a sealed file, so a plain `cargo build` needs no npm.

use std::path::Path;

fn main() {
    println!("cargo:rustc-check-cfg=cfg(registration_script)");
    println!("cargo:rerun-if-changed=build.rs");
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let target = Path::new(&root).join("target");
    if !target.is_dir() {
        // A copy of the sources elsewhere, such as an unpacked package: nothing was bundled here.
        return;
    }
    let folder = target.join("web");
    // Cargo looks for changes in folders that are there, and takes one that is not for a change each time.
    if std::fs::create_dir_all(&folder).is_err() {
        return;
    }
    println!("cargo:rerun-if-changed={}", folder.display());
    let script = folder.join("register.js");
    if script.is_file() {
        println!("cargo:rustc-cfg=registration_script");
        println!("cargo:rustc-env=SPARTACUS_REGISTER_JS={}", script.display());
    }
}
