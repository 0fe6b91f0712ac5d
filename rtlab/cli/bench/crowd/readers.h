/* Many WebSocket readers in one process: what they share, and what each of them keeps. */
#ifndef RTLAB_READERS_H
#define RTLAB_READERS_H

#include <stdint.h>

#include "book.h"

#define SECOND 1000000000LL
#define MOST_BOOKS 32
#define BUCKETS (64 * 16) /* of a histogram: sixteen to each power of two, so a value is known to 1 part in 16 */

typedef struct {
    const char *host, *path, *token, *books[MOST_BOOKS];
    int port, readers, depth, book_count, pace, at_once;
    int plain;     /* read and throw away: what other servers send */
    int reconnect; /* come back, and resume, when the server ends a connection */
    double leave, stall; /* readers a second that leave and come anew; that stop reading for a while */
} Options;

typedef enum { AWAY, CONNECTING, ASKING, OPEN, GONE } Phase;

typedef struct {
    int fd;
    Phase phase;
    int stalled, came_before;
    uint8_t *kept, *unsent; /* a frame not yet whole; what the kernel did not take */
    uint32_t kept_size, unsent_size;
    int64_t due; /* when it connects, or when it reads again */
    Book *books;
} Reader;

typedef struct {
    int64_t connects, refused, closes, resets, frames, bytes, messages, increments, snapshots, pings, lagging;
    int64_t errors, malformed, gaps, differ, checked, known, ignored, resyncs, resumed, stalls, left, last_close;
    uint64_t delivery[BUCKETS], staleness[BUCKETS]; /* ns; emptied by every report */
} Tally;

extern Options options;
extern Tally tally;

int64_t now_ns(void);
void count_time(uint64_t *histogram, int64_t ns);
double quantile_us(const uint64_t *histogram, double part);

/* session.c: the bytes of one connection */
void ask_handshake(Reader *reader);
/* Take bytes in; 0 when the connection is at its end. */
int take_in(Reader *reader, uint8_t *data, uint32_t size, int64_t now);
int send_unsent(Reader *reader);
void send_resyncs(Reader *reader, int64_t now);
int is_ready(const Reader *reader);
int64_t retry_ns(const uint8_t *text, uint32_t size); /* a hint to come back in so many seconds, or -1 */

#endif
