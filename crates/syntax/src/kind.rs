//! The kinds of tokens and nodes.
//!
//! **Invariant:** a word or sign of the language stands in the table below and nowhere else; lexer, messages and the
//! grammars for editors follow it.

use logos::Logos;

macro_rules! kinds {
    (
        signs { $($sign:ident $sign_text:literal;)* }
        keywords { $($keyword:ident $keyword_text:literal;)* }
        tokens { $($token:ident $token_doc:literal;)* }
        nodes { $($node:ident $node_doc:literal;)* }
    ) => {
        /// What a token or node is.
        #[derive(Logos, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u16)]
        pub enum Kind {
            $(
                #[doc = concat!("`", $sign_text, "`.")]
                #[token($sign_text)]
                $sign,
            )*
            $(
                #[doc = concat!("The keyword `", $keyword_text, "`.")]
                #[token($keyword_text)]
                $keyword,
            )*
            /// A name of a value, function, module or field.
            #[regex("[a-z_][A-Za-z0-9_]*", priority = 1)]
            LowerName,
            /// A name of a type or variant.
            #[regex("[A-Z][A-Za-z0-9_]*")]
            UpperName,
            /// Blanks.
            #[regex("[ \t\r]+")]
            Blank,
            /// A line's end that means nothing.
            #[token("\n")]
            LineBreak,
            /// A comment.
            #[regex("//[^\n]*", allow_greedy = true)]
            Comment,
            /// An integer; the lexer reads on by hand, as with the following.
            #[regex("[0-9]")]
            Int,
            /// A character between single quotes.
            #[token("'")]
            Char,
            /// The quotes that open a text.
            #[token("\"")]
            TextOpen,
            $(#[doc = $token_doc] $token,)*
            $(#[doc = $node_doc] $node,)*
        }

        impl Kind {
            /// Every kind, in the order of the numbers.
            pub const ALL: &'static [Kind] = &[
                $(Kind::$sign,)*
                $(Kind::$keyword,)*
                Kind::LowerName, Kind::UpperName, Kind::Blank, Kind::LineBreak, Kind::Comment, Kind::Int,
                Kind::Char, Kind::TextOpen,
                $(Kind::$token,)*
                $(Kind::$node,)*
            ];

            /// The signs with their text.
            pub const SIGNS: &'static [(Kind, &'static str)] = &[$((Kind::$sign, $sign_text)),*];

            /// The keywords with their text, sorted.
            pub const KEYWORDS: &'static [(Kind, &'static str)] = &[$((Kind::$keyword, $keyword_text)),*];

            /// How it is always written, if it is a sign or keyword.
            pub const fn text(self) -> Option<&'static str> {
                match self {
                    $(Kind::$sign => Some($sign_text),)*
                    $(Kind::$keyword => Some($keyword_text),)*
                    Kind::LowerName | Kind::UpperName | Kind::Blank | Kind::LineBreak | Kind::Comment | Kind::Int
                    | Kind::Char | Kind::TextOpen => None,
                    $(Kind::$token => None,)*
                    $(Kind::$node => None,)*
                }
            }

            /// Whether it is a keyword.
            pub const fn is_keyword(self) -> bool {
                matches!(self, $(Kind::$keyword)|*)
            }

            /// Whether it is a node.
            pub const fn is_node(self) -> bool {
                matches!(self, $(Kind::$node)|*)
            }
        }
    };
}

kinds! {
    signs {
        OpenParen "(";
        CloseParen ")";
        OpenBrace "{";
        CloseBrace "}";
        OpenBracket "[";
        CloseBracket "]";
        Comma ",";
        Colon ":";
        Semicolon ";";
        Dot ".";
        DotDot "..";
        DotDotEq "..=";
        At "@";
        Question "?";
        Arrow "->";
        FatArrow "=>";
        Eq "=";
        PlusEq "+=";
        MinusEq "-=";
        StarEq "*=";
        SlashEq "/=";
        PercentEq "%=";
        EqEq "==";
        BangEq "!=";
        Less "<";
        LessEq "<=";
        Greater ">";
        GreaterEq ">=";
        ShiftLeft "<<";
        AndAnd "&&";
        OrOr "||";
        And "&";
        Or "|";
        Caret "^";
        Plus "+";
        Minus "-";
        Star "*";
        Slash "/";
        Percent "%";
        PlusPercent "+%";
        MinusPercent "-%";
        StarPercent "*%";
        Bang "!";
        Tilde "~";
        Underscore "_";
    }
    keywords {
        After "after";
        As "as";
        Break "break";
        Const "const";
        Continue "continue";
        Else "else";
        False "false";
        Fn "fn";
        For "for";
        If "if";
        In "in";
        Let "let";
        Match "match";
        Me "me";
        Pub "pub";
        Receive "receive";
        Receives "receives";
        Return "return";
        Select "select";
        SelfWord "self";
        Serve "serve";
        Spawn "spawn";
        Test "test";
        True "true";
        Type "type";
        Use "use";
        Var "var";
        While "while";
    }
    tokens {
        DocComment "A comment that documents what follows.";
        FileComment "A comment that documents the file.";
        Newline "A line's end that ends a statement.";
        Float "A float.";
        Duration "A duration.";
        BadNumber "Digits and letters that are no number.";
        RawText "A text without escapes.";
        Bytes "A byte string.";
        TextPiece "Characters of a text.";
        TextClose "The quotes that close a text.";
        ValueOpen "`${` in a text.";
        ValueClose "The `}` behind a value in a text.";
        Bad "Characters that begin nothing.";
        End "The end of the source.";
    }
    nodes {
        File "A whole source.";
        Garbage "Tokens that were skipped.";
        UseItem "`use` and its imports.";
        Import "An import.";
        ImportNames "The names of an import in braces.";
        Attribute "An attribute.";
        FnItem "A function.";
        TypeItem "A type.";
        ConstItem "A constant.";
        TestItem "A test.";
        ReceivesEntry "`receives` as an entry of the prompt.";
        Generics "Type parameters.";
        Generic "A type parameter.";
        Params "Parameters.";
        Param "A parameter.";
        SelfParam "`self` as a parameter.";
        ReceivesClause "What a function receives.";
        TypeBody "The members of a type.";
        Field "A field.";
        Variant "A variant.";
        VariantFields "The fields of a variant.";
        Method "A method.";
        NamedType "A type by its name.";
        TypeArgs "Type arguments.";
        TupleType "Types in parentheses.";
        FnType "A function's type.";
        FnTypeParams "The parameters of a function's type.";
        Block "A block.";
        LetStmt "`let`.";
        VarStmt "`var`.";
        ForStmt "`for`.";
        WhileStmt "`while`.";
        ReturnStmt "`return`.";
        BreakStmt "`break`.";
        ContinueStmt "`continue`.";
        ServeStmt "`serve`.";
        AssignStmt "An assignment.";
        ExprStmt "An expression as a statement.";
        LetCond "`let` as a condition.";
        Arms "Arms in braces.";
        Arm "An arm.";
        Guard "The condition of an arm.";
        AfterArm "The arm for when nothing came.";
        Args "Arguments.";
        Arg "An argument.";
        Literal "A literal.";
        Text "A text.";
        TextValue "A value in a text.";
        NameExpr "A name.";
        UpperExpr "A name of a type or variant.";
        SelfExpr "`self`.";
        MeExpr "`me`.";
        ParenExpr "Expressions in parentheses.";
        ListExpr "A list.";
        MapExpr "A map.";
        MapEntry "A key and its value.";
        BlockExpr "A block as an expression.";
        MemberExpr "A name behind a dot.";
        PositionExpr "A number behind a dot.";
        CallExpr "A call.";
        IndexExpr "An element.";
        TryExpr "`?`.";
        UnaryExpr "An operator with one operand.";
        BinaryExpr "An operator between two operands.";
        IfExpr "`if`.";
        MatchExpr "`match`.";
        ReceiveExpr "`receive`.";
        SelectExpr "`select`.";
        ClosureExpr "A closure.";
        ClosureParams "The parameters of a closure.";
        ClosureParam "A parameter of a closure.";
        SpawnExpr "`spawn`.";
        HoleExpr "`_` as an expression.";
        AnyPat "`_`.";
        NamePat "A name that is bound.";
        LiteralPat "A literal as a pattern.";
        RangePat "A range as a pattern.";
        PrefixPat "A text and the name of what follows.";
        TuplePat "Patterns in parentheses.";
        ListPat "Patterns in brackets.";
        ConstructorPat "A variant or record.";
        PatArgs "The patterns of a constructor.";
        FieldPat "A pattern with a field's name.";
        RestPat "`..` in a pattern.";
        OrPat "Alternatives.";
        AsPat "A pattern and the name of the whole.";
    }
}

impl Kind {
    /// Whether it means nothing to the grammar: blanks and comments.
    #[inline]
    pub const fn is_trivia(self) -> bool {
        matches!(self, Kind::Blank | Kind::LineBreak | Kind::Comment | Kind::DocComment | Kind::FileComment)
    }

    /// The kind with this number.
    pub fn from_number(number: u16) -> Option<Kind> {
        Kind::ALL.get(usize::from(number)).copied()
    }

    /// Whether a node of this kind is an expression.
    pub const fn is_expr(self) -> bool {
        Kind::Literal as u16 <= self as u16
            && self as u16 <= Kind::HoleExpr as u16
            && !matches!(self, Kind::TextValue | Kind::MapEntry | Kind::ClosureParams | Kind::ClosureParam)
    }

    /// Whether a node of this kind is a pattern.
    pub const fn is_pat(self) -> bool {
        Kind::AnyPat as u16 <= self as u16
            && self as u16 <= Kind::AsPat as u16
            && !matches!(self, Kind::PatArgs | Kind::FieldPat | Kind::RestPat)
    }

    /// Whether a node of this kind is a type as written.
    pub const fn is_type(self) -> bool {
        matches!(self, Kind::NamedType | Kind::TupleType | Kind::FnType)
    }

    /// Whether a node of this kind is a statement.
    pub const fn is_stmt(self) -> bool {
        Kind::LetStmt as u16 <= self as u16 && self as u16 <= Kind::ExprStmt as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_one_kind() {
        for (at, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, at);
            assert_eq!(Kind::from_number(at as u16), Some(*kind));
        }
        assert_eq!(Kind::from_number(Kind::ALL.len() as u16), None);
    }

    #[test]
    fn the_language_has_28_keywords_in_order() {
        assert_eq!(Kind::KEYWORDS.len(), 28);
        assert!(Kind::KEYWORDS.is_sorted_by_key(|(_, text)| text));
    }
}
