//! `fardel keygen`: makes what nodes prove themselves with. Nothing is written over.

use crate::say;
use clap::{Args, Subcommand};
use fardel_node::keys::{KeyError, Pair, SharedKey, Validity};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  fardel keygen shared cluster.key
  fardel keygen authority
  fardel keygen node one

Prints the names of the files that it makes, and writes over none. What ends in .key is a secret.")]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// The authority of a cluster: authority.pem, which all nodes have, and authority.key, which none needs
    Authority {
        /// The folder for the files
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Its name
        #[arg(long, default_value = "fardel")]
        name: String,
        /// How long it is valid
        #[arg(long, value_name = "DAYS", default_value_t = 3650, value_parser = clap::value_parser!(u64).range(1..=36500))]
        days: u64,
    },
    /// A certificate for a node, signed by the authority: NAME.pem and NAME.key
    Node {
        /// The node's name
        name: String,
        /// The folder with the authority's files, and for the new ones
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// How long it is valid
        #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=36500))]
        days: u64,
    },
    /// A key that all nodes share, in place of certificates
    Shared {
        /// The file for it
        #[arg(default_value = "cluster.key")]
        file: PathBuf,
    },
}

pub(crate) fn keygen(options: &Options) -> u8 {
    let made = match &options.what {
        What::Authority { folder, name, days } => authority(folder, name, *days),
        What::Node { name, folder, days } => node(name, folder, *days),
        What::Shared { file } => SharedKey::generate().and_then(|key| key.write(file)).map(|()| vec![file.clone()]),
    };
    match made {
        Ok(files) => {
            let lines: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
            say::output(lines.as_bytes())
        }
        Err(error) => {
            say::error(&error);
            if let (What::Node { .. }, KeyError::Read { source, .. }) = (&options.what, &error)
                && source.kind() == std::io::ErrorKind::NotFound
            {
                say::line("  make the authority first: fardel keygen authority");
            }
            say::USAGE
        }
    }
}

pub(crate) fn authority(folder: &Path, name: &str, days: u64) -> Result<Vec<PathBuf>, KeyError> {
    let validity = Validity { end: end(days), ..Validity::of_authority(SystemTime::now()) };
    let files = files(folder, "authority");
    Pair::authority(name, validity)?.write(&files[0], &files[1])?;
    Ok(files.into())
}

pub(crate) fn node(name: &str, folder: &Path, days: u64) -> Result<Vec<PathBuf>, KeyError> {
    let [certificate, key] = files(folder, "authority");
    let authority = Pair::load(&certificate, &key)?;
    let validity = Validity { end: end(days), ..Validity::of_node(SystemTime::now()) };
    let files = files(folder, name);
    authority.issue(name, validity)?.write(&files[0], &files[1])?;
    Ok(files.into())
}

fn files(folder: &Path, name: &str) -> [PathBuf; 2] {
    let folder = folder.strip_prefix(".").unwrap_or(folder);
    [folder.join(format!("{name}.pem")), folder.join(format!("{name}.key"))]
}

fn end(days: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(days * DAY)
}
