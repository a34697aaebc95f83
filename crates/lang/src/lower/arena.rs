//! Bodies that are made while a program is lowered, and live as long as that takes.
//!
//! **Invariant:** what is in it stays where it is.

use crate::thir::Body;
use std::cell::OnceCell;

/// A list of bodies that only grows.
#[derive(Default)]
pub(super) struct Arena {
    first: OnceCell<Box<Node>>,
}

struct Node {
    body: Body,
    next: OnceCell<Box<Node>>,
}

impl Arena {
    /// Keeps a body.
    pub(super) fn add(&self, body: Body) -> &Body {
        let mut place = &self.first;
        while let Some(node) = place.get() {
            place = &node.next;
        }
        &place.get_or_init(|| Box::new(Node { body, next: OnceCell::new() })).body
    }
}

impl Drop for Arena {
    /// One node after the other, so that a long list needs no deep stack.
    fn drop(&mut self) {
        let mut next = self.first.take();
        while let Some(mut node) = next {
            next = node.next.take();
        }
    }
}
