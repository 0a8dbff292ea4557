#include <stdlib.h>

#include "handle.h"

bool fault_handle_lock(fault_handle *handle) {
    pthread_mutex_lock(&handle->disk->mutex);
    return !handle->disk->is_dead && handle->life == handle->disk->life;
}

void fault_handle_unlock(fault_handle *handle) { pthread_mutex_unlock(&handle->disk->mutex); }

// Locks of the file

static bool is_held_by_other(const void *owner, const fault_handle *handle) {
    return owner != NULL && owner != handle;
}

static int lock_alive(fault_handle *handle, int level) {
    fault_node *node = handle->node;
    if (handle->level >= level) return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED) {
        if (node->pending != NULL || node->exclusive != NULL) return SQLITE_BUSY;
        node->shared_count++;
    } else {
        if (is_held_by_other(node->reserved, handle) || is_held_by_other(node->pending, handle)) return SQLITE_BUSY;
        if (level == SQLITE_LOCK_RESERVED) {
            node->reserved = handle;
        } else {
            node->pending = handle;
            if (node->shared_count > 1) {
                handle->level = SQLITE_LOCK_PENDING;
                return SQLITE_BUSY;
            }
            node->exclusive = handle;
        }
    }
    handle->level = level;
    return SQLITE_OK;
}

int fault_lock(sqlite3_file *file, int level) {
    fault_handle *handle = (fault_handle *)file;
    int code = fault_handle_lock(handle) ? lock_alive(handle, level) : SQLITE_IOERR_LOCK;
    fault_handle_unlock(handle);
    return code;
}

int fault_unlock(sqlite3_file *file, int level) {
    fault_handle *handle = (fault_handle *)file;
    bool is_alive = fault_handle_lock(handle);
    fault_node *node = handle->node;
    if (is_alive && handle->level > level) {
        if (node->reserved == handle) node->reserved = NULL;
        if (node->pending == handle) node->pending = NULL;
        if (node->exclusive == handle) node->exclusive = NULL;
        if (level == SQLITE_LOCK_NONE) node->shared_count--;
        handle->level = level;
    }
    fault_handle_unlock(handle);
    return is_alive ? SQLITE_OK : SQLITE_IOERR_UNLOCK;
}

int fault_check_reserved_lock(sqlite3_file *file, int *is_reserved) {
    fault_handle *handle = (fault_handle *)file;
    bool is_alive = fault_handle_lock(handle);
    *is_reserved = is_alive && handle->node->reserved != NULL;
    fault_handle_unlock(handle);
    return is_alive ? SQLITE_OK : SQLITE_IOERR_CHECKRESERVEDLOCK;
}

// Shared memory

void fault_shm_release(fault_shm *shm) {
    if (shm == NULL || --shm->refs > 0) return;
    for (int i = 0; i < shm->region_count; i++) free(shm->regions[i]);
    free(shm->regions);
    free(shm);
}

/* The handle's shared memory: that of the other living handles of the file, or a new one. */
static fault_shm *attach(fault_handle *handle) {
    if (handle->shm != NULL) return handle->shm;
    fault_node *node = handle->node;
    if (node->shm == NULL) {
        node->shm = calloc(1, sizeof *node->shm);
        if (node->shm == NULL) abort();
        node->shm->refs = 1;
    }
    node->shm->refs++;
    handle->shm = node->shm;
    return handle->shm;
}

static int map_alive(fault_handle *handle, int region, int size, int is_extended, void volatile **bytes) {
    if (fault_disk_step(handle->disk, FAULT_SHM) != FAULT_GOES_ON) return SQLITE_IOERR_SHMMAP;
    fault_shm *shm = attach(handle);
    if (region >= shm->region_count) {
        if (!is_extended) return SQLITE_OK;
        shm->regions = realloc(shm->regions, (size_t)(region + 1) * sizeof *shm->regions);
        if (shm->regions == NULL) abort();
        while (shm->region_count <= region) {
            unsigned char *fresh = calloc(1, (size_t)size);
            if (fresh == NULL) abort();
            shm->regions[shm->region_count++] = fresh;
        }
    }
    *bytes = shm->regions[region];
    return SQLITE_OK;
}

int fault_shm_map(sqlite3_file *file, int region, int size, int is_extended, void volatile **bytes) {
    fault_handle *handle = (fault_handle *)file;
    *bytes = NULL;
    int code = SQLITE_IOERR_SHMMAP;
    if (fault_handle_lock(handle)) code = map_alive(handle, region, size, is_extended, bytes);
    fault_handle_unlock(handle);
    return code;
}

static void release_locks(fault_handle *handle, unsigned mask) {
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        unsigned bit = 1u << i;
        if (mask & handle->shared_mask & bit) handle->shm->shared_counts[i]--;
        if (mask & handle->exclusive_mask & bit) handle->shm->owners[i] = NULL;
    }
    handle->shared_mask &= ~mask;
    handle->exclusive_mask &= ~mask;
}

static int take_locks(fault_handle *handle, int first, int count, unsigned mask, bool is_shared) {
    fault_shm *shm = handle->shm;
    for (int i = first; i < first + count; i++) {
        if (is_held_by_other(shm->owners[i], handle)) return SQLITE_BUSY;
        int others = shm->shared_counts[i] - ((handle->shared_mask >> i) & 1);
        if (!is_shared && others > 0) return SQLITE_BUSY;
    }
    for (int i = first; i < first + count; i++) {
        if (!is_shared) {
            shm->owners[i] = handle;
        } else if ((handle->shared_mask & (1u << i)) == 0) {
            shm->shared_counts[i]++;
        }
    }
    if (is_shared) handle->shared_mask |= mask; else handle->exclusive_mask |= mask;
    return SQLITE_OK;
}

int fault_shm_lock(sqlite3_file *file, int first, int count, int flags) {
    fault_handle *handle = (fault_handle *)file;
    unsigned mask = (1u << (first + count)) - (1u << first);
    int code = SQLITE_IOERR_SHMLOCK;
    if (fault_handle_lock(handle) && handle->shm != NULL) {
        if (flags & SQLITE_SHM_UNLOCK) {
            release_locks(handle, mask);
            code = SQLITE_OK;
        } else if (fault_disk_step(handle->disk, FAULT_SHM) == FAULT_GOES_ON) {
            code = take_locks(handle, first, count, mask, (flags & SQLITE_SHM_SHARED) != 0);
        }
    }
    fault_handle_unlock(handle);
    return code;
}

void fault_shm_barrier(sqlite3_file *file) {
    fault_handle *handle = (fault_handle *)file;
    fault_handle_lock(handle);
    fault_handle_unlock(handle);
}

void fault_shm_close(fault_handle *handle) {
    fault_shm *shm = handle->shm;
    if (shm == NULL) return;
    release_locks(handle, ~0u);
    handle->shm = NULL;
    fault_shm_release(shm);
    /* With the last one that had it mapped the memory is gone: the next one finds it empty. */
    if (handle->node->shm == shm && shm->refs == 1) {
        handle->node->shm = NULL;
        fault_shm_release(shm);
    }
}

int fault_shm_unmap(sqlite3_file *file, int is_deleted) {
    (void)is_deleted;
    fault_handle *handle = (fault_handle *)file;
    fault_handle_lock(handle);
    fault_shm_close(handle);
    fault_handle_unlock(handle);
    return SQLITE_OK;
}
