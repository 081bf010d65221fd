/* Argument and environment vectors of tools. */
#ifndef MUSTER_SRC_TOOL_ENVIRONMENT_H
#define MUSTER_SRC_TOOL_ENVIRONMENT_H

/** A copy of a NULL-terminated vector; NULL without memory. */
char **muster__strings_copy(const char *const *strings);
void muster__strings_free(char **strings);

/** Our own environment with `own` on top ("NAME=value" sets, "NAME" leaves out; NULL: nothing). NULL without
 * memory. */
char **muster__tool_environment(const char *const *own);

#endif
