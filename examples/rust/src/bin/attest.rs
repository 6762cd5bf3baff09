//! Attest this machine to a key broker and print its token.
//!
//!     attest cc_kbc::https://kbs.example:8080
//!
//! SPDX-License-Identifier: Apache-2.0

use coco_examples::Kbc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kbc = std::env::args().nth(1).ok_or("usage: attest KBC")?;
    println!("{}", Kbc::new(&kbc)?.attest()?);
    Ok(())
}
