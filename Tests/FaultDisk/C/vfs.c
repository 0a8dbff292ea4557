#include <stdlib.h>
#include <string.h>

#include "handle.h"

/* The VFS that was the default before: everything that is not on a disk of ours is its. */
static sqlite3_vfs *original = NULL;

static bool is_ours(const char *path) {
    return path != NULL && strncmp(path, FAULT_PREFIX, strlen(FAULT_PREFIX)) == 0;
}

/* The file of a name, made if that is wanted; NULL if it cannot be opened so. */
static fault_node *find_node(fault_disk *disk, const char *path, int flags, bool *is_made) {
    fault_name *name = fault_disk_name(disk, path, (flags & SQLITE_OPEN_CREATE) != 0);
    if (name == NULL) return NULL;
    *is_made = name->current == NULL;
    if (*is_made) {
        if ((flags & SQLITE_OPEN_CREATE) == 0) return NULL;
        name->current = fault_node_make();
    } else if (flags & SQLITE_OPEN_EXCLUSIVE) {
        return NULL;
    }
    name->current->refs++;
    return name->current;
}

static int open_alive(fault_disk *disk, const char *path, fault_handle *handle, int flags) {
    switch (fault_disk_step(disk, FAULT_OPEN)) {
    case FAULT_GOES_ON: break;
    case FAULT_FAILS: return SQLITE_CANTOPEN;
    case FAULT_DIES:
    case FAULT_IS_DEAD: return SQLITE_IOERR;
    }
    bool is_made = false;
    fault_node *node = find_node(disk, path, flags, &is_made);
    if (node == NULL) return SQLITE_CANTOPEN;
    int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    handle->base.pMethods = &fault_io_methods;
    handle->disk = disk;
    handle->node = node;
    handle->life = disk->life;
    handle->path = strdup(path);
    handle->needs_folder_sync = is_made && (flags & journals) != 0;
    handle->is_deleted_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    return SQLITE_OK;
}

static int open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *flags_out) {
    (void)vfs;
    if (!is_ours(path)) return original->xOpen(original, path, file, flags, flags_out);
    memset(file, 0, sizeof(fault_handle));
    fault_disk *disk = fault_disk_find(path);
    if (disk == NULL) return SQLITE_CANTOPEN;
    pthread_mutex_lock(&disk->mutex);
    int code = open_alive(disk, path, (fault_handle *)file, flags);
    pthread_mutex_unlock(&disk->mutex);
    /* A handle keeps the disk. */
    if (code != SQLITE_OK) fault_disk_release(disk);
    if (code == SQLITE_OK && flags_out != NULL) *flags_out = flags;
    return code;
}

static int delete_alive(fault_disk *disk, const char *path, int is_synced) {
    fault_fate fate = fault_disk_step(disk, FAULT_DELETE);
    if (fate == FAULT_FAILS || fate == FAULT_IS_DEAD) return SQLITE_IOERR_DELETE;
    fault_name *name = fault_disk_name(disk, path, false);
    if (name == NULL || name->current == NULL) return SQLITE_IOERR_DELETE_NOENT;
    fault_node_release(name->current);
    name->current = NULL;
    if (fate == FAULT_DIES) return SQLITE_IOERR_DELETE;
    if (is_synced) fault_disk_sync_folder(disk, path);
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *path, int is_synced) {
    (void)vfs;
    if (!is_ours(path)) return original->xDelete(original, path, is_synced);
    fault_disk *disk = fault_disk_find(path);
    if (disk == NULL) return SQLITE_IOERR_DELETE;
    pthread_mutex_lock(&disk->mutex);
    int code = delete_alive(disk, path, is_synced);
    pthread_mutex_unlock(&disk->mutex);
    fault_disk_release(disk);
    return code;
}

static int access_file(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
    (void)vfs;
    if (!is_ours(path)) return original->xAccess(original, path, flags, result);
    *result = 0;
    fault_disk *disk = fault_disk_find(path);
    if (disk == NULL) return SQLITE_IOERR_ACCESS;
    pthread_mutex_lock(&disk->mutex);
    fault_name *name = fault_disk_name(disk, path, false);
    bool is_dead = disk->is_dead;
    /* As SQLite's own VFS has it, an empty file does not exist where only its existence is asked for. */
    bool is_there = name != NULL && name->current != NULL;
    if (is_there && flags == SQLITE_ACCESS_EXISTS) is_there = name->current->data.current.size > 0;
    *result = !is_dead && is_there;
    pthread_mutex_unlock(&disk->mutex);
    fault_disk_release(disk);
    return is_dead ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int full_path(sqlite3_vfs *vfs, const char *path, int size, char *full) {
    (void)vfs;
    if (!is_ours(path)) return original->xFullPathname(original, path, size, full);
    size_t length = strlen(path);
    if (length >= (size_t)size || length >= FAULT_PATH_MAX) return SQLITE_CANTOPEN;
    memcpy(full, path, length + 1);
    return SQLITE_OK;
}

// What has nothing to do with paths

static void *open_library(sqlite3_vfs *vfs, const char *path) {
    (void)vfs;
    return original->xDlOpen(original, path);
}

static void library_error(sqlite3_vfs *vfs, int size, char *message) {
    (void)vfs;
    original->xDlError(original, size, message);
}

static void (*library_symbol(sqlite3_vfs *vfs, void *library, const char *name))(void) {
    (void)vfs;
    return original->xDlSym(original, library, name);
}

static void close_library(sqlite3_vfs *vfs, void *library) {
    (void)vfs;
    original->xDlClose(original, library);
}

static int randomness(sqlite3_vfs *vfs, int size, char *bytes) {
    (void)vfs;
    return original->xRandomness(original, size, bytes);
}

static int sleep_some(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return original->xSleep(original, microseconds);
}

static int current_time(sqlite3_vfs *vfs, double *days) {
    (void)vfs;
    return original->xCurrentTime(original, days);
}

static int last_error(sqlite3_vfs *vfs, int size, char *message) {
    (void)vfs;
    return original->xGetLastError(original, size, message);
}

static int current_milliseconds(sqlite3_vfs *vfs, sqlite3_int64 *milliseconds) {
    (void)vfs;
    return original->xCurrentTimeInt64(original, milliseconds);
}

static sqlite3_vfs fault_vfs = {
    .iVersion = 2,
    .zName = "fault-disk",
    .xOpen = open_file,
    .xDelete = delete_file,
    .xAccess = access_file,
    .xFullPathname = full_path,
    .xDlOpen = open_library,
    .xDlError = library_error,
    .xDlSym = library_symbol,
    .xDlClose = close_library,
    .xRandomness = randomness,
    .xSleep = sleep_some,
    .xCurrentTime = current_time,
    .xGetLastError = last_error,
    .xCurrentTimeInt64 = current_milliseconds,
};

static void register_vfs(void) {
    original = sqlite3_vfs_find(NULL);
    if (original == NULL) abort();
    int size = (int)sizeof(fault_handle);
    fault_vfs.szOsFile = original->szOsFile > size ? original->szOsFile : size;
    fault_vfs.mxPathname = original->mxPathname > FAULT_PATH_MAX ? original->mxPathname : FAULT_PATH_MAX;
    if (sqlite3_vfs_register(&fault_vfs, 1) != SQLITE_OK) abort();
}

void fault_vfs_register(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_vfs);
}
