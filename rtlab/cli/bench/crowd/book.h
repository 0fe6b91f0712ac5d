/* The reader's half of the wire in C: msgpack values, and books folded level by level with their checksum. */
#ifndef RTLAB_BOOK_H
#define RTLAB_BOOK_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *at, *end;
    int bad; /* something was cut short or of another type; all values from then on are 0 */
} Cursor;

int64_t take_int(Cursor *cursor);
int take_maybe(Cursor *cursor, int64_t *value); /* 0 when it was nil */
uint32_t take_array(Cursor *cursor);
uint32_t take_map(Cursor *cursor);
void skip(Cursor *cursor, uint32_t values);

/* Writing: each gives where the next value goes. */
uint8_t *put_int(uint8_t *at, int64_t value);
uint8_t *put_text(uint8_t *at, const char *text);

typedef struct {
    int64_t price, qty;
} Level;

typedef struct {
    int64_t key, epoch, seq, ts, held; /* held: its depth, 0 when it holds nothing to rely on */
    Level *sides[2];                   /* bids from the highest price, asks from the lowest */
    uint32_t counts[2], capacity;
    int granted, fresh; /* fresh: nothing came for it on this connection yet */
    int64_t resync_at, resync_due;
} Book;

typedef enum { TAKEN, KNOWN, WAITING, GAP, DIFFERS, MALFORMED } Outcome;

/* Fold a Snapshot or Increment, the cursor standing behind the key; `fields` are those left in the message. */
Outcome take_snapshot(Book *book, Cursor *cursor, uint32_t fields, int64_t *checked);
Outcome take_increment(Book *book, Cursor *cursor, uint32_t fields, int64_t *checked);
uint32_t book_checksum(const Book *book);
void prepare_checksums(void);

#endif
