/* clock.c - preloaded before libc: the time of day jumps by thirty years at every look, ahead
   and back; the clock that only counts, which a time limit is kept by, goes on. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef int look(clockid_t, struct timespec *);

int clock_gettime(clockid_t id, struct timespec *now) {
  static _Atomic(look *) real;
  static atomic_uint looks;
  look *next = atomic_load(&real);
  if (!next) {
    *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
    atomic_store(&real, next);
  }
  int status = next(id, now);
  if (status || id != CLOCK_REALTIME) return status;
  unsigned number = atomic_fetch_add(&looks, 1);
  const char *met = getenv("JACKPOT_TEST_CLOCK");
  if (!number && met) close(open(met, O_CREAT | O_WRONLY, 0644)); /* it is in use */
  now->tv_sec += (number % 2 ? -1 : 1) * (time_t)(30 * 365 * 86400L);
  return 0;
}
