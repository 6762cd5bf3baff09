//! Asks pkg-config where libcoco is.
//!
//! SPDX-License-Identifier: Apache-2.0

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    let asked = Command::new("pkg-config")
        .args(["--libs", "libcoco"])
        .output();
    let flags = asked.expect("pkg-config does not run");
    assert!(
        flags.status.success(),
        "{}",
        String::from_utf8_lossy(&flags.stderr)
    );
    for flag in String::from_utf8_lossy(&flags.stdout).split_whitespace() {
        println!("cargo:rustc-link-arg={flag}");
    }
}
