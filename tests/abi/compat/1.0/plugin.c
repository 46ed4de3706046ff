/* A plugin as it was written for ABI 1.0, with the header of that day beside it.  The binary
 * beside it was built from this file once (README.md says how) and is never built again: every
 * later host must load it and come to the same masks. */
#include "jackpot.h"
#include <math.h>

/* |w| times a uniform number to a power: weights, random numbers, parameters, scratch. */
static jkp_status scores(const jkp_run *run, jkp_error *err) {
  const jkp_rng_1 *rng = (const jkp_rng_1 *)run->host->service(run, "jackpot.rng/1");
  if (!rng) return jkp_fail(err, JKP_E_UNSUPPORTED, "needs jackpot.rng/1");
  const int64_t times = jkp_config(run, "times")->i;
  for (uint64_t l = 0; l < run->n; l++) {
    const float *weight = (const float *)run->params[l]->dl.data;
    double *score = (double *)run->out[l]->dl.data;
    uint64_t n = run->out[l]->n_elem;
    double *drawn = (double *)run->host->scratch(run, n * sizeof *drawn, 8);
    if (!drawn) return jkp_fail(err, JKP_E_NOMEM, "no scratch");
    if (run->host->poll(run, (double)l / (double)run->n, "a layer")) return JKP_E_CANCELLED;
    jkp_key key;
    rng->fold(&run->key, l, &key);
    rng->uniform(&key, drawn, n);
    for (uint64_t i = 0; i < n; i++) {
      score[i] = fabs((double)weight[i]);
      for (int64_t t = 0; t < times; t++) score[i] *= drawn[i];
    }
  }
  return JKP_OK;
}

/* Each layer's mask back to front. */
static jkp_status reverse(const jkp_run *run, jkp_error *err) {
  (void)err;
  for (uint64_t l = 0; l < run->n_out; l++) {
    const uint8_t *mask = (const uint8_t *)run->in[l]->dl.data;
    uint64_t n = run->out[l]->n_elem;
    for (uint64_t i = 0; i < n; i++) ((uint8_t *)run->out[l]->dl.data)[i] = mask[n - 1 - i];
  }
  return JKP_OK;
}

static const jkp_param times = {sizeof times, "how often it is multiplied", {"times", JKP_I64, 0, 2, 0, NULL}, 0, 9, NULL};
static const jkp_param *const params[] = {&times};
static const jkp_item drawn_item = {sizeof drawn_item, JKP_METHOD, JKP_SCORES, JKP_NEEDS_WEIGHTS | JKP_NEEDS_RNG, 0,
                                    "org.test.old.scores", "1.0", "|w| times random numbers", params, 1, scores, 0, 0};
static const jkp_item reverse_item = {sizeof reverse_item, JKP_CHECK, JKP_MASKS, 0,
                                      JKP_KEEPS_LAYER_COUNTS | JKP_KEEPS_TOTAL_COUNT | JKP_CHANGES_OUTPUT,
                                      "org.test.old.reverse", "1.0", "each layer back to front", NULL, 0, reverse, 0, 0};
static const jkp_item *const items[] = {&drawn_item, &reverse_item};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "old", "1.0", "MIT", items, 2};
const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
