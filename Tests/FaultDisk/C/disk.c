#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static fault_disk *table = NULL;
static int last_number = 0;

// Nodes

fault_node *fault_node_make(void) {
    fault_node *node = calloc(1, sizeof *node);
    if (node == NULL) abort();
    node->refs = 1;
    return node;
}

void fault_node_release(fault_node *node) {
    if (node == NULL || --node->refs > 0) return;
    fault_data_free(&node->data);
    fault_shm_release(node->shm);
    free(node);
}

static void set(fault_node **place, fault_node *node) {
    if (node != NULL) node->refs++;
    fault_node_release(*place);
    *place = node;
}

/* The locks of a process go with it, and so does its shared memory: handles of the dead keep theirs. */
static void drop_locks(fault_node *node) {
    if (node == NULL) return;
    node->shared_count = 0;
    node->reserved = node->pending = node->exclusive = NULL;
    fault_shm_release(node->shm);
    node->shm = NULL;
}

// Disks

fault_disk *fault_disk_make(int sector_size) {
    fault_vfs_register();
    fault_disk *disk = calloc(1, sizeof *disk);
    if (disk == NULL) abort();
    pthread_mutex_init(&disk->mutex, NULL);
    disk->refs = 1;
    disk->sector_size = sector_size;
    disk->capacity = -1;
    disk->life = 1;
    pthread_mutex_lock(&table_mutex);
    disk->number = ++last_number;
    disk->next = table;
    table = disk;
    pthread_mutex_unlock(&table_mutex);
    return disk;
}

fault_disk *fault_disk_find(const char *path) {
    int number = atoi(path + strlen(FAULT_PREFIX));
    pthread_mutex_lock(&table_mutex);
    fault_disk *disk = table;
    while (disk != NULL && disk->number != number) disk = disk->next;
    if (disk != NULL) disk->refs++;
    pthread_mutex_unlock(&table_mutex);
    return disk;
}

static void clear_names(fault_disk *disk) {
    for (size_t i = 0; i < disk->name_count; i++) {
        drop_locks(disk->names[i].current);
        drop_locks(disk->names[i].durable);
        fault_node_release(disk->names[i].current);
        fault_node_release(disk->names[i].durable);
        free(disk->names[i].path);
    }
    free(disk->names);
    disk->names = NULL;
    disk->name_count = 0;
}

void fault_disk_release(fault_disk *disk) {
    pthread_mutex_lock(&table_mutex);
    bool is_last = --disk->refs == 0;
    pthread_mutex_unlock(&table_mutex);
    if (!is_last) return;
    clear_names(disk);
    pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

void fault_disk_drop(fault_disk *disk) {
    pthread_mutex_lock(&table_mutex);
    fault_disk **place = &table;
    while (*place != NULL && *place != disk) place = &(*place)->next;
    if (*place != NULL) *place = disk->next;
    pthread_mutex_unlock(&table_mutex);
    pthread_mutex_lock(&disk->mutex);
    disk->is_dead = true;
    disk->life++;
    clear_names(disk);
    pthread_mutex_unlock(&disk->mutex);
    fault_disk_release(disk);
}

int fault_disk_number(const fault_disk *disk) { return disk->number; }

// Names

fault_name *fault_disk_name(fault_disk *disk, const char *path, bool is_made) {
    for (size_t i = 0; i < disk->name_count; i++) {
        if (strcmp(disk->names[i].path, path) == 0) return &disk->names[i];
    }
    if (!is_made) return NULL;
    disk->names = realloc(disk->names, (disk->name_count + 1) * sizeof *disk->names);
    if (disk->names == NULL) abort();
    disk->names[disk->name_count] = (fault_name){strdup(path), NULL, NULL};
    return &disk->names[disk->name_count++];
}

static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

void fault_disk_sync_folder(fault_disk *disk, const char *path) {
    size_t length = folder_length(path);
    for (size_t i = 0; i < disk->name_count; i++) {
        fault_name *name = &disk->names[i];
        if (folder_length(name->path) == length && strncmp(name->path, path, length) == 0) {
            set(&name->durable, name->current);
        }
    }
}

int64_t fault_disk_room(fault_disk *disk) {
    if (disk->capacity < 0) return INT64_MAX / 2;
    int64_t used = 0;
    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].current != NULL) used += disk->names[i].current->data.current.size;
    }
    return used < disk->capacity ? disk->capacity - used : 0;
}

// Faults

static void die(fault_disk *disk) {
    if (!disk->is_dead) disk->life++;
    disk->is_dead = true;
}

fault_fate fault_disk_step(fault_disk *disk, int kind) {
    disk->counts[__builtin_ctz((unsigned)kind)]++;
    if (disk->is_dead) return FAULT_IS_DEAD;
    if (disk->operations_left > 0 && --disk->operations_left == 0) {
        die(disk);
        return FAULT_DIES;
    }
    if ((disk->fault_kinds & kind) == 0) return FAULT_GOES_ON;
    if (disk->fault_left > 0 && --disk->fault_left > 0) return FAULT_GOES_ON;
    if (!disk->fault_is_lasting) disk->fault_kinds = 0;
    disk->failure_count++;
    return FAULT_FAILS;
}

static void clear_faults(fault_disk *disk) {
    disk->fault_kinds = 0;
    disk->operations_left = 0;
}

void fault_disk_clear_faults(fault_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    clear_faults(disk);
    pthread_mutex_unlock(&disk->mutex);
}

void fault_disk_fail(fault_disk *disk, int kinds, int64_t n, bool is_lasting) {
    pthread_mutex_lock(&disk->mutex);
    disk->fault_kinds = kinds;
    disk->fault_left = n < 1 ? 1 : n;
    disk->fault_is_lasting = is_lasting;
    disk->failure_count = 0;
    pthread_mutex_unlock(&disk->mutex);
}

void fault_disk_die_at(fault_disk *disk, int64_t n) {
    pthread_mutex_lock(&disk->mutex);
    disk->operations_left = n < 1 ? 1 : n;
    pthread_mutex_unlock(&disk->mutex);
}

static int64_t count_operations(fault_disk *disk, int kinds) {
    int64_t count = 0;
    for (int i = 0; i < 7; i++) count += kinds & (1 << i) ? disk->counts[i] : 0;
    return count;
}

int64_t fault_disk_operation_count(fault_disk *disk, int kinds) {
    pthread_mutex_lock(&disk->mutex);
    int64_t count = count_operations(disk, kinds);
    pthread_mutex_unlock(&disk->mutex);
    return count;
}

int64_t fault_disk_failure_count(fault_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    int64_t count = disk->failure_count;
    pthread_mutex_unlock(&disk->mutex);
    return count;
}

bool fault_disk_is_dead(fault_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    bool is_dead = disk->is_dead;
    pthread_mutex_unlock(&disk->mutex);
    return is_dead;
}

// Death and what comes after it

static void drop_all_locks(fault_disk *disk) {
    for (size_t i = 0; i < disk->name_count; i++) {
        drop_locks(disk->names[i].current);
        drop_locks(disk->names[i].durable);
    }
}

void fault_disk_kill(fault_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    die(disk);
    drop_all_locks(disk);
    pthread_mutex_unlock(&disk->mutex);
}

void fault_disk_cut_power(fault_disk *disk, uint64_t seed) {
    pthread_mutex_lock(&disk->mutex);
    die(disk);
    drop_all_locks(disk);
    uint64_t random = seed;
    for (size_t i = 0; i < disk->name_count; i++) {
        fault_name *name = &disk->names[i];
        bool is_new = name->current != name->durable && (fault_random(&random) & 1);
        fault_node *kept = is_new ? name->current : name->durable;
        if (kept != NULL) fault_data_settle(&kept->data, &random, disk->sector_size);
        set(&name->current, kept);
        set(&name->durable, name->current);
    }
    pthread_mutex_unlock(&disk->mutex);
}

void fault_disk_restart(fault_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    /* Whoever has not been killed before is now. */
    disk->life++;
    drop_all_locks(disk);
    clear_faults(disk);
    disk->is_dead = false;
    pthread_mutex_unlock(&disk->mutex);
}
