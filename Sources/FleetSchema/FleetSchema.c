#include "FleetSchema.h"

// The files are part of the program, so that what it was tested with is what it migrates to. #embed is C23; the
// compiler has it in C17 as an extension.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char text_001[] = {
#embed "SQL/001_bookkeeping.sql"
};
static const unsigned char text_002[] = {
#embed "SQL/002_reporting.sql"
};
static const unsigned char text_003[] = {
#embed "SQL/003_feed.sql"
};
static const unsigned char text_004[] = {
#embed "SQL/004_base.sql"
};
static const unsigned char text_005[] = {
#embed "SQL/005_hypertables.sql"
};
static const unsigned char text_006[] = {
#embed "SQL/006_rollup.sql"
};
static const unsigned char text_007[] = {
#embed "SQL/007_trips.sql"
};
static const unsigned char text_008[] = {
#embed "SQL/008_views.sql"
};
static const unsigned char text_009[] = {
#embed "SQL/009_grafana_views.sql"
};
static const unsigned char text_010[] = {
#embed "SQL/010_functions.sql"
};
static const unsigned char text_011[] = {
#embed "SQL/011_messages.sql"
};
static const unsigned char text_012[] = {
#embed "SQL/012_grants.sql"
};

struct migration {
    int version;
    const char *name;
    const unsigned char *text;
    long length;
};

#define MIGRATION(version, number, name) {version, name, text_##number, sizeof(text_##number)}

static const struct migration migrations[] = {
    MIGRATION(1, 001, "bookkeeping"),
    MIGRATION(2, 002, "reporting"),
    MIGRATION(3, 003, "feed"),
    MIGRATION(4, 004, "base"),
    MIGRATION(5, 005, "hypertables"),
    MIGRATION(6, 006, "rollup"),
    MIGRATION(7, 007, "trips"),
    MIGRATION(8, 008, "views"),
    MIGRATION(9, 009, "grafana_views"),
    MIGRATION(10, 010, "functions"),
    MIGRATION(11, 011, "messages"),
    MIGRATION(12, 012, "grants"),
};

int fleet_schema_count(void) { return sizeof(migrations) / sizeof(migrations[0]); }

static const struct migration *at(int index) {
    return index >= 0 && index < fleet_schema_count() ? &migrations[index] : 0;
}

int fleet_schema_version(int index) {
    const struct migration *migration = at(index);
    return migration ? migration->version : 0;
}

const char *fleet_schema_name(int index) {
    const struct migration *migration = at(index);
    return migration ? migration->name : 0;
}

const unsigned char *fleet_schema_text(int index) {
    const struct migration *migration = at(index);
    return migration ? migration->text : 0;
}

long fleet_schema_length(int index) {
    const struct migration *migration = at(index);
    return migration ? migration->length : 0;
}
