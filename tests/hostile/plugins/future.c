/* A plugin of a later minor version: its structs are larger than this host's, and with
 * -DKIND, -DOUTPUT and -DNEEDS it says what no host of today knows. */
#define JKP_ABI_MINOR 0u
#include "jackpot.h"
#ifndef MINOR
#define MINOR 0
#endif
#ifndef KIND
#define KIND JKP_METHOD
#endif
#ifndef OUTPUT
#define OUTPUT JKP_SCORES
#endif
#ifndef NEEDS
#define NEEDS 0
#endif
#ifndef PROMISES
#define PROMISES 0
#endif

static jkp_status good(const jkp_run *run, jkp_error *err) {
  (void)err;
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->out[i]->n_elem; j++) ((double *)run->out[i]->dl.data)[j] = (double)j;
  return JKP_OK;
}
/* What a later version appended: a host of today must not read it, and must not mind. */
typedef struct later_param { jkp_param known; uint64_t added[5]; } later_param;
typedef struct later_item { jkp_item known; const void *added[7]; } later_item;
typedef struct later_plugin { jkp_plugin known; const void *added[3]; } later_plugin;
static const later_param param = {
    {sizeof(later_param), "a number", {"number", JKP_I64, 0, 3, 0, 0}, 1, 9, 0}, {~0ull, ~0ull, ~0ull, ~0ull, ~0ull}};
static const jkp_param *const params[] = {&param.known};
static const later_item item = {
    {.struct_size = sizeof(later_item), .kind = KIND, .output = OUTPUT, .needs = NEEDS, .promises = PROMISES,
     .id = "org.test.good", .version = "9", .summary = "a test", .params = params, .n_params = 1, .run = good},
    {(const void *)8, (const void *)8, (const void *)8, (const void *)8, (const void *)8, (const void *)8, (const void *)8}};
static const jkp_item *const items[] = {&item.known};
static const later_plugin plugin = {
    {sizeof(later_plugin), JKP_ABI_MAJOR, MINOR, "future", "9", "MIT", items, 1},
    {(const void *)8, (const void *)8, (const void *)8}};
JKP_EXPORT const jkp_plugin *jackpot_entry_v1(void) { return &plugin.known; }
