//! What kinds of mistakes the checker and the loader tell.

fardel_diagnostic::codes! {
    "F0100" Duplicate "A name that is declared twice.";
    "F0101" UnknownType "A type that is neither built in, declared nor imported.";
    "F0102" UnknownName "A name that means nothing here.";
    "F0103" Private "Something of another module that it keeps to itself.";
    "F0104" TypeArguments "A type with more or fewer arguments than it takes.";
    "F0105" Cycle "A type, constant or module that leads back to itself.";
    "F0106" MixedType "A type with fields and variants.";
    "F0107" MisplacedSelf "A `self` outside of a method.";
    "F0108" UnknownModule "A module that cannot be found or read.";
    "F0109" Mismatch "A value of another type than is wanted.";
    "F0110" NotAFunction "A call of something that is no function.";
    "F0111" Arguments "Arguments that do not go with the parameters.";
    "F0112" UnknownMember "A field, method or variant that the type does not have.";
    "F0113" UnknownReceiver "A dot behind a value whose type is not known yet.";
    "F0114" CannotInfer "A type that does not follow from the code.";
    "F0115" Constraint "A type that cannot be compared, ordered or used as a key where that is needed.";
    "F0116" NotExhaustive "Patterns that leave something out.";
    "F0117" Unreachable "An arm or statement that is never reached.";
    "F0118" Unused "A result that nobody looks at.";
    "F0119" Assignment "An assignment to something that does not change.";
    "F0120" CapturedVar "A closure that uses a `var` from outside.";
    "F0121" MissingReturn "A function that ends without its result.";
    "F0122" MisplacedBreak "A `break` or `continue` outside of a loop.";
    "F0123" Receives "A message type that the function does not receive.";
    "F0124" Try "A `?` where nothing can be returned early.";
    "F0125" Refutable "A pattern that does not always match, where it has to.";
    "F0126" Opaque "The inside of a type that only its module may see.";
    "F0127" Serve "A `serve` in a wrong place.";
    "F0128" Spawn "An option that `spawn` does not have, or a function that cannot be spawned.";
    "F0129" Constant "A constant that cannot be evaluated by the compiler.";
    "F0130" Main "A program without a `main`, or with one that cannot be run.";
    "F0131" Growing "A function with types that grow without end.";
    "F0132" Hole "A `_` in a place where it stands for nothing.";
    "F0133" Operator "An operator between types that do not have it.";
    "F0134" NotAvailable "Something that the machine does not have yet.";
    "F0135" TooLarge "More of something than a program may have.";
    "F0136" Costly "Something that takes longer than it has to.";
    "F0137" Attribute "An attribute that there is not, or that means nothing where it stands.";
}
