/**
 * The grammar of Fardel's language for Tree-sitter.
 *
 * Line ends that end statements come from src/scanner.c: the parser asks for one only where a statement can end, so those
 * inside of brackets and behind operators are blanks of themselves.
 */

const POWER = { or: 1, and: 2, compare: 3, range: 4, sum: 5, product: 6, unary: 7, postfix: 8 };

const OPERATORS = [
  [POWER.or, ["||"]],
  [POWER.and, ["&&"]],
  [POWER.compare, ["==", "!=", "<", "<=", ">", ">="]],
  [POWER.range, ["..", "..="]],
  [POWER.sum, ["+", "-", "+%", "-%", "|", "^"]],
  [POWER.product, ["*", "/", "%", "*%", "<<", ">>", ">>>", "&"]],
];

const commas = (rule) => optional(seq(rule, repeat(seq(",", rule)), optional(",")));
const commas1 = (rule) => seq(rule, repeat(seq(",", rule)), optional(","));

module.exports = grammar({
  name: "fardel",

  externals: ($) => [$._line_end, $.text_piece, $.block_piece],

  extras: ($) => [/[ \t\r\n]/, $.comment],

  word: ($) => $.name,

  supertypes: ($) => [$._expression, $._pattern, $._type],

  rules: {
    file: ($) => repeat(choice($.use, $._item, $._line_end)),

    comment: () => token(seq("//", /[^\n]*/)),

    // Items.

    use: ($) => prec.right(seq("use", $.import, repeat(seq(",", $.import)))),
    import: ($) =>
      seq(
        field("module", $.name),
        repeat(seq(".", field("module", $.name))),
        optional(seq(".", "{", commas1(choice($.name, $.type_name)), "}")),
        optional(seq("as", field("alias", $.name))),
      ),
    path: ($) => prec.right(seq($.name, repeat(seq(".", $.name)))),

    _item: ($) => choice($.function, $.type, $.constant, $.test),
    attribute: ($) => prec.right(seq("@", field("name", $.name), optional($.arguments), optional($._line_end))),
    constant: ($) =>
      seq(repeat($.attribute), optional("pub"), "const", field("name", $.name), optional($._annotation), "=", $._expression),
    test: ($) =>
      seq(repeat($.attribute), "test", field("title", choice($.text, $.raw_text)), optional($.parameters), optional($.receives), $.block),
    function: ($) =>
      seq(
        repeat($.attribute),
        optional("pub"),
        "fn",
        field("name", $.name),
        optional($.generics),
        $.parameters,
        optional($._result),
        optional($.receives),
        field("body", $.block),
      ),
    generics: ($) => seq("<", commas1($.generic), ">"),
    generic: ($) => seq($.type_name, optional(seq(":", $.type_name))),
    parameters: ($) => seq("(", commas(choice("self", $.parameter)), ")"),
    parameter: ($) => seq(field("name", $.name), $._annotation, optional(seq("=", $._expression))),
    receives: ($) => prec.right(seq("receives", $._type, repeat(seq("|", $._type)))),
    _result: ($) => seq("->", field("result", $._type)),
    _annotation: ($) => seq(":", field("type", $._type)),

    type: ($) =>
      seq(
        repeat($.attribute),
        optional("pub"),
        optional("opaque"),
        "type",
        field("name", $.type_name),
        optional($.generics),
        choice(seq("=", $._type), $.members),
      ),
    members: ($) => seq("{", repeat(choice($.field, $.variant, $.method, ",", $._line_end)), "}"),
    field: ($) => seq(repeat($.attribute), optional("var"), field("name", $.name), $._annotation, optional(seq("=", $._expression))),
    variant: ($) => prec.right(seq(repeat($.attribute), field("name", $.type_name), optional(seq("(", commas($.parameter), ")")))),
    method: ($) => $.function,

    // Types.

    _type: ($) => choice($.named_type, $.tuple_type, $.function_type),
    named_type: ($) => seq(repeat(seq($.name, ".")), $.type_name, optional(seq("<", commas1($._type), ">"))),
    tuple_type: ($) => seq("(", commas($._type), ")"),
    function_type: ($) => prec.right(seq("fn", "(", commas($._type), ")", optional(seq("->", $._type)), optional($.receives))),

    // Statements.

    block: ($) => seq("{", repeat(choice($._statement, ";", $._line_end)), "}"),
    _statement: ($) => choice($.let, $.var, $._simple),
    let: ($) =>
      prec.right(seq("let", field("pattern", $._pattern), optional($._annotation), "=", $._expression, optional(seq("else", $.block)))),
    var: ($) => seq("var", field("name", $.name), optional($._annotation), "=", $._expression),
    _simple: ($) => choice($.for, $.while, $.return, $.break, $.continue, $.serve, $.assignment, $._expression),
    for: ($) => seq("for", field("pattern", $._pattern), "in", $._expression, $.block),
    while: ($) => seq("while", $._condition, $.block),
    return: ($) => prec.right(seq("return", optional($._expression))),
    break: () => "break",
    continue: () => "continue",
    serve: ($) => seq("serve", field("name", $.name), optional($._annotation), "=", $._expression, $.arms),
    assignment: ($) => prec.right(seq($._expression, choice("=", "+=", "-=", "*=", "/=", "%="), $._expression)),
    _condition: ($) => choice($.let_condition, $._expression),
    let_condition: ($) => seq("let", $._pattern, "=", $._expression),

    arms: ($) => seq("{", repeat(choice($.arm, $.after, ",", $._line_end)), "}"),
    arm: ($) => prec.right(seq($._pattern, optional(seq("if", $._expression)), "->", $._simple)),
    after: ($) => prec.right(seq("after", $._expression, "->", $._simple)),

    // Expressions.

    _expression: ($) => choice($.binary, $.unary, $._primary),
    binary: ($) =>
      choice(
        ...OPERATORS.map(([power, operators]) =>
          prec.left(power, seq($._expression, field("operator", operators.length > 1 ? choice(...operators) : operators[0]), $._expression)),
        ),
      ),
    unary: ($) => prec(POWER.unary, seq(choice("-", "!", "~"), $._expression)),
    _primary: ($) =>
      choice(
        $._literal,
        $.name,
        $.type_name,
        $.self,
        $.me,
        $.parenthesized,
        $.list,
        $.map,
        $.block,
        $.if,
        $.match,
        $.receive,
        $.select,
        $.closure,
        $.spawn,
        $.member,
        $.call,
        $.index,
        $.try,
      ),
    self: () => "self",
    me: () => "me",
    parenthesized: ($) => seq("(", commas($._expression), ")"),
    list: ($) => seq("[", commas($._expression), "]"),
    map: ($) => choice(seq("[", ":", "]"), seq("[", commas1($.entry), "]")),
    entry: ($) => seq($._expression, ":", $._expression),
    member: ($) =>
      prec(POWER.postfix, seq($._primary, ".", field("member", choice($.name, $.type_name, alias(token.immediate(/[0-9]+/), $.position))))),
    call: ($) => prec(POWER.postfix, seq(field("function", $._primary), $.arguments)),
    index: ($) => prec(POWER.postfix, seq($._primary, "[", $._expression, "]")),
    try: ($) => prec(POWER.postfix, seq($._primary, "?")),
    arguments: ($) => seq("(", commas($.argument), ")"),
    argument: ($) => choice(seq(optional(seq(field("name", $.name), ":")), choice($._expression, $.hole)), seq("..", $._expression)),
    hole: () => "_",

    if: ($) => prec.right(seq("if", $._condition, $.block, optional(seq("else", choice($.if, $.block))))),
    match: ($) => seq("match", $._expression, $.arms),
    receive: ($) => seq("receive", $.arms),
    select: ($) => seq("select", $.arms),
    closure: ($) => seq("fn", "(", commas($.closure_parameter), ")", optional($._result), optional($.receives), $.block),
    closure_parameter: ($) => seq(choice($.name, "_"), optional($._annotation)),
    spawn: ($) => prec.right(POWER.postfix + 1, seq("spawn", optional($.arguments), choice(seq($.path, $.arguments), $.block))),

    // Literals.

    _literal: ($) => choice($.integer, $.float, $.duration, $.character, $.text, $.block_text, $.raw_text, $.bytes, $.boolean),
    integer: () => token(choice(/0x[0-9a-fA-F_]+/, /0b[01_]+/, /0o[0-7_]+/, /[0-9][0-9_]*/)),
    float: () => token(/[0-9][0-9_]*\.[0-9][0-9_]*([eE][+-]?[0-9_]+)?/),
    duration: () => token(/[0-9][0-9_]*(ns|us|ms|s|min|h)/),
    character: () => token(/'(\\(u\{[0-9a-fA-F]{1,6}\}|[nrt0\\'])|[^'\\\n])'/),
    boolean: () => choice("true", "false"),
    text: ($) => seq('"', repeat(choice($.text_piece, $.escape, $.value)), token.immediate('"')),
    block_text: ($) => seq('"""', repeat(choice(alias($.block_piece, $.text_piece), $.escape, $.value)), token.immediate('"""')),
    escape: () => token.immediate(/\\(u\{[0-9a-fA-F]{1,6}\}|[nrt0\\"$])/),
    value: ($) => seq(token.immediate("${"), $._expression, "}"),
    raw_text: () => token(/r"[^"\n]*"/),
    bytes: () => token(/b"(\\(x[0-9a-fA-F]{2}|[nrt0\\"])|[^"\\\n])*"/),

    // Patterns.

    _pattern: ($) => choice($.alternatives, $.as_pattern, $._alternative),
    alternatives: ($) => prec.left(1, seq($._alternative, repeat1(seq("|", $._alternative)))),
    as_pattern: ($) => seq(choice($.alternatives, $._alternative), "as", $.name),
    _alternative: ($) =>
      choice($.any, alias($.name, $.binding), $.literal_pattern, $.range_pattern, $.prefix_pattern, $.tuple_pattern, $.list_pattern, $.constructor_pattern),
    any: () => "_",
    literal_pattern: ($) => seq(optional("-"), $._literal),
    range_pattern: ($) => seq(optional("-"), $._literal, choice("..", "..="), optional("-"), $._literal),
    prefix_pattern: ($) => seq(choice($.text, $.raw_text), "+", alias($.name, $.binding)),
    tuple_pattern: ($) => seq("(", commas($._pattern_argument), ")"),
    list_pattern: ($) => seq("[", commas($._pattern_argument), "]"),
    constructor_pattern: ($) =>
      prec.right(seq(repeat(seq($.name, ".")), $.type_name, optional(seq(".", $.type_name)), optional(seq("(", commas($._pattern_argument), ")")))),
    _pattern_argument: ($) => choice($._pattern, $.field_pattern, $.rest_pattern),
    field_pattern: ($) => seq(field("name", $.name), ":", $._pattern),
    rest_pattern: ($) => seq("..", optional(alias($.name, $.binding))),

    name: () => /[a-z_][a-z0-9_]*/,
    type_name: () => /[A-Z][A-Za-z0-9]*/,
  },
});
