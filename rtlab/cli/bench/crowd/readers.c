/* readers: open many WebSocket readers of one feed, follow it, and tell what they saw.
 *
 * Lines on standard input: `report` prints one JSON line (counters since the start, times since the last report),
 * `churn` lets readers leave and stall from now on, `quit` or the end of the input ends the program. It prints
 * {"event": "ready"} once, when all readers are there and, without --plain, hold their books.
 */
#define _GNU_SOURCE
#include "readers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SCAN_NS (SECOND / 100)
#define CHUNK (256u << 10)

Options options = {.host = "127.0.0.1", .path = "/", .readers = 1, .depth = 10, .pace = 5000, .at_once = 512};
Tally tally;

static Reader *all;
static int poller, opening, churning, told_ready;
static struct sockaddr_in server;
static int64_t began, last_scan;
static double paced, leaving, stalling; /* what may happen now, in parts of a reader */
static uint64_t dice = 88172645463325252ull;

int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static uint32_t below(uint32_t bound) {
    dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
    return (uint32_t)(dice >> 33) % bound;
}

void count_time(uint64_t *histogram, int64_t ns) {
    uint64_t value = ns < 16 ? 16 : (uint64_t)ns;
    int power = 63 - __builtin_clzll(value);
    histogram[power * 16 + (value >> (power - 4) & 15)]++;
}

double quantile_us(const uint64_t *histogram, double part) {
    uint64_t total = 0, seen = 0;
    for (int i = 0; i < BUCKETS; i++) total += histogram[i];
    for (int i = 0; i < BUCKETS; i++) {
        seen += histogram[i];
        if (seen && (double)seen >= part * (double)total) return (double)((17ull + i % 16) << (i / 16)) / 16e3;
    }
    return 0;
}

static void watch(Reader *reader, int what, uint32_t events) {
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(reader - all)};
    epoll_ctl(poller, what, reader->fd, &event);
}

static void start(Reader *reader) {
    int on = 1;
    reader->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (reader->fd < 0) {
        fprintf(stderr, "readers: no socket: %s\n", strerror(errno));
        exit(2);
    }
    setsockopt(reader->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connect(reader->fd, (struct sockaddr *)&server, sizeof server);
    reader->phase = CONNECTING, reader->due = 0;
    opening++;
    watch(reader, EPOLL_CTL_ADD, EPOLLOUT);
}

/* End a connection; `again`: it connects anew when its due time comes, which a hint may have set. */
static void end(Reader *reader, int again, int64_t now) {
    struct linger at_once = {1, 0}; /* no port lies in TIME_WAIT for a minute */
    opening -= reader->phase == CONNECTING || reader->phase == ASKING;
    reader->came_before |= reader->phase == OPEN;
    setsockopt(reader->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(reader->fd);
    free(reader->kept);
    free(reader->unsent);
    reader->kept = reader->unsent = NULL;
    reader->kept_size = reader->unsent_size = 0;
    reader->fd = -1, reader->stalled = 0;
    reader->phase = again ? AWAY : GONE;
    int64_t wait = reader->due > now ? reader->due - now : SECOND / 10;
    reader->due = now + wait / 2 + below(1000) * (wait / 1000); /* full jitter around the hint */
    for (int i = 0; i < options.book_count; i++) {
        Book *book = &reader->books[i];
        book->granted = 0, book->fresh = 1, book->resync_at = book->resync_due = 0;
    }
}

static void forget(Reader *reader) {
    reader->came_before = 0;
    for (int i = 0; i < options.book_count; i++) reader->books[i].held = reader->books[i].ts = 0;
}

static void lost(Reader *reader, int64_t now) {
    int is_opening = reader->phase == CONNECTING || reader->phase == ASKING;
    tally.resets += !is_opening;
    end(reader, is_opening || options.reconnect || churning, now);
}

static void wake(Reader *reader, uint32_t events, int64_t now) {
    static uint8_t chunk[CHUNK];
    if (reader->phase == CONNECTING) {
        int problem = 0;
        socklen_t size = sizeof problem;
        getsockopt(reader->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem) {
            lost(reader, now);
            return;
        }
        reader->phase = ASKING;
        ask_handshake(reader);
        watch(reader, EPOLL_CTL_MOD, EPOLLIN);
        return;
    }
    if (events & EPOLLOUT && !send_unsent(reader)) {
        lost(reader, now);
        return;
    }
    if (events & ~EPOLLOUT) {
        ssize_t size = recv(reader->fd, chunk, CHUNK, MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN) return;
        Phase before = reader->phase;
        int64_t closes = tally.closes;
        if (size <= 0 || !take_in(reader, chunk, (uint32_t)size, now_ns())) {
            tally.resets -= tally.closes != closes; /* announced: no reset */
            lost(reader, now);
            return;
        }
        opening -= before == ASKING && reader->phase == OPEN;
    }
    uint32_t wanted = EPOLLIN | (reader->unsent_size ? EPOLLOUT : 0);
    if (reader->unsent_size || events & EPOLLOUT) watch(reader, EPOLL_CTL_MOD, wanted);
}

static void churn(Reader *reader, int64_t now) {
    if (reader->phase != OPEN || reader->stalled) return;
    if (leaving >= 1) {
        leaving--, tally.left++;
        end(reader, 1, now);
        forget(reader);
    } else if (stalling >= 1) {
        stalling--, tally.stalls++;
        watch(reader, EPOLL_CTL_DEL, 0);
        reader->stalled = 1, reader->due = now + SECOND + below(20) * SECOND; /* some are evicted, some are not */
    }
}

/* What is due by the clock: connecting at the pace, coming back, reading again, asking again for a snapshot. */
static void scan(int64_t now) {
    double seconds = (double)(now - last_scan) / SECOND;
    last_scan = now;
    paced = paced + seconds * options.pace > options.at_once ? options.at_once : paced + seconds * options.pace;
    if (churning) leaving += seconds * options.leave, stalling += seconds * options.stall;
    for (int tries = 0; tries < 64 && (leaving >= 1 || stalling >= 1); tries++)
        churn(&all[below((uint32_t)options.readers)], now);
    int ready = 0;
    for (int i = 0; i < options.readers; i++) {
        Reader *reader = &all[i];
        ready += is_ready(reader);
        if (reader->phase == AWAY && now >= reader->due && paced >= 1 && opening < options.at_once) {
            paced--;
            start(reader);
        } else if (reader->stalled && now >= reader->due) {
            reader->stalled = 0, reader->due = 0;
            watch(reader, EPOLL_CTL_ADD, EPOLLIN | (reader->unsent_size ? EPOLLOUT : 0));
        } else if (reader->phase == OPEN && !options.plain && !reader->stalled) {
            send_resyncs(reader, now);
        }
    }
    if (ready == options.readers && !told_ready) {
        told_ready = 1;
        printf("{\"event\": \"ready\", \"seconds\": %.3f}\n", (double)(now - began) / SECOND);
        fflush(stdout);
    }
}

/* Where the first book of all readers stands: the highest seq, how many are there, and how many of those differ. */
static void print_points(void) {
    Book *top = NULL;
    int at = 0, differ = 0;
    for (int i = 0; i < options.readers && !options.plain; i++) {
        Book *book = &all[i].books[0];
        if (!book->held) continue;
        if (!top || book->epoch > top->epoch || (book->epoch == top->epoch && book->seq > top->seq)) {
            top = book;
            at = differ = 0;
        }
        if (book->epoch != top->epoch || book->seq != top->seq) continue;
        at++;
        differ += book_checksum(book) != book_checksum(top);
    }
    if (top)
        printf("\"epoch\": %lld, \"seq\": %lld, \"at_seq\": %d, \"unlike\": %d, \"crc\": %u, ", (long long)top->epoch,
               (long long)top->seq, at, differ, book_checksum(top));
}

static void report(void) {
    int open = 0, ready = 0;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    for (int i = 0; i < options.readers; i++) open += all[i].phase == OPEN, ready += is_ready(&all[i]);
    printf("{\"event\": \"report\", \"now\": %lld, \"open\": %d, \"ready\": %d, ", (long long)now_ns(), open, ready);
    print_points();
#define SAY(name) printf("\"" #name "\": %lld, ", (long long)tally.name)
    SAY(connects), SAY(refused), SAY(closes), SAY(resets), SAY(frames), SAY(bytes), SAY(messages);
    SAY(increments), SAY(snapshots), SAY(pings), SAY(lagging), SAY(errors), SAY(malformed), SAY(gaps);
    SAY(differ), SAY(checked), SAY(known), SAY(ignored), SAY(resyncs), SAY(resumed), SAY(stalls), SAY(left);
    SAY(last_close);
    const double parts[] = {0.5, 0.99, 0.999, 1};
    const char *names[] = {"p50", "p99", "p999", "max"};
    for (int i = 0; i < 4; i++)
        printf("\"delivery_%s_us\": %.1f, \"staleness_%s_us\": %.1f, ", names[i], quantile_us(tally.delivery, parts[i]),
               names[i], quantile_us(tally.staleness, parts[i]));
    printf("\"cpu_s\": %.6f}\n", (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                                     (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    fflush(stdout);
    memset(tally.delivery, 0, sizeof tally.delivery);
    memset(tally.staleness, 0, sizeof tally.staleness);
}

/* Follow the owner's words; 0 when it is gone or has said `quit`. */
static int obey(void) {
    static char words[256];
    static size_t held;
    ssize_t size = read(0, words + held, sizeof words - 1 - held);
    if (size <= 0) return size < 0 && (errno == EAGAIN || errno == EINTR);
    held += (size_t)size;
    words[held] = 0;
    for (char *line; (line = strchr(words, '\n'));) {
        *line = 0;
        if (!strcmp(words, "report")) report();
        else if (!strcmp(words, "churn")) churning = 1;
        else if (!strcmp(words, "quit")) return 0;
        held -= (size_t)(line + 1 - words);
        memmove(words, line + 1, held + 1);
    }
    if (held == sizeof words - 1) held = 0;
    return 1;
}

static void run(void) {
    struct epoll_event events[512], owner = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    poller = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &owner);
    began = last_scan = now_ns();
    paced = 1;
    for (;;) {
        int count = epoll_wait(poller, events, 512, (int)(SCAN_NS / 1000000));
        int64_t now = now_ns();
        for (int i = 0; i < count; i++) {
            if (events[i].data.u32 == UINT32_MAX) {
                if (!obey()) return;
                continue;
            }
            Reader *reader = &all[events[i].data.u32];
            if (reader->fd >= 0 && !reader->stalled) wake(reader, events[i].events, now);
        }
        if (now - last_scan >= SCAN_NS) scan(now);
    }
}

static void fail(const char *what, const char *got) {
    fprintf(stderr, "readers: %s: got %s\n", what, got ? got : "nothing");
    exit(2);
}

static void read_options(int count, char **words) {
    for (int i = 1; i < count; i++) {
        const char *name = words[i], *value = i + 1 < count ? words[i + 1] : NULL;
        if (!strcmp(name, "--plain")) options.plain = 1;
        else if (!strcmp(name, "--reconnect")) options.reconnect = 1;
        else if (!value) fail("an option or its value is missing", name);
        else if (i++, !strcmp(name, "--host")) options.host = value;
        else if (!strcmp(name, "--port")) options.port = atoi(value);
        else if (!strcmp(name, "--path")) options.path = value;
        else if (!strcmp(name, "--token")) options.token = value;
        else if (!strcmp(name, "--readers")) options.readers = atoi(value);
        else if (!strcmp(name, "--depth")) options.depth = atoi(value);
        else if (!strcmp(name, "--pace")) options.pace = atoi(value);
        else if (!strcmp(name, "--at-once")) options.at_once = atoi(value);
        else if (!strcmp(name, "--leave")) options.leave = atof(value);
        else if (!strcmp(name, "--stall")) options.stall = atof(value);
        else if (!strcmp(name, "--book") && options.book_count < MOST_BOOKS) options.books[options.book_count++] = value;
        else fail("an option is not one of those in this file's head", name);
    }
    if (options.readers < 1 || options.port < 1 || options.depth < 1 || options.depth > 1000)
        fail("expected --port, --readers 1 or more and --depth 1 to 1000", "another");
    if (!options.plain && !options.book_count) fail("expected --plain or at least one --book SYMBOL", "none");
}

int main(int count, char **words) {
    read_options(count, words);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < (rlim_t)options.readers + 16) fail("too many readers for this user's open files (ulimit -Hn)", "more");
    server.sin_family = AF_INET, server.sin_port = htons((uint16_t)options.port);
    if (inet_pton(AF_INET, options.host, &server.sin_addr) != 1) fail("--host is no IPv4 address", options.host);
    prepare_checksums();
    uint32_t capacity = 3 * (uint32_t)options.depth + 8; /* a message changes at most as many levels as two cuts hold */
    size_t books = (size_t)options.readers * (size_t)options.book_count;
    all = calloc((size_t)options.readers, sizeof *all);
    Book *of_all = calloc(books + 1, sizeof *of_all);
    Level *levels = calloc(2 * books * capacity + 1, sizeof *levels);
    for (size_t i = 0; i < books; i++) {
        of_all[i].capacity = capacity, of_all[i].fresh = 1;
        for (size_t side = 0; side < 2; side++) of_all[i].sides[side] = levels + (2 * i + side) * capacity;
    }
    for (int i = 0; i < options.readers; i++) all[i].fd = -1, all[i].books = of_all + (size_t)i * (size_t)options.book_count;
    fcntl(0, F_SETFL, O_NONBLOCK);
    run();
    return 0;
}
