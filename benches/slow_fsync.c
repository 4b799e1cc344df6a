/* Preload library that replaces every sync with a sleep of SLOW_FSYNC_US microseconds.
 *
 * On a RAM disk it simulates a disk with a constant flush time. Concurrent syncs do not wait for each other, as on a disk
 * that merges flushes. Programs that make system calls without the C library are not affected.
 *
 *   cc -O2 -shared -fPIC -o slow_fsync.so slow_fsync.c
 *   SLOW_FSYNC_US=1000 LD_PRELOAD=./slow_fsync.so PROGRAM ...
 */
#include "delay.h"

static int flush(void) {
    delay("SLOW_FSYNC_US");
    return 0;
}

int fsync(int fd) { (void)fd; return flush(); }
int fdatasync(int fd) { (void)fd; return flush(); }
int syncfs(int fd) { (void)fd; return flush(); }
void sync(void) { flush(); }
