/* The lexer: one token at a time, on demand. Private to the parser. */
#ifndef FJ_LEX_H
#define FJ_LEX_H

#include "diag.h"

/* KEYWORD(token, text) and MARK(token, text): all fixed texts; of marks with a common beginning
 * the longest comes first. */
#define LEX_KEYWORDS(KEYWORD)                                                                  \
    KEYWORD(CONST, "const")                                                                    \
    KEYWORD(GRAD, "grad")                                                                      \
    KEYWORD(FN, "fn")                                                                          \
    KEYWORD(DIM, "dim")                                                                        \
    KEYWORD(LET, "let")                                                                        \
    KEYWORD(VAR, "var")                                                                        \
    KEYWORD(PARAM, "param")                                                                    \
    KEYWORD(IF, "if")                                                                          \
    KEYWORD(ELSE, "else")                                                                      \
    KEYWORD(WHILE, "while")                                                                    \
    KEYWORD(FOR, "for")                                                                        \
    KEYWORD(IN, "in")                                                                          \
    KEYWORD(BY, "by")                                                                          \
    KEYWORD(BREAK, "break")                                                                    \
    KEYWORD(CONTINUE, "continue")                                                              \
    KEYWORD(RETURN, "return")

#define LEX_MARKS(MARK)                                                                        \
    MARK(OR, "||")                                                                             \
    MARK(AND, "&&")                                                                            \
    MARK(EQ, "==")                                                                             \
    MARK(NE, "!=")                                                                             \
    MARK(LE, "<=")                                                                             \
    MARK(GE, ">=")                                                                             \
    MARK(SHL, "<<")                                                                            \
    MARK(SHR, ">>")                                                                            \
    MARK(ARROW, "->")                                                                          \
    MARK(ADD_ASSIGN, "+=")                                                                     \
    MARK(SUB_ASSIGN, "-=")                                                                     \
    MARK(MUL_ASSIGN, "*=")                                                                     \
    MARK(DIV_ASSIGN, "/=")                                                                     \
    MARK(POW, "**")                                                                            \
    MARK(FLOORDIV, "//")                                                                       \
    MARK(RANGE, "..")                                                                          \
    MARK(LT, "<")                                                                              \
    MARK(GT, ">")                                                                              \
    MARK(BITOR, "|")                                                                           \
    MARK(BITXOR, "^")                                                                          \
    MARK(BITAND, "&")                                                                          \
    MARK(PLUS, "+")                                                                            \
    MARK(MINUS, "-")                                                                           \
    MARK(STAR, "*")                                                                            \
    MARK(SLASH, "/")                                                                           \
    MARK(PERCENT, "%")                                                                         \
    MARK(AT, "@")                                                                              \
    MARK(NOT, "!")                                                                             \
    MARK(TILDE, "~")                                                                           \
    MARK(ASSIGN, "=")                                                                          \
    MARK(QUESTION, "?")                                                                        \
    MARK(COLON, ":")                                                                           \
    MARK(SEMICOLON, ";")                                                                       \
    MARK(COMMA, ",")                                                                           \
    MARK(LEFT_PAREN, "(")                                                                      \
    MARK(RIGHT_PAREN, ")")                                                                     \
    MARK(LEFT_BRACKET, "[")                                                                    \
    MARK(RIGHT_BRACKET, "]")                                                                   \
    MARK(LEFT_BRACE, "{")                                                                      \
    MARK(RIGHT_BRACE, "}")

typedef enum token_kind {
    TOKEN_END,
    TOKEN_BAD, /* no token; its message has been given */
    TOKEN_INTEGER,
    TOKEN_REAL,
    TOKEN_NAME,
    TOKEN_SCALAR, /* the name of an element type */
#define LEX_ENUM(token, text) TOKEN_##token,
    LEX_KEYWORDS(LEX_ENUM) LEX_MARKS(LEX_ENUM)
#undef LEX_ENUM
} token_kind;

enum { LEX_MOST_MISTAKES = 100 }; /* later ones are not told */

typedef struct token {
    token_kind kind;
    bool first_on_line;
    span at;
    union {
        uint64_t integer;
        double real;
        jit_dtype scalar;
    } value;
} token;

typedef struct lexer {
    const source *src;
    diag *d;
    int32_t begin, offset; /* behind a byte order mark */
    int32_t name_bytes;    /* jit_limits */
    bool quiet;            /* gives no messages: in text that is skipped after an error */
    bool not_utf8;         /* has been said: once per text is enough */
    bool wrong;            /* some mistake was found, here or by the parser */
} lexer;

void lex_init(lexer *lx, const source *src, int32_t name_bytes, diag *d);
token lex_next(lexer *lx);

const char *lex_text(token_kind kind); /* of keywords and marks: "while", "+="; else NULL */
bool lex_is_keyword(token_kind kind);

/* Keywords and element types, for did-you-mean. */
extern const char *const lex_words[];
extern const int32_t lex_n_words;
extern const char *const lex_scalars[];
extern const int32_t lex_n_scalars;

#endif
