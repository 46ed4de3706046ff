/* Methods that give masks, as the contract lets them, and others for the table of kinds by places. */
#include "jackpot.h"
#include <math.h>

static float size_of(const float *w, uint64_t i) { return w ? fabsf(w[i]) : 0.0f; }

/* The largest of every four, as many of them as the density asks: 2 of 4 at 0.5. What is left over
 * at a layer's end is kept, so the total is not what was asked for. */
static jkp_status of_four(const jkp_run *run, jkp_error *error) {
  uint64_t pruned = 0;
  uint64_t most = (uint64_t)ceil(4 * run->keep);
  for (uint64_t l = 0; l < run->n; l++) {
    const float *w = run->params[l]->dl.data;
    uint8_t *kept = run->out[l]->dl.data;
    uint64_t n = run->out[l]->n_elem;
    for (uint64_t i = 0; i < n; i++) {
      uint64_t first = i / 4 * 4, larger = 0;
      for (uint64_t j = first; j < first + 4 && j < n; j++)
        larger += size_of(w, j) > size_of(w, i) || (size_of(w, j) == size_of(w, i) && j < i);
      kept[i] = n - first < 4 || larger < most;
      pruned += !kept[i];
    }
  }
  return pruned ? JKP_OK : jkp_fail(error, JKP_E_INVALID, "no four of it can lose a weight");
}

/* The first weights in forward order, exactly as many as were asked for in all; or one more. */
static void first(const jkp_run *run, uint64_t left) {
  for (uint64_t l = 0; l < run->n; l++) {
    uint8_t *kept = run->out[l]->dl.data;
    for (uint64_t i = 0; i < run->out[l]->n_elem; i++) {
      kept[i] = left > 0;
      left -= left > 0;
    }
  }
}
static jkp_status exact(const jkp_run *run, jkp_error *error) {
  (void)error;
  first(run, run->keep_count);
  return JKP_OK;
}
static jkp_status one_more(const jkp_run *run, jkp_error *error) {
  (void)error;
  first(run, run->keep_count + 1);
  return JKP_OK;
}

/* In rounds: of what is kept so far, the first; each round must see the one before. */
static jkp_status nested(const jkp_run *run, jkp_error *error) {
  uint64_t left = run->keep_count, seen = 0, all = 0;
  for (uint64_t l = 0; l < run->n; l++) {
    const uint8_t *before = run->masks[l]->dl.data;
    uint8_t *kept = run->out[l]->dl.data;
    for (uint64_t i = 0; i < run->out[l]->n_elem; i++) {
      seen += before[i];
      kept[i] = before[i] && left > 0;
      left -= kept[i];
    }
    all += run->out[l]->n_elem;
  }
  if ((run->round == 0) != (seen == all)) return jkp_fail(error, JKP_E_INVALID, "not the mask before");
  return JKP_OK;
}

/* One weight a layer, by counts; nothing is random. */
static jkp_status counts(const jkp_run *run, jkp_error *error) {
  (void)error;
  uint64_t left = run->keep_count;
  for (uint64_t l = 0; l < run->n; l++) {
    uint64_t n = run->params[l]->n_elem, here = n < left ? n : left;
    *(int64_t *)run->out[l]->dl.data = (int64_t)here;
    left -= here;
  }
  return JKP_OK;
}

static jkp_status scores(const jkp_run *run, jkp_error *error) {
  (void)error;
  for (uint64_t l = 0; l < run->n; l++) {
    double *s = run->out[l]->dl.data;
    for (uint64_t i = 0; i < run->out[l]->n_elem; i++) s[i] = (double)((i * 7919 + l * 31) % 1009);
  }
  return JKP_OK;
}

#define ITEM(NAME, OUTPUT, NEEDS, PROMISES, RUN, HINT)                                            \
  static const jkp_item NAME = {.struct_size = sizeof(jkp_item), .kind = JKP_METHOD,              \
    .output = OUTPUT, .needs = NEEDS, .promises = PROMISES, .id = "org.test.masks." #NAME,        \
    .version = "1", .summary = "a test", .run = RUN, .rounds_hint = HINT};
ITEM(two_of_four, JKP_MASKS, JKP_NEEDS_WEIGHTS, 0, of_four, 0)
ITEM(first_ones, JKP_MASKS, 0, JKP_KEEPS_TOTAL_COUNT, exact, 0)
ITEM(miscounts, JKP_MASKS, 0, JKP_KEEPS_TOTAL_COUNT, one_more, 0)
ITEM(in_rounds, JKP_MASKS, 0, JKP_KEEPS_TOTAL_COUNT | JKP_NESTED, nested, 3)
ITEM(front, JKP_COUNTS, 0, JKP_KEEPS_TOTAL_COUNT, counts, 0)
ITEM(mixed, JKP_SCORES, 0, 0, scores, 0)

static const jkp_item *const items[] = {&two_of_four, &first_ones, &miscounts,
                                        &in_rounds,   &front,      &mixed};
static const jkp_plugin plugin = {.struct_size = sizeof(jkp_plugin), .abi_major = JKP_ABI_MAJOR,
  .abi_minor = JKP_ABI_MINOR, .name = "masks", .version = "1", .license = "MIT", .items = items,
  .n_items = sizeof items / sizeof *items};
const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
