/* Preload library that replaces every sync with a sleep of SLOW_FSYNC_US microseconds.
 *
 * On a RAM disk it simulates a disk with a constant flush time. Concurrent syncs do not wait for each other, as on a disk
 * that merges flushes. Programs that make system calls without the C library are not affected.
 *
 *   cc -O2 -shared -fPIC -o slow_fsync.so slow_fsync.c
 *   SLOW_FSYNC_US=1000 LD_PRELOAD=./slow_fsync.so PROGRAM ...
 */
#include <stdlib.h>
#include <time.h>

static int flush(void) {
    static long us = -1;
    if (us < 0) {
        const char *value = getenv("SLOW_FSYNC_US");
        us = value ? atol(value) : 0;
    }
    struct timespec delay = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&delay, 0);
    return 0;
}

int fsync(int fd) { (void)fd; return flush(); }
int fdatasync(int fd) { (void)fd; return flush(); }
int syncfs(int fd) { (void)fd; return flush(); }
void sync(void) { flush(); }
