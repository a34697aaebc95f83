//! Fibers, messages, exits.

use super::Cx;
use crate::core::Undelivered;
use crate::exit::{ErrorKind, ExitReason};
use crate::heap::copy::{CopyError, Fragment, relocate};
use crate::heap::word::{self, Header, Kind, is_reference};
use crate::interp::Stop;
use crate::mailbox::Message;
use crate::types::TypeId;
use crate::value::Value;
use fardel_bytecode::types::{self, Repr};

/// Bytes of the value in an exit reason; what is behind is left out.
const REASON_BYTES_MAX: usize = 1 << 20;
/// Bytes of one message.
const MESSAGE_BYTES_MAX: usize = 1 << 30;

impl Cx<'_> {
    fn copy_failed<T>(&mut self, error: CopyError) -> Result<T, Stop> {
        let message = match error {
            CopyError::OutOfMemory => "no memory for a message".to_owned(),
            CopyError::TooLarge => format!("a message of more than {MESSAGE_BYTES_MAX} bytes"),
        };
        self.trap_with(ErrorKind::SystemLimit, message)
    }

    /// Puts a fragment on the heap, where there is room for it, and gives the distance for [`relocate`].
    pub(crate) fn take_in(&mut self, fragment: Fragment) -> u64 {
        let (slot, block, top) = (self.core.current, self.block(), self.core.saved.top);
        self.core.saved.top = top + fragment.bytes();
        if !fragment.has_shared() {
            return fragment.adopt(block, top, None);
        }
        let refs = &mut self.core.fibers.side_or_new(slot).shared_refs;
        let before = refs.len();
        let delta = fragment.adopt(block, top, Some(refs));
        let outside: u64 = refs[before..].iter().map(|offset| block.load(*offset as usize + 24)).sum();
        self.core.count_outside(outside as usize);
        delta
    }

    /// A value of a static type as the message that carries it: numbers become words.
    fn message(&mut self, value: u64, ty: TypeId) -> Result<Message, Stop> {
        match self.core.types.get(ty).repr {
            Repr::Bool => Ok(Message::Word(word::bool_word(value != 0))),
            Repr::Int => Ok(match word::small_int(value as i64) {
                Some(small) => Message::Word(small),
                None => Message::Inline(Header::new(Kind::BoxInt, types::INT.0, 1, 0), [value, 0, 0]),
            }),
            Repr::Float => Ok(Message::Inline(Header::new(Kind::BoxFloat, types::FLOAT.0, 1, 0), [value, 0, 0])),
            Repr::Word => {
                let block = self.block();
                match Message::copy(block, value, &mut self.core.shared, MESSAGE_BYTES_MAX) {
                    Ok(message) => Ok(message),
                    Err(error) => self.copy_failed(error),
                }
            }
        }
    }
}

/// `a` := the address of a new fiber in the function in the extension, with the arguments from `a` on.
pub(crate) fn spawn(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let function = cx.extra as u32;
    let entry = &cx.core.functions[function as usize];
    let is_word = entry.param_words.clone();
    let mut args = cx.slots_from_a(is_word.len());
    let has_reference = args.iter().zip(is_word.iter()).any(|(word, is_word)| *is_word && is_reference(*word));
    let fragment = if has_reference {
        let mut roots: Vec<u64> = args.iter().zip(is_word.iter()).filter(|(_, is)| **is).map(|(word, _)| *word).collect();
        let block = cx.block();
        let made = Fragment::make(block, &mut roots, &mut cx.core.shared, MESSAGE_BYTES_MAX);
        let mut roots = roots.into_iter();
        for (word, _) in args.iter_mut().zip(is_word.iter()).filter(|(_, is)| **is) {
            *word = roots.next().unwrap_or_default();
        }
        match made {
            Ok(fragment) => fragment,
            Err(error) => return cx.copy_failed(error),
        }
    } else {
        Fragment::default()
    };
    cx.charge(fragment.bytes());
    match cx.core.start(function, &args, &is_word, fragment) {
        Ok(slot) => {
            let address = word::address_word(cx.core.fibers.id(slot));
            cx.set_a(address);
            Ok(())
        }
        Err(fragment) => {
            fragment.discard(&mut cx.core.shared);
            cx.trap_with(ErrorKind::SystemLimit, "no place or memory for another fiber".to_owned())
        }
    }
}

/// Sends `a`, of the type in the extension, to the fiber `b`.
pub(crate) fn send(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let message = cx.message(cx.a(), cx.extra as TypeId)?;
    cx.charge(message.bytes());
    let to = word::address_of(cx.b());
    match cx.core.deliver(to, message) {
        Ok(()) => Ok(()),
        Err(Undelivered::MailboxFull) => cx.trap_with(ErrorKind::SystemLimit, format!("the mailbox of {to} is full")),
        Err(Undelivered::OutOfMemory) => cx.copy_failed(CopyError::OutOfMemory),
    }
}

/// `a` := the first message of the mailbox; waits for one.
pub(crate) fn await_recv(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let slot = cx.core.current;
    let fiber = cx.core.fibers.get(slot);
    if fiber.count == 0 {
        return Err(Stop::Waiting);
    }
    let bytes = cx.core.messages.first_bytes(fiber);
    if bytes > 0 {
        cx.reserve(bytes)?;
    }
    let Some(message) = cx.core.messages.pop(cx.core.fibers.get_mut(slot)) else { return Err(Stop::Waiting) };
    // The sender has paid for the message; whether it came while this fiber waited must make no difference.
    let word = match message {
        Message::Fragment(root, fragment) => relocate(root, cx.take_in(fragment)),
        Message::Word(_) | Message::Inline(..) => {
            let top = cx.core.saved.top;
            cx.core.saved.top = top + bytes;
            message.adopt(cx.block(), top, None)
        }
    };
    cx.set_a(word);
    Ok(())
}

impl Cx<'_> {
    /// The exit reason that a value means.
    fn exit_reason(&self, value: u64) -> ExitReason {
        let value = crate::convert::to_value(self.core, self.block(), value, types::ANY.0, &mut { REASON_BYTES_MAX });
        let Value::Text(text) = &value else {
            return if value == Value::Null { ExitReason::Normal } else { ExitReason::ShutdownWith(value) };
        };
        match text.as_str() {
            "normal" => ExitReason::Normal,
            "shutdown" => ExitReason::Shutdown,
            "kill" => ExitReason::Killed,
            _ => ExitReason::ShutdownWith(value),
        }
    }
}

/// Ends the fiber with the reason `a`.
pub(crate) fn exit(cx: &mut Cx<'_>) -> Result<(), Stop> {
    cx.core.exit = cx.exit_reason(cx.a());
    Err(Stop::Exit)
}

/// Sends an exit signal with the reason `a` to the fiber `b`.
pub(crate) fn exit_other(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (to, reason) = (word::address_of(cx.b()), cx.exit_reason(cx.a()));
    if to.slot == cx.core.current && cx.core.fibers.find(to).is_some() {
        // To itself it is an exit.
        cx.core.exit = reason;
        return Err(Stop::Exit);
    }
    cx.core.signal(to, reason);
    Ok(())
}

/// `a` := a fresh token.
pub(crate) fn new_ref(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let header = Header::new(Kind::Ref, types::REF.0, 1, 0);
    cx.reserve(header.bytes())?;
    let slot = cx.core.current;
    let side = cx.core.fibers.side_or_new(slot);
    side.refs_made += 1;
    let made = side.refs_made;
    let id = cx.core.fibers.id(slot);
    // Unique on this machine as long as a fiber makes fewer than 2^20 of them: the rest of its id is folded in above.
    let token = super::hash::mix(u64::from(id.slot) << 32 | u64::from(id.generation), made) & !0xf_ffff | made & 0xf_ffff;
    let at = cx.add_object(header);
    cx.set_field(at, 0, token);
    cx.set_a(at);
    Ok(())
}

/// Traps with the text `a`.
pub(crate) fn panic(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let message = cx.text(cx.a()).to_owned();
    cx.charge(message.len());
    cx.trap_with(ErrorKind::Panic, message)
}

/// Traps with the kind `a` and the text `b`.
pub(crate) fn raise(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (name, message) = (cx.text(cx.a()).to_owned(), cx.text(cx.b()).to_owned());
    cx.charge(name.len() + message.len());
    cx.core.trap_kind = ErrorKind::ALL.iter().copied().find(|kind| kind.name() == name).unwrap_or(ErrorKind::Raised);
    cx.core.trap_text = Some((Some(name), message));
    Err(Stop::Trap)
}

/// Traps: the instruction is not carried out by this machine.
pub(crate) fn not_available(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let name = fardel_bytecode::Opcode::from_number(cx.extra as u32).map_or("", |opcode| opcode.info().mnemonic);
    cx.trap_with(ErrorKind::NotAvailable, format!("`{name}` is not carried out by this machine"))
}
