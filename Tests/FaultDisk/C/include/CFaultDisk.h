#ifndef ODOGRAPH_FAULT_DISK_H
#define ODOGRAPH_FAULT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A disk for SQLite that lives in memory and fails when it is told to. Each disk has a number; its files are those
 * whose paths begin with "/fault-disk/<number>/". Folders need not be made. All other paths go to the VFS that was
 * the default before the first disk was made; so do temporary files, which have none. Shared memory takes no room on
 * the disk. Every function may be called from any thread.
 */
typedef struct fault_disk fault_disk;
typedef struct fault_snapshot fault_snapshot;

/* The kinds of operations, as bits. A shared-memory operation is mapping a region or taking a lock of it. */
enum {
    FAULT_READ = 1,
    FAULT_WRITE = 2,
    FAULT_SYNC = 4,
    FAULT_TRUNCATE = 8,
    FAULT_OPEN = 16,
    FAULT_DELETE = 32,
    FAULT_SHM = 64,
    FAULT_ANY = 127
};

fault_disk *fault_disk_make(int sector_size);
/* Nothing can be done on the disk any more; its memory goes with the last handle. */
void fault_disk_drop(fault_disk *disk);
int fault_disk_number(const fault_disk *disk);

/* The process died: handles are dead, everything fails until a restart, and what was written is there. */
void fault_disk_kill(fault_disk *disk);
/* The power went: the same, and of what was not synced each part is there or not. */
void fault_disk_cut_power(fault_disk *disk, uint64_t seed);
/* A new process: operations work again, faults and the limit of operations are gone, old handles stay dead. */
void fault_disk_restart(fault_disk *disk);

/* The operations of some kinds that were asked for since the disk was made. */
int64_t fault_disk_operation_count(fault_disk *disk, int kinds);
/* The n-th operation of these kinds from now on fails, counted from 1, and every later one of them if it is lasting. */
void fault_disk_fail(fault_disk *disk, int kinds, int64_t n, bool is_lasting);
/* The n-th operation from now on, of any kind, is the last: it and all after it fail until a restart. */
void fault_disk_die_at(fault_disk *disk, int64_t n);
/* Ends fault_disk_fail and fault_disk_die_at. */
void fault_disk_clear_faults(fault_disk *disk);
/* The operations that failed because of fault_disk_fail, since it was called. */
int64_t fault_disk_failure_count(fault_disk *disk);
bool fault_disk_is_dead(fault_disk *disk);

/* The bytes that all files together may have; negative is no limit. */
void fault_disk_set_capacity(fault_disk *disk, int64_t capacity);
int64_t fault_disk_capacity(fault_disk *disk);
int64_t fault_disk_used(fault_disk *disk);

/* Files, by their whole paths. What is done here is durable at once and fails only if the file is not there. */
int64_t fault_disk_file_size(fault_disk *disk, const char *path);
bool fault_disk_file_read(fault_disk *disk, const char *path, int64_t offset, void *bytes, int64_t count);
bool fault_disk_file_flip(fault_disk *disk, const char *path, int64_t offset, int bit);
bool fault_disk_file_delete(fault_disk *disk, const char *path);
bool fault_disk_file_truncate(fault_disk *disk, const char *path, int64_t size);
/* The copy takes the place of what had its name; connections to that keep the old file. */
bool fault_disk_file_copy(fault_disk *disk, const char *path, const char *target);
/* The path of the file at an index, in the order in which the names were first used; false past the last. */
bool fault_disk_file_path(fault_disk *disk, size_t index, char *path, size_t size);

/* All files as they are now, with what is not yet synced. Cheap: pages are shared until they are written. */
fault_snapshot *fault_snapshot_take(fault_disk *disk);
/* Puts the files back, here or on another disk; handles are dead, a new process may open them. */
void fault_snapshot_restore(const fault_snapshot *snapshot, fault_disk *disk);
void fault_snapshot_free(fault_snapshot *snapshot);

#endif
