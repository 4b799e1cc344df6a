/* A disk whose flush takes one millisecond, always: preloaded, every sync takes SLOW_FSYNC_US microseconds and does
 * nothing else. On a RAM disk this is a model of a disk, without a disk's moods. Syncs at the same time do not wait for
 * each other, as on a disk that joins them. A program that makes system calls without the C library escapes it.
 *
 *   cc -O2 -shared -fPIC -o slow_fsync.so slow_fsync.c
 *   SLOW_FSYNC_US=1000 LD_PRELOAD=./slow_fsync.so PROGRAM ...
 */
#include <stdlib.h>
#include <time.h>

static int flush(void) {
    static long us = -1;
    if (us < 0) {
        const char *said = getenv("SLOW_FSYNC_US");
        us = said ? atol(said) : 0;
    }
    struct timespec span = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&span, 0);
    return 0;
}

int fsync(int fd) { (void)fd; return flush(); }
int fdatasync(int fd) { (void)fd; return flush(); }
int syncfs(int fd) { (void)fd; return flush(); }
void sync(void) { flush(); }
