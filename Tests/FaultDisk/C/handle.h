#ifndef ODOGRAPH_FAULT_DISK_HANDLE_H
#define ODOGRAPH_FAULT_DISK_HANDLE_H

#include "internal.h"

/* An open file. It is alive as long as the disk has the life in which it was opened. */
typedef struct {
    sqlite3_file base;
    fault_disk *disk;
    fault_node *node;
    uint64_t life;
    int level;
    /* A new journal or write-ahead log makes its name durable with its first sync, as SQLite's own VFS does it. */
    bool needs_folder_sync;
    bool is_deleted_on_close;
    char *path;
    fault_shm *shm;
    unsigned shared_mask;
    unsigned exclusive_mask;
} fault_handle;

extern const sqlite3_io_methods fault_io_methods;

/* Locks the disk; whether the handle is alive. */
bool fault_handle_lock(fault_handle *handle);
void fault_handle_unlock(fault_handle *handle);

int fault_lock(sqlite3_file *file, int level);
int fault_unlock(sqlite3_file *file, int level);
int fault_check_reserved_lock(sqlite3_file *file, int *is_reserved);

int fault_shm_map(sqlite3_file *file, int region, int size, int is_extended, void volatile **bytes);
int fault_shm_lock(sqlite3_file *file, int first, int count, int flags);
void fault_shm_barrier(sqlite3_file *file);
int fault_shm_unmap(sqlite3_file *file, int is_deleted);
/* Lets go of locks and shared memory; the disk is locked. */
void fault_shm_close(fault_handle *handle);

#endif
