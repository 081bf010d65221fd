/* JSON of what may hold anything. */
#ifndef MUSTER_SRC_JSON_H
#define MUSTER_SRC_JSON_H

#include <jansson.h>

/** A JSON string of any bytes: what is not UTF-8 (a node's log may hold anything) becomes '?'. */
json_t *muster__json_text(const char *text);

#endif
