#include "external/urls.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define REMEDY "write it as http://host:port"

/* One entry of the list, counted from 1. */
struct entry {
    size_t number;
    const char *text;
    size_t bytes;
};

static enum muster_rc refuse(const struct entry *entry, const char *why, struct muster_error *err)
{
    int shown = entry->bytes < 200 ? (int)entry->bytes : 200;
    return muster_error_set(err, MUSTER_EINVAL, "%s: entry %zu, '%.*s', %s",
                            muster_variable_info(MUSTER_VAR_EXTERNAL_NODES)->name, entry->number, shown,
                            entry->text, why);
}

static void trim(struct entry *entry)
{
    while (entry->bytes > 0 && isspace((unsigned char)entry->text[0])) {
        entry->text++;
        entry->bytes--;
    }
    while (entry->bytes > 0 && isspace((unsigned char)entry->text[entry->bytes - 1])) {
        entry->bytes--;
    }
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static bool is_http(CURLU *url)
{
    char *scheme = NULL;
    bool http =
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && strcasecmp(scheme, "http") == 0;
    curl_free(scheme);
    return http;
}

/* The engine puts a path behind it, so there must be nothing behind its own. A password would end up in every
 * log, and is not repeated here. */
static enum muster_rc check_parts(CURLU *url, const struct entry *entry, struct muster_error *err)
{
    if (!is_http(url)) {
        return refuse(entry, "has another scheme than http, which is the only one spoken; " REMEDY, err);
    }
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)) {
        const struct entry hidden = { .number = entry->number, .text = "...", .bytes = 3 };
        return refuse(&hidden, "holds a user or a password, which cannot be given; " REMEDY, err);
    }
    if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT)) {
        return refuse(entry, "ends in a query or a fragment, where paths are put behind it; " REMEDY, err);
    }
    return MUSTER_OK;
}

static enum muster_rc take_text(CURLU *url, const struct entry *entry, char ret[512],
                                struct muster_error *err)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url, CURLUPART_URL, &text, 0);
    size_t bytes = code == CURLUE_OK ? strlen(text) : 0;
    while (bytes > 0 && text[bytes - 1] == '/') {
        text[--bytes] = '\0';
    }
    enum muster_rc rc = MUSTER_OK;
    if (code == CURLUE_OUT_OF_MEMORY) {
        rc = muster_error_set(err, MUSTER_ENOMEM, "no memory for a URL");
    } else if (code != CURLUE_OK || bytes >= 512) {
        rc = refuse(entry, "is too long for a URL; " REMEDY, err);
    } else {
        memcpy(ret, text, bytes + 1);
    }
    curl_free(text);
    return rc;
}

static enum muster_rc read_parsed(CURLU *url, const struct entry *entry, char ret[512],
                                  struct muster_error *err)
{
    char text[2048];
    if (entry->bytes >= sizeof text) {
        return refuse(entry, "is too long for a URL; " REMEDY, err);
    }
    snprintf(text, sizeof text, "%.*s", (int)entry->bytes, entry->text);
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OUT_OF_MEMORY) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a URL");
    }
    /* Without "//" what looks like a host is taken for a scheme. */
    if (code != CURLUE_OK || strstr(text, "://") == NULL) {
        return refuse(entry, "is not a URL; " REMEDY, err);
    }
    enum muster_rc rc = check_parts(url, entry, err);
    return rc == MUSTER_OK ? take_text(url, entry, ret, err) : rc;
}

static enum muster_rc read_entry(const struct entry *entry, char ret[512], struct muster_error *err)
{
    if (entry->bytes == 0) {
        return refuse(entry, "is empty; put one comma between two URLs and none at the end", err);
    }
    CURLU *url = curl_url();
    if (url == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a URL");
    }
    enum muster_rc rc = read_parsed(url, entry, ret, err);
    curl_url_cleanup(url);
    return rc;
}

static enum muster_rc check_new(const struct external_urls *urls, const struct entry *entry, const char *url,
                                struct muster_error *err)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (strcasecmp(urls->url[i], url) == 0) {
            char why[96];
            snprintf(why, sizeof why, "is the same as entry %zu; name each node once", i + 1);
            return refuse(entry, why, err);
        }
    }
    return MUSTER_OK;
}

static enum muster_rc add(struct external_urls *urls, const struct entry *entry, struct muster_error *err)
{
    char url[512];
    enum muster_rc rc = read_entry(entry, url, err);
    if (rc == MUSTER_OK && urls->count == MUSTER_NODES_MAX) {
        char why[96];
        snprintf(why, sizeof why, "is one too many; a scenario has %u nodes at most", MUSTER_NODES_MAX);
        return refuse(entry, why, err);
    }
    if (rc == MUSTER_OK) {
        rc = check_new(urls, entry, url, err);
    }
    if (rc == MUSTER_OK) {
        memcpy(urls->url[urls->count++], url, sizeof url);
    }
    return rc;
}

enum muster_rc external__read_urls(const char *list, struct external_urls *ret, struct muster_error *err)
{
    struct entry entry = { .number = 1, .text = list };
    ret->count = 0;
    for (;;) {
        size_t bytes = strcspn(entry.text, ",");
        const char *end = entry.text + bytes;
        entry.bytes = bytes;
        trim(&entry);
        enum muster_rc rc = add(ret, &entry, err);
        if (rc != MUSTER_OK || *end == '\0') {
            return rc;
        }
        entry = (struct entry){ .number = entry.number + 1, .text = end + 1 };
    }
}
