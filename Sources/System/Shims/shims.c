#include "Shims.h"

#include <stdlib.h>

CURLcode shim_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

CURLcode shim_curl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

CURLcode shim_curl_set_pointer(CURL *handle, CURLoption option, const void *value) {
    return curl_easy_setopt(handle, option, value);
}

CURLcode shim_curl_set_write(CURL *handle, size_t (*callback)(char *, size_t, size_t, void *), void *context) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, callback);
    return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_WRITEDATA, context) : code;
}

CURLcode shim_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}

int shim_sqlite_count_no_memory(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

int shim_sqlite_bind_blob_copy(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

int shim_sqlite_bind_text_copy(sqlite3_stmt *statement, int index, const char *bytes, int count) {
    return sqlite3_bind_text(statement, index, bytes, count, SQLITE_TRANSIENT);
}

static int delete_file(const char *path, int is_synced) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    if (vfs == NULL) return SQLITE_ERROR;
    int code = vfs->xDelete(vfs, path, is_synced);
    return code == SQLITE_IOERR_DELETE_NOENT ? SQLITE_OK : code;
}

int shim_sqlite_delete_file(const char *path) { return delete_file(path, 0); }

/* Opens a file through the default VFS, has something done to it, and closes it. */
static int with_file(const char *path, int flags, int (*body)(sqlite3_file *)) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    if (vfs == NULL) return SQLITE_ERROR;
    /* A VFS may look behind a name for parameters, so the name must be one of SQLite's own. */
    const char *name = sqlite3_create_filename(path, "", "", 0, NULL);
    sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
    int code = SQLITE_NOMEM;
    if (name != NULL && file != NULL) {
        code = vfs->xOpen(vfs, name, file, SQLITE_OPEN_READWRITE | flags, NULL);
        if (code == SQLITE_OK && body != NULL) code = body(file);
        if (file->pMethods != NULL) file->pMethods->xClose(file);
    }
    free(file);
    if (name != NULL) sqlite3_free_filename((char *)name);
    return code;
}

int shim_sqlite_sync_folder(const char *path) {
    int code = with_file(path, SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB, NULL);
    return code == SQLITE_OK ? delete_file(path, 1) : code;
}

static int rewrite(sqlite3_file *file) {
    static const sqlite3_int64 part_max = 1 << 16;
    char *bytes = malloc((size_t)part_max);
    if (bytes == NULL) return SQLITE_NOMEM;
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);
    for (sqlite3_int64 done = 0; code == SQLITE_OK && done < size; done += part_max) {
        int part = (int)(size - done < part_max ? size - done : part_max);
        code = file->pMethods->xRead(file, bytes, part, done);
        if (code == SQLITE_OK) code = file->pMethods->xWrite(file, bytes, part, done);
    }
    free(bytes);
    return code == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : code;
}

int shim_sqlite_rewrite_log(const char *path) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    int is_there = 0;
    if (vfs == NULL) return SQLITE_ERROR;
    int code = vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &is_there);
    if (code != SQLITE_OK || !is_there) return code;
    return with_file(path, SQLITE_OPEN_WAL, rewrite);
}
