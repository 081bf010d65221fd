/* A directory of each test's own, and short ways to fill it. */
#ifndef MUSTER_TESTING_FILES_H
#define MUSTER_TESTING_FILES_H

#include <stdbool.h>

#include "base/files.h"

/* Valid from files_make_root() to files_remove_root(). */
extern char files_root[64];

void files_make_root(void);

void files_remove_root(void);

/* A path in the directory; valid for three more calls. */
const char *files_below(const char *name);

/* Writes a file. */
void files_put(const char *name, const char *text);

void files_make_directory(const char *name);

bool files_exists(const char *name);

#endif
