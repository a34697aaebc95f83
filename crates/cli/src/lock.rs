//! `fardel lock`: takes what the packages are now that a package depends on.

use crate::say;
use clap::Args;
use fardel::package::{LOCK, MANIFEST, Package};
use std::path::Path;

#[derive(Args, Debug)]
#[command(after_help = "A package that is not in fardel.lock yet is written there by whatever command needs it.")]
pub(crate) struct Options {}

pub(crate) fn lock(_: &Options) -> u8 {
    match Package::lock(Path::new("")) {
        Ok(Some(0)) => say::output(format!("{MANIFEST} names no dependencies, so there is nothing to lock\n").as_bytes()),
        Ok(Some(count)) => {
            let packages = if count == 1 { "package" } else { "packages" };
            say::output(format!("{LOCK}: {count} {packages}\n").as_bytes())
        }
        Ok(None) => {
            say::error(format_args!("there is no {MANIFEST} here; `fardel new NAME` makes a package"));
            say::USAGE
        }
        Err(problem) => {
            say::error(problem);
            say::USAGE
        }
    }
}
