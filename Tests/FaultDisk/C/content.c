#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct fault_page {
    _Atomic int refs;
    unsigned char bytes[FAULT_PAGE_SIZE];
};

static void release(fault_page *page) {
    if (page != NULL && --page->refs == 0) free(page);
}

fault_content fault_content_copy(const fault_content *content) {
    fault_content copy = *content;
    copy.pages = malloc((size_t)(content->page_count + 1) * sizeof(fault_page *));
    if (copy.pages == NULL) abort();
    for (int64_t i = 0; i < content->page_count; i++) {
        copy.pages[i] = content->pages[i];
        if (copy.pages[i] != NULL) copy.pages[i]->refs++;
    }
    return copy;
}

void fault_content_free(fault_content *content) {
    for (int64_t i = 0; i < content->page_count; i++) release(content->pages[i]);
    free(content->pages);
    memset(content, 0, sizeof *content);
}

static void resize(fault_content *content, int64_t page_count) {
    for (int64_t i = page_count; i < content->page_count; i++) release(content->pages[i]);
    content->pages = realloc(content->pages, (size_t)(page_count + 1) * sizeof(fault_page *));
    if (content->pages == NULL) abort();
    for (int64_t i = content->page_count; i < page_count; i++) content->pages[i] = NULL;
    content->page_count = page_count;
}

/* A page that only this content has. */
static fault_page *own(fault_content *content, int64_t index) {
    fault_page *page = content->pages[index];
    if (page != NULL && page->refs == 1) return page;
    fault_page *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) abort();
    fresh->refs = 1;
    if (page != NULL) memcpy(fresh->bytes, page->bytes, FAULT_PAGE_SIZE);
    release(page);
    content->pages[index] = fresh;
    return fresh;
}

static int64_t chunk(int64_t offset, int64_t count) {
    int64_t rest = FAULT_PAGE_SIZE - offset % FAULT_PAGE_SIZE;
    return rest < count ? rest : count;
}

void fault_content_read(const fault_content *content, int64_t offset, unsigned char *bytes, int64_t count) {
    while (count > 0) {
        int64_t part = chunk(offset, count);
        int64_t index = offset / FAULT_PAGE_SIZE;
        const fault_page *page = index < content->page_count ? content->pages[index] : NULL;
        if (page == NULL) {
            memset(bytes, 0, (size_t)part);
        } else {
            memcpy(bytes, page->bytes + offset % FAULT_PAGE_SIZE, (size_t)part);
        }
        offset += part;
        bytes += part;
        count -= part;
    }
}

void fault_content_write(fault_content *content, int64_t offset, const unsigned char *bytes, int64_t count) {
    if (count == 0) return;
    int64_t end = offset + count;
    if (end > content->size) content->size = end;
    int64_t page_count = (content->size + FAULT_PAGE_SIZE - 1) / FAULT_PAGE_SIZE;
    if (page_count > content->page_count) resize(content, page_count);
    while (count > 0) {
        int64_t part = chunk(offset, count);
        fault_page *page = own(content, offset / FAULT_PAGE_SIZE);
        memcpy(page->bytes + offset % FAULT_PAGE_SIZE, bytes, (size_t)part);
        offset += part;
        bytes += part;
        count -= part;
    }
}

void fault_content_truncate(fault_content *content, int64_t size) {
    resize(content, (size + FAULT_PAGE_SIZE - 1) / FAULT_PAGE_SIZE);
    int64_t kept = size % FAULT_PAGE_SIZE;
    if (kept > 0 && size < content->size && content->pages[size / FAULT_PAGE_SIZE] != NULL) {
        /* What the file grows by later reads as zeros. */
        fault_page *page = own(content, size / FAULT_PAGE_SIZE);
        memset(page->bytes + kept, 0, (size_t)(FAULT_PAGE_SIZE - kept));
    }
    content->size = size;
}
