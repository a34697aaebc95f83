//! The instruction set, declared once.
//!
//! A row of the table below is all there is to say about an instruction: its documentation, its number, its name, its
//! operands, what it does to the operand stack and its effects. Encoder, decoder, assembler, disassembler, verifier,
//! the reference document, the editor grammars and the generator of programs derive from it. Whoever handles every
//! instruction matches on [`Inst`] without a wildcard, so a new row that is not handled does not compile.
//!
//! **Invariant:** numbers are explicit and never used again; a retired one stays behind as a comment.

use crate::index::{FieldIndex, FunctionIndex, HostIndex, LocalIndex, TargetIndex, TypeIndex, VariantIndex};
use crate::leb::{self, ReadError, Reader};
use crate::operand::{BytesData, Depth, FloatBits, Operand, OperandKind, Targets, TextData};
use crate::types::{
    ADDRESS, ANY, BOOL, BYTES, BYTES_BUILDER, FLOAT, INT, LIST_TEXT, NULL, OPTION_ANY, OPTION_FLOAT, OPTION_INT,
    OPTION_TEXT, REF, TEXT, TEXT_BUILDER,
};

/// Effects of an instruction besides those on the operand stack, as bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effects(pub u16);

/// Nothing but the operand stack changes.
pub const PURE: Effects = Effects(0);
/// May end in a trap.
pub const TRAPS: Effects = Effects(1);
/// May park the fiber.
pub const BLOCKS: Effects = Effects(1 << 1);
/// May take memory from the fiber's block, and so may collect.
pub const ALLOCATES: Effects = Effects(1 << 2);
/// The fiber may stop before it, and run it again from the start.
pub const SAFE: Effects = Effects(1 << 3);
/// Charges one fuel a KiB of operand, and works in resumable pieces with few exceptions.
pub const BULK: Effects = Effects(1 << 4);
/// The instruction after it is reached only by a branch.
pub const ENDS: Effects = Effects(1 << 5);
/// Charges [`COSTLY_FUEL`], as it takes as long as so many jumps.
pub const COSTLY: Effects = Effects(1 << 6);

/// Fuel that an instruction with the effect [`COSTLY`] charges when it is begun.
pub const COSTLY_FUEL: u32 = 16;

impl Effects {
    /// Every effect with its word.
    pub const ALL: [(Effects, &'static str); 7] = [
        (TRAPS, "traps"),
        (BLOCKS, "blocks"),
        (ALLOCATES, "allocates"),
        (SAFE, "safe point"),
        (BULK, "bulk"),
        (ENDS, "ends"),
        (COSTLY, "costly"),
    ];

    /// Both sets of effects.
    pub const fn and(self, other: Effects) -> Effects {
        Effects(self.0 | other.0)
    }

    /// Whether `other` is among them.
    pub const fn has(self, other: Effects) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What an instruction does to the operand stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Pops exactly these types (the last is the top) and pushes these.
    Fixed(&'static [TypeIndex], &'static [TypeIndex]),
    /// A rule over types.
    Rule(Rule),
}

macro_rules! rules {
    ($($name:ident $text:literal;)*) => {
        /// A typing rule that is more than a fixed list of types.
        ///
        /// The text states it: what is popped, `--`, what is pushed; the top of the stack is on the right.
        /// A popped operand may be of any type assignable to the one named. `T`, `K`, `V` stand for any type.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Rule {$(
            #[doc = concat!("`", $text, "`")]
            $name,
        )*}

        impl Rule {
            /// The rule in words.
            pub const fn text(self) -> &'static str {
                match self { $(Rule::$name => $text,)* }
            }
        }
    };
}

rules! {
    PushFunction "-- F; F is the function's type `fn(params) -> result`, which the module declares; a function with captured values is refused";
    Dup "T -- T T";
    Drop "T --";
    Swap "T U -- U T";
    Over "T U -- T U T";
    Load "-- T; T is the local's type; the local is assigned";
    Store "T --; T is assignable to the local's type";
    Tee "T -- L; T is assignable to the local's type L; what stays on the stack has that type";
    Arithmetic "N N -- N; N is Int, Float or Any; one Any makes the other operand a word";
    ArithmeticUnary "N -- N; N is Int, Float or Any";
    Bitwise "B B -- B; B is Int or Bool, both alike";
    Equality "T U -- Bool; T and U are one type, or both are words";
    Ordering "T T -- Bool; T is Int, Float, Bool, Text, Bytes or Any, or one operand is Any and the other a word";
    Compare "T T -- Int; T as for the ordering instructions";
    IsNull "T -- Bool; T is a word";
    Show "T -- Text";
    Jump "--; continues at the target";
    JumpBool "Bool --; both ways continue with what is below";
    JumpNull "O --; O is Option<T> or Any; at the target nothing is pushed, else T (for Any: Any)";
    Switch "Int --; all targets and the next instruction continue with what is below";
    Call "params -- result; the function's";
    TailCall "params --; the function's result is assignable to this one's, or neither has one; the rest of the stack is dropped";
    CallValue "params F -- result; F is the named function type";
    TailCallValue "params F --; as tail_call";
    Closure "captures -- F; the types of the function's captured values, one at least, the last on top; F as for push_function";
    Return "result --; assignable to the function's result, nothing if it has none; the rest of the stack is dropped";
    ToAny ".. T .. -- .. Any ..; the operand that is the given number below the top";
    Cast "Any -- T; T is not Any; Option, Function and every other type alike";
    Is "Any -- Bool";
    Some "T -- Option<T>; the named type is an option";
    Unwrap "O -- T; O is the named type, Option<T>";
    New "fields -- T; T is a tuple, record or object, its fields in order";
    Field "T -- field; T is a tuple, record or object";
    With "T field -- T; T is a tuple or record";
    SetField "T field --; T is an object and the field mutable";
    NewVariant "fields -- T; T is a sum type, the variant's fields in order";
    Tag "T -- Int; T is a sum type";
    Payload "T -- field; T is a sum type; traps when the value is another variant";
    Len "T -- Int; T is Text, Bytes, an array, a List, Map, Set or builder";
    ByteAt "T Int -- Int; T is Text or Bytes";
    Concat "T T -- T; T is Text or Bytes";
    Slice "T Int Int -- T; T is Text, Bytes, an array or a List; from the first position up to, not including, the second";
    Find "T T Int -- Option<Int>; T is Text or Bytes: haystack, needle, where to start";
    ListNew "-- T; T is a List";
    ListPush "List<T> T --";
    ListPop "List<T> -- T";
    Get "List<T> Int -- T, array Int -- element, Map<K, V> K -- V";
    Set "List<T> Int T --, array Int element --, Map<K, V> K V --";
    ListInsert "List<T> Int T --";
    ListRemove "List<T> Int -- T";
    ListTruncate "List<T> Int --";
    Append "L L --; L is a List; the second's elements are added to the first";
    MapNew "-- T; T is a Map or Set";
    MapFind "Map<K, V> K -- Option<V>; the option type is built in or declared; where V is Any it is Any itself, Null when absent";
    MapGetOr "Map<K, V> K V -- V";
    MapHas "M K -- Bool; M is Map<K, V> or Set<K>";
    MapRemove "M K -- Bool; whether it was there; M is Map<K, V> or Set<K>";
    MapSlot "Map<K, V> K V -- Int; the entry's position, after it was inserted with the value where absent";
    MapNext "M Int -- Int; the first entry's position from there on, or -1; M is a Map or Set";
    MapKeyAt "M Int -- K; M is Map<K, V> or Set<K>";
    MapValueAt "Map<K, V> Int -- V";
    MapSetAt "Map<K, V> Int V --";
    Clear "C --; C is a List, Map, Set or builder";
    SetAdd "Set<K> K -- Bool; whether it was new";
    ArrayNew "Int -- T; T is an array; its elements are zero";
    Fill "A element Int Int --; A is an array; from the first position up to, not including, the second";
    CopyRange "A Int A Int Int --; target, where; source, from, to; A is an array type or a List, both alike";
    Copy "T -- T; T is an array, List, Map, Set or object; its elements are not copied";
    BuilderAdd "TextBuilder Text --, BytesBuilder Bytes --";
    BuilderByte "B Int --; B is a builder";
    BuilderInt "B Int --; B is a builder";
    BuilderFinish "TextBuilder -- Text, BytesBuilder -- Bytes; the builder is empty afterwards";
    CallHost "params -- result; the host function's";
    Spawn "params -- Address; the function takes no captured values";
    SpawnOn "params node -- Any; node is Any; an Address, or an error value";
    SpawnWith "params options -- Any; options is Map<Any, Any>; an Address, or an error value";
    Send "T Address --; T is the named type, the message";
    SendStatus "T Address -- Bool; T is the named type, the message; whether it was taken";
    Receive "-- T; T is the named type";
    ReceiveUntil "Int -- Option<T>; how long to wait, in milliseconds, negative for ever; T is the named type";
    RemoteCall "T Ref Address --; T is the named type, the message";
    Deliver "T Ref Int --; T is a tuple, record or object, the message for a time that is over, and the field an answer";
    DeliverVariant "T Ref Int --; T is a sum type, the message for a time that is over, and the field an answer; traps when the value is another variant";
    Register "Text Address -- Bool; the named type is that of the messages; whether the name was free";
    Whereis "Text -- Any; the named type is that of the messages; an Address, null, or an error value";
    ClusterRegister "Text Address Text -- Any; the named type is that of the messages; the second Text says who keeps the name in a conflict; whether the name was free, or an error value";
    GroupJoin "Text Address -- Any; the named type is that of the messages; whether the fiber was no member before, or an error value";
    GroupMembers "Text -- List<Any>; the named type is that of the messages; addresses";
    TimerStart "T Address Int -- Ref; T is the named type, the message; Int in milliseconds";
}

/// All facts about an instruction.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Which one.
    pub opcode: Opcode,
    /// Its name in text.
    pub mnemonic: &'static str,
    /// Its operands: name and kind.
    pub operands: &'static [(&'static str, OperandKind)],
    /// What it does to the operand stack.
    pub effect: Effect,
    /// Its other effects.
    pub effects: Effects,
    /// What it does, in sentences.
    pub doc: &'static str,
}

macro_rules! instructions {
    (<$lt:lifetime>
        $($(#[doc = $doc:literal])+
        $number:literal $name:ident $mnemonic:literal { $($field:ident: $ty:ty),* } $effect:expr, $effects:expr;)*) => {
        /// An instruction without its operands; the value is its stable number.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u16)]
        pub enum Opcode {$(
            $(#[doc = $doc])+
            $name = $number,
        )*}

        /// A decoded instruction.
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub enum Inst<$lt> {$(
            $(#[doc = $doc])+
            $name {$(
                #[doc = concat!("The operand `", stringify!($field), "`.")]
                $field: $ty,
            )*},
        )*}

        impl<$lt> Inst<$lt> {
            const TABLE: &'static [Info] = &[$(
                Info {
                    opcode: Opcode::$name,
                    mnemonic: $mnemonic,
                    operands: &[$((stringify!($field), <$ty as Operand<$lt>>::KIND)),*],
                    effect: $effect,
                    effects: $effects,
                    doc: concat!($($doc, "\n"),+),
                },
            )*];
        }

        /// Every instruction, in the order of the numbers.
        pub const INSTRUCTIONS: &[Info] = Inst::<'static>::TABLE;

        impl Opcode {
            /// The instruction with this number.
            pub const fn from_number(number: u32) -> Option<Opcode> {
                match number {
                    $($number => Some(Opcode::$name),)*
                    _ => None,
                }
            }

            /// The facts about it.
            #[inline]
            pub const fn info(self) -> &'static Info {
                const POSITIONS: [u8; 256] = positions();
                &INSTRUCTIONS[POSITIONS[self as usize] as usize]
            }
        }

        impl<$lt> Inst<$lt> {
            /// The instruction without its operands.
            pub const fn opcode(&self) -> Opcode {
                match self { $(Inst::$name { .. } => Opcode::$name,)* }
            }

            /// Reads one instruction.
            ///
            /// # Errors
            /// See [`ReadError`]; the reader then stands inside the instruction.
            #[inline]
            pub fn decode(reader: &mut Reader<$lt>) -> Result<Self, ReadError> {
                let number = reader.u32()?;
                match number {
                    $($number => Ok(Inst::$name { $($field: <$ty as Operand<$lt>>::decode(reader)?),* }),)*
                    _ => Err(ReadError::UnknownInstruction(number)),
                }
            }

            /// Appends its one encoding.
            pub fn encode(&self, out: &mut Vec<u8>) {
                leb::write_u32(out, self.opcode() as u32);
                match self {
                    $(Inst::$name { $($field),* } => { $(Operand::encode($field, out);)* })*
                }
            }

            /// The operands in order, for whoever treats all instructions alike.
            pub fn operands(&self) -> Vec<AnyOperand<$lt>> {
                match *self {
                    $(Inst::$name { $($field),* } => vec![$(AnyOperand::from($field)),*],)*
                }
            }

            /// Builds an instruction from its operands; nothing when their number or kinds are not its own.
            pub fn from_operands(opcode: Opcode, operands: &[AnyOperand<$lt>]) -> Option<Self> {
                let mut rest = operands.iter();
                let inst = match opcode {
                    $(Opcode::$name => Inst::$name { $($field: <$ty>::try_from(*rest.next()?).ok()?),* },)*
                };
                if rest.next().is_none() { Some(inst) } else { None }
            }
        }
    };
}

const fn positions() -> [u8; 256] {
    let mut positions = [0; 256];
    let mut at = 0;
    while at < INSTRUCTIONS.len() {
        positions[INSTRUCTIONS[at].opcode as usize] = at as u8;
        at += 1;
    }
    positions
}

macro_rules! any_operand {
    ($($name:ident $ty:ty;)*) => {
        /// An operand of any kind.
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub enum AnyOperand<'a> {
            $(
                #[doc = concat!("See [`OperandKind::", stringify!($name), "`].")]
                $name($ty),
            )*
            /// See [`OperandKind::Targets`].
            Targets(Targets<'a>),
        }

        $(
            impl From<$ty> for AnyOperand<'_> {
                fn from(operand: $ty) -> Self {
                    AnyOperand::$name(operand)
                }
            }

            impl TryFrom<AnyOperand<'_>> for $ty {
                type Error = OperandKind;

                fn try_from(operand: AnyOperand<'_>) -> Result<Self, OperandKind> {
                    if let AnyOperand::$name(operand) = operand { Ok(operand) } else { Err(operand.kind()) }
                }
            }
        )*

        impl AnyOperand<'_> {
            /// Its kind.
            pub fn kind(&self) -> OperandKind {
                match self {
                    $(AnyOperand::$name(_) => OperandKind::$name,)*
                    AnyOperand::Targets(_) => OperandKind::Targets,
                }
            }
        }
    };
}

any_operand! {
    Int i64;
    Float FloatBits;
    Text TextData;
    Bytes BytesData;
    Local LocalIndex;
    Type TypeIndex;
    Field FieldIndex;
    Variant VariantIndex;
    Function FunctionIndex;
    Host HostIndex;
    Target TargetIndex;
    Depth Depth;
}

impl<'a> From<Targets<'a>> for AnyOperand<'a> {
    fn from(operand: Targets<'a>) -> Self {
        AnyOperand::Targets(operand)
    }
}

impl<'a> TryFrom<AnyOperand<'a>> for Targets<'a> {
    type Error = OperandKind;

    fn try_from(operand: AnyOperand<'a>) -> Result<Self, OperandKind> {
        if let AnyOperand::Targets(targets) = operand { Ok(targets) } else { Err(operand.kind()) }
    }
}

use Effect::{Fixed, Rule as By};

const ALLOC: Effects = ALLOCATES.and(SAFE);
const ALLOC_BULK: Effects = ALLOC.and(BULK);
const SIGNAL: Effects = ALLOC.and(TRAPS);
const WAITS: Effects = SIGNAL.and(BLOCKS);

instructions! { <'a>
    // Constants and the operand stack.
    /// Pushes null.
    0 PushNull "push_null" {} Fixed(&[], &[NULL]), PURE;
    /// Pushes true.
    1 PushTrue "push_true" {} Fixed(&[], &[BOOL]), PURE;
    /// Pushes false.
    2 PushFalse "push_false" {} Fixed(&[], &[BOOL]), PURE;
    /// Pushes an integer.
    3 PushInt "push_int" { value: i64 } Fixed(&[], &[INT]), PURE;
    /// Pushes a float.
    4 PushFloat "push_float" { value: FloatBits } Fixed(&[], &[FLOAT]), PURE;
    /// Pushes a text of the module's data. Nothing is allocated.
    5 PushText "push_text" { data: TextData } Fixed(&[], &[TEXT]), PURE;
    /// Pushes a byte string of the module's data. Nothing is allocated.
    6 PushBytes "push_bytes" { data: BytesData } Fixed(&[], &[BYTES]), PURE;
    /// Pushes a function without captured values as a function value. Nothing is allocated.
    7 PushFunction "push_function" { function: FunctionIndex } By(Rule::PushFunction), PURE;
    /// Pushes the top once more.
    8 Dup "dup" {} By(Rule::Dup), PURE;
    /// Drops the top.
    9 Drop "drop" {} By(Rule::Drop), PURE;
    /// Exchanges the two topmost.
    10 Swap "swap" {} By(Rule::Swap), PURE;
    /// Pushes a copy of the second from the top.
    11 Over "over" {} By(Rule::Over), PURE;

    // Locals.
    /// Pushes a local.
    12 Load "load" { local: LocalIndex } By(Rule::Load), PURE;
    /// Pops into a local.
    13 Store "store" { local: LocalIndex } By(Rule::Store), PURE;
    /// Stores the top into a local and keeps it.
    14 Tee "tee" { local: LocalIndex } By(Rule::Tee), PURE;

    // Arithmetic. On Any the tags are looked at, and operands that are not numbers of one kind trap with `bad_operand`.
    /// Adds. Int traps with `overflow`.
    16 Add "add" {} By(Rule::Arithmetic), TRAPS.and(ALLOC);
    /// Subtracts the top from the second. Int traps with `overflow`.
    17 Sub "sub" {} By(Rule::Arithmetic), TRAPS.and(ALLOC);
    /// Multiplies. Int traps with `overflow`.
    18 Mul "mul" {} By(Rule::Arithmetic), TRAPS.and(ALLOC);
    /// Divides the second by the top. Int truncates toward zero and traps with `divide_by_zero` and `overflow`.
    19 Div "div" {} By(Rule::Arithmetic), TRAPS.and(ALLOC);
    /// Remainder of that division, with the sign of the second; the least Int by -1 is 0. Float as IEEE 754 fmod.
    20 Rem "rem" {} By(Rule::Arithmetic), TRAPS.and(ALLOC);
    /// Changes the sign. Int traps with `overflow`.
    21 Neg "neg" {} By(Rule::ArithmeticUnary), TRAPS.and(ALLOC);
    /// Absolute value. Int traps with `overflow`.
    22 Abs "abs" {} By(Rule::ArithmeticUnary), TRAPS.and(ALLOC);
    /// The smaller. Float: NaN if either is.
    23 Min "min" {} By(Rule::Arithmetic), TRAPS.and(ALLOC);
    /// The larger. Float: NaN if either is.
    24 Max "max" {} By(Rule::Arithmetic), TRAPS.and(ALLOC);
    /// Adds modulo 2^64.
    25 AddWrap "add_wrap" {} Fixed(&[INT, INT], &[INT]), PURE;
    /// Subtracts modulo 2^64.
    26 SubWrap "sub_wrap" {} Fixed(&[INT, INT], &[INT]), PURE;
    /// Multiplies modulo 2^64.
    27 MulWrap "mul_wrap" {} Fixed(&[INT, INT], &[INT]), PURE;

    // Comparison.
    /// Whether both are equal: numbers by IEEE 754 and value, texts, bytes, tuples, records, variants and options by
    /// content; lists, maps, sets, arrays, objects, builders and function values by identity, where equal function
    /// values without captured values are one. Traps with `system_limit` where more than four million pairs of values are
    /// to be compared, as a structure that shares its parts can mean.
    32 Eq "eq" {} By(Rule::Equality), TRAPS.and(SAFE).and(BULK);
    /// Whether both differ: the negation of `eq`.
    33 Ne "ne" {} By(Rule::Equality), TRAPS.and(SAFE).and(BULK);
    /// Whether the second is less than the top. Text and Bytes compare byte by byte. Any traps with `bad_operand` on
    /// values that have no order.
    34 Lt "lt" {} By(Rule::Ordering), TRAPS.and(SAFE).and(BULK);
    /// Whether the second is at most the top.
    35 Le "le" {} By(Rule::Ordering), TRAPS.and(SAFE).and(BULK);
    /// Whether the second is greater than the top.
    36 Gt "gt" {} By(Rule::Ordering), TRAPS.and(SAFE).and(BULK);
    /// Whether the second is at least the top.
    37 Ge "ge" {} By(Rule::Ordering), TRAPS.and(SAFE).and(BULK);
    /// -1, 0 or 1 as the second is less than, equal to or greater than the top. NaN is greater than every number.
    38 Compare "compare" {} By(Rule::Compare), TRAPS.and(SAFE).and(BULK);
    /// Whether the top is null.
    39 IsNull "is_null" {} By(Rule::IsNull), PURE;
    /// Negates a truth value.
    40 Not "not" {} Fixed(&[BOOL], &[BOOL]), PURE;

    // Bits.
    /// Bitwise, or logical, and.
    41 And "and" {} By(Rule::Bitwise), PURE;
    /// Bitwise, or logical, or.
    42 Or "or" {} By(Rule::Bitwise), PURE;
    /// Bitwise, or logical, exclusive or.
    43 Xor "xor" {} By(Rule::Bitwise), PURE;
    /// Inverts every bit.
    44 BitNot "bit_not" {} Fixed(&[INT], &[INT]), PURE;
    /// Shifts the second left by the top; traps with `bad_shift` outside 0..=63.
    45 Shl "shl" {} Fixed(&[INT, INT], &[INT]), TRAPS;
    /// Shifts right and keeps the sign; traps as `shl`.
    46 Shr "shr" {} Fixed(&[INT, INT], &[INT]), TRAPS;
    /// Shifts right and fills with zeros; traps as `shl`.
    47 ShrUnsigned "shr_unsigned" {} Fixed(&[INT, INT], &[INT]), TRAPS;
    /// Counts the bits that are set.
    48 CountOnes "count_ones" {} Fixed(&[INT], &[INT]), PURE;
    /// Counts the zero bits above the highest set one; 64 for 0.
    49 LeadingZeros "leading_zeros" {} Fixed(&[INT], &[INT]), PURE;
    /// Counts the zero bits below the lowest set one; 64 for 0.
    50 TrailingZeros "trailing_zeros" {} Fixed(&[INT], &[INT]), PURE;

    // Conversion.
    /// The nearest float.
    52 IntToFloat "int_to_float" {} Fixed(&[INT], &[FLOAT]), PURE;
    /// Cuts the fraction off; traps with `out_of_range` where no Int is meant.
    53 FloatToInt "float_to_int" {} Fixed(&[FLOAT], &[INT]), TRAPS;
    /// The bits of a float as an integer. A NaN gives the one canonical NaN.
    54 FloatBits "float_bits" {} Fixed(&[FLOAT], &[INT]), PURE;
    /// The float with these bits.
    55 FloatFromBits "float_from_bits" {} Fixed(&[INT], &[FLOAT]), PURE;
    /// The value as text, as a person would write it. Cycles show as `..`, and so does what is behind the first 128 KiB.
    56 Show "show" {} By(Rule::Show), TRAPS.and(ALLOC_BULK);
    /// A float with the given number of decimals; traps with `out_of_range` outside 0..=100.
    57 ShowFixed "show_fixed" {} Fixed(&[FLOAT, INT], &[TEXT]), TRAPS.and(ALLOC);
    /// The integer that the whole text writes in decimal, with an optional sign; else null.
    58 ParseInt "parse_int" {} Fixed(&[TEXT], &[OPTION_INT]), ALLOC_BULK;
    /// The float that the whole text writes in decimal; else null.
    59 ParseFloat "parse_float" {} Fixed(&[TEXT], &[OPTION_FLOAT]), ALLOC_BULK;

    // Functions of floats. Those that IEEE 754 does not fix are computed in software, alike on every machine.
    /// Square root.
    60 Sqrt "sqrt" {} Fixed(&[FLOAT], &[FLOAT]), PURE;
    /// The nearest integer below.
    61 Floor "floor" {} Fixed(&[FLOAT], &[FLOAT]), PURE;
    /// The nearest integer above.
    62 Ceil "ceil" {} Fixed(&[FLOAT], &[FLOAT]), PURE;
    /// Without its fraction.
    63 Trunc "trunc" {} Fixed(&[FLOAT], &[FLOAT]), PURE;
    /// The nearest integer, halves away from zero.
    64 Round "round" {} Fixed(&[FLOAT], &[FLOAT]), PURE;
    /// Sine of radians.
    65 Sin "sin" {} Fixed(&[FLOAT], &[FLOAT]), PURE;
    /// Cosine of radians.
    66 Cos "cos" {} Fixed(&[FLOAT], &[FLOAT]), PURE;
    /// Tangent of radians.
    67 Tan "tan" {} Fixed(&[FLOAT], &[FLOAT]), PURE;
    /// Arc tangent of second over top, in the right quadrant.
    68 Atan2 "atan2" {} Fixed(&[FLOAT, FLOAT], &[FLOAT]), PURE;
    /// e to the power of the top.
    69 Exp "exp" {} Fixed(&[FLOAT], &[FLOAT]), PURE;
    /// Natural logarithm.
    70 Ln "ln" {} Fixed(&[FLOAT], &[FLOAT]), PURE;
    /// The second to the power of the top.
    71 Pow "pow" {} Fixed(&[FLOAT, FLOAT], &[FLOAT]), PURE;

    // Control.
    /// Jumps. A jump backwards charges one fuel.
    76 Jmp "jmp" { target: TargetIndex } By(Rule::Jump), ENDS;
    /// Jumps when true.
    77 JmpIf "jmp_if" { target: TargetIndex } By(Rule::JumpBool), PURE;
    /// Jumps when false.
    78 JmpUnless "jmp_unless" { target: TargetIndex } By(Rule::JumpBool), PURE;
    /// Jumps when null, else pushes the value inside.
    79 JmpIfNull "jmp_if_null" { target: TargetIndex } By(Rule::JumpNull), PURE;
    /// Jumps to the target with the popped number; continues behind when there is none.
    80 Switch "switch" { targets: Targets<'a> } By(Rule::Switch), PURE;
    /// Calls a function.
    81 Call "call" { function: FunctionIndex } By(Rule::Call), TRAPS.and(SAFE);
    /// Calls a function in place of this one: the frame is replaced.
    82 TailCall "tail_call" { function: FunctionIndex } By(Rule::TailCall), TRAPS.and(SAFE).and(ENDS);
    /// Calls the function value on top, of the named function type.
    83 CallValue "call_value" { ty: TypeIndex } By(Rule::CallValue), TRAPS.and(SAFE);
    /// Calls the function value on top in place of this function.
    84 TailCallValue "tail_call_value" { ty: TypeIndex } By(Rule::TailCallValue), TRAPS.and(SAFE).and(ENDS);
    /// Makes a function value that holds captured values.
    85 Closure "closure" { function: FunctionIndex } By(Rule::Closure), TRAPS.and(ALLOC);
    /// Returns.
    86 Ret "ret" {} By(Rule::Return), ENDS;
    /// Traps with `panic` and the text.
    87 Panic "panic" {} Fixed(&[TEXT], &[]), TRAPS.and(ENDS);
    /// Traps with a kind and a text: continues with what a handler got, or starts an own kind.
    88 Raise "raise" {} Fixed(&[TEXT, TEXT], &[]), TRAPS.and(ENDS);

    // Any and options.
    /// Marks a value with what it is: Int, Float and Bool become words.
    90 ToAny "to_any" { depth: Depth } By(Rule::ToAny), ALLOC;
    /// Takes an Any as a value of a type; traps with `bad_cast` when it is not one.
    91 Cast "cast" { ty: TypeIndex } By(Rule::Cast), TRAPS;
    /// Whether an Any is of a type.
    92 Is "is" { ty: TypeIndex } By(Rule::Is), PURE;
    /// Makes an option that holds the value.
    93 Some "some" { ty: TypeIndex } By(Rule::Some), ALLOC;
    /// Takes the value out of an option; traps with `null_value` when it is null.
    94 Unwrap "unwrap" { ty: TypeIndex } By(Rule::Unwrap), TRAPS;

    // Tuples, records, objects and variants.
    /// Makes a tuple, record or object.
    95 New "new" { ty: TypeIndex } By(Rule::New), TRAPS.and(ALLOC);
    /// Reads a field.
    96 Field "field" { ty: TypeIndex, field: FieldIndex } By(Rule::Field), PURE;
    /// Makes a copy in which one field differs.
    97 With "with" { ty: TypeIndex, field: FieldIndex } By(Rule::With), TRAPS.and(ALLOC);
    /// Changes a field of an object.
    98 SetField "set_field" { ty: TypeIndex, field: FieldIndex } By(Rule::SetField), PURE;
    /// Makes a variant of a sum type. One without fields allocates nothing.
    99 NewVariant "new_variant" { ty: TypeIndex, variant: VariantIndex } By(Rule::NewVariant), TRAPS.and(ALLOC);
    /// The number of a value's variant.
    100 Tag "tag" { ty: TypeIndex } By(Rule::Tag), PURE;
    /// Reads a field of a variant; traps with `bad_variant` when the value is another.
    101 Payload "payload" { ty: TypeIndex, variant: VariantIndex, field: FieldIndex } By(Rule::Payload), TRAPS;

    // Text, bytes and what several containers share. A position out of range traps with `out_of_range`.
    /// How many: bytes of a Text, Bytes or builder, elements of the others.
    104 Len "len" {} By(Rule::Len), PURE;
    /// The byte at a position.
    105 ByteAt "byte_at" {} By(Rule::ByteAt), TRAPS;
    /// One behind the other.
    106 Concat "concat" {} By(Rule::Concat), TRAPS.and(ALLOC_BULK);
    /// A copy of a part. Of a Text, both positions must be at a character's start, else `bad_text`.
    107 Slice "slice" {} By(Rule::Slice), TRAPS.and(ALLOC_BULK);
    /// Where the needle first stands at or behind a position; else null.
    108 Find "find" {} By(Rule::Find), TRAPS.and(SAFE).and(BULK);
    /// The bytes of a text.
    109 TextToBytes "text_to_bytes" {} Fixed(&[TEXT], &[BYTES]), TRAPS.and(ALLOC_BULK);
    /// The text that the bytes are in UTF-8, or null.
    110 BytesToText "bytes_to_text" {} Fixed(&[BYTES], &[OPTION_TEXT]), TRAPS.and(ALLOC_BULK);
    /// The text of one character by its code point; traps with `bad_text` where there is none.
    111 TextOfCode "text_of_code" {} Fixed(&[INT], &[TEXT]), TRAPS.and(ALLOC);
    /// The code point of the character that starts at a byte; traps with `bad_text` inside a character.
    112 CodeAt "code_at" {} Fixed(&[TEXT, INT], &[INT]), TRAPS;
    /// Reads an element; of a map the value, which traps with `no_key` when absent.
    113 Get "get" {} By(Rule::Get), TRAPS.and(SAFE).and(BULK);
    /// Changes an element; a map's entry is made when absent. An element that does not fit the array's width traps
    /// with `out_of_range`.
    114 Set "set" {} By(Rule::Set), TRAPS.and(ALLOC_BULK);
    /// A copy of the container.
    115 Copy "copy" {} By(Rule::Copy), TRAPS.and(ALLOC_BULK);
    /// Removes every element.
    116 Clear "clear" {} By(Rule::Clear), PURE;

    // Lists.
    /// Makes an empty list.
    118 ListNew "list_new" { ty: TypeIndex } By(Rule::ListNew), TRAPS.and(ALLOC);
    /// Adds at the end.
    119 ListPush "list_push" {} By(Rule::ListPush), TRAPS.and(ALLOC_BULK);
    /// Removes and pushes the last; traps with `out_of_range` on an empty list.
    120 ListPop "list_pop" {} By(Rule::ListPop), TRAPS;
    /// Inserts before a position.
    121 ListInsert "list_insert" {} By(Rule::ListInsert), TRAPS.and(ALLOC_BULK);
    /// Removes and pushes the element at a position.
    122 ListRemove "list_remove" {} By(Rule::ListRemove), TRAPS.and(SAFE).and(BULK);
    /// Cuts the list to a length; a longer length changes nothing, a negative one traps.
    123 ListTruncate "list_truncate" {} By(Rule::ListTruncate), TRAPS;
    /// Adds all elements of the second list to the first.
    124 Append "append" {} By(Rule::Append), TRAPS.and(ALLOC_BULK);

    // Maps and sets keep the order of insertion. A key is Null, Bool, Int, Text, Bytes, Address, Ref, or a tuple, record
    // or variant of these; another traps with `bad_key`. Positions of entries hold until an entry is removed.
    /// Makes an empty map or set.
    126 MapNew "map_new" { ty: TypeIndex } By(Rule::MapNew), TRAPS.and(ALLOC);
    /// The value of a key as an option.
    127 MapFind "map_find" {} By(Rule::MapFind), TRAPS.and(ALLOC_BULK);
    /// The value of a key, or the given one.
    128 MapGetOr "map_get_or" {} By(Rule::MapGetOr), TRAPS.and(SAFE).and(BULK);
    /// Whether a key is there.
    129 MapHas "map_has" {} By(Rule::MapHas), TRAPS.and(SAFE).and(BULK);
    /// Removes a key.
    130 MapRemove "map_remove" {} By(Rule::MapRemove), TRAPS.and(SAFE).and(BULK);
    /// Finds a key's entry or makes it, so that an update needs one look-up.
    131 MapSlot "map_slot" {} By(Rule::MapSlot), TRAPS.and(ALLOC_BULK);
    /// Goes to the next entry.
    132 MapNext "map_next" {} By(Rule::MapNext), TRAPS;
    /// The key of an entry.
    133 MapKeyAt "map_key_at" {} By(Rule::MapKeyAt), TRAPS;
    /// The value of an entry.
    134 MapValueAt "map_value_at" {} By(Rule::MapValueAt), TRAPS;
    /// Changes the value of an entry.
    135 MapSetAt "map_set_at" {} By(Rule::MapSetAt), TRAPS;
    /// Adds to a set.
    136 SetAdd "set_add" {} By(Rule::SetAdd), TRAPS.and(ALLOC_BULK);

    // Numeric arrays.
    /// Makes an array of zeros; traps with `out_of_range` on a negative length.
    138 ArrayNew "array_new" { ty: TypeIndex } By(Rule::ArrayNew), TRAPS.and(ALLOC_BULK);
    /// Writes one element to a part.
    139 Fill "fill" {} By(Rule::Fill), TRAPS.and(SAFE).and(BULK);
    /// Copies a part into another place, which may overlap.
    140 CopyRange "copy_range" {} By(Rule::CopyRange), TRAPS.and(SAFE).and(BULK);

    // Builders.
    /// Makes an empty text builder.
    142 TextBuilder "text_builder" {} Fixed(&[], &[TEXT_BUILDER]), TRAPS.and(ALLOC);
    /// Makes an empty bytes builder.
    143 BytesBuilder "bytes_builder" {} Fixed(&[], &[BYTES_BUILDER]), TRAPS.and(ALLOC);
    /// Adds a text or a byte string.
    144 BuilderAdd "builder_add" {} By(Rule::BuilderAdd), TRAPS.and(ALLOC_BULK);
    /// Adds one byte; traps with `out_of_range` outside 0..=255.
    145 BuilderByte "builder_byte" {} By(Rule::BuilderByte), TRAPS.and(ALLOC_BULK);
    /// Adds an integer in decimal.
    146 BuilderInt "builder_int" {} By(Rule::BuilderInt), TRAPS.and(ALLOC_BULK);
    /// Adds a character by its code point, in UTF-8; traps with `bad_text` where there is none.
    147 BuilderCode "builder_code" {} By(Rule::BuilderInt), TRAPS.and(ALLOC_BULK);
    /// Takes out what was built; a text that is not UTF-8 traps with `bad_text`.
    148 BuilderFinish "builder_finish" {} By(Rule::BuilderFinish), TRAPS.and(ALLOC_BULK);

    // The host.
    /// Calls a host function; its result enters by the input door. Traps as the function does, or with `no_host`.
    150 CallHost "call_host" { host: HostIndex } By(Rule::CallHost), TRAPS.and(ALLOC).and(BLOCKS);

    // Fibers and messages. A time to wait is in milliseconds from when the instruction begins; it never ends early, 0 does
    // not wait, and a negative one has no end. An error value is a tuple `(Text, Text)`: a kind and a message.
    /// Goes to the end of the run queue.
    160 Yield "yield" {} Fixed(&[], &[]), SAFE.and(BLOCKS);
    /// Pushes the own address.
    161 Self_ "self" {} Fixed(&[], &[ADDRESS]), PURE;
    /// Starts a fiber in a function; the arguments are copied.
    162 Spawn "spawn" { function: FunctionIndex } By(Rule::Spawn), TRAPS.and(SAFE).and(BULK).and(COSTLY);
    /// Starts a fiber on a node; without a cluster gives the error value `no_cluster`.
    163 SpawnOn "spawn_on" { function: FunctionIndex } By(Rule::SpawnOn), SIGNAL.and(BULK);
    /// Starts a fiber with options by name: `link` (Bool), `mailbox` and `mailbox_bytes` (Int), `full` (Text: `block`,
    /// `reject`, `drop_old`, `drop_new`, `exit`), `memory` and `stack` (Int, bytes), and `on`, a node as `spawn_on` takes it.
    /// An unknown option gives the error value `bad_option`.
    164 SpawnWith "spawn_with" { function: FunctionIndex } By(Rule::SpawnWith), SIGNAL.and(BULK).and(COSTLY);
    /// Sends a copy of a message. To a fiber that is gone it succeeds and is counted as a dead letter. To a full mailbox
    /// it waits for room, if the mailbox's policy says so. One that nobody takes charges 16 fuel.
    165 Send "send" { ty: TypeIndex } By(Rule::Send), TRAPS.and(SAFE).and(BLOCKS).and(BULK);
    /// Sends, and tells whether the message was taken; never waits. One that nobody takes charges 16 fuel.
    166 TrySend "try_send" { ty: TypeIndex } By(Rule::SendStatus), TRAPS.and(SAFE).and(BULK);
    /// Takes the first message; parks until there is one.
    167 AwaitRecv "await_recv" {} Fixed(&[], &[ANY]), ALLOC_BULK.and(BLOCKS);
    /// As `await_recv`, but gives null when the time is over.
    168 AwaitRecvUntil "await_recv_until" {} Fixed(&[INT], &[OPTION_ANY]), ALLOC_BULK.and(BLOCKS);
    /// Takes the first message of a type; the others keep their places.
    169 AwaitType "await_type" { ty: TypeIndex } By(Rule::Receive), ALLOC_BULK.and(BLOCKS);
    /// As `await_type`, but gives null when the time is over.
    170 AwaitTypeUntil "await_type_until" { ty: TypeIndex } By(Rule::ReceiveUntil), ALLOC_BULK.and(BLOCKS);
    /// Selective receive: puts the cursor before the mailbox's first message; with a Ref that this fiber made, before the
    /// first message that came after it was made.
    171 SelectFrom "select_from" {} Fixed(&[ANY], &[]), SAFE;
    /// Selective receive: goes to the first message of a type from the cursor on and pushes it without taking it; parks
    /// until there is one.
    172 SelectPeek "select_peek" { ty: TypeIndex } By(Rule::Receive), ALLOC_BULK.and(BLOCKS);
    /// As `select_peek`, but gives null when the time is over, which counts from the first of these since `select_from`.
    173 SelectPeekUntil "select_peek_until" { ty: TypeIndex } By(Rule::ReceiveUntil), ALLOC_BULK.and(BLOCKS);
    /// Selective receive: takes the message that was pushed last out of the mailbox.
    174 SelectTake "select_take" {} Fixed(&[], &[]), TRAPS.and(SAFE);
    /// Selective receive: goes on behind the message that was pushed last.
    175 SelectNext "select_next" {} Fixed(&[], &[]), TRAPS.and(SAFE);
    /// Takes the first message if there is one; an option.
    176 Poll "poll" {} Fixed(&[], &[OPTION_ANY]), ALLOC_BULK;
    /// Sends a request and opens a slot for its reply under a token that this fiber made, and that the request holds.
    177 RemoteCall "remote_call" { ty: TypeIndex } By(Rule::RemoteCall), WAITS.and(BULK).and(COSTLY);
    /// Waits at the slot of a token and closes it: pushes the reply and 0; null and 1 when the time is over; the reason
    /// and 2 when the fiber that was asked has ended.
    178 AwaitReply "await_reply" {} Fixed(&[REF, INT], &[ANY, INT]), WAITS.and(BULK);
    /// Answers the request with this token. Without an open slot for it, it is counted as a dead letter.
    179 Reply "reply" {} Fixed(&[ANY, REF], &[]), TRAPS.and(SAFE).and(BULK);
    /// Makes a barrier for a number of fibers: a fiber that counts who has come.
    180 BarrierNew "barrier_new" {} Fixed(&[INT], &[ADDRESS]), TRAPS.and(SAFE).and(COSTLY);
    /// Waits at a barrier until all have come; the order of arrival from 0 on, null when the time is over, or the reason
    /// why the barrier has ended.
    181 Barrier "barrier" {} Fixed(&[ADDRESS, INT], &[ANY]), WAITS.and(COSTLY);
    /// Waits until a fiber has ended; its exit reason, or null when the time is over.
    182 Wait "wait" {} Fixed(&[ADDRESS, INT], &[OPTION_ANY]), WAITS.and(COSTLY);
    /// Links the fiber with another.
    183 Link "link" {} Fixed(&[ADDRESS], &[]), TRAPS.and(SAFE).and(COSTLY);
    /// Ends a link, and removes the message about its end if there is one.
    184 Unlink "unlink" {} Fixed(&[ADDRESS], &[]), SAFE.and(COSTLY);
    /// Watches a fiber; the token comes back in its `Down` message.
    185 Monitor "monitor" {} Fixed(&[ADDRESS], &[REF]), SIGNAL.and(COSTLY);
    /// Ends a monitor and removes its `Down` message.
    186 Demonitor "demonitor" {} Fixed(&[REF], &[]), SAFE.and(COSTLY);
    /// Ends the fiber with a reason: a `Reason`; null or "normal", "shutdown", "kill"; or any value, which gives
    /// shutdown(value).
    187 Exit "exit" {} Fixed(&[ANY], &[]), ENDS.and(SAFE).and(BULK);
    /// Sends an exit signal with a reason to a fiber.
    188 ExitOther "exit_other" {} Fixed(&[ANY, ADDRESS], &[]), SAFE.and(BULK).and(COSTLY);
    /// From now on exit signals arrive as messages, or no longer do.
    189 TrapExits "trap_exits" {} Fixed(&[BOOL], &[]), SAFE;
    /// Gives a fiber that takes messages of a type a name on this node; whether the name was free.
    190 Register "register" { ty: TypeIndex } By(Rule::Register), TRAPS.and(SAFE).and(COSTLY);
    /// Frees a name; whether it was held.
    191 Unregister "unregister" {} Fixed(&[TEXT], &[BOOL]), SAFE.and(COSTLY);
    /// The fiber that has a name; null when nobody has; the error value `wrong_type` when it was registered with another
    /// message type. Any stands for every type on both sides.
    192 Whereis "whereis" { ty: TypeIndex } By(Rule::Whereis), ALLOC.and(COSTLY);
    /// Sends a message after a number of milliseconds.
    193 TimerOnce "timer_once" { ty: TypeIndex } By(Rule::TimerStart), SIGNAL.and(BULK).and(COSTLY);
    /// Sends a message again and again.
    194 TimerEvery "timer_every" { ty: TypeIndex } By(Rule::TimerStart), SIGNAL.and(BULK).and(COSTLY);
    /// Cancels a timer; the milliseconds that were left, or null when it had fired.
    195 TimerCancel "timer_cancel" {} Fixed(&[REF], &[OPTION_INT]), SAFE.and(COSTLY);
    /// A fresh unique token.
    196 NewRef "new_ref" {} Fixed(&[], &[REF]), TRAPS.and(ALLOC);
    /// Moves the fiber to another node; null, or an error value: without a cluster `no_cluster`.
    197 Migrate "migrate" {} Fixed(&[ANY], &[ANY]), SIGNAL;
    /// Draws 64 random bits from the fiber's own generator.
    198 Random "random" {} Fixed(&[], &[INT]), PURE;

    // The cluster, which without other nodes is this one alone.
    /// Gives a fiber of this node that takes messages of a type a name in the cluster; whether the name was free, as far as
    /// this node knows. When nodes meet that have given it twice, `keep_oldest`, `keep_newest` or `keep_none` says who keeps
    /// it; who does not gets a `NameLost` message. The error value is `bad_option` for another word, `not_local` for a fiber
    /// of another node.
    199 ClusterRegister "cluster_register" { ty: TypeIndex } By(Rule::ClusterRegister), SIGNAL.and(COSTLY);
    /// Frees a name in the cluster that a fiber of this node has; whether one had it.
    200 ClusterUnregister "cluster_unregister" {} Fixed(&[TEXT], &[BOOL]), SAFE.and(COSTLY);
    /// The fiber that has a name in the cluster; else as `whereis`.
    201 ClusterWhereis "cluster_whereis" { ty: TypeIndex } By(Rule::Whereis), ALLOC.and(COSTLY);
    /// Adds a fiber of this node that takes messages of a type to a group of the cluster; whether it was no member before. The
    /// error value is `not_local` for a fiber of another node.
    202 GroupJoin "group_join" { ty: TypeIndex } By(Rule::GroupJoin), SIGNAL.and(COSTLY);
    /// Takes a fiber of this node out of a group; whether it was a member.
    203 GroupLeave "group_leave" {} Fixed(&[TEXT, ADDRESS], &[BOOL]), SAFE.and(COSTLY);
    /// The members of a group that take messages of a type, those of this node first. Any stands for every type on both
    /// sides.
    204 GroupMembers "group_members" { ty: TypeIndex } By(Rule::GroupMembers), ALLOC_BULK.and(COSTLY);
    /// The names of the nodes that are up, this one's first.
    205 Nodes "nodes" {} Fixed(&[], &[LIST_TEXT]), ALLOC_BULK.and(COSTLY);
    /// From now on a `NodeUp` message comes for each node that comes, and `NodeDown` for each that is lost, or no longer.
    206 WatchNodes "watch_nodes" {} Fixed(&[BOOL], &[]), TRAPS.and(SAFE).and(COSTLY);

    // Answers as messages.
    /// In place of `await_reply`: has what comes to the slot of a token sent to the own mailbox in the field of this
    /// message of at most 1 MiB; the message itself comes when the time is over. A reply of another type is a reason
    /// `Error`. Traps with `no_request` without such a slot, or when it delivers already.
    207 Deliver "deliver" { ty: TypeIndex, field: FieldIndex } By(Rule::Deliver), TRAPS.and(SAFE).and(BULK).and(COSTLY);
    /// As `deliver`, with a variant of a sum type.
    208 DeliverVariant "deliver_variant" { ty: TypeIndex, variant: VariantIndex, field: FieldIndex } By(Rule::DeliverVariant), TRAPS.and(SAFE).and(BULK).and(COSTLY);

    // More of the cluster.
    /// The labels of the node of this name; none of one that is not up.
    209 NodeLabels "node_labels" {} Fixed(&[TEXT], &[LIST_TEXT]), ALLOC_BULK.and(COSTLY);
}

const _: () = assert!(INSTRUCTIONS.len() < 256);
const _: () = {
    let mut at = 1;
    while at < INSTRUCTIONS.len() {
        assert!(
            (INSTRUCTIONS[at - 1].opcode as u16) < INSTRUCTIONS[at].opcode as u16,
            "rows stand in the order of their numbers"
        );
        at += 1;
    }
};

/// The instruction with this name.
pub fn by_mnemonic(mnemonic: &str) -> Option<Opcode> {
    INSTRUCTIONS.iter().find(|info| info.mnemonic == mnemonic).map(|info| info.opcode)
}
