//! Pull an image whose keys a key broker has into an OCI bundle.
//!
//!     pull cc_kbc::https://kbs.example:8080 ghcr.io/acme/app@sha256:… bundle
//!
//! SPDX-License-Identifier: Apache-2.0

use coco_examples::{pull, Kbc};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, kbc, reference, dir] = &args[..] else {
        return Err("usage: pull KBC REF DIR".into());
    };
    println!("{}", pull(&mut Kbc::new(kbc)?, reference, dir)?);
    Ok(())
}
