//! The instructions of a function while it is made: labels, locals, source lines.
//!
//! **Invariant:** what is printed is reached from the function's start, since the assembler takes nothing else.

use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::rc::Rc;

/// A label of a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Label(u32);

/// A local of the machine's function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Slot(u32);

/// A line of a function's body.
#[derive(Clone, Debug)]
enum What {
    Op(Cow<'static, str>),
    Label(Label),
    Jump(&'static str, Label),
    Switch(Vec<Label>),
    Serve(Label, Slot),
    /// Traps between the first two go on at the third.
    Handle([Label; 3]),
}

#[derive(Clone, Debug)]
struct Item {
    what: What,
    line: u32,
}

#[derive(Debug)]
struct Local {
    name: String,
    ty: Rc<str>,
    is_param: bool,
}

/// A function's body while it is made.
#[derive(Debug, Default)]
pub(super) struct Code {
    items: Vec<Item>,
    /// What stands behind the rest, as it is seldom reached.
    cold: Vec<Item>,
    labels: u32,
    named: FxHashMap<String, Label>,
    slots: Vec<Local>,
    free: FxHashMap<Rc<str>, Vec<Slot>>,
    /// Locals of the scopes that are open.
    open: Vec<Slot>,
    /// The source line of what is emitted.
    pub(super) line: u32,
    /// Operands that wait on the stack.
    pub(super) height: usize,
}

/// Instructions that the next one is not reached from.
fn ends(op: &str) -> bool {
    let word = op.split_whitespace().next().unwrap_or("");
    matches!(word, "ret" | "panic" | "raise" | "exit" | "tail_call" | "tail_call_value" | "jmp")
}

impl Code {
    pub(super) fn new() -> Code {
        Code { line: 1, ..Code::default() }
    }

    pub(super) fn op(&mut self, op: impl Into<Cow<'static, str>>) {
        let item = Item { what: What::Op(op.into()), line: self.line };
        self.items.push(item);
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.items.len() + self.cold.len()
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    /// The label of a name that instructions of the standard library use.
    pub(super) fn named_label(&mut self, name: &str) -> Label {
        if let Some(known) = self.named.get(name) {
            return *known;
        }
        let label = self.label();
        self.named.insert(name.to_owned(), label);
        label
    }

    /// A number that no other call of this gives.
    pub(super) fn unique(&mut self) -> u32 {
        let Label(number) = self.label();
        number
    }

    pub(super) fn bind(&mut self, label: Label) {
        self.items.push(Item { what: What::Label(label), line: self.line });
    }

    pub(super) fn jump(&mut self, how: &'static str, to: Label) {
        self.items.push(Item { what: What::Jump(how, to), line: self.line });
    }

    pub(super) fn switch(&mut self, to: Vec<Label>) {
        self.items.push(Item { what: What::Switch(to), line: self.line });
    }

    pub(super) fn serve(&mut self, at: Label, state: Slot) {
        self.items.push(Item { what: What::Serve(at, state), line: self.line });
    }

    pub(super) fn handle(&mut self, labels: [Label; 3]) {
        self.items.push(Item { what: What::Handle(labels), line: self.line });
    }

    pub(super) fn load(&mut self, slot: Slot) {
        let op = format!("load {}", self.slot_name(slot));
        self.op(op);
    }

    pub(super) fn store(&mut self, slot: Slot) {
        let op = format!("store {}", self.slot_name(slot));
        self.op(op);
    }

    fn slot_name(&self, slot: Slot) -> &str {
        self.slots.get(slot.0 as usize).map_or("", |local| &local.name)
    }

    pub(super) fn slot_type(&self, slot: Slot) -> Rc<str> {
        self.slots.get(slot.0 as usize).map_or_else(|| Rc::from("Any"), |local| Rc::clone(&local.ty))
    }

    pub(super) fn param(&mut self, name: &str, ty: Rc<str>) -> Slot {
        self.add(name, ty, true)
    }

    fn add(&mut self, name: &str, ty: Rc<str>, is_param: bool) -> Slot {
        let number = self.slots.len() as u32;
        self.slots.push(Local { name: format!("{name}_{number}"), ty, is_param });
        Slot(number)
    }

    /// A local of the compiler's own, until the scope that is open ends. Its name is none of the program's.
    pub(super) fn slot(&mut self, name: &str, ty: Rc<str>) -> Slot {
        self.named_slot(&format!("{name}_"), ty)
    }

    /// A local that keeps its name until the function's end.
    pub(super) fn lasting_slot(&mut self, name: &str, ty: Rc<str>) -> Slot {
        self.add(name, ty, false)
    }

    /// A local of a type, until the scope that is open ends.
    pub(super) fn named_slot(&mut self, name: &str, ty: Rc<str>) -> Slot {
        let slot = match self.free.get_mut(&ty).and_then(Vec::pop) {
            Some(free) => free,
            None => self.add(name, ty, false),
        };
        self.open.push(slot);
        slot
    }

    pub(super) fn open_scope(&self) -> usize {
        self.open.len()
    }

    pub(super) fn close_scope(&mut self, mark: usize) {
        while self.open.len() > mark {
            let Some(slot) = self.open.pop() else { return };
            let ty = self.slot_type(slot);
            self.free.entry(ty).or_default().push(slot);
        }
    }

    /// How many locals there are, and how many of them are parameters.
    pub(super) fn local_count(&self) -> usize {
        self.slots.len()
    }

    /// Starts code that is seldom reached; [`Code::end_cold`] takes what this gives.
    pub(super) fn start_cold(&mut self) -> Started {
        Started { items: std::mem::take(&mut self.items), height: self.height, line: self.line }
    }

    pub(super) fn end_cold(&mut self, started: Started) {
        let cold = std::mem::replace(&mut self.items, started.items);
        self.cold.extend(cold);
        self.height = started.height;
        self.line = started.line;
    }

    /// Marks the instructions that are reached from the start, and the labels that something leads to.
    fn reached(&self) -> (Vec<bool>, Vec<bool>) {
        let mut places = vec![usize::MAX; self.labels as usize];
        for (at, item) in self.items.iter().enumerate() {
            if let What::Label(label) = &item.what
                && let Some(place) = places.get_mut(label.0 as usize)
            {
                *place = at;
            }
        }
        let mut reached = vec![false; self.items.len()];
        let mut used = vec![false; self.labels as usize];
        let mut work = vec![0];
        while let Some(mut at) = work.pop() {
            while let (Some(item), Some(seen @ false)) = (self.items.get(at), reached.get_mut(at)) {
                *seen = true;
                let (targets, goes_on): (&[Label], bool) = match &item.what {
                    What::Op(op) => (&[], !ends(op)),
                    What::Label(_) | What::Serve(..) => (&[], true),
                    What::Handle(labels) => (labels, true),
                    What::Jump(how, to) => (std::slice::from_ref(to), *how != "jmp"),
                    What::Switch(to) => (to, true),
                };
                for target in targets {
                    used.get_mut(target.0 as usize).into_iter().for_each(|used| *used = true);
                    work.extend(places.get(target.0 as usize).copied().filter(|place| *place < self.items.len()));
                }
                if !goes_on {
                    break;
                }
                at += 1;
            }
        }
        (reached, used)
    }

    /// Lets jumps to jumps go where those lead.
    fn thread(&mut self) {
        let mut leads: FxHashMap<Label, Label> = FxHashMap::default();
        let mut here: Vec<Label> = Vec::new();
        for item in &self.items {
            match &item.what {
                What::Label(label) => here.push(*label),
                What::Jump("jmp", to) => {
                    for label in here.drain(..) {
                        leads.insert(label, *to);
                    }
                }
                What::Op(_) | What::Jump(..) | What::Switch(_) | What::Serve(..) | What::Handle(_) => here.clear(),
            }
        }
        let follow = |label: &mut Label| {
            for _ in 0..8 {
                match leads.get(label) {
                    Some(to) if to != label => *label = *to,
                    Some(_) | None => break,
                }
            }
        };
        for item in &mut self.items {
            match &mut item.what {
                What::Jump(_, to) => follow(to),
                What::Switch(to) => to.iter_mut().for_each(follow),
                What::Op(_) | What::Label(_) | What::Serve(..) | What::Handle(_) => {}
            }
        }
    }

    /// Leaves out what is never reached, and jumps to what follows anyway.
    fn tidy(&mut self) {
        self.thread();
        for _ in 0..8 {
            let (reached, used) = self.reached();
            let before = self.items.len();
            let mut kept: Vec<Item> = Vec::with_capacity(before);
            let serves: Vec<Label> = self.serve_labels();
            for (item, reached) in std::mem::take(&mut self.items).into_iter().zip(reached) {
                let keep = match &item.what {
                    What::Label(label) => {
                        reached && (used.get(label.0 as usize).copied().unwrap_or(false) || serves.contains(label))
                    }
                    What::Serve(..) => true,
                    What::Op(_) | What::Jump(..) | What::Switch(_) | What::Handle(_) => reached,
                };
                if !keep {
                    continue;
                }
                if let What::Label(_) = item.what {
                    // Labels at one place: a jump before them that leads to one of them is none.
                    drop_jump(&mut kept, &item);
                    turn_jump(&mut kept, &item);
                }
                kept.push(item);
            }
            self.items = kept;
            if self.items.len() == before {
                return;
            }
        }
    }

    fn serve_labels(&self) -> Vec<Label> {
        self.items
            .iter()
            .filter_map(|item| if let What::Serve(label, _) = &item.what { Some(*label) } else { None })
            .collect()
    }

    /// Ends the body: what is seldom reached goes behind the rest.
    pub(super) fn finish(&mut self) {
        let cold = std::mem::take(&mut self.cold);
        self.items.extend(cold);
        self.tidy();
    }

    /// Writes the locals and instructions. `lines` gets the source line of each line of the text, whose first is `at`.
    pub(super) fn print(&self, out: &mut String, at: &mut u32, lines: &mut Vec<(u32, u32)>) {
        for local in self.slots.iter().filter(|local| !local.is_param) {
            put(out, at, &format!("    local {}: {}", local.name, local.ty));
        }
        let mut last = 0;
        for item in &self.items {
            let text = match &item.what {
                What::Op(op) => format!("    {op}"),
                What::Label(label) => format!("L{}:", label.0),
                What::Jump(how, to) => format!("    {how} L{}", to.0),
                What::Switch(to) => {
                    let to: Vec<String> = to.iter().map(|label| format!("L{}", label.0)).collect();
                    format!("    switch ({})", to.join(" "))
                }
                What::Handle([from, to, at]) => format!("    handle L{} L{} L{}", from.0, to.0, at.0),
                What::Serve(label, slot) => format!("    serve L{} {}", label.0, self.slot_name(*slot)),
            };
            if item.line != last {
                lines.push((*at, item.line));
                last = item.line;
            }
            put(out, at, &text);
        }
    }

    /// The parameters in brackets or parentheses, from one up to another.
    pub(super) fn params(&self, from: usize, to: usize) -> String {
        let params = self.slots.iter().filter(|local| local.is_param).skip(from).take(to.saturating_sub(from));
        params.map(|local| format!("{}: {}", local.name, local.ty)).collect::<Vec<_>>().join(", ")
    }
}

/// Drops a jump to what follows anyway.
fn drop_jump(kept: &mut Vec<Item>, label: &Item) {
    let What::Label(label) = label.what else { return };
    let labels = kept.iter().rev().take_while(|item| matches!(item.what, What::Label(_))).count();
    let Some(before) = kept.len().checked_sub(labels + 1) else { return };
    if matches!(kept.get(before).map(|item| &item.what), Some(What::Jump("jmp", to)) if *to == label) {
        kept.remove(before);
    }
}

/// Makes one jump of one over another.
fn turn_jump(kept: &mut Vec<Item>, label: &Item) {
    let What::Label(label) = label.what else { return };
    let Some([first, second]) = kept.last_chunk() else { return };
    let (What::Jump(how, over), What::Jump("jmp", to)) = (&first.what, &second.what) else { return };
    let turned = match *how {
        "jmp_if" => "jmp_unless",
        "jmp_unless" => "jmp_if",
        _ => return,
    };
    if *over != label {
        return;
    }
    let item = Item { what: What::Jump(turned, *to), line: first.line };
    kept.truncate(kept.len() - 2);
    kept.push(item);
}

/// See [`Code::start_cold`].
pub(super) struct Started {
    items: Vec<Item>,
    height: usize,
    line: u32,
}

/// Writes a line.
pub(super) fn put(out: &mut String, at: &mut u32, line: &str) {
    out.push_str(line);
    out.push('\n');
    *at += 1;
}

/// A text literal of the assembly.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            other if other.is_control() => out.push_str(&format!("\\u{{{:x}}}", other as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A byte string literal of the assembly.
pub(super) fn quoted_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("b\"");
    for byte in bytes {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x20..=0x7e => out.push(char::from(*byte)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out.push('"');
    out
}

/// A name between backquotes.
pub(super) fn backquoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// A float literal of the assembly.
pub(super) fn float_text(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { format!("0f{:016x}", value.to_bits()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(code: &mut Code) -> String {
        code.finish();
        let (mut out, mut at, mut lines) = (String::new(), 1, Vec::new());
        code.print(&mut out, &mut at, &mut lines);
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_never_reached_is_left_out() {
        let mut code = Code::default();
        let (end, other) = (code.label(), code.label());
        code.jump("jmp", end);
        code.bind(other);
        code.op("push 1");
        code.op("drop");
        code.bind(end);
        code.op("ret");
        assert_eq!(text(&mut code), "ret");
    }

    #[test]
    fn floats_are_read_back() {
        assert_eq!(float_text(1e300), "1e300");
        assert_eq!(float_text(f64::INFINITY), "0f7ff0000000000000");
    }
}
