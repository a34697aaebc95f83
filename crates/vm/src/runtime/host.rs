//! Calls of host functions: the arguments leave by the output door, the result enters by the input door.

use super::Cx;
use crate::convert::{VALUES_BYTES_MAX, to_value};
use crate::door::{HostId, Output};
use crate::exit::ErrorKind;
use crate::fiber::State;
use crate::heap::fragment::relocate;
use crate::interp::Stop;

/// Calls the host function whose import is in the extension with the arguments from `a` on, where the result goes.
///
/// It runs twice: first it commits the call and waits, then it takes the result. The fiber's side record says which.
pub(crate) fn call_host(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let slot = cx.core.current;
    let (call, reply) = cx.core.fibers.side(slot).map_or((None, None), |side| (side.call, side.reply.take()));
    match reply {
        Some(Err(message)) => {
            cx.core.close_call(slot);
            cx.trap_with(ErrorKind::Host, message)
        }
        Some(Ok((word, fragment))) => {
            let bytes = fragment.bytes();
            if let Err(stop) = cx.reserve(bytes) {
                cx.core.fibers.side_or_new(slot).reply = Some(Ok((word, fragment)));
                return Err(stop);
            }
            cx.core.close_call(slot);
            let import = &cx.core.host_imports[cx.extra as usize];
            let (has_result, is_word) = (import.result.is_some(), import.result_is_word);
            let delta = cx.take_in(fragment);
            if has_result {
                // A raw number must not be taken for a reference.
                cx.set_a(if is_word { relocate(word, delta) } else { word });
            }
            Ok(())
        }
        None if call.is_some() => cx.wait_for_host(),
        None => commit(cx),
    }
}

fn commit(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let import = &cx.core.host_imports[cx.extra as usize];
    let draws = import.draws;
    let Some(host) = import.host else {
        let message = format!("the host has no function `{}` of this signature", import.name);
        return cx.trap_with(ErrorKind::NoHost, message);
    };
    let words = cx.slots_from_a(import.params.len());
    let mut bytes_left = VALUES_BYTES_MAX;
    let args = words
        .iter()
        .zip(&import.params)
        .map(|(word, ty)| to_value(cx.core, cx.block(), *word, *ty, &mut bytes_left))
        .collect();
    if bytes_left == 0 {
        let message = format!("arguments of more than {VALUES_BYTES_MAX} bytes");
        return cx.trap_with(ErrorKind::SystemLimit, message);
    }
    let random = if draws { cx.draw() } else { 0 };
    cx.core.open_call(|call, fiber| Output::HostCall { call, fiber, host: HostId(host), args, random });
    cx.wait_for_host()
}

impl Cx<'_> {
    pub(super) fn wait_for_host<T>(&mut self) -> Result<T, Stop> {
        self.core.park_as = State::HostCall;
        Err(Stop::Parked)
    }
}
