//! Barriers: a fiber counts who has come, and answers all when they are enough.

use super::Cx;
use super::fibers::{Arrived, TOKEN};
use crate::exit::{Cause, ErrorKind};
use crate::fiber::{FiberId, State};
use crate::heap::fragment::Fragment;
use crate::heap::word::{self, Header, Kind, NULL};
use crate::interp::Stop;
use crate::mailbox::Origin;
use crate::message::Message;
use crate::random;
use crate::ties::Slot;
use crate::types::TypeId;
use fardel_bytecode::system::Reason;
use fardel_bytecode::types;

/// `a` := the address of a new barrier for `a` fibers.
pub(crate) fn barrier_new(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let parties = cx.a() as i64;
    if parties < 1 {
        return cx.trap_with(ErrorKind::OutOfRange, format!("a barrier for {parties} fibers"));
    }
    let seed = random::split(cx.draw());
    let function = cx.core.barrier_function();
    let Some((slot, fp)) = function.and_then(|function| cx.core.begin(function, 0, seed)) else {
        return cx.trap_with(ErrorKind::SystemLimit, "no place or memory for a barrier".to_owned());
    };
    let block = cx.core.fibers.get(slot).block;
    block.store(fp + usize::from(crate::code::slot_offset(0)), parties as u64);
    cx.core.launch(slot);
    let address = word::address_word(cx.core.fibers.id(slot));
    cx.set_a(address);
    Ok(())
}

impl Cx<'_> {
    /// Sends a message of the machine's own, which needs no room; whether it was taken.
    fn tell(&mut self, barrier: FiberId, message: Message, ty: TypeId) -> bool {
        let is_fiber = self.core.fibers.find(barrier).is_some_and(|fiber| fiber.state != State::Outside);
        if !is_fiber {
            message.discard(&mut self.core.shared);
            return false;
        }
        self.core.notify(barrier.slot, message, ty, Origin::System)
    }
}

/// `a` := the order of arrival at the barrier `a`; null after so many milliseconds as the next slot says; or why the
/// barrier has ended.
///
/// It runs twice: first it arrives, then it takes what has come. The fiber's side record says which.
pub(crate) fn barrier_wait(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (barrier, millis) = (word::address_of(cx.arg(0)), cx.arg(1) as i64);
    let number = match cx.waits_at() {
        Some(number) => number,
        None => {
            if barrier == cx.core.fibers.id(cx.core.current) {
                return cx.trap(ErrorKind::WaitsForItself);
            }
            cx.reserve_slot()?;
            let (own, number) = (cx.core.current, cx.draw());
            cx.core.open_slot(own, number, barrier);
            cx.core.fibers.side_or_new(own).slot = Some(number);
            let token = Message::Inline(TOKEN, [cx.core.current_address, number, 0]);
            if cx.core.fibers.is_alive(barrier) && !cx.tell(barrier, token, types::REF.0) {
                let refused = Slot::Gone(Cause::Plain(Reason::Denied));
                // It was opened just now.
                let _ = cx.core.answer_slot(cx.core.fibers.id(own), number, refused);
            }
            number
        }
    };
    let result = match cx.at_slot(number, millis)? {
        Arrived::Gone(result) | Arrived::Reply(result) => result,
        Arrived::TimeOver | Arrived::NoSlot => {
            // The others must not count on it.
            let mut fragment = Fragment::default();
            let token = fragment.push(TOKEN, &[cx.core.current_address, number]);
            let storage = fragment.push(Header::scanned(Kind::Storage, 0, 1), &[token]);
            let list = fragment.push(Header::new(Kind::List, types::LIST_ANY.0, 2, 1), &[storage, 1]);
            let leave = Message::Fragment(list, fragment);
            cx.tell(barrier, leave, types::LIST_ANY.0);
            NULL
        }
    };
    cx.set_a(result);
    Ok(())
}
