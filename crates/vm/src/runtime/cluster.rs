//! Names, groups and nodes of the cluster, as far as this machine knows them.

use super::Cx;
use super::text::Flavour;
use crate::cluster::{Full, Holder, NAME_BYTES_MAX, Policy};
use crate::exit::ErrorKind;
use crate::fiber::FiberId;
use crate::heap::word::{self, Header, Kind, NULL, address_word, bool_word, words_of};
use crate::interp::Stop;
use crate::types::TypeId;
use fardel_bytecode::shape::TypeKey;
use fardel_bytecode::types;

/// `a` := whether the name `b` was free; then the fiber `c` has it, for messages of the type in the extension; or an error
/// value. `d` says who keeps it in a conflict.
pub(crate) fn cluster_register(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let name = cx.cluster_name()?;
    let fiber = word::address_of(cx.c());
    let Some(policy) = Policy::of(cx.text(cx.d())) else {
        let problem = "the policy is none of keep_oldest, keep_newest, keep_none";
        let error = cx.error_value("bad_option", problem)?;
        cx.set_a(error);
        return Ok(());
    };
    if cx.refuse_remote(fiber)? {
        return Ok(());
    }
    let is_free = cx.core.cluster_holder(&name).is_none();
    // A fiber that has ended would lose the name at once.
    if is_free && cx.core.fibers.is_alive(fiber) {
        let ty = cx.type_key();
        let taken = cx.core.take_cluster_name(&name, fiber, ty, policy);
        cx.unless_full(taken)?;
    }
    cx.set_a(bool_word(is_free));
    Ok(())
}

/// `a` := whether a fiber of this node had the name `b`; it no longer has.
pub(crate) fn cluster_unregister(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let name = cx.text(cx.b()).to_owned();
    let was_held = cx.core.free_cluster_name(&name);
    cx.set_a(u64::from(was_held));
    Ok(())
}

/// `a` := the fiber that has the name `b`, if it takes messages of the type in the extension.
pub(crate) fn cluster_whereis(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let found = cx.core.cluster_holder(cx.text(cx.b()));
    let wanted = cx.type_key();
    let found = match found {
        None => NULL,
        Some(Holder { fiber, ty }) if cx.fits(ty, wanted) => address_word(fiber),
        Some(Holder { fiber: _, ty }) => {
            let types = &cx.core.types;
            let has = types.find_key(ty).map_or_else(|| format!("a type {ty}"), |ty| types.get(ty).name.clone());
            let wants = &types.get(cx.extra as TypeId).name;
            let message = format!("the name was registered for {has}, not {wants}");
            cx.error_value("wrong_type", &message)?
        }
    };
    cx.set_a(found);
    Ok(())
}

/// `a` := whether the fiber `c` was no member of the group `b`; then it is one, for messages of the type in the extension; or
/// an error value.
pub(crate) fn group_join(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let group = cx.cluster_name()?;
    let fiber = word::address_of(cx.c());
    if cx.refuse_remote(fiber)? {
        return Ok(());
    }
    let mut is_new = true;
    if cx.core.fibers.is_alive(fiber) {
        let ty = cx.type_key();
        let joined = cx.core.join_group(&group, fiber, ty);
        is_new = cx.unless_full(joined)?;
    }
    cx.set_a(bool_word(is_new));
    Ok(())
}

/// `a` := whether the fiber `c` of this node was a member of the group `b`; it no longer is.
pub(crate) fn group_leave(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let group = cx.text(cx.b()).to_owned();
    let was_member = cx.core.leave_group(&group, word::address_of(cx.c()));
    cx.set_a(u64::from(was_member));
    Ok(())
}

/// `a` := the members of the group `b` that take messages of the type in the extension.
pub(crate) fn group_members(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let wanted = cx.type_key();
    let members = cx.core.group_members(cx.text(cx.b()));
    let words: Vec<u64> = members.filter(|(_, ty)| cx.fits(*ty, wanted)).map(|(fiber, _)| address_word(fiber)).collect();
    cx.reserve(list_bytes(words.len()))?;
    cx.charge(words.len() * 8);
    let list = cx.add_list(types::LIST_ANY.0, &words);
    cx.set_a(list);
    Ok(())
}

/// `a` := the names of the nodes that are up.
pub(crate) fn nodes(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let names: Vec<String> = cx.core.node_names().map(str::to_owned).collect();
    put_texts(cx, &names)
}

/// `a` := the labels of the node of the name `b`.
pub(crate) fn node_labels(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let labels = cx.core.node_labels(cx.text(cx.b())).to_vec();
    put_texts(cx, &labels)
}

fn put_texts(cx: &mut Cx<'_>, texts: &[String]) -> Result<(), Stop> {
    let text_bytes: usize = texts.iter().map(|text| 16 + words_of(text.len()) * 8).sum();
    cx.reserve(text_bytes + list_bytes(texts.len()))?;
    cx.charge(text_bytes);
    let words: Vec<u64> = texts.iter().map(|text| cx.add_text(Flavour::Text, text.as_bytes())).collect();
    let list = cx.add_list(types::LIST_TEXT.0, &words);
    cx.set_a(list);
    Ok(())
}

/// Has the fiber told of nodes from now on, or no longer, as `a` says.
pub(crate) fn watch_nodes(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let watches = cx.core.watch_nodes(cx.core.current, cx.a() != 0);
    cx.unless_full(watches)
}

/// Bytes of a list and its storage.
fn list_bytes(length: usize) -> usize {
    24 + if length == 0 { 0 } else { 8 + length * 8 }
}

impl Cx<'_> {
    /// The name `b`.
    fn cluster_name(&mut self) -> Result<String, Stop> {
        let name = self.text(self.b());
        if name.len() > NAME_BYTES_MAX {
            let message = format!("a name of {} bytes, {NAME_BYTES_MAX} at most", name.len());
            return self.trap_with(ErrorKind::OutOfRange, message);
        }
        Ok(name.to_owned())
    }

    /// The key of the type in the extension.
    fn type_key(&self) -> TypeKey {
        self.core.types.key(self.extra as TypeId)
    }

    /// Whether a type that was given fits one that is wanted: Any fits every one, and every one fits it.
    fn fits(&self, given: TypeKey, wanted: TypeKey) -> bool {
        let any = self.core.types.key(types::ANY.0);
        given == wanted || given == any || wanted == any
    }

    /// Gives an error value for a fiber of another node; whether it is one.
    fn refuse_remote(&mut self, fiber: FiberId) -> Result<bool, Stop> {
        let is_remote = self.core.is_remote(fiber);
        if is_remote {
            let error = self.error_value("not_local", "the fiber is of another node, which alone speaks for it")?;
            self.set_a(error);
        }
        Ok(is_remote)
    }

    fn unless_full<T>(&mut self, result: Result<T, Full>) -> Result<T, Stop> {
        match result {
            Ok(value) => Ok(value),
            Err(Full(message)) => self.trap_with(ErrorKind::SystemLimit, message),
        }
    }

    /// Adds a list of words, for which there is room.
    fn add_list(&mut self, ty: TypeId, words: &[u64]) -> u64 {
        let mut storage = NULL;
        if !words.is_empty() {
            storage = self.add_object(Header::scanned(Kind::Storage, 0, words.len()));
            for (at, word) in words.iter().enumerate() {
                self.set_field(storage, at, *word);
            }
        }
        let list = self.add_object(Header::new(Kind::List, ty, 2, 1));
        self.set_field(list, 0, storage);
        self.set_field(list, 1, words.len() as u64);
        list
    }
}
