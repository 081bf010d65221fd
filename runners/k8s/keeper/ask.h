/* How the keeper is told what to do: a line over TCP, answered with a line and the end of the connection. */
#ifndef MUSTER_KEEPER_ASK_H
#define MUSTER_KEEPER_ASK_H

#define KEEPER_PORT 20179 /* No system may use it: see probe.c. */
#define KEEPER_ANSWER_BYTES 256u

/** Asks the keepers at `count` addresses, all at once, and prints the answer of each in a line, in order.
 * Returns the exit code: 0 when all did what they were told. */
int keeper_ask(const char *action, const char *const *addresses, unsigned count);

#endif
