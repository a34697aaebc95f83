//! The standard library: modules in the language itself, which are part of the compiler.

/// Its modules: path and source. The first ones are always loaded, since methods and the prelude need no `use`.
pub(crate) const CORE: &[(&str, &str)] = &[
    ("core", include_str!("../std/core.fdl")),
    ("int", include_str!("../std/int.fdl")),
    ("float", include_str!("../std/float.fdl")),
    ("text", include_str!("../std/text.fdl")),
    ("bytes", include_str!("../std/bytes.fdl")),
    ("duration", include_str!("../std/duration.fdl")),
    ("option", include_str!("../std/option.fdl")),
    ("result", include_str!("../std/result.fdl")),
    ("list", include_str!("../std/list.fdl")),
    ("map", include_str!("../std/map.fdl")),
    ("set", include_str!("../std/set.fdl")),
    ("array", include_str!("../std/array.fdl")),
    ("actor", include_str!("../std/actor.fdl")),
    ("registry", include_str!("../std/registry.fdl")),
];

/// The modules that a program names.
pub(crate) const OTHERS: &[(&str, &str)] = &[
    ("json", include_str!("../std/json.fdl")),
    ("big", include_str!("../std/big.fdl")),
    ("checks", include_str!("../std/checks.fdl")),
    ("gen", include_str!("../std/gen.fdl")),
    ("supervisor", include_str!("../std/supervisor.fdl")),
    ("math", include_str!("../std/math.fdl")),
    ("time", include_str!("../std/time.fdl")),
    ("io", include_str!("../std/io.fdl")),
    ("fs", include_str!("../std/fs.fdl")),
    ("process", include_str!("../std/process.fdl")),
    ("prompt", include_str!("../std/prompt.fdl")),
    ("random", include_str!("../std/random.fdl")),
    ("node", include_str!("../std/node.fdl")),
    ("timer", include_str!("../std/timer.fdl")),
    ("barrier", include_str!("../std/barrier.fdl")),
    ("task", include_str!("../std/task.fdl")),
    ("holder", include_str!("../std/holder.fdl")),
];

/// The source of a module.
pub(crate) fn source(path: &str) -> Option<&'static str> {
    CORE.iter().chain(OTHERS).find(|(name, _)| *name == path).map(|(_, source)| *source)
}

/// Whether the standard library has a module of this name.
pub fn is_std_module(name: &str) -> bool {
    source(name).is_some()
}
