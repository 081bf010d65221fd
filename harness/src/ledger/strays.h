/* Processes of a run that its ledger does not name. */
#ifndef MUSTER_SRC_LEDGER_STRAYS_H
#define MUSTER_SRC_LEDGER_STRAYS_H

/** Ends processes of the run that the ledger does not name, by pid and start time. */
void muster__kill_strays(const char *run_id);

#endif
