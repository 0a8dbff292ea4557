#ifndef ODOGRAPH_SHIMS_H
#define ODOGRAPH_SHIMS_H

#include <curl/curl.h>
#include <sqlite3.h>

/* Swift imports neither variadic functions nor cast macros: these say the same with fixed types. */

CURLcode shim_curl_set_long(CURL *handle, CURLoption option, long value);
CURLcode shim_curl_set_string(CURL *handle, CURLoption option, const char *value);
CURLcode shim_curl_set_pointer(CURL *handle, CURLoption option, const void *value);
CURLcode shim_curl_set_write(CURL *handle, size_t (*callback)(char *, size_t, size_t, void *), void *context);
CURLcode shim_curl_get_long(CURL *handle, CURLINFO info, long *value);

/* Switches the library's count of the memory in use off, which takes a lock at every allocation; before its first use. */
int shim_sqlite_count_no_memory(void);
int shim_sqlite_bind_blob_copy(sqlite3_stmt *statement, int index, const void *bytes, int count);
int shim_sqlite_bind_text_copy(sqlite3_stmt *statement, int index, const char *bytes, int count);

/* Deletes a file through the default VFS; a file that is not there is no error. */
int shim_sqlite_delete_file(const char *path);
/* Makes a file through the default VFS and deletes it again, with a sync of its folder. */
int shim_sqlite_sync_folder(const char *path);
/* Reads a file and writes it again, byte for byte, and syncs it; a file that is not there is no error. */
int shim_sqlite_rewrite_log(const char *path);

#endif
