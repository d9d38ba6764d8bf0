/* Bracketed paste: what a terminal pastes is text, and no key in it does anything. */
#ifndef FJ_PASTE_H
#define FJ_PASTE_H

#include <histedit.h>

#include <stdio.h>

/* Asks the terminal to mark what it pastes, while a line is edited; and no longer. */
void paste_begin(FILE *terminal);
void paste_end(FILE *terminal);

/* What a terminal sends before a paste, as el_set(EL_BIND) takes it. */
#define PASTE_MARK "\\e[200~"
/* Inserts what follows up to the closing mark: line breaks as they are, no other control
 * characters. If the first line has our prompt, the lines without one are output that was
 * copied along, and are left out. Returns a CC_* code of libedit. */
unsigned char paste_key(EditLine *edit);

/* The line behind the prompt that it may have been copied with. */
const char *paste_without_prompt(const char *line);

#endif
