/* Methods of many rounds: good ones, whose masks the tests work out themselves, and their
 * broken twins. */
#include <math.h>
#include <string.h>
#include <unistd.h>
#define JKP_ABI_MINOR 0u
#include "jackpot.h"

#define RUN static jkp_status
typedef const jkp_run *R;
typedef jkp_error *E;

static double *scores(R run, uint64_t i) { return run->out[i]->dl.data; }
static uint8_t *mask(R run, uint64_t i) { return run->out[i]->dl.data; }
static uint64_t ones(R run) {
  uint64_t n = 0;
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->masks[i]->n_elem; j++) n += ((const uint8_t *)run->masks[i]->dl.data)[j];
  return n;
}
static const jkp_autodiff_1 *autodiff(R run) { return run->host->service(run, "jackpot.autodiff/1"); }
static jkp_objective objective(void) {
  jkp_objective o = {.struct_size = sizeof o, .loss = JKP_LOSS_CROSS_ENTROPY, .input = JKP_INPUT_DATA,
                     .train_mode = 1, .temperature = 1};
  return o;
}
static jkp_status batch(R run, uint64_t *handle, E err) {
  jkp_batch_spec s = {.struct_size = sizeof s, .key = run->key, .n_batches = 1, .per_class = 1, .parts = 1};
  return autodiff(run)->batches(run, &s, handle, err);
}
/* score = |gradient at the weights under this round's mask| */
RUN climbs(R run, E err) {
  uint64_t handle;
  jkp_objective o = objective();
  jkp_status s = batch(run, &handle, err);
  if (s || (s = autodiff(run)->grad(run, &o, handle, NULL, run->out, err))) return s;
  if (run->rounds < 2 || run->round >= run->rounds || run->keep_count > ones(run))
    return jkp_fail(err, JKP_E_INVALID, "round, mask or count");
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->out[i]->n_elem; j++) scores(run, i)[j] = fabs(scores(run, i)[j]);
  return run->host->poll(run, 0.5, NULL);
}
/* score = uniforms of this round's key */
RUN revives(R run, E err) {
  const jkp_rng_1 *rng = run->host->service(run, "jackpot.rng/1");
  (void)err;
  for (uint64_t i = 0; i < run->n; i++) {
    jkp_key key;
    rng->fold(&run->key, i, &key);
    rng->uniform(&key, scores(run, i), run->out[i]->n_elem);
  }
  return JKP_OK;
}
/* the first keep_count weights of all, or the last */
static jkp_status fill(R run, uint64_t count, int from_end) {
  uint64_t total = 0, at = 0;
  for (uint64_t i = 0; i < run->n; i++) total += run->out[i]->n_elem;
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->out[i]->n_elem; j++, at++) mask(run, i)[j] = from_end ? at >= total - count : at < count;
  return JKP_OK;
}
RUN own_masks(R run, E err) { (void)err; return fill(run, run->keep_count, 0); }
RUN turns_back(R run, E err) { (void)err; return fill(run, run->keep_count, run->round == 1); }
RUN one_short(R run, E err) { (void)err; return fill(run, run->keep_count - (run->round == 1), 0); }
RUN turns_back_at_last(R run, E err) { (void)err; return fill(run, run->keep_count, run->round + 1 == run->rounds); }
RUN unwritten_later(R run, E err) { return run->round < 2 ? climbs(run, err) : JKP_OK; }
RUN overruns_later(R run, E err) {
  jkp_status s = climbs(run, err);
  if (run->round == 1) scores(run, 0)[-1] = 0;
  return s;
}
RUN writes_mask_later(R run, E err) {
  if (run->round == 1) ((uint8_t *)run->masks[0]->dl.data)[0] = 1;
  return climbs(run, err);
}
RUN holds_handle(R run, E err) {
  static uint64_t handle;
  jkp_objective o = objective();
  if (run->round == 0) batch(run, &handle, err);
  return autodiff(run)->grad(run, &o, handle, NULL, run->out, err);
}
RUN slow(R run, E err) { usleep(400000); return climbs(run, err); }
RUN greedy_later(R run, E err) { /* fits in a round: the budget begins anew */
  return run->host->scratch(run, 10 << 20, 64) ? climbs(run, err) : jkp_fail(err, JKP_E_NOMEM, "10 MB");
}
RUN infinite_later(R run, E err) { jkp_status s = climbs(run, err); if (run->round == 1) scores(run, 1)[2] = INFINITY; return s; }
/* declares no data, and its scores are a gradient on data */
RUN peeks(R run, E err) {
  uint64_t handle;
  jkp_objective o = objective();
  jkp_status s = batch(run, &handle, err);
  return s ? s : autodiff(run)->grad(run, &o, handle, NULL, run->out, err);
}

#define ITEM(OUTPUT, NEEDS, PROMISES, HINT, NAME) \
  static const jkp_item item_##NAME = {.struct_size = sizeof(jkp_item), .kind = JKP_METHOD, .output = OUTPUT, \
    .needs = NEEDS, .promises = PROMISES, .id = "org.test." #NAME, .version = "1", .summary = "a test", .run = NAME, .rounds_hint = HINT};
#define AD (JKP_NEEDS_GRAD | JKP_NEEDS_INPUTS | JKP_NEEDS_LABELS)
#define ITEMS(X) \
  X(JKP_SCORES, AD, JKP_NESTED, 4, climbs) X(JKP_SCORES, JKP_NEEDS_RNG, 0, 0, revives) \
  X(JKP_MASKS, 0, JKP_NESTED | JKP_KEEPS_TOTAL_COUNT, 4, own_masks) X(JKP_MASKS, 0, JKP_NESTED, 4, turns_back) \
  X(JKP_MASKS, 0, JKP_NESTED, 4, turns_back_at_last) \
  X(JKP_MASKS, 0, JKP_KEEPS_TOTAL_COUNT, 4, one_short) X(JKP_SCORES, AD, JKP_NESTED, 4, unwritten_later) \
  X(JKP_SCORES, AD, JKP_NESTED, 4, overruns_later) X(JKP_SCORES, AD, JKP_NESTED, 4, writes_mask_later) \
  X(JKP_SCORES, AD, JKP_NESTED, 4, holds_handle) X(JKP_SCORES, AD, JKP_NESTED, 4, slow) \
  X(JKP_SCORES, AD, JKP_NESTED, 4, greedy_later) X(JKP_SCORES, AD, JKP_NESTED, 4, infinite_later) \
  X(JKP_SCORES, JKP_NEEDS_GRAD | JKP_NEEDS_LABELS, 0, 0, peeks)
ITEMS(ITEM)
#define POINTER(OUTPUT, NEEDS, PROMISES, HINT, NAME) &item_##NAME,
static const jkp_item *const items[] = {ITEMS(POINTER)};
static const jkp_plugin plugin = {.struct_size = sizeof plugin, .abi_major = JKP_ABI_MAJOR, .abi_minor = JKP_ABI_MINOR,
    .name = "rounds", .version = "1", .license = "MIT", .items = items, .n_items = sizeof items / sizeof *items};
JKP_EXPORT const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
