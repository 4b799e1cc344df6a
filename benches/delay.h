/* The sleep of the preload libraries that simulate slow disks. */
#include <stdlib.h>
#include <time.h>

/* Sleeps for the microseconds in the environment variable `name`, or not at all without it. The first call reads the variable. */
static void delay(const char *name) {
    static long us = -1;
    if (us < 0) {
        const char *value = getenv(name);
        us = value ? atol(value) : 0;
    }
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, 0);
}
