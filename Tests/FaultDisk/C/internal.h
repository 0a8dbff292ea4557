#ifndef ODOGRAPH_FAULT_DISK_INTERNAL_H
#define ODOGRAPH_FAULT_DISK_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "CFaultDisk.h"

#define FAULT_PREFIX "/fault-disk/"
#define FAULT_PAGE_SIZE 4096
#define FAULT_PATH_MAX 512

/* Bytes of a file, in pages that copies share until one of them is written. A page that is NULL is all zeros. */
typedef struct fault_page fault_page;
typedef struct {
    fault_page **pages;
    int64_t page_count;
    int64_t size;
} fault_content;

fault_content fault_content_copy(const fault_content *content);
void fault_content_free(fault_content *content);
void fault_content_read(const fault_content *content, int64_t offset, unsigned char *bytes, int64_t count);
void fault_content_write(fault_content *content, int64_t offset, const unsigned char *bytes, int64_t count);
void fault_content_truncate(fault_content *content, int64_t size);

/* A write, or a truncation where `bytes` is NULL; it never changes, so copies share it. */
typedef struct {
    _Atomic int refs;
    int64_t offset;
    int64_t count;
    unsigned char *bytes;
} fault_change;

/* A change that no sync has made durable; after a sync that failed it is stranded: no later sync writes it. */
typedef struct {
    fault_change *change;
    bool is_stranded;
} fault_pending;

typedef struct {
    fault_content current;
    fault_content durable;
    fault_pending *pending;
    size_t pending_count;
    size_t pending_room;
    /* Since a sync that failed `current` has what no sync will make durable. */
    bool is_split;
} fault_data;

fault_data fault_data_copy(const fault_data *data);
void fault_data_free(fault_data *data);
void fault_data_write(fault_data *data, int64_t offset, const void *bytes, int64_t count);
void fault_data_truncate(fault_data *data, int64_t size);
void fault_data_sync(fault_data *data);
void fault_data_strand(fault_data *data);
/* What the file has once the power is back. */
void fault_data_settle(fault_data *data, uint64_t *random, int sector_size);
/* Everything as it is now is durable. */
void fault_data_harden(fault_data *data);

uint64_t fault_random(uint64_t *state);

/* The shared memory of a file in write-ahead mode. */
typedef struct {
    int refs;
    unsigned char **regions;
    int region_count;
    int shared_counts[SQLITE_SHM_NLOCK];
    const void *owners[SQLITE_SHM_NLOCK];
} fault_shm;

void fault_shm_release(fault_shm *shm);

/* A file apart from its names: handles keep it when its name goes. */
typedef struct {
    int refs;
    fault_data data;
    /* Locks of the living handles. */
    int shared_count;
    const void *reserved;
    const void *pending;
    const void *exclusive;
    fault_shm *shm;
} fault_node;

fault_node *fault_node_make(void);
void fault_node_release(fault_node *node);

/* A name: the file it means now, and the one it means if the power goes; NULL is none. */
typedef struct {
    char *path;
    fault_node *current;
    fault_node *durable;
} fault_name;

struct fault_disk {
    pthread_mutex_t mutex;
    /* One for the owner and one for each handle. */
    int refs;
    int number;
    int sector_size;
    bool is_dead;
    /* Counts the deaths: a handle of another life is dead. */
    uint64_t life;
    fault_name *names;
    size_t name_count;
    int64_t capacity;
    int64_t counts[7];
    int fault_kinds;
    int64_t fault_left;
    bool fault_is_lasting;
    int64_t failure_count;
    int64_t operations_left;
    fault_disk *next;
};

/* The disk of a path, retained; NULL if there is none. */
fault_disk *fault_disk_find(const char *path);
void fault_disk_release(fault_disk *disk);

/* What follows expects the disk to be locked. */
fault_name *fault_disk_name(fault_disk *disk, const char *path, bool is_made);
void fault_disk_sync_folder(fault_disk *disk, const char *path);
int64_t fault_disk_room(fault_disk *disk);

typedef enum { FAULT_GOES_ON, FAULT_FAILS, FAULT_DIES, FAULT_IS_DEAD } fault_fate;
/* Counts an operation and says what becomes of it. The one at which the disk dies is under way: it may get through. */
fault_fate fault_disk_step(fault_disk *disk, int kind);

/* Registers the VFS in front of the default one, once. */
void fault_vfs_register(void);

#endif
