/* Preload library that delays each look-up of the metadata of a file by SLOW_STAT_US microseconds.
 *
 * It simulates a network share, where each look-up waits for the server. Concurrent look-ups do not wait for each other.
 * Programs that make system calls without the C library are not affected.
 *
 *   cc -O2 -shared -fPIC -o slow_stat.so slow_stat.c -ldl
 *   SLOW_STAT_US=300 LD_PRELOAD=./slow_stat.so PROGRAM ...
 */
#define _GNU_SOURCE
#include "delay.h"
#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* The default of 50 us by which the kernel may delay a timer would add a sixth. */
__attribute__((constructor)) static void exact_timers(void) { prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); }

/* Delays the call, and finds the function of the C library that `name` overrides. */
#define NEXT(name) \
    static __typeof__(&name) next; \
    if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    delay("SLOW_STAT_US");

int statx(int folder, const char *path, int flags, unsigned mask, struct statx *out) {
    NEXT(statx)
    return next(folder, path, flags, mask, out);
}
int fstatat(int folder, const char *path, struct stat *out, int flags) {
    NEXT(fstatat)
    return next(folder, path, out, flags);
}
int fstatat64(int folder, const char *path, struct stat64 *out, int flags) {
    NEXT(fstatat64)
    return next(folder, path, out, flags);
}
int stat(const char *path, struct stat *out) {
    NEXT(stat)
    return next(path, out);
}
int stat64(const char *path, struct stat64 *out) {
    NEXT(stat64)
    return next(path, out);
}
int lstat(const char *path, struct stat *out) {
    NEXT(lstat)
    return next(path, out);
}
int lstat64(const char *path, struct stat64 *out) {
    NEXT(lstat64)
    return next(path, out);
}
