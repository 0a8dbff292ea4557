#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

// What tests do to files behind SQLite's back

int64_t fault_disk_capacity(fault_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    int64_t capacity = disk->capacity;
    pthread_mutex_unlock(&disk->mutex);
    return capacity;
}

void fault_disk_set_capacity(fault_disk *disk, int64_t capacity) {
    pthread_mutex_lock(&disk->mutex);
    disk->capacity = capacity;
    pthread_mutex_unlock(&disk->mutex);
}

int64_t fault_disk_used(fault_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    int64_t used = 0;
    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].current != NULL) used += disk->names[i].current->data.current.size;
    }
    pthread_mutex_unlock(&disk->mutex);
    return used;
}

/* Locks the disk and finds a file; NULL, with the disk locked all the same, if it is not there. */
static fault_node *lock_and_find(fault_disk *disk, const char *path) {
    pthread_mutex_lock(&disk->mutex);
    fault_name *name = fault_disk_name(disk, path, false);
    return name == NULL ? NULL : name->current;
}

int64_t fault_disk_file_size(fault_disk *disk, const char *path) {
    fault_node *node = lock_and_find(disk, path);
    int64_t size = node == NULL ? -1 : node->data.current.size;
    pthread_mutex_unlock(&disk->mutex);
    return size;
}

bool fault_disk_file_read(fault_disk *disk, const char *path, int64_t offset, void *bytes, int64_t count) {
    fault_node *node = lock_and_find(disk, path);
    bool is_there = node != NULL && offset >= 0 && offset + count <= node->data.current.size;
    if (is_there) fault_content_read(&node->data.current, offset, bytes, count);
    pthread_mutex_unlock(&disk->mutex);
    return is_there;
}

static void flip(fault_content *content, int64_t offset, int bit) {
    if (offset >= content->size) return;
    unsigned char byte;
    fault_content_read(content, offset, &byte, 1);
    byte ^= (unsigned char)(1u << (bit & 7));
    fault_content_write(content, offset, &byte, 1);
}

bool fault_disk_file_flip(fault_disk *disk, const char *path, int64_t offset, int bit) {
    fault_node *node = lock_and_find(disk, path);
    bool is_there = node != NULL && offset >= 0 && offset < node->data.current.size;
    if (is_there) {
        flip(&node->data.current, offset, bit);
        flip(&node->data.durable, offset, bit);
    }
    pthread_mutex_unlock(&disk->mutex);
    return is_there;
}

static void place(fault_name *name, fault_node *node) {
    fault_node_release(name->current);
    fault_node_release(name->durable);
    name->current = name->durable = node;
    if (node != NULL) node->refs = 2;
}

bool fault_disk_file_delete(fault_disk *disk, const char *path) {
    bool is_there = lock_and_find(disk, path) != NULL;
    if (is_there) place(fault_disk_name(disk, path, false), NULL);
    pthread_mutex_unlock(&disk->mutex);
    return is_there;
}

bool fault_disk_file_truncate(fault_disk *disk, const char *path, int64_t size) {
    fault_node *node = lock_and_find(disk, path);
    if (node != NULL) {
        fault_content_truncate(&node->data.current, size);
        fault_data_harden(&node->data);
    }
    pthread_mutex_unlock(&disk->mutex);
    return node != NULL;
}

bool fault_disk_file_copy(fault_disk *disk, const char *path, const char *target) {
    fault_node *node = lock_and_find(disk, path);
    if (node != NULL) {
        fault_node *copy = fault_node_make();
        copy->data = fault_data_copy(&node->data);
        fault_data_harden(&copy->data);
        place(fault_disk_name(disk, target, true), copy);
    }
    pthread_mutex_unlock(&disk->mutex);
    return node != NULL;
}

bool fault_disk_file_path(fault_disk *disk, size_t index, char *path, size_t size) {
    pthread_mutex_lock(&disk->mutex);
    bool is_there = false;
    for (size_t i = 0; i < disk->name_count && !is_there; i++) {
        if (disk->names[i].current == NULL) continue;
        is_there = index-- == 0;
        if (is_there) snprintf(path, size, "%s", disk->names[i].path);
    }
    pthread_mutex_unlock(&disk->mutex);
    return is_there;
}

// Snapshots

typedef struct {
    char *path;
    /* Whether the name leads to a file now, and whether it does after a loss of power. */
    bool has_current;
    bool has_durable;
    bool is_one_file;
    fault_data current;
    fault_data durable;
} saved_name;

struct fault_snapshot {
    size_t count;
    saved_name *names;
};

fault_snapshot *fault_snapshot_take(fault_disk *disk) {
    fault_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL) abort();
    pthread_mutex_lock(&disk->mutex);
    snapshot->count = disk->name_count;
    snapshot->names = calloc(disk->name_count + 1, sizeof(saved_name));
    if (snapshot->names == NULL) abort();
    for (size_t i = 0; i < disk->name_count; i++) {
        const fault_name *name = &disk->names[i];
        saved_name *saved = &snapshot->names[i];
        saved->path = strdup(strchr(name->path + strlen(FAULT_PREFIX), '/'));
        saved->has_current = name->current != NULL;
        saved->has_durable = name->durable != NULL;
        saved->is_one_file = name->current == name->durable;
        if (saved->has_current) saved->current = fault_data_copy(&name->current->data);
        if (saved->has_durable && !saved->is_one_file) saved->durable = fault_data_copy(&name->durable->data);
    }
    pthread_mutex_unlock(&disk->mutex);
    return snapshot;
}

static void restore(fault_disk *disk, const saved_name *saved) {
    char path[FAULT_PATH_MAX];
    snprintf(path, sizeof path, "%s%d%s", FAULT_PREFIX, disk->number, saved->path);
    fault_name *name = fault_disk_name(disk, path, true);
    if (saved->has_current) {
        name->current = fault_node_make();
        name->current->data = fault_data_copy(&saved->current);
    }
    if (saved->is_one_file) {
        name->durable = name->current;
        if (name->durable != NULL) name->durable->refs++;
    } else if (saved->has_durable) {
        name->durable = fault_node_make();
        name->durable->data = fault_data_copy(&saved->durable);
    }
}

void fault_snapshot_restore(const fault_snapshot *snapshot, fault_disk *disk) {
    fault_disk_kill(disk);
    pthread_mutex_lock(&disk->mutex);
    for (size_t i = 0; i < disk->name_count; i++) place(&disk->names[i], NULL);
    for (size_t i = 0; i < snapshot->count; i++) restore(disk, &snapshot->names[i]);
    pthread_mutex_unlock(&disk->mutex);
    fault_disk_restart(disk);
}

void fault_snapshot_free(fault_snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->count; i++) {
        free(snapshot->names[i].path);
        fault_data_free(&snapshot->names[i].current);
        fault_data_free(&snapshot->names[i].durable);
    }
    free(snapshot->names);
    free(snapshot);
}
