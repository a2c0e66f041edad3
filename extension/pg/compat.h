// Every difference between the supported PostgreSQL versions (15 to 18), and nothing else.
#pragma once

#include "pg/pg.h"

#if PG_VERSION_NUM < 150000
#error "pg_triage needs PostgreSQL 15 or newer"
#endif
