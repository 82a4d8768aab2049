#include "meta/incarnation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "codec/json_text.h"

enum { SUM_LINE = 17 };

uint32_t incarnation_cluster_id(const Incarnation *incarnation)
{
    return (uint32_t)(checksum_bytes(incarnation->cluster, strlen(incarnation->cluster)) & INT32_MAX);
}

void incarnation_token(const Incarnation *incarnation, char out[INCARNATION_TOKEN_BYTES])
{
    uint64_t token = hash_u64(checksum_bytes(incarnation->cluster, strlen(incarnation->cluster)));
    snprintf(out, INCARNATION_TOKEN_BYTES, "%08x-%04x-4%03x-8%03x-%012" PRIx64, (unsigned)(token >> 32), (unsigned)(token >> 16 & 0xffff),
             (unsigned)(token & 0xfff), (unsigned)(token >> 52), token & 0xffffffffffff);
}

void incarnation_print_version(const Incarnation *incarnation, ByteBuf *out)
{
    char token[INCARNATION_TOKEN_BYTES];
    incarnation_token(incarnation, token);
    bytebuf_printf(out, "clusterId=%u\ntoken=%s\nrunMode=shared_data\nincarnation=%" PRIu64 "\n", incarnation_cluster_id(incarnation),
                   token, incarnation->number);
}

void incarnation_path(char out[INCARNATION_PATH_BYTES], uint64_t number)
{
    snprintf(out, INCARNATION_PATH_BYTES, "meta/incarnation/%" PRIu64, number);
}

void incarnation_write(const Incarnation *incarnation, ByteBuf *out)
{
    bytebuf_clear(out);
    bytebuf_printf(out, "{\"incarnation\":%" PRIu64 ",\"parent\":%" PRIu64 ",\"entry\":%" PRIu64 ",\"cluster\":\"%s\"", incarnation->number,
                   incarnation->parent, incarnation->entry_id, incarnation->cluster);
    if (incarnation->time_us != 0)
        bytebuf_printf(out, ",\"time\":%" PRId64, incarnation->time_us);
    if (incarnation->generation[0] != '\0') {
        bytebuf_append_text(out, ",\"generation\":");
        json_quote(strview(incarnation->generation), out);
    }
    bytebuf_append_text(out, "}\n");
    bytebuf_printf(out, "%016" PRIx64 "\n", checksum_bytes(out->data, out->length));
}

static bool copy_text(StrView span, char *out, size_t room)
{
    AUTO_BYTEBUF plain = {0};
    if (span.length < 2 || span.data[0] != '"' || !json_unescape(strview_n(span.data + 1, span.length - 2), &plain) || plain.length >= room)
        return false;
    memcpy(out, plain.data == NULL ? "" : plain.data, plain.length);
    out[plain.length] = '\0';
    return true;
}

static bool read_members(StrView line, Incarnation *out)
{
    StrView key, value;
    size_t at = 0;
    bool is_sane = true;
    while (json_next_member(line, &at, &key, &value)) {
        char digits[24] = "";
        if (value.length < sizeof(digits))
            memcpy(digits, value.data, value.length);
        if (strview_is(key, "incarnation"))
            out->number = strtoull(digits, NULL, 10);
        else if (strview_is(key, "parent"))
            out->parent = strtoull(digits, NULL, 10);
        else if (strview_is(key, "entry"))
            out->entry_id = strtoull(digits, NULL, 10);
        else if (strview_is(key, "time"))
            out->time_us = strtoll(digits, NULL, 10);
        else if (strview_is(key, "cluster"))
            is_sane &= copy_text(value, out->cluster, sizeof(out->cluster));
        else if (strview_is(key, "generation"))
            is_sane &= copy_text(value, out->generation, sizeof(out->generation));
    }
    return is_sane;
}

Status incarnation_read(StrView bytes, const char *path, Diag *diag, Incarnation *out)
{
    char expected[SUM_LINE + 1];
    *out = (Incarnation){0};
    size_t body = bytes.length < SUM_LINE ? 0 : bytes.length - SUM_LINE;
    snprintf(expected, sizeof(expected), "%016" PRIx64 "\n", checksum_bytes(bytes.data, body));
    if (body == 0 || memcmp(bytes.data + body, expected, SUM_LINE) != 0)
        return RAISE(diag, CORRUPT, "object \"%s\" is damaged: its checksum does not match", path);
    return read_members(strview_n(bytes.data, body), out) ? OK : RAISE(diag, CORRUPT, "object \"%s\" can't be read", path);
}

Status incarnation_get(Volume *volume, uint64_t number, Diag *diag, ByteBuf *out_bytes, Incarnation *out)
{
    char path[INCARNATION_PATH_BYTES];
    AUTO_BYTEBUF bytes = {0};
    Diag missing = {0};
    incarnation_path(path, number);
    Status status = volume_get(volume, path, &bytes, &missing);
    if (status == ERR_NO_SUCH_OBJECT)
        return diag_raise(diag, status, "%s", missing.message);
    if (status != OK)
        return RAISE(diag, IO, "%s", missing.message);
    TRY(incarnation_read(bytebuf_view(&bytes), path, diag, out));
    if (out->number != number)
        return RAISE(diag, CORRUPT, "object \"%s\" is of incarnation %" PRIu64, path, out->number);
    if (out_bytes != NULL) {
        bytebuf_clear(out_bytes);
        bytebuf_append_view(out_bytes, bytebuf_view(&bytes));
    }
    return OK;
}

Status incarnation_newest(Volume *volume, Diag *diag, Incarnation *out)
{
    *out = (Incarnation){0};
    for (;;) {
        Incarnation next;
        Diag missing = {0};
        Status status = incarnation_get(volume, out->number + 1, &missing, NULL, &next);
        if (status == ERR_NO_SUCH_OBJECT)
            return OK;
        if (status != OK)
            return diag_raise(diag, status, "%s", missing.message);
        *out = next;
    }
}

Status incarnation_put(Volume *volume, uint64_t number, StrView bytes, Diag *diag)
{
    char path[INCARNATION_PATH_BYTES];
    Diag trouble = {0};
    incarnation_path(path, number);
    Status status = volume_put_if_absent(volume, path, bytes, &trouble);
    return status == OK || status == ERR_OBJECT_EXISTS ? OK : diag_raise(diag, status, "%s", trouble.message);
}

Status incarnation_of_moment(Volume *volume, uint64_t newest, uint64_t entry_id, int64_t time_us, Diag *diag, uint64_t *out_number)
{
    *out_number = MIN(newest, 1);
    for (uint64_t number = 2; number <= newest; number++) {
        Incarnation record;
        TRY(incarnation_get(volume, number, diag, NULL, &record));
        bool is_later = entry_id != 0 ? record.entry_id > entry_id : record.time_us > time_us;
        if (is_later)
            break;
        *out_number = number;
    }
    return OK;
}
