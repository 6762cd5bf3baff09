//! Get a secret from a key broker and write it to stdout.
//!
//!     secret cc_kbc::https://kbs.example:8080 kbs:///default/key/1
//!
//! SPDX-License-Identifier: Apache-2.0

use coco_examples::Kbc;
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, kbc, uri] = &args[..] else {
        return Err("usage: secret KBC URI".into());
    };
    std::io::stdout().write_all(&Kbc::new(kbc)?.get(uri)?)?;
    Ok(())
}
