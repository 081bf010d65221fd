/* run.json, which the test writes, and the guardian or a sweep amends. */
#ifndef MUSTER_SRC_EVIDENCE_RUN_JSON_H
#define MUSTER_SRC_EVIDENCE_RUN_JSON_H

#define MUSTER__RUN_JSON "run.json"
#define MUSTER__RUN_JSON_SCHEMA 2

#endif
