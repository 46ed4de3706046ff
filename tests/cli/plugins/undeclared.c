/* undeclared.c - methods that are not what they declare: both say that they need weights and no
 * data.  One asks for a batch of images, which the host refuses; the other's scores depend on
 * the bytes of a file, which nobody can refuse: a plugin may read files. */
#include "jackpot.h"
#include <math.h>
#include <stdio.h>

static void magnitudes(const jkp_run *run, uint64_t shift) {
  for (uint64_t l = 0; l < run->n; l++) {
    const float *weight = (const float *)run->params[l]->dl.data;
    double *score = (double *)run->out[l]->dl.data;
    uint64_t n = run->out[l]->n_elem;
    for (uint64_t i = 0; i < n; i++) score[i] = fabs(weight[(i + shift) % n]);
  }
}

static jkp_status asks(const jkp_run *run, jkp_error *err) {
  const jkp_autodiff_1 *ad = (const jkp_autodiff_1 *)run->host->service(run, "jackpot.autodiff/1");
  if (!ad) return jkp_fail(err, JKP_E_UNSUPPORTED, "asks needs jackpot.autodiff/1");
  jkp_batch_spec spec = {sizeof spec, run->key, 1, 0, 1, 1, 0, 0};
  uint64_t batch = 0;
  jkp_status status = ad->batches(run, &spec, &batch, err);
  if (!status) magnitudes(run, 0);
  return status;
}

static jkp_status reads(const jkp_run *run, jkp_error *err) {
  FILE *file = fopen(jkp_config(run, "file")->s, "rb");
  if (!file) return jkp_fail(err, JKP_E_INVALID, "reads: no such file");
  int byte = fgetc(file);
  fclose(file);
  magnitudes(run, (uint64_t)byte);
  return JKP_OK;
}

static const jkp_param *const params[] = {
    &(const jkp_param){sizeof(jkp_param), "a file", {"file", JKP_STR, 0, 0, 0, "/dev/zero"}, 0, 0, NULL},
};
static const jkp_item item_asks = {
    .struct_size = sizeof item_asks,
    .kind = JKP_METHOD,
    .output = JKP_SCORES,
    .needs = JKP_NEEDS_WEIGHTS | JKP_NEEDS_GRAD,
    .id = "org.test.asks",
    .version = "1.0",
    .summary = "asks for a batch that it did not declare",
    .run = asks,
};
static const jkp_item item_reads = {
    .struct_size = sizeof item_reads,
    .kind = JKP_METHOD,
    .output = JKP_SCORES,
    .needs = JKP_NEEDS_WEIGHTS,
    .id = "org.test.reads",
    .version = "1.0",
    .summary = "|weight| of an index that a file names",
    .params = params,
    .n_params = 1,
    .run = reads,
};
static const jkp_item *const items[] = {&item_asks, &item_reads};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "undeclared", "1.0",
                                  "MIT", items, 2};
const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
