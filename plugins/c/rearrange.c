/* rearrange.c - layerwise rearrange in C: each layer keeps as many weights as before, at
 * random places (Su et al., 2020).  The same check as plugins/checks/rearrange in Rust,
 * and byte for byte the same masks under the same key. */
#include "jackpot.h"

static jkp_status rearrange(const jkp_run *run, jkp_error *err) {
  const jkp_rng_1 *rng = (const jkp_rng_1 *)run->host->service(run, "jackpot.rng/1");
  if (!rng) return jkp_fail(err, JKP_E_UNSUPPORTED, "rearrange needs jackpot.rng/1");
  uint64_t largest = 1;
  for (uint64_t l = 0; l < run->n_out; l++)
    if (run->in[l]->n_elem > largest) largest = run->in[l]->n_elem;
  uint64_t *order = (uint64_t *)run->host->scratch(run, largest * sizeof *order, 8);
  if (!order) return jkp_fail(err, JKP_E_NOMEM, "no scratch for the order of the largest layer");
  for (uint64_t l = 0; l < run->n_out; l++) {
    const uint8_t *mask = (const uint8_t *)run->in[l]->dl.data;
    uint8_t *out = (uint8_t *)run->out[l]->dl.data;
    uint64_t n = run->in[l]->n_elem, kept = 0;
    jkp_key key;
    rng->fold(&run->key, l, &key); /* each layer draws from its own key */
    rng->permutation(&key, order, n);
    for (uint64_t i = 0; i < n; i++) kept += mask[i], out[i] = 0;
    for (uint64_t i = 0; i < kept; i++) out[order[i]] = 1; /* the first k of the permutation */
  }
  return JKP_OK;
}

static const jkp_item item = {
    .struct_size = sizeof item,
    .kind = JKP_CHECK,
    .output = JKP_MASKS,
    .needs = JKP_NEEDS_RNG,
    .promises = JKP_KEEPS_LAYER_COUNTS | JKP_KEEPS_TOTAL_COUNT | JKP_CHANGES_OUTPUT,
    .id = "org.jackpot.c.layerwise-rearrange",
    .version = "1.0",
    .summary = "moves the kept weights of each layer to random places in it",
    .run = rearrange,
};
static const jkp_item *const items[] = {&item};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "c-rearrange", "1.0",
                                  "MIT", items, 1};
const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
