; Colours for Fardel's language. Later patterns win over earlier ones.

(name) @variable
(binding) @variable
(type_name) @type

(comment) @comment
((comment) @comment.documentation (#match? @comment.documentation "^//[/!]"))

(integer) @number
(float) @number.float
(duration) @number
(position) @number
(character) @character
(boolean) @boolean
(self) @variable.builtin
(me) @variable.builtin

(text) @string
(block_text) @string
(raw_text) @string
(bytes) @string
(escape) @string.escape
(value ["${" "}"] @punctuation.special) @none

(function name: (name) @function)
(call function: (name) @function.call)
(call function: (member member: (name) @function.method.call))
(call function: (type_name) @constructor)
(parameter name: (name) @variable.parameter)
(closure_parameter (name) @variable.parameter)
(field name: (name) @property)
(member member: (name) @property)
(argument name: (name) @property)
(field_pattern name: (name) @property)
(variant name: (type_name) @constructor)
(constructor_pattern (type_name) @constructor)
(import module: (name) @module)
(path (name) @function.call)
(attribute "@" @attribute name: (name) @attribute)

[
  "after" "as" "const" "fn" "let" "opaque" "pub" "receives" "serve" "spawn" "test" "type" "use" "var"
] @keyword
["else" "if" "match" "receive" "select"] @keyword.conditional
["for" "in" "while"] @keyword.repeat
["return"] @keyword.return
(break) @keyword.repeat
(continue) @keyword.repeat

[
  "=" "+=" "-=" "*=" "/=" "%=" "==" "!=" "<" "<=" ">" ">=" "&&" "||" "!" "~" "&" "|" "^" "+" "-" "*" "/" "%" "+%" "-%" "*%"
  "<<" ">>" ">>>" ".." "..=" "?" "->"
] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ":" ";" "."] @punctuation.delimiter
