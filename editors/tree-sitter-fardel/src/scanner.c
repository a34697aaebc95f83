// Line ends that end statements, and the pieces of texts.
//
// The parser asks for a line end only where a statement, member or arm can end; elsewhere it is a blank. One that is asked
// for ends nothing when the next line goes on: when it begins with `.`, `else`, `&&` or `||`.

#include "tree_sitter/parser.h"

enum Token { LINE_END, TEXT_PIECE, BLOCK_PIECE };

void *tree_sitter_fardel_external_scanner_create(void) { return NULL; }
void tree_sitter_fardel_external_scanner_destroy(void *payload) { (void)payload; }
unsigned tree_sitter_fardel_external_scanner_serialize(void *payload, char *buffer) {
  (void)payload, (void)buffer;
  return 0;
}
void tree_sitter_fardel_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
  (void)payload, (void)buffer, (void)length;
}

static bool is_word(int32_t letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '_';
}

// Whether the line that begins here goes on with the one before it.
static bool goes_on(TSLexer *lexer) {
  int32_t first = lexer->lookahead;
  if (first == '.') {
    lexer->advance(lexer, true);
    return lexer->lookahead != '.';
  }
  if (first == '&' || first == '|') {
    lexer->advance(lexer, true);
    return lexer->lookahead == first;
  }
  const char *word = "else";
  for (; *word != 0; word++) {
    if (lexer->lookahead != *word) return false;
    lexer->advance(lexer, true);
  }
  return !is_word(lexer->lookahead);
}

static bool line_end(TSLexer *lexer) {
  bool found = false;
  for (;;) {
    if (lexer->lookahead == '\n') {
      found = true;
      lexer->advance(lexer, true);
    } else if (lexer->lookahead == ' ' || lexer->lookahead == '\t' || lexer->lookahead == '\r') {
      lexer->advance(lexer, true);
    } else if (found && lexer->lookahead == '/') {
      // A comment between the lines; what follows it decides, and it stays a token of its own.
      lexer->mark_end(lexer);
      lexer->advance(lexer, true);
      if (lexer->lookahead != '/') return true;
      while (lexer->lookahead != '\n' && !lexer->eof(lexer)) lexer->advance(lexer, true);
      for (;;) {
        while (lexer->lookahead == '\n' || lexer->lookahead == ' ' || lexer->lookahead == '\t' || lexer->lookahead == '\r') {
          lexer->advance(lexer, true);
        }
        if (lexer->lookahead != '/') break;
        lexer->advance(lexer, true);
        if (lexer->lookahead != '/') return true;
        while (lexer->lookahead != '\n' && !lexer->eof(lexer)) lexer->advance(lexer, true);
      }
      return !goes_on(lexer);
    } else {
      break;
    }
  }
  if (!found) return false;
  lexer->mark_end(lexer);
  return !goes_on(lexer);
}

static bool text_piece(TSLexer *lexer, bool is_block) {
  bool found = false;
  while (!lexer->eof(lexer)) {
    int32_t letter = lexer->lookahead;
    if (letter == '\\' || (letter == '\n' && !is_block)) break;
    lexer->mark_end(lexer);
    if (letter == '"') {
      if (!is_block) break;
      lexer->advance(lexer, false);
      if (lexer->lookahead == '"') {
        lexer->advance(lexer, false);
        if (lexer->lookahead == '"') return found;
      }
      found = true;
      continue;
    }
    lexer->advance(lexer, false);
    if (letter == '$' && lexer->lookahead == '{') return found;
    found = true;
  }
  lexer->mark_end(lexer);
  return found;
}

bool tree_sitter_fardel_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid_symbols) {
  (void)payload;
  // All are valid only while the parser looks for a way out of a mistake.
  bool is_recovering = valid_symbols[LINE_END] && valid_symbols[TEXT_PIECE] && valid_symbols[BLOCK_PIECE];
  if (!is_recovering && (valid_symbols[TEXT_PIECE] || valid_symbols[BLOCK_PIECE])) {
    bool is_block = valid_symbols[BLOCK_PIECE];
    lexer->result_symbol = is_block ? BLOCK_PIECE : TEXT_PIECE;
    return text_piece(lexer, is_block);
  }
  if (valid_symbols[LINE_END] && line_end(lexer)) {
    lexer->result_symbol = LINE_END;
    return true;
  }
  return false;
}
