/* snip.c - SNIP in C: the score of a weight is |w * dL/dw|, its connection sensitivity
 * (Lee, Ajanthan and Torr, 2019).  The same method as plugins/methods/snip in Rust, and
 * byte for byte the same scores.  Copy this file to begin a method of your own.
 *
 *     make OUT=folder        builds folder/libjackpot_c_snip.so: no libtorch, no Rust
 */
#include "jackpot.h"
#include <math.h>

static uint64_t count(const jkp_run *run, const char *name) {
  return (uint64_t)jkp_config(run, name)->i;
}

static jkp_status snip(const jkp_run *run, jkp_error *err) {
  const jkp_autodiff_1 *ad = (const jkp_autodiff_1 *)run->host->service(run, "jackpot.autodiff/1");
  if (!ad) return jkp_fail(err, JKP_E_UNSUPPORTED, "snip needs jackpot.autodiff/1");
  jkp_objective loss = {sizeof loss, JKP_LOSS_CROSS_ENTROPY, JKP_INPUT_DATA, 1, 0, 1.0, 0, 0};
  jkp_batch_spec spec = {sizeof spec, run->key, count(run, "batches"), count(run, "batch_size"),
                         count(run, "samples_per_class"), 1, (uint32_t)count(run, "augment"),
                         (uint32_t)count(run, "shuffle")};
  uint64_t batch = 0;
  jkp_status status = ad->batches(run, &spec, &batch, err);
  /* The gradient goes straight to where the scores belong. */
  if (!status) status = ad->grad(run, &loss, batch, NULL, run->out, err);
  for (uint64_t l = 0; !status && l < run->n; l++) {
    const float *weight = (const float *)run->params[l]->dl.data;
    double *score = (double *)run->out[l]->dl.data;
    for (uint64_t i = 0; i < run->out[l]->n_elem; i++) score[i] = fabs(weight[i] * score[i]);
  }
  return status; /* err holds what the host said */
}

#define PARAM(id, type, i, lo, hi, doc) \
  &(const jkp_param) { sizeof(jkp_param), doc, {id, type, 0, i, 0, NULL}, lo, hi, NULL }
static const jkp_param *const params[] = {
    PARAM("samples_per_class", JKP_I64, 10, 0, 1e6, "images of every class in a batch; 0: use batch_size"),
    PARAM("batches", JKP_I64, 1, 1, 1e6, "batches whose gradients are added up"),
    PARAM("batch_size", JKP_I64, 128, 1, 1e6, "images in a batch if samples_per_class is 0"),
    PARAM("augment", JKP_BOOL, 1, 0, 0, "crop and flip as in training"),
    PARAM("shuffle", JKP_BOOL, 0, 0, 0, "mix the rows of a batch, else they are in class order"),
};
static const jkp_item item = {
    .struct_size = sizeof item,
    .kind = JKP_METHOD,
    .output = JKP_SCORES,
    .needs = JKP_NEEDS_WEIGHTS | JKP_NEEDS_INPUTS | JKP_NEEDS_LABELS | JKP_NEEDS_GRAD,
    .id = "org.jackpot.c.snip",
    .version = "1.0",
    .summary = "|weight x gradient| of the training loss on a class-balanced batch",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .run = snip,
};
static const jkp_item *const items[] = {&item};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "c-snip", "1.0",
                                  "MIT", items, 1};
const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
