/* raw: the least that a fan-out can cost. It accepts any number of sockets, answers each request with a bare 101,
 * and writes prebuilt frames to all of them with send(2), in the order in which they came.
 *
 * It prints its port. Lines on standard input: `frames PATH` loads frames, each after its size as 32 bits, and prints
 * how many; `window RATE SECONDS SENDS` sends the next SENDS frames to everybody, RATE times a second, and prints the
 * CPU seconds of this process, rounds, sends, and sends that the kernel did not take whole. The end of its input is its
 * own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_SOCKETS 65536
#define MOST_FRAMES 65536
#define SEND_BUFFER (16 << 10) /* as the gateway's listening socket */

static int sockets[MOST_SOCKETS], socket_count, listener, poller;
static struct {
    unsigned char *bytes;
    size_t size;
} frames[MOST_FRAMES];
static int frame_count, next_frame;

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void listen_somewhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int buffer = SEND_BUFFER;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1024)) exit(2);
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(void) {
    int fd, on = 1;
    while (socket_count < MOST_SOCKETS && (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockets[socket_count++] = fd;
        watch(fd);
    }
}

static void take(int fd) {
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    char request[4096];
    ssize_t size = recv(fd, request, sizeof request, MSG_DONTWAIT);
    if (size > 0 && memmem(request, (size_t)size, "\r\n\r\n", 4)) send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    if (size > 0 || (size < 0 && errno == EAGAIN)) return;
    for (int i = 0; i < socket_count; i++)
        if (sockets[i] == fd) {
            memmove(sockets + i, sockets + i + 1, (size_t)(--socket_count - i) * sizeof *sockets);
            break;
        }
    close(fd);
}

/* Answer what comes until `until`: what a server does besides sending. */
static void idle(double until) {
    struct epoll_event events[256];
    do {
        double left = until - seconds_now();
        int count = epoll_wait(poller, events, 256, left > 0 ? (int)(left * 1e3) : 0);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener) accept_all();
            else if (events[i].data.fd != 0) take(events[i].data.fd);
        }
        if (!until) return;
    } while (seconds_now() < until);
}

static void window(double rate, double seconds, int sends) {
    long rounds = 0, sent = 0, refused = 0;
    double began = seconds_now(), used = cpu_seconds(), due = began;
    while (due < began + seconds && frame_count) {
        for (int k = 0; k < sends; k++, next_frame = (next_frame + 1) % frame_count)
            for (int i = 0; i < socket_count; i++) {
                ssize_t size = send(sockets[i], frames[next_frame].bytes, frames[next_frame].size, MSG_DONTWAIT | MSG_NOSIGNAL);
                sent++;
                refused += size != (ssize_t)frames[next_frame].size;
            }
        rounds++;
        due += 1 / rate;
        if (due < seconds_now()) due = seconds_now(); /* late: at once, but no two for one */
        else idle(due);
    }
    idle(seconds_now() + 0.2);
    printf("%.9f %ld %ld %ld\n", cpu_seconds() - used, rounds, sent, refused);
    fflush(stdout);
}

static void load_frames(const char *path) {
    uint32_t size;
    FILE *file = fopen(path, "rb");
    if (!file) exit(2);
    for (frame_count = next_frame = 0; frame_count < MOST_FRAMES && fread(&size, 4, 1, file) == 1; frame_count++) {
        frames[frame_count].bytes = realloc(frames[frame_count].bytes, size);
        frames[frame_count].size = fread(frames[frame_count].bytes, 1, size, file);
    }
    fclose(file);
    printf("%d\n", frame_count);
    fflush(stdout);
}

int main(void) {
    static char line[4096];
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poller = epoll_create1(0);
    listen_somewhere();
    watch(listener);
    struct pollfd either[2] = {{.fd = 0, .events = POLLIN}, {.fd = poller, .events = POLLIN}};
    setvbuf(stdin, NULL, _IONBF, 0); /* so that poll sees all that is there */
    for (;;) {
        poll(either, 2, -1);
        if (either[1].revents) idle(0);
        if (!either[0].revents) continue;
        if (!fgets(line, sizeof line, stdin)) return 0;
        double rate, seconds;
        int sends;
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, "frames ", 7)) load_frames(line + 7);
        else if (sscanf(line, "window %lf %lf %d", &rate, &seconds, &sends) == 3) window(rate, seconds, sends);
    }
}
