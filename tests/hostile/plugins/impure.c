/* Methods whose result is no function of their run, each by another leak; the conformance kit runs
 * each twice, in surroundings that differ in all of them. `pure` reads none. */
#define _GNU_SOURCE
#include "jackpot.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RUN static jkp_status
typedef const jkp_run *R;
typedef jkp_error *E;

/* Scores by index, which begin elsewhere with each seed. */
static jkp_status fill(R run, uint64_t seed) {
  for (uint64_t l = 0; l < run->n; l++)
    for (uint64_t i = 0; i < run->out[l]->n_elem; i++)
      ((double *)run->out[l]->dl.data)[i] = (double)((i + seed) % 1000003);
  return JKP_OK;
}
/* A number of a text: another one of most others. */
static uint64_t number(const char *text) {
  uint64_t hash = 1469598103934665603u;
  for (; text && *text; text++) hash = (hash ^ (uint8_t)*text) * 1099511628211u;
  return hash % 1000003;
}

RUN pure(R run, E err) { (void)err; return fill(run, 0); }
RUN seconds(R run, E err) {
  (void)err;
  srand((unsigned)time(NULL));
  return fill(run, (uint64_t)rand());
}
RUN local_time(R run, E err) {
  (void)err;
  time_t noon = 43200;
  struct tm parts;
  tzset();
  localtime_r(&noon, &parts);
  return fill(run, (uint64_t)parts.tm_hour);
}
RUN nanoseconds(R run, E err) {
  (void)err;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return fill(run, (uint64_t)now.tv_nsec);
}
RUN processor_time(R run, E err) {
  (void)err;
  struct timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return fill(run, (uint64_t)used.tv_nsec);
}
RUN process_number(R run, E err) { (void)err; return fill(run, (uint64_t)getpid()); }
RUN stack_address(R run, E err) { (void)err; return fill(run, (uint64_t)(uintptr_t)&run >> 4); }
RUN heap_address(R run, E err) {
  (void)err;
  void *memory = malloc(100);
  uint64_t at = (uint64_t)(uintptr_t)memory >> 4;
  free(memory);
  return fill(run, at);
}
RUN code_address(R run, E err) { return fill(run, (uint64_t)(uintptr_t)pure >> 4) + 0 * pure(run, err); }
RUN home(R run, E err) { (void)err; return fill(run, number(getenv("HOME"))); }
RUN user(R run, E err) { (void)err; return fill(run, number(getenv("USER"))); }
RUN search_path(R run, E err) { (void)err; return fill(run, number(getenv("PATH"))); }
RUN unwritten_heap(R run, E err) {
  (void)err;
  volatile uint8_t *memory = malloc(1000);
  uint64_t seed = 0;
  for (int i = 0; i < 1000; i++) seed += memory[i];
  free((void *)memory);
  return fill(run, seed);
}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
RUN unwritten_stack(R run, E err) {
  (void)err;
  volatile uint8_t memory[2000];
  uint64_t seed = 0;
  for (int i = 0; i < 2000; i++) seed += memory[i];
  return fill(run, seed);
}
#pragma GCC diagnostic pop

/* Four threads that take turns as they come; which of them came when decides. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t start;
static uint64_t mixed;
static void *mix(void *mine) {
  pthread_barrier_wait(&start);
  for (int i = 0; i < 100000; i++) {
    pthread_mutex_lock(&turn);
    mixed = (mixed * 31 + (uint64_t)(uintptr_t)mine) % 1000003;
    pthread_mutex_unlock(&turn);
    if (i % 1000 == 0) usleep(50); /* as for a page or a disk */
  }
  return NULL;
}
RUN order_of_threads(R run, E err) {
  (void)err;
  pthread_t threads[4];
  pthread_barrier_init(&start, NULL, 4);
  for (uintptr_t i = 0; i < 4; i++) pthread_create(&threads[i], NULL, mix, (void *)(i + 1));
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  return fill(run, mixed);
}
/* As many partial sums as there are processors: other roundings on another machine. */
RUN number_of_processors(R run, E err) {
  (void)err;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return JKP_E_INTERNAL;
  return fill(run, (uint64_t)CPU_COUNT(&set));
}

#define ITEMS(X) \
  X(pure) X(seconds) X(local_time) X(nanoseconds) X(processor_time) X(process_number) \
  X(stack_address) X(heap_address) X(code_address) X(home) X(user) X(search_path) \
  X(unwritten_heap) X(unwritten_stack) X(order_of_threads) X(number_of_processors)
#define ITEM(NAME) \
  static const jkp_item item_##NAME = {.struct_size = sizeof(jkp_item), .kind = JKP_METHOD, \
    .output = JKP_SCORES, .id = "org.test.impure." #NAME, .version = "1", .summary = "a test", .run = NAME};
ITEMS(ITEM)
#define POINTER(NAME) &item_##NAME,
static const jkp_item *const items[] = {ITEMS(POINTER)};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "impure", "1", "MIT",
                                  items, sizeof items / sizeof *items};
JKP_EXPORT const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
