//! Function values: calls of them, and closures.

use super::Cx;
use crate::code::{FRAME_HEADER_BYTES, OP_BYTES};
use crate::heap::word::{self, Header, Kind, TAG_MASK};
use crate::interp::Stop;

impl Cx<'_> {
    /// The function of a function value.
    fn function_of(&self, value: u64) -> u32 {
        if value & TAG_MASK == word::TAG_FUNCTION {
            return word::number_of(value);
        }
        self.field(value, self.header(value).words() - 1) as u32
    }

    /// Calls the function value in slot `b` with the arguments from slot `a` on; `replaced` is the bytes of the frame
    /// that goes, 0 for a call that comes back.
    fn call_value(&mut self, replaced: usize) -> Result<(), Stop> {
        let value = self.b();
        let function = self.function_of(value);
        let entry = &self.core.functions[function as usize];
        let (frame_bytes, target) = (entry.frame_bytes as usize, entry.entry);
        let captures: Vec<u64> = entry.captures.iter().map(|word| self.field(value, usize::from(*word))).collect();
        let args = self.slots_from_a(entry.params as usize);
        let top_of_frame = self.fp + replaced;
        let lowest = (self.block().load(crate::heap::block::header::LIMITS) >> 32) as usize;
        if top_of_frame < frame_bytes + self.core.saved.top.max(lowest) {
            self.core.need = frame_bytes.saturating_sub(replaced);
            return Err(Stop::NeedStack);
        }
        let fp = top_of_frame - frame_bytes;
        let block = self.block();
        if replaced == 0 {
            let continuation = self.core.saved.pc_offset(self.core.code_base) as usize + OP_BYTES;
            let caller = block.load(self.fp) & 0xffff_ffff | self.extra & !0xffff_ffff;
            block.store(self.fp, caller);
            block.store(self.fp + 8, continuation as u64);
        }
        block.store(fp, u64::from(function));
        for (at, word) in captures.into_iter().chain(args).enumerate() {
            block.store(fp + FRAME_HEADER_BYTES + at * 8, word);
        }
        self.core.saved.set_fp(block, fp);
        self.core.saved.set_pc(self.core.code_base, target);
        self.entered = true;
        self.core.saved.fuel -= 1;
        if self.core.saved.fuel <= 0 { Err(Stop::Preempted) } else { Ok(()) }
    }
}

/// Calls the function value `b` with the arguments from `a` on, where the result goes. The extension holds the place in
/// the bytecode in its upper half.
pub(crate) fn function_value_call(cx: &mut Cx<'_>) -> Result<(), Stop> {
    cx.call_value(0)
}

/// As [`function_value_call`], in place of the current frame, whose bytes the extension holds.
pub(crate) fn function_value_tail_call(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let replaced = cx.extra as usize;
    cx.call_value(replaced)
}

/// `a` := a function value of the function in the extension with the captured values from `b` on.
pub(crate) fn closure(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let function = cx.extra as u32;
    let entry = &cx.core.functions[function as usize];
    let (places, scan, ty) = (entry.captures.clone(), entry.capture_scan as usize, entry.ty.unwrap_or_default());
    let header = Header::new(Kind::Closure, ty, places.len() + 1, scan);
    cx.reserve(header.bytes())?;
    let captured = cx.slots_from_b(places.len());
    let object = cx.add_object(header);
    for (place, word) in places.iter().zip(captured) {
        cx.set_field(object, usize::from(*place), word);
    }
    cx.set_field(object, places.len(), u64::from(function));
    cx.set_a(object);
    Ok(())
}
