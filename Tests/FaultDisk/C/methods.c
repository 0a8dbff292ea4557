#include <stdlib.h>
#include <string.h>

#include "handle.h"

static int close_file(sqlite3_file *file) {
    fault_handle *handle = (fault_handle *)file;
    fault_disk *disk = handle->disk;
    fault_unlock(file, SQLITE_LOCK_NONE);
    bool is_alive = fault_handle_lock(handle);
    fault_shm_close(handle);
    if (is_alive && handle->is_deleted_on_close) {
        fault_name *name = fault_disk_name(disk, handle->path, false);
        if (name != NULL && name->current == handle->node) {
            fault_node_release(name->current);
            name->current = NULL;
        }
    }
    fault_node_release(handle->node);
    fault_handle_unlock(handle);
    free(handle->path);
    fault_disk_release(disk);
    return SQLITE_OK;
}

static int read_alive(fault_handle *handle, void *bytes, int count, sqlite3_int64 offset) {
    if (fault_disk_step(handle->disk, FAULT_READ) != FAULT_GOES_ON) return SQLITE_IOERR_READ;
    const fault_content *content = &handle->node->data.current;
    int64_t there = content->size > offset ? content->size - offset : 0;
    if (there > count) there = count;
    fault_content_read(content, offset, bytes, there);
    if (there == count) return SQLITE_OK;
    memset((char *)bytes + there, 0, (size_t)(count - there));
    return SQLITE_IOERR_SHORT_READ;
}

static int read_file(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    fault_handle *handle = (fault_handle *)file;
    int code = fault_handle_lock(handle) ? read_alive(handle, bytes, count, offset) : SQLITE_IOERR_READ;
    fault_handle_unlock(handle);
    return code;
}

/* The bytes of a write up to a border of sectors, at most some. */
static int64_t whole_sectors(const fault_handle *handle, int64_t offset, int64_t count_max) {
    int64_t end = (offset + count_max) / handle->disk->sector_size * handle->disk->sector_size;
    return end > offset ? end - offset : 0;
}

static int write_alive(fault_handle *handle, const void *bytes, int count, sqlite3_int64 offset) {
    fault_data *data = &handle->node->data;
    fault_fate fate = fault_disk_step(handle->disk, FAULT_WRITE);
    if (fate == FAULT_IS_DEAD) return SQLITE_IOERR_WRITE;
    int64_t growth = offset + count - data->current.size;
    int64_t missing = growth > 0 ? growth - fault_disk_room(handle->disk) : 0;
    if (fate == FAULT_GOES_ON && missing <= 0) {
        fault_data_write(data, offset, bytes, count);
        return SQLITE_OK;
    }
    /* What fails has got part of the way; what was under way at the death has been taken over as a whole. */
    int64_t written = fate == FAULT_DIES ? count : whole_sectors(handle, offset, count / 2);
    if (missing > 0 && written > count - missing) {
        written = missing < count ? whole_sectors(handle, offset, count - missing) : 0;
    }
    fault_data_write(data, offset, bytes, written);
    return fate == FAULT_GOES_ON ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int write_file(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    fault_handle *handle = (fault_handle *)file;
    int code = fault_handle_lock(handle) ? write_alive(handle, bytes, count, offset) : SQLITE_IOERR_WRITE;
    fault_handle_unlock(handle);
    return code;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size) {
    fault_handle *handle = (fault_handle *)file;
    int code = SQLITE_IOERR_TRUNCATE;
    if (fault_handle_lock(handle)) {
        fault_fate fate = fault_disk_step(handle->disk, FAULT_TRUNCATE);
        if (fate == FAULT_GOES_ON || fate == FAULT_DIES) fault_data_truncate(&handle->node->data, size);
        if (fate == FAULT_GOES_ON) code = SQLITE_OK;
    }
    fault_handle_unlock(handle);
    return code;
}

static int sync_alive(fault_handle *handle) {
    fault_fate fate = fault_disk_step(handle->disk, FAULT_SYNC);
    if (fate == FAULT_FAILS) fault_data_strand(&handle->node->data);
    if (fate != FAULT_GOES_ON) return SQLITE_IOERR_FSYNC;
    fault_data_sync(&handle->node->data);
    if (handle->needs_folder_sync) fault_disk_sync_folder(handle->disk, handle->path);
    handle->needs_folder_sync = false;
    return SQLITE_OK;
}

static int sync_file(sqlite3_file *file, int flags) {
    (void)flags;
    fault_handle *handle = (fault_handle *)file;
    int code = fault_handle_lock(handle) ? sync_alive(handle) : SQLITE_IOERR_FSYNC;
    fault_handle_unlock(handle);
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    fault_handle *handle = (fault_handle *)file;
    bool is_alive = fault_handle_lock(handle);
    *size = handle->node->data.current.size;
    fault_handle_unlock(handle);
    return is_alive ? SQLITE_OK : SQLITE_IOERR_FSTAT;
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
    fault_handle *handle = (fault_handle *)file;
    switch (operation) {
    case SQLITE_FCNTL_LOCKSTATE: *(int *)argument = handle->level; return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED: *(int *)argument = 0; return SQLITE_OK;
    case SQLITE_FCNTL_VFSNAME: *(char **)argument = sqlite3_mprintf("fault-disk"); return SQLITE_OK;
    default: return SQLITE_NOTFOUND;
    }
}

static int sector_size(sqlite3_file *file) { return ((fault_handle *)file)->disk->sector_size; }

/* The disk promises nothing: a write that is cut may spoil its whole sector, and writes come in any order. */
static int device_characteristics(sqlite3_file *file) {
    (void)file;
    return 0;
}

const sqlite3_io_methods fault_io_methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};
