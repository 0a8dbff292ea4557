// The least that some parts of the engine's work can cost, in C over SQLite: a report of 172 rows made into JSON, and a
// bare commit of a row of 300 bytes, one behind the other and each after a rest. Prints lines of "name<TAB>unit<TAB>median<TAB>p99<TAB>least".
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *name, double *seconds, int count) {
    qsort(seconds, count, sizeof *seconds, ascending);
    printf("%s\tµs\t%.2f\t%.2f\t%.2f\n", name, seconds[count / 2] * 1e6, seconds[count * 99 / 100] * 1e6,
        seconds[0] * 1e6);
}

static void run(sqlite3 *database, const char *sql) {
    if (sqlite3_exec(database, sql, 0, 0, 0) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(database));
        exit(1);
    }
}

static sqlite3 *create(const char *folder, const char *name) {
    char path[4096];
    for (const char **suffix = (const char *[]){"", "-wal", "-shm", 0}; *suffix; suffix++) {
        snprintf(path, sizeof path, "%s/%s%s", folder, name, *suffix);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    sqlite3 *database;
    if (sqlite3_open(path, &database) != SQLITE_OK) exit(1);
    run(database, "PRAGMA journal_mode=WAL");
    return database;
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, 0) != SQLITE_OK) exit(1);
    return statement;
}

// The intervals of a device's month, 11 figures each, from rows to JSON.
static void rows(const char *folder) {
    enum { devices = 100, each = 172, rounds = 2000 };
    sqlite3 *database = create(folder, "rows.db");
    run(database, "PRAGMA synchronous=OFF; CREATE TABLE t(device INTEGER, b INTEGER, e INTEGER, km REAL, vmax REAL,"
        " vavg REAL, slat REAL, slon REAL, elat REAL, elon REAL, fuel REAL, n INTEGER, PRIMARY KEY(device, b))"
        " WITHOUT ROWID; BEGIN");
    sqlite3_stmt *insert = prepare(database, "INSERT INTO t VALUES(?,?,?,?,?,?,?,?,?,?,?,?)");
    srand(1);
    for (int device = 0; device < devices; device++)
        for (int row = 0; row < each; row++) {
            sqlite3_bind_int(insert, 1, device);
            sqlite3_bind_int(insert, 2, 1790000000 + row * 15000);
            sqlite3_bind_int(insert, 3, 1790000000 + row * 15000 + rand() % 9000);
            for (int column = 4; column <= 11; column++) sqlite3_bind_double(insert, column, rand() / 7e6);
            sqlite3_bind_int(insert, 12, rand() % 900);
            sqlite3_step(insert);
            sqlite3_reset(insert);
        }
    run(database, "COMMIT");
    sqlite3_stmt *select = prepare(database, "SELECT * FROM t WHERE device=? ORDER BY b");
    static char text[1 << 20];
    static double seconds[rounds];
    for (int round = 0; round < rounds; round++) {
        double start = now();
        sqlite3_bind_int(select, 1, rand() % devices);
        char *out = text;
        *out++ = '[';
        while (sqlite3_step(select) == SQLITE_ROW)
            out += sprintf(out,
                "{\"begin\":%lld,\"end\":%lld,\"mileage\":%.4f,\"max.speed\":%.0f,\"avg.speed\":%.2f,"
                "\"start\":[%.7f,%.7f],\"stop\":[%.7f,%.7f],\"fuel\":%.1f,\"messages\":%d},",
                sqlite3_column_int64(select, 1), sqlite3_column_int64(select, 2), sqlite3_column_double(select, 3),
                sqlite3_column_double(select, 4), sqlite3_column_double(select, 5), sqlite3_column_double(select, 6),
                sqlite3_column_double(select, 7), sqlite3_column_double(select, 8), sqlite3_column_double(select, 9),
                sqlite3_column_double(select, 10), sqlite3_column_int(select, 11));
        sqlite3_reset(select);
        seconds[round] = now() - start;
    }
    report("172 rows to JSON in C", seconds, rounds);
    sqlite3_finalize(insert);
    sqlite3_finalize(select);
    sqlite3_close(database);
}

// With nothing between two commits, processor and disk never come to rest: each costs less than one that comes alone.
static void commits(const char *folder, const char *mode, int rest, const char *words) {
    enum { count = 2000 };
    char name[96], sql[64];
    snprintf(name, sizeof name, "bare commit, synchronous=%s%s", mode, words);
    snprintf(sql, sizeof sql, "PRAGMA synchronous=%s", mode);
    sqlite3 *database = create(folder, "commits.db");
    run(database, sql);
    run(database, "CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)");
    sqlite3_stmt *begin = prepare(database, "BEGIN IMMEDIATE"), *commit = prepare(database, "COMMIT"),
                 *insert = prepare(database, "INSERT INTO t VALUES(?, zeroblob(300))");
    static double seconds[count];
    for (int index = 0; index < count; index++) {
        if (rest) usleep(rest);
        double start = now();
        sqlite3_step(begin);
        sqlite3_reset(begin);
        sqlite3_bind_int(insert, 1, index);
        sqlite3_step(insert);
        sqlite3_reset(insert);
        sqlite3_step(commit);
        sqlite3_reset(commit);
        seconds[index] = now() - start;
    }
    report(name, seconds, count);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(insert);
    sqlite3_close(database);
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: limits FOLDER\n");
        return 2;
    }
    rows(arguments[1]);
    const char *modes[] = {"FULL", "NORMAL"};
    for (int index = 0; index < 2; index++) {
        commits(arguments[1], modes[index], 0, "");
        // A message alone makes four commits within one and a half milliseconds.
        commits(arguments[1], modes[index], 400, ", after 0.4 ms");
        commits(arguments[1], modes[index], 4000, ", after 4 ms");
    }
    return 0;
}
