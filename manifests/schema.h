/* The tables of the manifest and the steps from one version of them to the next. */
#ifndef IAD_MANIFESTS_SCHEMA_H
#define IAD_MANIFESTS_SCHEMA_H

#include <sqlite3.h>

#include "base/status.h"

#define IAD_SCHEMA_VERSION 3         /* PRAGMA user_version, and meta.schema_version for people */
#define IAD_SCHEMA_APP_ID 0x49414431 /* PRAGMA application_id: "IAD1" */

/* Brings an open, writable database from `from` (0: empty) to IAD_SCHEMA_VERSION in ONE transaction: all steps or none.
 */
iad_status iad_schema_migrate(sqlite3 *db, const char *name, int from, iad_err *err);

/* SQL of step `version` (1..IAD_SCHEMA_VERSION): from version - 1 to version. */
const char *iad_schema_sql(int version);

#endif
