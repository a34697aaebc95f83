//! Names of fibers on this node.

use super::Cx;
use crate::core::Holder;
use crate::exit::ErrorKind;
use crate::fiber::NONE;
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
    let name: Box<str> = cx.text(cx.b()).into();
    let fiber = word::address_of(cx.c());
    if name.len() > NAME_BYTES_MAX {
        let message = format!("a name of {} bytes, {NAME_BYTES_MAX} at most", name.len());
        return cx.trap_with(ErrorKind::OutOfRange, message);
    }
    let is_free = !cx.core.names.contains_key(&name);
    // A fiber that has ended would lose the name at once.
    if is_free && cx.core.fibers.is_alive(fiber) {
        if cx.core.names.len() >= cx.core.config.names_max {
            let message = format!("{} names are taken, as many as there may be", cx.core.names.len());
            return cx.trap_with(ErrorKind::SystemLimit, message);
        }
        cx.core.names.insert(name.clone(), Holder { fiber, ty: cx.extra as TypeId });
        cx.core.tie_bytes += name.len() as u64 + NAME_BYTES;
        cx.core.fibers.side_or_new(fiber.slot).names.push(name);
    }
    cx.set_a(u64::from(is_free));
    Ok(())
}

/// `a` := whether the name `b` was taken; it no longer is.
pub(crate) fn unregister(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let name: Box<str> = cx.text(cx.b()).into();
    let holder = cx.core.free_name(&name);
    if let Some(Holder { fiber, .. }) = holder
        && let Some(side) = cx.core.fibers.side(fiber.slot)
    {
        side.names.retain(|known| *known != name);
    }
    cx.set_a(u64::from(holder.is_some()));
    Ok(())
}

/// `a` := the fiber that has the name `b`, if it takes messages of the type in the extension.
pub(crate) fn whereis(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let Some(Holder { fiber, ty }) = cx.core.names.get(cx.text(cx.b())).copied() else {
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
    /// Frees a name, and gives who had it.
    pub(crate) fn free_name(&mut self, name: &str) -> Option<Holder> {
        let holder = self.names.remove(name)?;
        self.tie_bytes -= name.len() as u64 + NAME_BYTES;
        debug_assert_ne!(self.fibers.get(holder.fiber.slot).side, NONE);
        Some(holder)
    }
}
