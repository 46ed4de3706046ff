/* What a plugin can do to the process that it is a guest of, and to memory at every size: one
 * mode an item, with good twins that do the same and clean up. */
#define _GNU_SOURCE
#define _FORTIFY_SOURCE 2 /* glibc then knows a jump into a frame that is gone */
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#define JKP_ABI_MINOR 0u
#include "jackpot.h"

#define RUN static jkp_status
typedef const jkp_run *R;
typedef jkp_error *E;

static double *scores(R run, uint64_t i) { return run->out[i]->dl.data; }
RUN good(R run, E err) {
  (void)err;
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->out[i]->n_elem; j++) scores(run, i)[j] = (double)j;
  return JKP_OK;
}
RUN mask(R run, E err) { /* of a method: the first weight of each layer */
  (void)err;
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->out[i]->n_elem; j++) ((uint8_t *)run->out[i]->dl.data)[j] = j == 0;
  return JKP_OK;
}

/* ---- one byte beside an output of any size -------------------------------------------- */
static jkp_status beside(R run, int64_t at) { /* at: from the end (0 and more) or the start */
  uint8_t *data = run->out[run->n - 1]->dl.data;
  uint64_t bytes = run->out[run->n - 1]->n_elem * run->out[run->n - 1]->dl.dtype.bits / 8;
  data[at < 0 ? at : (int64_t)bytes + at] ^= 1;
  return JKP_OK;
}
RUN over(R run, E err) { good(run, err); return beside(run, 0); }
RUN under(R run, E err) { good(run, err); return beside(run, -1); }
RUN mask_over(R run, E err) { mask(run, err); return beside(run, 0); }
RUN mask_under(R run, E err) { mask(run, err); return beside(run, -1); }

/* ---- memory ---------------------------------------------------------------------------- */
RUN allocates_64_gib(R run, E err) {
  char *p = malloc(64ull << 30);
  if (!p) return jkp_fail(err, JKP_E_NOMEM, "malloc gave no 64 GiB");
  for (uint64_t i = 0; i < 64ull << 30; i += 4096) ((volatile char *)p)[i] = 1;
  return good(run, err);
}
RUN over_budget(R run, E err) { /* a little at a time, until there is no more */
  while (run->host->scratch(run, 1 << 20, 64)) continue;
  return jkp_fail(err, JKP_E_NOMEM, "no more");
}
static volatile int one = 1;
__attribute__((noinline)) static int smash(void) {
  volatile char here[16];
  for (int i = 0; i < 64 * one; i++) here[i] = 'x';
  return here[3];
}
RUN smashes_stack(R run, E err) { smash(); return good(run, err); }
RUN writes_run(R run, E err) { good(run, err); ((jkp_run *)run)->n = 0; return JKP_OK; }
static R kept;
RUN keeps_run(R run, E err) { /* a check of masks is called twice */
  (void)err;
  for (uint64_t i = 0; i < run->n; i++) {
    uint64_t n = run->out[i]->n_elem;
    for (uint64_t j = 0; j < n; j++)
      ((uint8_t *)run->out[i]->dl.data)[j] = ((const uint8_t *)run->in[i]->dl.data)[n - 1 - j];
  }
  if (kept) ((volatile uint8_t *)run->out[0]->dl.data)[0] = (uint8_t)kept->round;
  kept = run;
  return JKP_OK;
}

/* ---- control ---------------------------------------------------------------------------- */
static jmp_buf place;
__attribute__((noinline)) static int remember(void) { return setjmp(place); }
RUN longjmps(R run, E err) { /* into a function that has returned */
  if (remember()) return good(run, err);
  longjmp(place, 1);
}
RUN longjmps_within(R run, E err) { /* as C libraries do for their errors: this is allowed */
  if (setjmp(place)) return good(run, err);
  longjmp(place, 1);
}
RUN forks_twice(R run, E err) { fork(); return good(run, err); }
RUN runs_program(R run, E err) { /* allowed: waited for */
  if (fork() == 0) _exit(0);
  wait(NULL);
  return good(run, err);
}

/* ---- threads ----------------------------------------------------------------------------- */
static void *sleeps(void *nothing) { sleep(600); return nothing; }
static void *ends(void *nothing) { return nothing; }
RUN leaves_thread(R run, E err) {
  pthread_t thread;
  pthread_create(&thread, NULL, sleeps, NULL);
  pthread_detach(thread);
  return good(run, err);
}
RUN joins_threads(R run, E err) {
  pthread_t threads[8];
  for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, ends, NULL);
  for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  return good(run, err);
}
static const jkp_autodiff_1 *autodiff;
static uint64_t handle;
static jkp_status gradient(R run, const jkp_tensor *const *out) {
  jkp_error err = {.struct_size = sizeof err};
  jkp_objective o = {.struct_size = sizeof o, .loss = JKP_LOSS_CROSS_ENTROPY, .input = JKP_INPUT_DATA,
                     .train_mode = 1, .temperature = 1};
  jkp_status status = 0;
  for (int i = 0; i < 50 && !status; i++) status = autodiff->grad(run, &o, handle, NULL, out, &err);
  return status;
}
static const jkp_tensor *const *other_out;
static void *differentiates(void *run) { return (void *)(intptr_t)gradient(run, other_out); }
RUN two_threads(R run, E err) { /* in one service; what the other one was told is forgotten */
  jkp_batch_spec s = {.struct_size = sizeof s, .key = run->key, .n_batches = 1, .per_class = 1, .parts = 1};
  autodiff = run->host->service(run, "jackpot.autodiff/1");
  jkp_status status = autodiff->batches(run, &s, &handle, err);
  other_out = run->host->tensors(run, 64);
  pthread_t thread;
  pthread_create(&thread, NULL, differentiates, (void *)run);
  if (!status) status = gradient(run, run->out);
  pthread_join(thread, NULL);
  return status;
}
static void *asks(void *run) { return (void *)((R)run)->host->tensors(run, 64); }
RUN asks_elsewhere(R run, E err) { /* on another thread, and gives up politely */
  (void)err;
  pthread_t thread;
  pthread_create(&thread, NULL, asks, (void *)run);
  pthread_join(thread, NULL);
  return good(run, err);
}

/* ---- what belongs to the whole process ----------------------------------------------------- */
static void handler(int signal) { (void)signal; }
RUN handles_signal(R run, E err) { signal(SIGTERM, handler); return good(run, err); }
RUN handles_faults(R run, E err) { signal(SIGSEGV, handler); return good(run, err); }
RUN handles_and_restores(R run, E err) { signal(SIGTERM, signal(SIGTERM, handler)); return good(run, err); }
RUN blocks_signals(R run, E err) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  return good(run, err);
}
RUN changes_folder(R run, E err) { return chdir("/") ? 1 : good(run, err); }
RUN changes_locale(R run, E err) { return setlocale(LC_ALL, "C.UTF-8") ? good(run, err) : jkp_fail(err, 6, "no C.UTF-8"); }
RUN own_locale(R run, E err) { uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0)); return good(run, err); }
RUN leaks_files(R run, E err) {
  for (int i = 0; i < 3; i++) if (open("/dev/null", O_RDONLY) < 0) return JKP_E_INTERNAL;
  return good(run, err);
}
RUN closes_log(R run, E err) { close(1); return good(run, err); }
RUN reopens_log(R run, E err) { close(1); return open("/dev/null", O_WRONLY) == 1 ? good(run, err) : 6; }
RUN sets_variable(R run, E err) { setenv("OMP_NUM_THREADS", "64", 1); return good(run, err); }
RUN traps(R run, E err) { feenableexcept(FE_DIVBYZERO); return good(run, err); }
RUN flushes(R run, E err) {
#ifdef __SSE__
  __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#else
  fesetround(FE_DOWNWARD);
#endif
  return good(run, err);
}

/* ---- numbers --------------------------------------------------------------------------------- */
RUN denormals(R run, E err) { /* they are numbers: kept, and in their order */
  (void)err;
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->out[i]->n_elem; j++) {
      uint64_t bits = 1 + j;
      memcpy(&scores(run, i)[j], &bits, 8);
    }
  return JKP_OK;
}
RUN minus_infinity(R run, E err) { good(run, err); scores(run, 0)[1] = -1.0 / 0.0; return JKP_OK; }

#define ITEM(KIND, OUTPUT, NEEDS, PROMISES, NAME) \
  static const jkp_item item_##NAME = {.struct_size = sizeof(jkp_item), .kind = KIND, .output = OUTPUT, \
    .needs = NEEDS, .promises = PROMISES, .id = "org.test." #NAME, .version = "1", .summary = "a test", .run = NAME};
#define AD (JKP_NEEDS_WEIGHTS | JKP_NEEDS_GRAD | JKP_NEEDS_INPUTS | JKP_NEEDS_LABELS)
#define S(X, NAME) X(JKP_METHOD, JKP_SCORES, 0, 0, NAME)
#define ITEMS(X) \
  S(X, good) X(JKP_METHOD, JKP_MASKS, 0, 0, mask) S(X, over) S(X, under) X(JKP_METHOD, JKP_MASKS, 0, 0, mask_over) \
  X(JKP_METHOD, JKP_MASKS, 0, 0, mask_under) S(X, allocates_64_gib) S(X, over_budget) S(X, smashes_stack) \
  S(X, writes_run) X(JKP_CHECK, JKP_MASKS, 0, JKP_CHANGES_OUTPUT, keeps_run) S(X, longjmps) S(X, longjmps_within) \
  S(X, forks_twice) S(X, runs_program) S(X, leaves_thread) S(X, joins_threads) \
  X(JKP_METHOD, JKP_SCORES, AD, 0, two_threads) S(X, asks_elsewhere) S(X, handles_signal) S(X, handles_faults) \
  S(X, handles_and_restores) S(X, blocks_signals) S(X, changes_folder) S(X, changes_locale) S(X, own_locale) \
  S(X, leaks_files) S(X, closes_log) S(X, reopens_log) S(X, sets_variable) S(X, traps) S(X, flushes) S(X, denormals) \
  S(X, minus_infinity)
ITEMS(ITEM)
#define POINTER(KIND, OUTPUT, NEEDS, PROMISES, NAME) &item_##NAME,
static const jkp_item *const items[] = {ITEMS(POINTER)};
static const jkp_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = JKP_ABI_MAJOR, .abi_minor = JKP_ABI_MINOR, .name = "process",
    .version = "1", .license = "MIT", .items = items, .n_items = sizeof items / sizeof *items};
JKP_EXPORT const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
