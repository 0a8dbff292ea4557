#include <stdlib.h>
#include <string.h>

#include "internal.h"

uint64_t fault_random(uint64_t *state) {
    uint64_t value = (*state += 0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

static void release(fault_change *change) {
    if (--change->refs > 0) return;
    free(change->bytes);
    free(change);
}

static void forget_pending(fault_data *data) {
    for (size_t i = 0; i < data->pending_count; i++) release(data->pending[i].change);
    data->pending_count = 0;
}

static void note(fault_data *data, int64_t offset, const void *bytes, int64_t count) {
    if (data->pending_count == data->pending_room) {
        data->pending_room = data->pending_room * 2 + 16;
        data->pending = realloc(data->pending, data->pending_room * sizeof *data->pending);
        if (data->pending == NULL) abort();
    }
    fault_change *change = calloc(1, sizeof *change);
    if (change == NULL) abort();
    change->refs = 1;
    change->offset = offset;
    change->count = count;
    if (bytes != NULL) {
        change->bytes = malloc((size_t)count);
        if (change->bytes == NULL) abort();
        memcpy(change->bytes, bytes, (size_t)count);
    }
    data->pending[data->pending_count++] = (fault_pending){change, false};
}

fault_data fault_data_copy(const fault_data *data) {
    fault_data copy = {0};
    copy.current = fault_content_copy(&data->current);
    copy.durable = fault_content_copy(&data->durable);
    copy.is_split = data->is_split;
    copy.pending_count = copy.pending_room = data->pending_count;
    copy.pending = malloc((data->pending_count + 1) * sizeof *copy.pending);
    if (copy.pending == NULL) abort();
    for (size_t i = 0; i < data->pending_count; i++) {
        copy.pending[i] = data->pending[i];
        copy.pending[i].change->refs++;
    }
    return copy;
}

void fault_data_free(fault_data *data) {
    forget_pending(data);
    free(data->pending);
    fault_content_free(&data->current);
    fault_content_free(&data->durable);
    memset(data, 0, sizeof *data);
}

void fault_data_write(fault_data *data, int64_t offset, const void *bytes, int64_t count) {
    if (count <= 0) return;
    note(data, offset, bytes, count);
    fault_content_write(&data->current, offset, bytes, count);
}

void fault_data_truncate(fault_data *data, int64_t size) {
    note(data, size, NULL, 0);
    fault_content_truncate(&data->current, size);
}

static void apply(fault_content *content, const fault_change *change) {
    if (change->bytes == NULL) {
        fault_content_truncate(content, change->offset);
    } else {
        fault_content_write(content, change->offset, change->bytes, change->count);
    }
}

void fault_data_sync(fault_data *data) {
    if (data->is_split) {
        for (size_t i = 0; i < data->pending_count; i++) {
            if (!data->pending[i].is_stranded) apply(&data->durable, data->pending[i].change);
        }
    } else if (data->pending_count > 0) {
        fault_content_free(&data->durable);
        data->durable = fault_content_copy(&data->current);
    }
    forget_pending(data);
}

void fault_data_strand(fault_data *data) {
    data->is_split = data->is_split || data->pending_count > 0;
    for (size_t i = 0; i < data->pending_count; i++) data->pending[i].is_stranded = true;
}

/* Writes some of the sectors that a change touches. */
static void apply_torn(fault_content *content, const fault_change *change, uint64_t *random, int sector_size) {
    int64_t done = 0;
    while (done < change->count) {
        int64_t part = sector_size - (change->offset + done) % sector_size;
        if (part > change->count - done) part = change->count - done;
        if (fault_random(random) & 1) {
            fault_content_write(content, change->offset + done, change->bytes + done, part);
        }
        done += part;
    }
}

void fault_data_settle(fault_data *data, uint64_t *random, int sector_size) {
    /* Some losses take almost everything, some almost nothing: either finds what the other does not. */
    static const unsigned kept_rates[] = {0, 16, 128, 240, 256};
    static const unsigned torn_rates[] = {0, 32, 128};
    unsigned kept_rate = kept_rates[fault_random(random) % 5];
    unsigned torn_rate = torn_rates[fault_random(random) % 3];
    for (size_t i = 0; i < data->pending_count; i++) {
        const fault_change *change = data->pending[i].change;
        if ((fault_random(random) & 255) >= kept_rate) continue;
        bool is_torn = change->bytes != NULL && (fault_random(random) & 255) < torn_rate;
        if (is_torn) {
            apply_torn(&data->durable, change, random, sector_size);
        } else {
            apply(&data->durable, change);
        }
    }
    forget_pending(data);
    data->is_split = false;
    fault_content_free(&data->current);
    data->current = fault_content_copy(&data->durable);
}

void fault_data_harden(fault_data *data) {
    forget_pending(data);
    data->is_split = false;
    fault_content_free(&data->durable);
    data->durable = fault_content_copy(&data->current);
}
