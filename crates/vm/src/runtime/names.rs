//! Names of fibers on this node.

use super::Cx;
use crate::core::Holder;
use crate::exit::ErrorKind;
use crate::heap::word::{self, NULL};
use crate::interp::Stop;
use crate::types::TypeId;
use fardel_bytecode::types;

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 1024;
/// Bytes that a name counts besides its own.
const NAME_BYTES: u64 = 64;

/// `a` := whether the name `b` was free; then the fiber `c` has it, for messages of the type in the extension.
pub(crate) fn register(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let length = cx.text(cx.b()).len();
    if length > NAME_BYTES_MAX {
        let message = format!("a name of {length} bytes, {NAME_BYTES_MAX} at most");
        return cx.trap_with(ErrorKind::OutOfRange, message);
    }
    let name: Box<str> = cx.text(cx.b()).into();
    let fiber = word::address_of(cx.c());
    let is_free = cx.core.holder_of(&name).is_none();
    if is_free {
        // One that has ended may not have come to it yet.
        cx.core.free_name(&name);
    }
    // A fiber that has ended would lose the name at once.
    if is_free && cx.core.fibers.is_alive(fiber) {
        if cx.core.names.len() >= cx.core.config.names_max {
            let message = format!("{} names are taken, as many as there may be", cx.core.names.len());
            return cx.trap_with(ErrorKind::SystemLimit, message);
        }
        cx.core.names.insert(name.clone(), Holder { fiber, ty: cx.extra as TypeId });
        cx.core.tie_bytes += name.len() as u64 + NAME_BYTES;
        cx.core.fibers.side_or_new(fiber.slot).names.insert(name);
    }
    cx.set_a(u64::from(is_free));
    Ok(())
}

/// `a` := whether the name `b` was taken; it no longer is.
pub(crate) fn unregister(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let is_name = cx.text(cx.b()).len() <= NAME_BYTES_MAX;
    let name = if is_name { cx.text(cx.b()).to_owned() } else { String::new() };
    let was_held = is_name && cx.core.holder_of(&name).is_some();
    if was_held {
        cx.core.free_name(&name);
    }
    cx.set_a(u64::from(was_held));
    Ok(())
}

/// `a` := the fiber that has the name `b`, if it takes messages of the type in the extension.
pub(crate) fn whereis(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let name = cx.text(cx.b());
    let name = if name.len() <= NAME_BYTES_MAX { name.to_owned() } else { String::new() };
    let Some(Holder { fiber, ty }) = cx.core.holder_of(&name) else {
        cx.set_a(NULL);
        return Ok(());
    };
    let wanted = cx.extra as TypeId;
    let found = if ty == wanted || ty == types::ANY.0 || wanted == types::ANY.0 {
        word::address_word(fiber)
    } else {
        let (has, wants) = (&cx.core.types.get(ty).name, &cx.core.types.get(wanted).name);
        let message = format!("the name was registered for {has}, not {wants}");
        cx.error_value("wrong_type", &message)?
    };
    cx.set_a(found);
    Ok(())
}

impl crate::core::Core {
    /// Who has a name, and lives.
    fn holder_of(&mut self, name: &str) -> Option<Holder> {
        let holder = self.names.get(name).copied()?;
        if self.fibers.is_alive(holder.fiber) { Some(holder) } else { None }
    }

    /// Frees a name.
    fn free_name(&mut self, name: &str) {
        let Some(Holder { fiber, .. }) = self.names.remove(name) else { return };
        self.tie_bytes -= name.len() as u64 + NAME_BYTES;
        if let Some(side) = self.fibers.side(fiber.slot) {
            side.names.remove(name);
        }
    }

    /// Frees one of the names of a fiber that has ended; whether there was one.
    pub(crate) fn release_name(&mut self, slot: u32) -> bool {
        let Some(name) = self.fibers.side(slot).and_then(|side| side.names.pop_first()) else { return false };
        self.free_name(&name);
        true
    }
}
