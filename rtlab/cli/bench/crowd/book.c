#include "book.h"

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the checksum is over little-endian integers: this program wants a little-endian machine"
#endif

/* msgpack */

static uint64_t take_bytes(Cursor *cursor, uint32_t count) {
    uint64_t value = 0;
    if (cursor->bad || cursor->end - cursor->at < (ptrdiff_t)count) {
        cursor->bad = 1;
        return 0;
    }
    while (count--) value = value << 8 | *cursor->at++;
    return value;
}

int take_maybe(Cursor *cursor, int64_t *value) {
    uint8_t head = (uint8_t)take_bytes(cursor, 1);
    *value = 0;
    if (head == 0xc0) return 0;
    if (head < 0x80) *value = head;
    else if (head >= 0xe0) *value = (int8_t)head;
    else if (head >= 0xcc && head <= 0xcf) *value = (int64_t)take_bytes(cursor, 1u << (head - 0xcc));
    else if (head == 0xd0) *value = (int8_t)take_bytes(cursor, 1);
    else if (head == 0xd1) *value = (int16_t)take_bytes(cursor, 2);
    else if (head == 0xd2) *value = (int32_t)take_bytes(cursor, 4);
    else if (head == 0xd3) *value = (int64_t)take_bytes(cursor, 8);
    else cursor->bad = 1;
    return !cursor->bad;
}

int64_t take_int(Cursor *cursor) {
    int64_t value;
    if (!take_maybe(cursor, &value)) cursor->bad = 1;
    return value;
}

static uint32_t take_size(Cursor *cursor, uint8_t fixed, uint8_t wide) {
    uint8_t head = (uint8_t)take_bytes(cursor, 1);
    if (cursor->bad) return 0;
    if ((head & 0xf0) == fixed) return head & 0x0f;
    if (head == wide) return (uint32_t)take_bytes(cursor, 2);
    if (head == wide + 1) return (uint32_t)take_bytes(cursor, 4);
    cursor->bad = 1;
    return 0;
}

uint32_t take_array(Cursor *cursor) { return take_size(cursor, 0x90, 0xdc); }

uint32_t take_map(Cursor *cursor) { return take_size(cursor, 0x80, 0xde); }

static void skip_bytes(Cursor *cursor, uint64_t count) {
    if (cursor->bad || (uint64_t)(cursor->end - cursor->at) < count) cursor->bad = 1;
    else cursor->at += count;
}

void skip(Cursor *cursor, uint32_t values) {
    uint64_t left = values; /* counted instead of recursed: nesting costs no stack */
    while (left-- && !cursor->bad) {
        uint8_t head = (uint8_t)take_bytes(cursor, 1);
        if (head < 0x80 || head >= 0xe0 || (head >= 0xc0 && head <= 0xc3)) continue;
        if (head < 0x90) left += 2 * (head & 0x0f);
        else if (head < 0xa0) left += head & 0x0f;
        else if (head < 0xc0) skip_bytes(cursor, head & 0x1f);
        else if (head <= 0xc6) skip_bytes(cursor, take_bytes(cursor, 1u << (head - 0xc4)));
        else if (head == 0xca || head == 0xce || head == 0xd2) skip_bytes(cursor, 4);
        else if (head == 0xcb || head == 0xcf || head == 0xd3) skip_bytes(cursor, 8);
        else if (head == 0xcc || head == 0xd0) skip_bytes(cursor, 1);
        else if (head == 0xcd || head == 0xd1) skip_bytes(cursor, 2);
        else if (head >= 0xd9 && head <= 0xdb) skip_bytes(cursor, take_bytes(cursor, 1u << (head - 0xd9)));
        else if (head == 0xdc || head == 0xdd) left += take_bytes(cursor, head == 0xdc ? 2 : 4);
        else if (head == 0xde || head == 0xdf) left += 2 * take_bytes(cursor, head == 0xde ? 2 : 4);
        else cursor->bad = 1; /* extensions: the wire has none */
    }
}

uint8_t *put_int(uint8_t *at, int64_t value) {
    if (value >= 0 && value < 0x80) {
        *at++ = (uint8_t)value;
        return at;
    }
    *at++ = 0xd3;
    for (int shift = 56; shift >= 0; shift -= 8) *at++ = (uint8_t)(value >> shift);
    return at;
}

uint8_t *put_text(uint8_t *at, const char *text) {
    size_t size = strlen(text) & 0xff;
    *at++ = 0xd9;
    *at++ = (uint8_t)size;
    memcpy(at, text, size);
    return at + size;
}

/* CRC32 (of zlib), eight bytes at a time */

static uint32_t tables[8][256];

void prepare_checksums(void) {
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t c = n;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        tables[0][n] = c;
    }
    for (int t = 1; t < 8; t++)
        for (uint32_t n = 0; n < 256; n++) tables[t][n] = tables[t - 1][n] >> 8 ^ tables[0][tables[t - 1][n] & 0xff];
}

static uint32_t crc_words(uint32_t crc, const uint64_t *words, size_t count) {
    while (count--) {
        uint64_t w = *words++ ^ crc;
        crc = tables[7][w & 0xff] ^ tables[6][w >> 8 & 0xff] ^ tables[5][w >> 16 & 0xff] ^
              tables[4][w >> 24 & 0xff] ^ tables[3][w >> 32 & 0xff] ^ tables[2][w >> 40 & 0xff] ^
              tables[1][w >> 48 & 0xff] ^ tables[0][w >> 56];
    }
    return crc;
}

uint32_t book_checksum(const Book *book) {
    uint32_t crc = 0xffffffffu;
    for (int side = 0; side < 2; side++)
        crc = crc_words(crc, (const uint64_t *)book->sides[side], 2 * (size_t)book->counts[side]);
    return ~crc;
}

/* the book */

static int put_level(Book *book, int side, int64_t price, int64_t qty) {
    Level *levels = book->sides[side];
    uint32_t low = 0, high = book->counts[side];
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int64_t there = levels[middle].price;
        if (side ? there < price : there > price) low = middle + 1;
        else high = middle;
    }
    int found = low < book->counts[side] && levels[low].price == price;
    if (qty && found) {
        levels[low].qty = qty;
    } else if (qty) {
        if (book->counts[side] == book->capacity) return 0;
        memmove(levels + low + 1, levels + low, (book->counts[side]++ - low) * sizeof *levels);
        levels[low] = (Level){price, qty};
    } else if (found) {
        memmove(levels + low, levels + low + 1, (--book->counts[side] - low) * sizeof *levels);
    }
    return 1;
}

static Outcome check(Book *book, Cursor *cursor, int told, int64_t checksum, int64_t *checked) {
    if (cursor->bad) return MALFORMED;
    book->fresh = 0;
    if (!told) return TAKEN;
    ++*checked;
    return checksum == (int64_t)book_checksum(book) ? TAKEN : DIFFERS;
}

Outcome take_snapshot(Book *book, Cursor *cursor, uint32_t fields, int64_t *checked) {
    int64_t epoch = take_int(cursor), seq = take_int(cursor), depth = take_int(cursor), checksum, ts = 0;
    int news = epoch > book->epoch || (epoch == book->epoch && (seq > book->seq || (seq == book->seq && depth != book->held)));
    if (fields < 6 || cursor->bad) return MALFORMED;
    if (book->held && !book->fresh && !news) {
        skip(cursor, fields - 3);
        return KNOWN;
    }
    for (int side = 0; side < 2; side++) {
        uint32_t count = take_array(cursor);
        if (count > book->capacity) return MALFORMED;
        book->counts[side] = count;
        for (uint32_t i = 0; i < count; i++) {
            if (take_array(cursor) != 2) return MALFORMED;
            book->sides[side][i].price = take_int(cursor);
            book->sides[side][i].qty = take_int(cursor);
        }
    }
    int told = take_maybe(cursor, &checksum);
    if (fields > 6) ts = take_int(cursor);
    if (fields > 7) skip(cursor, fields - 7);
    book->epoch = epoch, book->seq = seq, book->held = depth, book->ts = ts, book->resync_due = 0;
    return check(book, cursor, told, checksum, checked);
}

Outcome take_increment(Book *book, Cursor *cursor, uint32_t fields, int64_t *checked) {
    int64_t epoch = take_int(cursor), first = take_int(cursor), last = take_int(cursor);
    int64_t depth = take_int(cursor), ts = take_int(cursor), checksum;
    if (fields < 7 || cursor->bad) return MALFORMED;
    Outcome outcome = TAKEN;
    if (!book->held) outcome = WAITING;
    else if (epoch > book->epoch) outcome = GAP;
    else if (epoch < book->epoch || last < book->seq || (last == book->seq && depth == book->held)) outcome = KNOWN;
    else if (first - 1 > book->seq) outcome = GAP;
    if (outcome != TAKEN) {
        skip(cursor, fields - 5);
        return outcome;
    }
    uint32_t count = take_array(cursor);
    for (uint32_t i = 0; i < count && !cursor->bad; i++) {
        if (take_array(cursor) != 3) return MALFORMED;
        int64_t side = take_int(cursor), price = take_int(cursor), qty = take_int(cursor);
        if (side < 0 || side > 1 || !put_level(book, (int)side, price, qty)) return MALFORMED;
    }
    for (int side = 0; side < 2; side++)
        if (book->counts[side] > depth) book->counts[side] = (uint32_t)depth;
    int told = take_maybe(cursor, &checksum);
    if (fields > 7) skip(cursor, fields - 7);
    book->epoch = epoch, book->seq = last, book->held = depth, book->ts = ts;
    return check(book, cursor, told, checksum, checked);
}
