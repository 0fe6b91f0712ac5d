/* One connection: the handshake, WebSocket frames, and the messages of the feed. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "readers.h"

#define MOST_FRAME (16u << 20)
#define MOST_UNSENT (1u << 20)

enum { WELCOME = 16, SUBSCRIBED, SNAPSHOT, INCREMENT, STATUS = 23, PING, ERROR, BATCH };

static uint32_t mask_state = 2463534242u;

/* Keep for later what the kernel does not take now; a server that does not read at all is left. */
static void send_bytes(Reader *reader, const uint8_t *data, uint32_t size) {
    ssize_t sent = 0;
    if (!reader->unsent_size) sent = send(reader->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) sent = 0; /* full, or broken: then reading says so */
    uint32_t rest = size - (uint32_t)sent;
    if (!rest) return;
    if (reader->unsent_size + rest > MOST_UNSENT) {
        shutdown(reader->fd, SHUT_RDWR);
        return;
    }
    reader->unsent = realloc(reader->unsent, reader->unsent_size + rest);
    memcpy(reader->unsent + reader->unsent_size, data + sent, rest);
    reader->unsent_size += rest;
}

int send_unsent(Reader *reader) {
    if (!reader->unsent_size) return 1;
    ssize_t sent = send(reader->fd, reader->unsent, reader->unsent_size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    reader->unsent_size -= (uint32_t)sent;
    memmove(reader->unsent, reader->unsent + sent, reader->unsent_size);
    return 1;
}

static void send_frame(Reader *reader, uint8_t opcode, const uint8_t *payload, uint32_t size) {
    uint8_t frame[4096];
    uint8_t *at = frame;
    if (size > sizeof frame - 8) return;
    mask_state ^= mask_state << 13, mask_state ^= mask_state >> 17, mask_state ^= mask_state << 5;
    uint8_t mask[4];
    memcpy(mask, &mask_state, 4);
    *at++ = 0x80 | opcode;
    if (size < 126) {
        *at++ = 0x80 | (uint8_t)size;
    } else {
        *at++ = 0x80 | 126;
        *at++ = (uint8_t)(size >> 8);
        *at++ = (uint8_t)size;
    }
    memcpy(at, mask, 4);
    at += 4;
    for (uint32_t i = 0; i < size; i++) *at++ = payload[i] ^ mask[i & 3];
    send_bytes(reader, frame, (uint32_t)(at - frame));
}

void ask_handshake(Reader *reader) {
    char request[2048], token[1024] = "";
    if (options.token) snprintf(token, sizeof token, "Authorization: Bearer %s\r\n", options.token);
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s\r\n",
                        options.path, options.host, options.port,
                        options.plain ? "" : "Sec-WebSocket-Protocol: rtlab.v1.msgpack\r\n", token);
    send_bytes(reader, (uint8_t *)request, (uint32_t)size);
}

/* One Subscribe for all books, each from where it stands: [1, id, [[name, instrument, depth, 0, nil, resume]]] */
static void subscribe(Reader *reader) {
    uint8_t wish[4096], *at = wish;
    *at++ = 0x93;
    at = put_int(put_int(at, 1), 1);
    *at++ = 0xdc;
    *at++ = 0;
    *at++ = (uint8_t)options.book_count;
    for (int i = 0; i < options.book_count; i++) {
        Book *book = &reader->books[i];
        *at++ = 0x96;
        at = put_int(put_text(put_text(at, "book"), options.books[i]), options.depth);
        at = put_int(at, 0);
        *at++ = 0xc0;
        if (book->held) {
            *at++ = 0x93;
            at = put_int(put_int(put_int(at, book->epoch), book->seq), book->held);
        } else {
            *at++ = 0xc0;
        }
    }
    send_frame(reader, 2, wish, (uint32_t)(at - wish));
}

void send_resyncs(Reader *reader, int64_t now) {
    for (int i = 0; i < options.book_count; i++) {
        Book *book = &reader->books[i];
        if (!book->resync_due || now < book->resync_due) continue;
        uint8_t message[16] = {0x92, 4};
        send_frame(reader, 2, message, (uint32_t)(put_int(message + 2, book->key) - message));
        book->resync_due = 0, book->resync_at = now;
        tally.resyncs++;
    }
}

static void lose(Book *book, int64_t now) {
    book->held = 0;
    int64_t soonest = book->resync_at ? book->resync_at + SECOND : now;
    if (!book->resync_due) book->resync_due = soonest > now ? soonest : now;
}

static Book *book_of(Reader *reader, int64_t key) {
    for (int i = 0; i < options.book_count; i++)
        if (reader->books[i].granted && reader->books[i].key == key) return &reader->books[i];
    return NULL;
}

int is_ready(const Reader *reader) {
    if (reader->phase != OPEN) return 0;
    for (int i = 0; i < options.book_count && !options.plain; i++)
        if (!reader->books[i].granted || !reader->books[i].held || reader->books[i].fresh) return 0;
    return 1;
}

static void take_subscribed(Reader *reader, Cursor *cursor, uint32_t fields) {
    skip(cursor, 1);
    int64_t key = take_int(cursor);
    skip(cursor, 7);
    int64_t index = fields > 9 ? take_int(cursor) : 0;
    if (fields > 10) skip(cursor, fields - 10);
    if (cursor->bad || index < 0 || index >= options.book_count) {
        cursor->bad = 1;
        return;
    }
    Book *book = &reader->books[index];
    book->key = key, book->granted = book->fresh = 1;
}

static void take_state(Reader *reader, Cursor *cursor, int64_t tag, uint32_t fields, int64_t now) {
    Book *book = book_of(reader, take_int(cursor));
    if (!book) {
        skip(cursor, fields - 1);
        tally.ignored++;
        return;
    }
    int fresh = book->fresh, held = book->held > 0;
    int64_t before = book->ts;
    Outcome outcome = (tag == SNAPSHOT ? take_snapshot : take_increment)(book, cursor, fields - 1, &tally.checked);
    switch (outcome) {
    case TAKEN:
        *(tag == SNAPSHOT ? &tally.snapshots : &tally.increments) += 1;
        tally.resumed += tag == INCREMENT && fresh && reader->came_before;
        if (fresh || !held) break; /* how old that is says nothing about the delivery of news */
        count_time(tally.delivery, now - book->ts);
        count_time(tally.staleness, now - before);
        break;
    case KNOWN: tally.known++; break;
    case WAITING: tally.ignored++; break;
    case GAP: tally.gaps++, lose(book, now); break;
    case DIFFERS: tally.differ++, lose(book, now); break;
    case MALFORMED: cursor->bad = 1;
    }
}

/* Every book moves on with its head or is found to have lost something; then say what is applied. */
static void take_ping(Reader *reader, Cursor *cursor, uint32_t fields, int64_t now) {
    uint8_t pong[MOST_BOOKS * 32 + 32] = {0x93, 3}, *at;
    at = put_int(pong + 2, take_int(cursor));
    skip(cursor, 1);
    uint32_t count = take_map(cursor);
    while (count-- && !cursor->bad) {
        Book *book = book_of(reader, take_int(cursor));
        if (take_array(cursor) != 3) cursor->bad = 1;
        int64_t epoch = take_int(cursor), sent = take_int(cursor), exact = take_int(cursor);
        if (!book || !book->held || cursor->bad) continue;
        if (epoch == book->epoch && sent == book->seq && exact >= sent) {
            tally.resumed += book->fresh && reader->came_before;
            book->seq = exact, book->fresh = 0;
        } else {
            tally.gaps++;
            lose(book, now);
        }
    }
    if (fields > 3) skip(cursor, fields - 3);
    int holding = 0;
    for (int i = 0; i < options.book_count; i++) holding += reader->books[i].granted && reader->books[i].held;
    *at++ = 0xde;
    *at++ = 0;
    *at++ = (uint8_t)holding;
    for (int i = 0; i < options.book_count; i++) {
        Book *book = &reader->books[i];
        if (!book->granted || !book->held) continue;
        at = put_int(at, book->key);
        *at++ = 0x92;
        at = put_int(put_int(at, book->epoch), book->seq);
    }
    tally.pings++;
    send_frame(reader, 2, pong, (uint32_t)(at - pong));
}

static void take_message(Reader *reader, Cursor *cursor, int in_batch, int64_t now) {
    uint32_t fields = take_array(cursor);
    int64_t tag = fields ? take_int(cursor) : -1;
    if (cursor->bad || tag < 0) return;
    fields--;
    if (tag == BATCH) {
        uint32_t count = take_array(cursor);
        if (in_batch) cursor->bad = 1;
        while (count-- && !cursor->bad) take_message(reader, cursor, 1, now);
        return;
    }
    tally.messages++;
    if (tag == INCREMENT || tag == SNAPSHOT) {
        take_state(reader, cursor, tag, fields, now);
        return;
    }
    if (tag == PING) {
        take_ping(reader, cursor, fields, now);
        return;
    }
    if (tag == SUBSCRIBED && fields > 8) {
        take_subscribed(reader, cursor, fields);
        return;
    }
    if (tag == WELCOME) subscribe(reader);
    /* LAGGING is the one state of seven letters that says so: its head is 0xa7 "LAG" */
    if (tag == STATUS && cursor->end - cursor->at > 3) tally.lagging += !memcmp(cursor->at, "\xa7LAG", 4);
    tally.errors += tag == ERROR;
    skip(cursor, fields);
}

int64_t retry_ns(const uint8_t *text, uint32_t size) {
    static const char *const hints[] = {"retry in ", "Retry-After: ", "retry-after: "};
    char line[512];
    if (size >= sizeof line) size = sizeof line - 1;
    memcpy(line, text, size);
    line[size] = 0;
    for (int i = 0; i < 3; i++) {
        const char *found = strstr(line, hints[i]);
        if (found) return (int64_t)(strtod(found + strlen(hints[i]), NULL) * SECOND);
    }
    return -1;
}

static int take_frame(Reader *reader, uint8_t opcode, const uint8_t *payload, uint32_t size, int64_t now) {
    if (opcode == 8) {
        int64_t hint = size > 2 ? retry_ns(payload + 2, size - 2) : -1;
        tally.closes++;
        tally.last_close = size >= 2 ? payload[0] << 8 | payload[1] : 1005;
        if (hint >= 0) reader->due = now + hint;
        send_frame(reader, 8, payload, size > 2 ? 2 : size);
        return 0;
    }
    if (opcode == 9) send_frame(reader, 10, payload, size);
    if (opcode > 2) return 1;
    tally.frames++;
    if (options.plain) return 1;
    Cursor cursor = {payload, payload + size, 0};
    take_message(reader, &cursor, 0, now);
    if (cursor.bad || cursor.at != cursor.end) {
        tally.malformed++;
        return 0;
    }
    return 1;
}

/* Give the size of the frame at `at` (its head in *head), or 0 when it is not whole yet. */
static uint64_t frame_size(const uint8_t *at, uint64_t size, uint32_t *head) {
    if (size < 2) return 0;
    uint64_t payload = at[1] & 0x7f;
    *head = payload < 126 ? 2 : payload == 126 ? 4 : 10;
    if (size < *head) return 0;
    if (*head > 2) {
        payload = 0;
        for (uint32_t i = 2; i < *head; i++) payload = payload << 8 | at[i];
    }
    return *head + payload;
}

/* Give how many bytes are done with, or -1 at the end of the connection. */
static int64_t take_whole(Reader *reader, uint8_t *data, uint32_t size, int64_t now) {
    uint32_t done = 0, head;
    if (reader->phase == ASKING) {
        uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
        if (!end) return size > 16384 ? -1 : 0;
        done = (uint32_t)(end + 4 - data);
        if (memmem(data, done, " 101", 4) == NULL) {
            int64_t hint = retry_ns(data, done);
            tally.refused++;
            if (hint >= 0) reader->due = now + hint;
            return -1;
        }
        reader->phase = OPEN;
        tally.connects++;
    }
    while (done < size) {
        uint64_t whole = frame_size(data + done, size - done, &head);
        if (whole > MOST_FRAME) return -1;
        if (!whole || whole > size - done) break;
        if (!take_frame(reader, data[done] & 0x0f, data + done + head, (uint32_t)whole - head, now)) return -1;
        done += (uint32_t)whole;
    }
    return done;
}

int take_in(Reader *reader, uint8_t *data, uint32_t size, int64_t now) {
    tally.bytes += size;
    uint8_t *from = data;
    if (reader->kept_size) {
        reader->kept = realloc(reader->kept, reader->kept_size + size);
        memcpy(reader->kept + reader->kept_size, data, size);
        from = reader->kept, size += reader->kept_size;
    }
    int64_t done = take_whole(reader, from, size, now);
    if (done < 0) return 0;
    uint32_t rest = size - (uint32_t)done;
    if (from == data && rest) reader->kept = realloc(reader->kept, rest);
    if (rest) memmove(reader->kept, from + done, rest);
    if (!rest && reader->kept) {
        free(reader->kept);
        reader->kept = NULL;
    }
    reader->kept_size = rest;
    send_resyncs(reader, now);
    return 1;
}
