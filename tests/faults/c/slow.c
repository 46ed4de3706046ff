/* slow.c - the absolute value of each weight, slowly: a method that is easy to meet at work. */
#include "jackpot.h"
#include <math.h>
#include <time.h>

static jkp_status slow(const jkp_run *run, jkp_error *err) {
  (void)err;
  for (uint64_t l = 0; l < run->n; l++) {
    const float *weight = (const float *)run->params[l]->dl.data;
    double *score = (double *)run->out[l]->dl.data;
    for (uint64_t i = 0; i < run->out[l]->n_elem; i++) score[i] = fabs((double)weight[i]);
    nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL);
  }
  return JKP_OK;
}

static const jkp_item item = {
    .struct_size = sizeof item,
    .kind = JKP_METHOD,
    .output = JKP_SCORES,
    .needs = JKP_NEEDS_WEIGHTS,
    .id = "slow",
    .version = "1.0",
    .summary = "the absolute value of each weight, slowly",
    .run = slow,
};
static const jkp_item *const items[] = {&item};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "slow", "1.0",
                                  "MIT", items, 1};
const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
