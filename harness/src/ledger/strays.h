/* Processes of a run that its ledger does not name. */
#ifndef MUSTER_SRC_LEDGER_STRAYS_H
#define MUSTER_SRC_LEDGER_STRAYS_H

/** Kills every process that has the run's id in its environment. Does not wait for the processes to end. */
void muster__kill_strays(const char *run_id);

#endif
