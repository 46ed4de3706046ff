/* new-plugin: moves what each layer keeps some places on, around the end.
 *
 * Replace the change.  A check that changes nothing fails, and what it promises is verified
 * on every output; rearrange.c draws its places, core/abi/CONTRACT.md has the rules. */
#include "jackpot.h"

static jkp_status check(const jkp_run *run, jkp_error *err) {
  (void)err;
  uint64_t places = (uint64_t)jkp_config(run, "places")->i;
  for (uint64_t l = 0; l < run->n_out; l++) {
    const uint8_t *mask = (const uint8_t *)run->in[l]->dl.data;
    uint8_t *out = (uint8_t *)run->out[l]->dl.data;
    uint64_t n = run->in[l]->n_elem;
    for (uint64_t i = 0; i < n; i++) out[(i + places) % n] = mask[i];
  }
  return JKP_OK;
}

static const jkp_param places = {
    sizeof places, "how far", {"places", JKP_I64, 0, 1, 0, NULL}, 1, 1e9, NULL};
static const jkp_param *const params[] = {&places};
static const jkp_item item = {
    .struct_size = sizeof item,
    .kind = JKP_CHECK,
    .output = JKP_MASKS,
    .promises = JKP_KEEPS_LAYER_COUNTS | JKP_KEEPS_TOTAL_COUNT | JKP_CHANGES_OUTPUT,
    .id = "org.example.new-plugin",
    .version = "0.1",
    .summary = "moves the kept weights of each layer some places on",
    .params = params,
    .n_params = sizeof params / sizeof *params,
    .run = check,
};
static const jkp_item *const items[] = {&item};
static const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "new-plugin", "0.1",
                                  "MIT", items, 1};
const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
