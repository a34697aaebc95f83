//! What a node is started with, and why it cannot be.

use crate::transport::{Address, BindError, Security, SecurityError, Target};
use crate::web::WebError;
use fardel_cluster::Roles;
use fardel_wire::limits::{NODE_LABEL_BYTES_MAX, NODE_LABELS_MAX, NODE_NAME_BYTES_MAX};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name, by which programs call it.
    pub name: String,
    /// Its labels, by which programs choose where fibers are started.
    pub labels: Vec<String>,
    /// How connections are secured.
    pub security: Security,
    /// Where it takes connections; nowhere when there is none.
    pub listen: Vec<Address>,
    /// Where others reach it, if that is not the first address on which it listens.
    pub advertise: Option<String>,
    /// Nodes to connect with at the start, and again whenever there is no connection.
    pub join: Vec<Target>,
    /// A file with such nodes, one a line, which is read again with every try; what is behind `#` is for people.
    pub join_file: Option<PathBuf>,
    /// What other nodes may do here.
    pub roles: Roles,
    /// Whether it is no member of the cluster, but asks something and goes. It has no name then, and connects only with nodes
    /// to which it has something to say.
    pub is_guest: bool,
    /// Whether what is sent is compressed.
    pub compress: Compress,
    /// Where it tells its counts and its health over HTTP; nowhere without that.
    pub metrics: Option<SocketAddr>,
    /// Whether that may be another address than one of this host's own.
    pub metrics_public: bool,
}

/// Whether a node compresses what it sends to nodes that take it so. What does not shrink goes as it is in any case.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Compress {
    /// But for those on this host, where it costs more than it saves.
    #[default]
    Auto,
    /// To all.
    Always,
    /// To none; and others send nothing compressed to it.
    Never,
}

/// Why a node cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// It cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// It may not connect with a node to join.
    #[error(transparent)]
    Join(#[from] SecurityError),
    /// It cannot tell its counts.
    #[error(transparent)]
    Web(#[from] WebError),
    /// Its name cannot be one.
    #[error("the name of the node has {bytes} bytes; wanted 1 to {NODE_NAME_BYTES_MAX}")]
    Name {
        /// How long it is.
        bytes: usize,
    },
    /// It has too many labels.
    #[error("the node has {count} labels; wanted at most {NODE_LABELS_MAX}")]
    Labels {
        /// How many there are.
        count: usize,
    },
    /// One of its labels cannot be one.
    #[error("a label of the node has {bytes} bytes; wanted 1 to {NODE_LABEL_BYTES_MAX}")]
    Label {
        /// How long it is.
        bytes: usize,
    },
    /// The system gives no random bits.
    #[error("the system gives no random bits: {0}")]
    Random(String),
}
