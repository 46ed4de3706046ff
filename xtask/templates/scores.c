/* new-plugin: the score of a weight is its absolute value to a power.  The larger is kept.
 *
 * Replace the formula.  What .needs does not declare is not given: snip.c shows gradients,
 * rearrange.c random numbers, core/abi/CONTRACT.md the rules. */
#include "jackpot.h"
#include <math.h>

static jkp_status scores(const jkp_run *run, jkp_error *err) {
  const double power = jkp_config(run, "power")->f;
  for (uint64_t l = 0; l < run->n; l++) {
    /* Says no progress, and hears whether to stop. */
    if (run->host->poll(run, -1, NULL)) return jkp_fail(err, JKP_E_CANCELLED, "stopped");
    const float *weight = (const float *)run->params[l]->dl.data;
    double *score = (double *)run->out[l]->dl.data;
    for (uint64_t i = 0; i < run->out[l]->n_elem; i++) score[i] = pow(fabs(weight[i]), power);
  }
  return JKP_OK;
}

static const jkp_param power = {
    sizeof power, "the exponent", {"power", JKP_F64, 0, 0, 1, NULL}, 0.5, 4, NULL};
static const jkp_param *const params[] = {&power};
static const jkp_item item = {
    .struct_size = sizeof item,
    .kind = JKP_METHOD,
    .output = JKP_SCORES,
    .needs = JKP_NEEDS_WEIGHTS,
    .id = "org.example.new-plugin",
    .version = "0.1",
    .summary = "the absolute value of each weight, to a power",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .run = scores,
};
static const jkp_item *const items[] = {&item};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "new-plugin", "0.1",
                                  "MIT", items, 1};
const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
