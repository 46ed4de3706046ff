/* new-plugin: every layer keeps the same share of its weights, and together exactly as many
 * as are asked for.
 *
 * Replace the rule.  Each layer's facts (role, place, stride, uses) are in run->params;
 * core/abi/CONTRACT.md has the rules. */
#include "jackpot.h"

static jkp_status allocate(const jkp_run *run, jkp_error *err) {
  (void)err;
  uint64_t total = 0, weights = 0, given = 0;
  for (uint64_t l = 0; l < run->n; l++) total += run->params[l]->n_elem;
  for (uint64_t l = 0; l < run->n; l++) {
    /* What all layers so far should have, rounded down: the rests go to later layers.
     * The product stays below 2^64 up to 4 billion weights. */
    weights += run->params[l]->n_elem;
    uint64_t so_far = total ? run->keep_count * weights / total : 0;
    *(int64_t *)run->out[l]->dl.data = (int64_t)(so_far - given);
    given = so_far;
  }
  return JKP_OK;
}

static const jkp_item item = {
    .struct_size = sizeof item,
    .kind = JKP_METHOD,
    .output = JKP_COUNTS,
    .promises = JKP_KEEPS_TOTAL_COUNT,
    .id = "org.example.new-plugin",
    .version = "0.1",
    .summary = "the same share of every layer",
    .run = allocate,
};
static const jkp_item *const items[] = {&item};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "new-plugin", "0.1",
                                  "MIT", items, 1};
const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
