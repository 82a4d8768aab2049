#pragma once
/* Short names for arrays of columns; only for files that declare system tables. */

#include "connector/system_table.h"

#define TEXT(name) {name, SYSTEM_TEXT}
#define NUMBER(name) {name, SYSTEM_NUMBER}
#define DOUBLE(name) {name, SYSTEM_DOUBLE}
#define TIME(name) {name, SYSTEM_TIME}
#define BOOLEAN(name) {name, SYSTEM_BOOLEAN}
