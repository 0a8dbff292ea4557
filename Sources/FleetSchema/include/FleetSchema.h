#ifndef FLEET_SCHEMA_H
#define FLEET_SCHEMA_H

/// The migrations of the fleet schema, as the files in SQL/ have them, in the order of their numbers.

/// How many there are.
int fleet_schema_count(void);
/// The number of a file, such as 3 of 003_feed.sql; 0 beyond the last.
int fleet_schema_version(int index);
/// Its name without number and ending, such as feed; null beyond the last.
const char *fleet_schema_name(int index);
/// Its bytes, which no zero ends; null beyond the last.
const unsigned char *fleet_schema_text(int index);
/// How many bytes these are.
long fleet_schema_length(int index);

#endif
