//! Tables of codes.
//!
//! **Invariant:** a table is the one place that says a code's number, name and meaning.

/// A table of codes: number, name and meaning of each.
///
/// The type has `ALL` in the order of the numbers, `id()` and `doc()`, and is what [`Report::error`](crate::Report::error)
/// takes. A number is stable; a retired one is never used again.
#[macro_export]
macro_rules! codes {
    ($($number:literal $name:ident $doc:literal;)*) => {
        /// What kind of mistake a diagnostic is about.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {$(
            #[doc = $doc]
            $name,
        )*}

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The code as people quote it.
            pub const fn id(self) -> &'static str {
                match self { $(Code::$name => $number,)* }
            }

            /// What it means, in a sentence.
            pub const fn doc(self) -> &'static str {
                match self { $(Code::$name => $doc,)* }
            }
        }

        impl From<Code> for &'static str {
            fn from(code: Code) -> &'static str {
                code.id()
            }
        }
    };
}
