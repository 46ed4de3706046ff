/* Plugins that look well at first: each is found out by one case of the conformance kit, or by
 * few.  An item's version says which: the beginning of the case's name. */
#include "jackpot.h"
#include <stdlib.h>
#include <time.h>

#ifndef PREFIX
#define PREFIX "org.test.unfit."
#endif
#define RUN static jkp_status
typedef const jkp_run *R;
typedef jkp_error *E;

static jkp_status fill(R run, double first) {
  for (uint64_t l = 0; l < run->n; l++)
    for (uint64_t i = 0; i < run->out[l]->n_elem; i++) ((double *)run->out[l]->dl.data)[i] = first + (double)i;
  return JKP_OK;
}
static uint64_t weights(R run) {
  uint64_t n = 0;
  for (uint64_t l = 0; l < run->n; l++) n += run->params[l]->n_elem;
  return n;
}
RUN fit(R run, E err) { (void)err; return fill(run, 0); }
RUN mute(R run, E err) { return fit(run, err); }
RUN reads_clock(R run, E err) {
  (void)err;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return fill(run, (double)now.tv_nsec);
}
RUN uses_key(R run, E err) { (void)err; return fill(run, (double)(run->key.w[0] % 1000)); }
RUN overruns_65(R run, E err) {
  fit(run, err);
  for (uint64_t l = 0; l < run->n; l++)
    if (run->out[l]->n_elem == 65) ((double *)run->out[l]->dl.data)[65] = 0;
  return JKP_OK;
}
static volatile uint64_t sink;
RUN divides_by_layer(R run, E err) {
  for (uint64_t l = 0; l < run->n; l++) sink = 1000 / run->params[l]->n_elem;
  return fit(run, err);
}
RUN ten_classes(R run, E err) {
  volatile uint64_t counts[10];
  if (run->task->classes > sizeof counts / sizeof *counts) abort();
  return fit(run, err);
}
RUN divides_by_rows(R run, E err) { sink = 1000 / (run->task->rows - 1); return fit(run, err); }
RUN one_round(R run, E err) { if (run->round) abort(); return fit(run, err); }
RUN deaf_if_large(R run, E err) {
  while (weights(run) > 100000) sink++;
  return fit(run, err);
}
RUN trusts_scratch(R run, E err) {
  char *memory = run->host->scratch(run, 100, 64);
  memory[7] = 1;
  return fit(run, err);
}
RUN wide_bounds(R run, E err) { if (jkp_config(run, "much")->i == 9) abort(); return fit(run, err); }
RUN rounds_down(R run, E err) { /* a thousandth of few is none */
  (void)err;
  uint64_t total = weights(run);
  for (uint64_t l = 0; l < run->n; l++)
    *(int64_t *)run->out[l]->dl.data = (int64_t)(run->keep_count * 100 / total * run->params[l]->n_elem / 100);
  return JKP_OK;
}
RUN first_block(R run, E err) {
  (void)err;
  if (run->first_row) abort();
  for (uint64_t i = 0; i < run->out[0]->n_elem; i++)
    ((uint8_t *)run->out[0]->dl.data)[i] = (uint8_t)(255 - ((const uint8_t *)run->in[0]->dl.data)[i]);
  return JKP_OK;
}

static const jkp_param much = {sizeof much, "how much", {"much", JKP_I64, 0, 1, 0, NULL}, 0, 9, NULL};
static const jkp_param *const params[] = {&much};
#define ITEM(KIND, OUTPUT, NAME, CASE, SUMMARY, N) \
  static const jkp_item item_##NAME = {.struct_size = sizeof(jkp_item), .kind = KIND, .output = OUTPUT, \
    .id = PREFIX #NAME, .version = CASE, .summary = SUMMARY, .params = N ? params : NULL, .n_params = N, .run = NAME};
#define S(X, NAME, CASE) X(JKP_METHOD, JKP_SCORES, NAME, CASE, "a test", 0)
#define ITEMS(X) \
  S(X, fit, "") X(JKP_METHOD, JKP_SCORES, mute, "says what it is", " ", 0) S(X, reads_clock, "the same run twice") \
  S(X, uses_key, "another key") S(X, overruns_65, "a layer of 65 weights") \
  S(X, divides_by_layer, "a layer of 0 weights") S(X, ten_classes, "1,000 classes") S(X, divides_by_rows, "one image") \
  S(X, one_round, "two rounds") S(X, deaf_if_large, "stops when") S(X, trusts_scratch, "without scratch") \
  X(JKP_METHOD, JKP_SCORES, wide_bounds, "every parameter", "a test", 1) \
  X(JKP_METHOD, JKP_COUNTS, rounds_down, "sparsities", "a test", 0) \
  X(JKP_CHECK, JKP_IMAGES, first_block, "1,500 images", "a test", 0)
ITEMS(ITEM)
#define POINTER(KIND, OUTPUT, NAME, CASE, SUMMARY, N) &item_##NAME,
static const jkp_item *const items[] = {ITEMS(POINTER)};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "unfit", "1", "MIT",
                                  items, sizeof items / sizeof *items};
JKP_EXPORT const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
