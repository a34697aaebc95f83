//! Attributes: which there are, before what they stand, and what they take. Those of the standard library alone are not
//! looked at.

use crate::code::Code;
use crate::declare::text_of;
use crate::suggest::suggestion;
use fardel_diagnostic::{Report, Sink};
use fardel_syntax::ast::{Attr, File, Fn, Item, ItemKind, MemberKind, TypeKind};

/// What an attribute may stand before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Sum,
    Field,
    Variant,
    Function,
    Other,
}

struct Known {
    name: &'static str,
    place: Place,
    /// The name of the text that it takes; `""` for a text without a name, nothing when it takes none.
    takes: Option<&'static str>,
}

const KNOWN: &[Known] = &[
    Known { name: "json", place: Place::Sum, takes: Some("tag") },
    Known { name: "json", place: Place::Field, takes: Some("name") },
    Known { name: "json", place: Place::Variant, takes: Some("name") },
    Known { name: "was", place: Place::Field, takes: Some("") },
    Known { name: "other", place: Place::Variant, takes: None },
    Known { name: "upgrade", place: Place::Function, takes: None },
];

impl Place {
    fn text(self) -> &'static str {
        match self {
            Place::Sum => "a sum type",
            Place::Field => "a field of a record or object",
            Place::Variant => "a variant",
            Place::Function => "a function that is no method",
            Place::Other => "anything else",
        }
    }
}

/// Tells of the attributes of a module that are none, or mean nothing where they stand.
pub(crate) fn check(file: &File<'_>, sink: &mut Sink) {
    for item in &file.items {
        let place = match &item.kind {
            ItemKind::Fn(function) => {
                upgrade(item, function, sink);
                Place::Function
            }
            ItemKind::Type(declared) => {
                let TypeKind::Body(members) = &declared.kind else {
                    all(&item.attrs, Place::Other, sink);
                    continue;
                };
                let mut others = Vec::new();
                for member in members {
                    let place = match &member.kind {
                        MemberKind::Field { .. } => Place::Field,
                        MemberKind::Variant { .. } => Place::Variant,
                        MemberKind::Method { .. } => Place::Other,
                    };
                    all(&member.attrs, place, sink);
                    others.extend(member.attrs.iter().filter(|attr| attr.name.text == "other"));
                }
                if let [first, second, ..] = &others[..] {
                    let report = Report::error(Code::Attribute, second.span, "one variant is for names that are not known");
                    report.label("a second one").also(first.span, "the first").tell(sink);
                }
                match members.iter().any(|member| matches!(member.kind, MemberKind::Variant { .. })) {
                    true => Place::Sum,
                    false => Place::Other,
                }
            }
            ItemKind::Const(_) | ItemKind::Test(_) => Place::Other,
        };
        all(&item.attrs, place, sink);
    }
}

fn all(attrs: &[Attr<'_>], place: Place, sink: &mut Sink) {
    for (at, attr) in attrs.iter().enumerate() {
        if let Some(first) = attrs[..at].iter().find(|other| other.name.text == attr.name.text && attr.name.text != "was") {
            let message = format!("`@{}` stands here twice", attr.name.text);
            Report::error(Code::Attribute, attr.span, message).label("again").also(first.span, "the first").tell(sink);
        }
        one(attr, place, sink);
    }
}

fn one(attr: &Attr<'_>, place: Place, sink: &mut Sink) {
    let name = attr.name.text;
    let of_name: Vec<&Known> = KNOWN.iter().filter(|known| known.name == name).collect();
    if of_name.is_empty() {
        let report = Report::error(Code::Attribute, attr.span, format!("there is no attribute `@{name}`"));
        report.label("unknown").maybe_hint(suggestion(name, KNOWN.iter().map(|known| known.name))).tell(sink);
        return;
    }
    let Some(known) = of_name.iter().find(|known| known.place == place) else {
        let places: Vec<&str> = of_name.iter().map(|known| known.place.text()).collect();
        let message = format!("`@{name}` stands before {}", places.join(", or "));
        Report::error(Code::Attribute, attr.span, message).label("means nothing here").tell(sink);
        return;
    };
    let fits = match (known.takes, attr.args.as_slice()) {
        (None, []) => true,
        (Some(wanted), [arg]) => text_of(arg).is_some() && arg.name.map_or("", |name| name.text) == wanted,
        (_, _) => false,
    };
    if !fits {
        let wanted = match known.takes {
            None => format!("@{name}"),
            Some("") => format!("@{name}(\"old\")"),
            Some(argument) => format!("@{name}({argument}: \"x\")"),
        };
        let message = format!("before {} it is written `{wanted}`", place.text());
        Report::error(Code::Attribute, attr.span, message).label("other arguments").tell(sink);
    }
}

/// An upgrade makes the new state out of the old one.
fn upgrade(item: &Item<'_>, function: &Fn<'_>, sink: &mut Sink) {
    let Some(attr) = item.attrs.iter().find(|attr| attr.name.text == "upgrade") else { return };
    let is_plain = function.generics.is_empty() && function.receives.is_empty();
    if is_plain && function.params.len() == 1 && function.result.is_some() {
        return;
    }
    let message = "`@upgrade` is for a function that takes the old state alone and gives the new one";
    let report = Report::error(Code::Attribute, attr.span, message).label("of another function");
    report
        .hint("write `@upgrade fn from_1(old: State1) -> State`; it receives nothing and has no type parameters")
        .tell(sink);
}
