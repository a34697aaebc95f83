//! What methods of other languages are called here.

/// What may help where a function of another language is named.
pub(super) fn function(name: &str) -> Option<&'static str> {
    Some(match name {
        "len" | "length" | "size" => "it is a method: `value.len()`",
        "str" | "repr" | "string" | "to_string" | "format" | "sprintf" => "any value is shown in a text: `\"${value}\"`",
        "int" | "parse_int" | "atoi" => "they are methods: `text.to_int()`, `float.truncate()`",
        "float" => "they are methods: `text.to_float()`, `int.to_float()`",
        "range" => "a range is written `0..n`",
        "append" | "push" => "it is a method: `list.push(value)`",
        "make" | "malloc" => "a list is made by `[]`, a map by `[:]`",
        "input" | "readline" | "gets" => "`io.read_line()` of the module `io` reads a line",
        "exit" => "a fiber ends with `panic(..)` or `actor.exit(reason)`; a program by the end of `main`",
        "require" | "expect" => "`assert(condition)` crashes where it does not hold",
        "typeof" | "type_of" => "types are known when the program is made; what kind of value it is decides `match`",
        "setTimeout" | "set_timeout" => "`timer.once(time, address, message)` of the module `timer`",
        _ => return None,
    })
}

/// What may help where a type has no method of this name, by those that it has.
pub(super) fn method(known: &[String], name: &str) -> Option<String> {
    let candidates: &[&str] = match name {
        "length" | "size" | "count" | "len_utf8" => &["len", "len_bytes"],
        "push_back" | "add" | "append" | "enqueue" => &["push"],
        "extend" | "concat" | "push_all" => &["append", "add_all"],
        "contains" | "includes" | "contains_key" | "has_key" | "member" => &["has"],
        "clone" | "dup" => &["copy"],
        "reduce" | "inject" | "foldl" | "fold_left" => &["fold"],
        "for_each" | "foreach" => &["each"],
        "select" | "where" | "keep" => &["filter"],
        "collect" | "to_vec" | "to_array" => &["to_list"],
        "some" | "exists" => &["any", "is_some"],
        "every" => &["all"],
        "is_none_or_empty" | "empty" => &["is_empty"],
        "delete" | "discard" | "erase" => &["remove"],
        "put" => &["insert", "update"],
        "items" | "pairs" | "iter" => &["entries", "to_list"],
        "strip" | "trimmed" => &["trim"],
        "to_upper" | "to_uppercase" | "upcase" => &["upper"],
        "to_lower" | "to_lowercase" | "downcase" => &["lower"],
        "substring" | "substr" | "sub" => &["slice"],
        "sorted" | "sort" | "order_by" => &["sort_by"],
        "flat_map" | "bind" | "then" => &["and_then"],
        "get_or_else" | "or" | "get_or_default" | "unwrap_or_default" => &["unwrap_or", "get_or"],
        "head" | "front" | "peek" => &["first"],
        "back" => &["last"],
        "drop" => &["skip"],
        "parse" | "as_int" | "to_integer" => &["to_int"],
        "as_float" | "to_double" => &["to_float"],
        "tell" | "cast" | "post" => &["send"],
        "ask" | "request_reply" => &["call"],
        "kill" | "stop" | "terminate" => &["exit"],
        "index" | "find_index" | "position" => &["index_of", "find"],
        "reversed" | "rev" => &["reverse"],
        _ => &[],
    };
    if let Some(own) = candidates.iter().find(|own| known.iter().any(|known| known == *own)) {
        return Some(format!("it is called `{own}` here"));
    }
    let is_known = |name: &str| known.iter().any(|known| known == name);
    Some(match name {
        "unwrap" | "expect" | "force" | "get_unchecked" if is_known("unwrap_or") => {
            "take the value out with `match`, `?`, or `.unwrap_or(..)`; `let Some(x) = .. else { panic(..) }` crashes"
                .to_owned()
        }
        "to_string" | "to_str" | "str" | "to_text" | "inspect" | "show" | "format" => {
            "any value is shown in a text: `\"${value}\"`".to_owned()
        }
        "equals" | "eq" => "values are compared with `==`".to_owned(),
        "iter" | "into_iter" | "iterator" => "`for x in value` goes over it as it is".to_owned(),
        "await" => "a call waits for its answer; `address.request(..)` gives what can be waited for later".to_owned(),
        _ => return None,
    })
}
