/* A host of ABI 1.0: it lends two layers of weights, prints the scores that come back, and
 * refuses what was built for a later version unless told `--anyway`.
 *
 *     host plugin.so [--anyway]
 */
#include "jackpot.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *scratch_memory[64];
static int scratch_count;

static const void *service(const jkp_run *run, const char *id) { (void)run, (void)id; return NULL; }
static void log_line(const jkp_run *run, int32_t level, const char *text) { (void)run, (void)level, (void)text; }
static jkp_status poll(const jkp_run *run, double done, const char *note) { (void)run, (void)done, (void)note; return JKP_OK; }
static void *scratch(const jkp_run *run, uint64_t bytes, uint64_t align) {
  (void)run;
  if (scratch_count == 64) return NULL;
  if (align < 64) align = 64;
  void *p = aligned_alloc(align, (bytes + align - 1) / align * align + align);
  if (p) memset(p, 0, bytes), scratch_memory[scratch_count++] = p;
  return p;
}
static const jkp_tensor *const *tensors(const jkp_run *run, uint32_t bits) { (void)run, (void)bits; return NULL; }

static float weights[2][3] = {{1.5f, -2.0f, -0.0f}, {1e-45f, -3.5f, 0.25f}};
static uint8_t ones[2][3] = {{1, 1, 1}, {1, 1, 1}};
static double out[2][3];
static int64_t shape[2] = {3, 1}, strides[2] = {1, 1};

static jkp_tensor tensor(const char *name, void *data, uint8_t code, uint8_t bits) {
  jkp_tensor t = {.struct_size = sizeof t, .name = name, .role = JKP_LINEAR, .n_elem = 3, .n_uses = 1,
                  .stride = 1, .groups = 1,
                  .dl = {data, {1, 0}, 2, {code, bits, 1}, shape, strides, 0}};
  return t;
}

int main(int argc, char **argv) {
  void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library) return fprintf(stderr, "no plugin: %s\n", dlerror()), 2;
  const jkp_plugin *(*entry)(void) = (const jkp_plugin *(*)(void))dlsym(library, "jackpot_entry_v1");
  if (!entry) return fprintf(stderr, "no entry\n"), 2;
  const jkp_plugin *plugin = entry();
  int anyway = argc > 2 && !strcmp(argv[2], "--anyway");
  if ((plugin->abi_major != 1 || plugin->abi_minor > JKP_ABI_MINOR) && !anyway)
    return printf("refused: built for ABI %u.%u, this host offers 1.%u\n", plugin->abi_major, plugin->abi_minor,
                  JKP_ABI_MINOR), 1;
  const char *names[2] = {"a.weight", "b.weight"};
  jkp_tensor p[2], m[2], o[2];
  const jkp_tensor *params[2], *masks[2], *outs[2];
  for (int l = 0; l < 2; l++) {
    p[l] = tensor(names[l], weights[l], 2, 32), params[l] = &p[l];
    m[l] = tensor(names[l], ones[l], 1, 8), masks[l] = &m[l];
    o[l] = tensor(names[l], out[l], 2, 64), o[l].flags = JKP_WRITABLE, outs[l] = &o[l];
  }
  const jkp_item *item = plugin->items[0];
  jkp_value values[16];
  for (uint64_t i = 0; i < item->n_params && i < 16; i++) values[i] = item->params[i]->def;
  jkp_task task = {.struct_size = sizeof task, .network = "lenet", .depth = 2, .classes = 3, .channels = 1,
                   .height = 1, .width = 1, .rows = 5};
  jkp_host host = {.struct_size = sizeof host, .abi_major = 1, .abi_minor = JKP_ABI_MINOR, .name = "old",
                   .version = "1.0", .service = service, .log = log_line, .poll = poll, .scratch = scratch,
                   .tensors = tensors};
  jkp_run run = {.struct_size = sizeof run, .host = &host, .params = params, .masks = masks, .out = outs,
                 .n = 2, .n_out = 2, .config = values, .n_config = item->n_params, .keep = 1, .rounds = 1,
                 .task = &task, .keep_count = 6};
  jkp_error error = {.struct_size = sizeof error};
  jkp_status status = item->run(&run, &error);
  if (status) return printf("status %d: %s\n", status, error.message), 1;
  for (int l = 0; l < 2; l++)
    for (int i = 0; i < 3; i++) printf("%a\n", out[l][i]);
  return 0;
}
