//! Typed indices: one newtype for each space that bytecode counts in, so that no two of them can be confused.

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        pub struct $name(pub u32);

        impl $name {
            /// The index as a position in a slice.
            #[inline]
            pub const fn at(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

index! {
    /// A type: below [`crate::types::FIRST_DECLARED`] a built-in one, from there on the module's own.
    TypeIndex;
    /// A function: the module's imported functions come first, then its own.
    FunctionIndex;
    /// A host function that the module imports.
    HostIndex;
    /// An entry of the module's data: a text or a byte string.
    DataIndex;
    /// A branch target of a function: its position in the function's table of targets.
    TargetIndex;
    /// A local of a function: captured values first, then parameters, then the other locals.
    LocalIndex;
    /// A field of a tuple, record, object or variant.
    FieldIndex;
    /// A variant of a sum type.
    VariantIndex;
    /// A position in a function's code, in bytes from its start.
    CodeOffset;
}
