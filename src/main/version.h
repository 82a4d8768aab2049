#pragma once
/* What `merak version`, the log and @@version_comment say. */

#define MERAK_VERSION "0.1.0"
/* The version in the MySQL greeting: clients choose their behaviour by it. */
#define MYSQL_VERSION "8.0.33"
