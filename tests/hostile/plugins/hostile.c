/* A plugin whose only job is to misbehave, one mode an item; the good items beside them show
 * that the host still works.  One long file, so that one table at its end lists every mode.
 * Modes that act while the plugin loads are chosen by -DLOAD=n. */
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* Built for 1.0: that its good items run shows that later hosts load what 1.0 made. */
#define JKP_ABI_MINOR 0u
#include "jackpot.h"

#ifndef LOAD
#define LOAD 0
#endif
#define NO_SYMBOL 1
#define WRONG_MAJOR 2
#define NEWER_MINOR 3
#define ABORTS 4
#define HANGS 5
#define NULL_TABLE 6
#define TWO_ALIKE 7
#define NOT_UTF8 8
#define BAD_DEFAULT 9
#define BAD_PROMISE 10
#define FLUSHES 11
#define SHORT_STRUCT 12
#define NO_RUN 13
#define DATA_UNUSED 14
#define CHECK_SCORES 15
#define NO_ITEMS 16
#define MANY_ITEMS 17
#define PARAM_NOT_UTF8 18
#define NULL_ITEM 19
#define LINKED 20
#define MOVES_HOUSE 21
#define STARTS_THREAD 22
#define OPENS_FILE 23

#define RUN static jkp_status
typedef const jkp_run *R;
typedef jkp_error *E;

static double *scores(R run, uint64_t i) { return run->out[i]->dl.data; }
static const float *weights(R run, uint64_t i) { return run->params[i]->dl.data; }

/* ---- good ones ------------------------------------------------------------------- */
RUN good(R run, E err) {
  (void)err;
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->params[i]->n_elem; j++) scores(run, i)[j] = fabs(weights(run, i)[j]);
  return JKP_OK;
}
static const jkp_autodiff_1 *autodiff(R run) { return run->host->service(run, "jackpot.autodiff/1"); }
static jkp_objective objective(double temperature) {
  jkp_objective o = {.struct_size = sizeof o, .loss = JKP_LOSS_CROSS_ENTROPY, .input = JKP_INPUT_DATA,
                     .train_mode = 1, .temperature = temperature};
  return o;
}
static jkp_status batch(R run, uint64_t *handle, E err) {
  jkp_batch_spec s = {.struct_size = sizeof s, .key = run->key, .n_batches = 2, .per_class = 3, .parts = 2};
  return autodiff(run)->batches(run, &s, handle, err);
}
/* score = gradient at the weights; the temperature chooses how the toy service behaves */
static jkp_status gradient(R run, double temperature, E err) {
  uint64_t handle;
  jkp_status s = batch(run, &handle, err);
  jkp_objective o = objective(temperature);
  return s ? s : autodiff(run)->grad(run, &o, handle, NULL, run->out, err);
}
RUN grad(R run, E err) { return gradient(run, 1, err); }
/* score = H g at twice the weights (in f32), plus the loss there in the first entry */
RUN hvp(R run, E err) {
  uint64_t handle;
  jkp_status s = batch(run, &handle, err);
  if (s) return s;
  jkp_objective o = objective(1);
  const jkp_tensor *const *point = run->host->tensors(run, 32), *const *g = run->host->tensors(run, 64);
  if (!point || !g) return jkp_fail(err, JKP_E_NOMEM, "no tensors");
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->params[i]->n_elem; j++)
      ((float *)point[i]->dl.data)[j] = 2 * weights(run, i)[j];
  double loss;
  if ((s = autodiff(run)->grad(run, &o, handle, point, g, err))) return s;
  if ((s = autodiff(run)->hvp(run, &o, handle, point, g, run->out, err))) return s;
  if ((s = autodiff(run)->loss(run, &o, handle, point, &loss, err))) return s;
  scores(run, 0)[0] = loss;
  return JKP_OK;
}
/* score = uniforms; config and task are what was asked */
RUN uniform(R run, E err) {
  const jkp_rng_1 *rng = run->host->service(run, "jackpot.rng/1");
  const jkp_value *text = jkp_config(run, "text"), *number = jkp_config(run, "number");
  if (strcmp(text->s, "zwölf") || number->i != 12 || jkp_config(run, "share")->f != 0.5 || jkp_config(run, "flag")->i != 1)
    return jkp_fail(err, JKP_E_INVALID, "config");
  if (strcmp(run->task->network, "resnet") || run->task->classes != 3 || run->task->rows != 12 || run->rounds != 1)
    return jkp_fail(err, JKP_E_INVALID, "task");
  if (run->params[0]->dl.data || run->in || run->donor || run->ref || run->keep_count != 24)
    return jkp_fail(err, JKP_E_INVALID, "something undeclared was given");
  char *page = run->host->scratch(run, 100, 4096);
  if (!page || (uintptr_t)page % 4096 || page[99]) return jkp_fail(err, JKP_E_NOMEM, "scratch");
  page[99] = 1;
  run->host->log(run, JKP_LOG_INFO, "drawing\nscores");
  for (uint64_t i = 0; i < run->n; i++) {
    jkp_key key = run->key;
    rng->fold(&key, i, &key);
    rng->uniform(&key, scores(run, i), run->out[i]->n_elem);
  }
  return run->host->poll(run, 0.75, "drawn");
}
/* layers 0 to 3: uniform, permutation, normal, the upper bits of `bits`; the rest 0 */
RUN draws(R run, E err) {
  const jkp_rng_1 *rng = run->host->service(run, "jackpot.rng/1");
  for (uint64_t i = 0; i < run->n; i++) {
    uint64_t n = run->out[i]->n_elem;
    uint64_t *words = run->host->scratch(run, n * 8, 64);
    float *normals = run->host->scratch(run, n * 4, 64);
    if (!words || !normals) return jkp_fail(err, JKP_E_NOMEM, "scratch");
    jkp_key key;
    rng->fold(&run->key, i, &key);
    if (i == 1) rng->permutation(&key, words, n);
    if (i == 2) rng->normal(&key, normals, n);
    if (i == 3) rng->bits(&key, words, n);
    for (uint64_t j = 0; j < n; j++)
      scores(run, i)[j] = i == 1 ? (double)words[j] : i == 2 ? normals[j] : i == 3 ? (double)(words[j] >> 11) : 0;
    if (i == 0) rng->uniform(&key, scores(run, i), n);
  }
  return JKP_OK;
}
RUN reverse(R run, E err) {
  (void)err;
  for (uint64_t i = 0; i < run->n; i++) {
    uint64_t n = run->out[i]->n_elem;
    const uint8_t *in = run->in[i]->dl.data;
    for (uint64_t j = 0; j < n; j++) ((uint8_t *)run->out[i]->dl.data)[j] = in[n - 1 - j];
  }
  return JKP_OK;
}
static uint64_t pixels(R run) { return run->in[0]->n_elem / (uint64_t)run->in[0]->dl.shape[0]; }
RUN flip(R run, E err) { /* each image back to front */
  (void)err;
  uint64_t p = pixels(run), rows = run->out[0]->n_elem / p;
  const uint8_t *in = run->in[0]->dl.data;
  uint8_t *out = run->out[0]->dl.data;
  for (uint64_t r = 0; r < rows; r++)
    for (uint64_t j = 0; j < p; j++) out[r * p + j] = in[r * p + p - 1 - j];
  return JKP_OK;
}
RUN shift_labels(R run, E err) {
  (void)err;
  const int64_t *in = run->in[0]->dl.data;
  for (uint64_t r = 0; r < run->out[0]->n_elem; r++)
    ((int64_t *)run->out[0]->dl.data)[r] = (in[r] + 1) % run->task->classes;
  return JKP_OK;
}
RUN half(R run, E err) {
  (void)err;
  for (uint64_t r = 0; r < run->out[0]->n_elem; r++) ((uint8_t *)run->out[0]->dl.data)[r] = r % 2 == 0;
  return JKP_OK;
}
RUN negate(R run, E err) {
  (void)err;
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->out[i]->n_elem; j++)
      ((float *)run->out[i]->dl.data)[j] = -((const float *)run->in[i]->dl.data)[j];
  return JKP_OK;
}
static jkp_status fill_counts(R run, int64_t extra) {
  int64_t left = (int64_t)run->keep_count;
  for (uint64_t i = 0; i < run->n; i++) {
    int64_t n = (int64_t)run->params[i]->n_elem, k = left < n ? left : n;
    *(int64_t *)run->out[i]->dl.data = k + (i == 0 ? extra : 0);
    left -= k;
  }
  return JKP_OK;
}
RUN first_layers(R run, E err) { (void)err; return fill_counts(run, 0); }

/* ---- crashes and hangs ------------------------------------------------------------- */
RUN null_write(R run, E err) { good(run, err); *(volatile int *)0 = 1; return JKP_OK; }
RUN aborts(R run, E err) { good(run, err); abort(); }
RUN exits(R run, E err) { good(run, err); exit(0); }
RUN quits(R run, E err) { good(run, err); _exit(0); }
RUN deaf(R run, E err) { (void)run, (void)err; for (;;) __asm__ volatile(""); return JKP_OK; }
RUN polite(R run, E err) {
  while (run->host->poll(run, -1, NULL) == JKP_OK) usleep(1000);
  return jkp_fail(err, JKP_E_CANCELLED, "stopped");
}
static volatile int one = 1;
static volatile uint64_t nought;
RUN divides(R run, E err) { (void)err; return (jkp_status)(run->n / nought); }
static int dive(int depth) { volatile char page[4096]; page[0] = (char)depth; return one ? dive(depth + 1) + page[0] : 0; }
RUN overflows(R run, E err) { (void)run, (void)err; return dive(0); }
RUN illegal(R run, E err) { (void)run, (void)err; raise(SIGILL); return JKP_OK; }
RUN killed(R run, E err) { (void)run, (void)err; raise(SIGKILL); return JKP_OK; }
static void at_exit(void) { abort(); }
RUN aborts_late(R run, E err) { atexit(at_exit); return good(run, err); }
RUN floods(R run, E err) { (void)run, (void)err; for (;;) puts("all work and no play makes a dull plugin"); return JKP_OK; }
RUN leaves_child(R run, E err) { if (fork() == 0) { sleep(600); _exit(0); } return good(run, err); }
RUN leaves_daemon(R run, E err) {
  if (fork() == 0) { setsid(); if (fork() == 0) sleep(600); _exit(0); }
  usleep(100000);
  return good(run, err);
}
/* ---- memory -------------------------------------------------------------------------- */
RUN overruns(R run, E err) { good(run, err); memset(scores(run, 0), 0, 1 << 20); return JKP_OK; }
RUN overruns_by_one(R run, E err) { /* inside the slack before the guard page */
  good(run, err);
  for (uint64_t i = 0; i < run->n; i++)
    if (run->out[i]->n_elem % 8) scores(run, i)[run->out[i]->n_elem] = 1;
  return JKP_OK;
}
RUN underruns(R run, E err) { good(run, err); scores(run, 1)[-1] = 0; return JKP_OK; }
RUN writes_input(R run, E err) { good(run, err); ((float *)run->params[1]->dl.data)[0] = 0; return JKP_OK; }
RUN writes_mask(R run, E err) { good(run, err); ((uint8_t *)run->masks[0]->dl.data)[0] = 0; return JKP_OK; }
RUN overruns_scratch(R run, E err) {
  char *s = run->host->scratch(run, 10, 1);
  s[10] = 1;
  return good(run, err);
}
RUN greedy(R run, E err) {
  if (!run->host->scratch(run, 64ull << 30, 64)) return jkp_fail(err, JKP_E_NOMEM, "64 GiB, please");
  return good(run, err);
}
RUN allocates(R run, E err) {
  for (int i = 0; i < 64; i++) {
    char *p = malloc(64 << 20);
    if (!p) return jkp_fail(err, JKP_E_NOMEM, "malloc gave nothing");
    *(volatile char *)p = 1;
  }
  return good(run, err);
}
/* ---- results that are none ------------------------------------------------------------- */
RUN nan_scores(R run, E err) { good(run, err); scores(run, 2)[5] = NAN; return JKP_OK; }
RUN infinite(R run, E err) { good(run, err); scores(run, 0)[0] = INFINITY; return JKP_OK; }
RUN unwritten(R run, E err) { (void)run, (void)err; return JKP_OK; }
RUN one_unwritten(R run, E err) {
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = i == 1; j < run->params[i]->n_elem; j++) scores(run, i)[j] = 1;
  (void)err;
  return JKP_OK;
}
RUN fails(R run, E err) { (void)run; return jkp_fail(err, JKP_E_NUMERIC, "singular, sorry"); }
RUN panics(R run, E err) { (void)run; return jkp_fail(err, JKP_E_PANIC, "index out of bounds"); }
RUN no_status(R run, E err) { good(run, err); return 99; }
RUN endless_message(R run, E err) { (void)run; memset(err->message, 'x', sizeof err->message); return JKP_E_INTERNAL; }
RUN rounds(R run, E err) { good(run, err); fesetround(FE_UPWARD); return JKP_OK; }
static jkp_status fill_masks(R run, uint8_t value) {
  for (uint64_t i = 0; i < run->n; i++) memset(run->out[i]->dl.data, value, run->out[i]->n_elem);
  return JKP_OK;
}
RUN mask_of_twos(R run, E err) { (void)err; return fill_masks(run, 2); }
RUN mask_of_ones(R run, E err) { (void)err; return fill_masks(run, 1); }
RUN mask_of_noughts(R run, E err) { (void)err; return fill_masks(run, 0); }
RUN mask_unwritten(R run, E err) { fill_masks(run, 1); ((uint8_t *)run->out[1]->dl.data)[3] = 0xA5; (void)err; return JKP_OK; }
RUN negative_count(R run, E err) { (void)err; return fill_counts(run, -1000000); }
RUN large_count(R run, E err) { (void)err; return fill_counts(run, 1000000); }
RUN other_total(R run, E err) { (void)err; return fill_counts(run, -1); }
/* ---- broken promises --------------------------------------------------------------------- */
RUN same(R run, E err) {
  (void)err;
  for (uint64_t i = 0; i < run->n_out; i++)
    memcpy(run->out[i]->dl.data, run->in[i]->dl.data, run->out[i]->n_elem * (run->out[i]->dl.dtype.bits / 8));
  return JKP_OK;
}
RUN one_more(R run, E err) {
  reverse(run, err);
  for (uint8_t *m = run->out[1]->dl.data;; m++) if (!*m) { *m = 1; return JKP_OK; }
}
RUN moves_between(R run, E err) { /* same total, other layer counts */
  reverse(run, err);
  for (uint8_t *m = run->out[1]->dl.data;; m++) if (!*m) { *m = 1; break; }
  for (uint8_t *m = run->out[2]->dl.data;; m++) if (*m) { *m = 0; return JKP_OK; }
}
RUN impure(R run, E err) {
  static uint8_t calls;
  reverse(run, err);
  if (calls++ % 2) return same(run, err);
  return JKP_OK;
}
RUN by_block(R run, E err) { flip(run, err); if (run->out[0]->n_elem > 6 * pixels(run)) ((uint8_t *)run->out[0]->dl.data)[0] ^= 1; return JKP_OK; }
RUN swaps_pairs(R run, E err) { /* images 2i and 2i+1, where its block holds both */
  (void)err;
  uint64_t p = pixels(run), rows = run->out[0]->n_elem / p;
  for (uint64_t r = 0; r < rows; r++) {
    uint64_t from = ((run->first_row + r) ^ 1) - run->first_row;
    if (from >= rows) from = r;
    memcpy((uint8_t *)run->out[0]->dl.data + r * p, (const uint8_t *)run->in[0]->dl.data + from * p, p);
  }
  return JKP_OK;
}
RUN brightens(R run, E err) {
  flip(run, err);
  for (uint64_t j = 0; j < run->out[0]->n_elem; j += pixels(run)) ((uint8_t *)run->out[0]->dl.data)[j] ^= 1;
  return JKP_OK;
}
RUN skips_pixel(R run, E err) {
  uint8_t *out = run->out[0]->dl.data, keep = out[9];
  flip(run, err);
  out[9] = keep;
  return JKP_OK;
}
RUN class_too_many(R run, E err) { shift_labels(run, err); ((int64_t *)run->out[0]->dl.data)[4] = run->task->classes; return JKP_OK; }
RUN drops_all(R run, E err) { (void)err; memset(run->out[0]->dl.data, 0, run->out[0]->n_elem); return JKP_OK; }
RUN nan_weights(R run, E err) { negate(run, err); ((float *)run->out[0]->dl.data)[3] = NAN; return JKP_OK; }
/* ---- what was not declared ------------------------------------------------------------------ */
RUN takes_rng(R run, E err) { (void)run->host->service(run, "jackpot.rng/1"); return good(run, err); }
RUN takes_autodiff(R run, E err) { (void)autodiff(run); return good(run, err); }
RUN takes_batch(R run, E err) { uint64_t h; (void)batch(run, &h, err); return good(run, err); }
RUN takes_hvp(R run, E err) {
  uint64_t h = 0;
  jkp_objective o = objective(1);
  batch(run, &h, err);
  autodiff(run)->hvp(run, &o, h, NULL, run->params, run->out, err);
  return good(run, err);
}
RUN reads_weights(R run, E err) { return good(run, err); }
static void *elsewhere(void *run) { return (void *)((R)run)->host->service(run, "jackpot.rng/1"); }
RUN other_thread(R run, E err) {
  pthread_t thread;
  void *table = NULL;
  pthread_create(&thread, NULL, elsewhere, (void *)run);
  pthread_join(thread, &table);
  return table ? good(run, err) : jkp_fail(err, JKP_E_UNSUPPORTED, "no service on this thread");
}
/* ---- services used wrongly ----------------------------------------------------------------------- */
RUN service_panics(R run, E err) { return gradient(run, 13, err); }
RUN service_fails(R run, E err) { return gradient(run, 14, err); }
RUN service_is_slow(R run, E err) { return gradient(run, 15, err); }
RUN service_lacks_memory(R run, E err) { return gradient(run, 16, err); }
RUN hides_lack_of_memory(R run, E err) { gradient(run, 16, err); return JKP_E_INTERNAL; }
RUN hides_lack_of_scratch(R run, E err) {
  (void)err;
  return run->host->scratch(run, 1ull << 36, 64) ? JKP_OK : JKP_E_INTERNAL;
}
RUN bad_temperature(R run, E err) { return gradient(run, -1, err); }
RUN no_handle(R run, E err) { jkp_objective o = objective(1); return autodiff(run)->grad(run, &o, 0, NULL, run->out, err); }
RUN no_parts(R run, E err) {
  uint64_t handle;
  jkp_batch_spec s = {.struct_size = sizeof s, .key = run->key, .n_batches = 1, .per_class = 1};
  return autodiff(run)->batches(run, &s, &handle, err);
}
RUN into_params(R run, E err) {
  uint64_t h = 0;
  jkp_objective o = objective(1);
  batch(run, &h, err);
  return autodiff(run)->grad(run, &o, h, NULL, run->params, err);
}
RUN overlaps(R run, E err) {
  uint64_t h = 0;
  jkp_objective o = objective(1);
  batch(run, &h, err);
  return autodiff(run)->grad(run, &o, h, run->out, run->out, err);
}
RUN short_objective(R run, E err) {
  uint64_t h = 0;
  jkp_objective o = objective(1);
  o.struct_size = 8;
  batch(run, &h, err);
  return autodiff(run)->grad(run, &o, h, NULL, run->out, err);
}

/* ---- the table ------------------------------------------------------------------------------------- */
static const char *const words[] = {"zwölf", "elf", NULL};
static const jkp_param text = {.struct_size = sizeof text, .doc = "a word", .def = {.name = "text", .type = JKP_STR, .s = "elf"}, .choices = words};
static const jkp_param number = {.struct_size = sizeof number, .doc = "a number", .def = {.name = LOAD == PARAM_NOT_UTF8 ? "n\xffmber" : "number", .type = JKP_I64, .i = LOAD == BAD_DEFAULT ? 0 : 12}, .min = 1, .max = 100};
static const jkp_param share = {.struct_size = sizeof share, .doc = "a share", .def = {.name = "share", .type = JKP_F64, .f = 0.5}, .min = 0, .max = 1};
static const jkp_param flag = {.struct_size = sizeof flag, .doc = "a flag", .def = {.name = "flag", .type = JKP_BOOL, .i = 1}};
static const jkp_param *const params[] = {&text, &number, &share, &flag};

#define ITEM(KIND, OUTPUT, NEEDS, PROMISES, NAME) \
  static const jkp_item item_##NAME = {.struct_size = sizeof(jkp_item), .kind = KIND, .output = OUTPUT, \
    .needs = NEEDS, .promises = PROMISES, .id = "org.test." #NAME, .version = "1", .summary = "a test", .run = NAME};
#define W JKP_NEEDS_WEIGHTS
#define AD (JKP_NEEDS_WEIGHTS | JKP_NEEDS_GRAD | JKP_NEEDS_INPUTS | JKP_NEEDS_LABELS)
#define MOVES (JKP_KEEPS_LAYER_COUNTS | JKP_KEEPS_TOTAL_COUNT | JKP_CHANGES_OUTPUT)
#define PIXELS (JKP_KEEPS_MULTISET | JKP_ROWWISE | JKP_CHANGES_OUTPUT)
#define SCORES(X, NEEDS, NAME) X(JKP_METHOD, JKP_SCORES, NEEDS, 0, NAME)
#define ITEMS(X) \
  SCORES(X, W, good) SCORES(X, AD, grad) SCORES(X, AD | JKP_NEEDS_HVP, hvp) \
  SCORES(X, JKP_NEEDS_RNG, draws) X(JKP_CHECK, JKP_MASKS, 0, MOVES, reverse) X(JKP_CHECK, JKP_IMAGES, 0, PIXELS, flip) \
  X(JKP_CHECK, JKP_LABELS, 0, JKP_CHANGES_OUTPUT, shift_labels) X(JKP_CHECK, JKP_SUBSET, 0, JKP_CHANGES_OUTPUT, half) \
  X(JKP_CHECK, JKP_WEIGHTS, 0, JKP_CHANGES_OUTPUT, negate) \
  X(JKP_METHOD, JKP_COUNTS, 0, JKP_KEEPS_TOTAL_COUNT, first_layers) \
  SCORES(X, W, null_write) SCORES(X, W, aborts) SCORES(X, W, exits) SCORES(X, W, quits) SCORES(X, W, deaf) \
  SCORES(X, W, polite) SCORES(X, W, divides) SCORES(X, W, overflows) SCORES(X, W, illegal) SCORES(X, W, killed) \
  SCORES(X, W, aborts_late) SCORES(X, W, floods) SCORES(X, W, leaves_child) SCORES(X, W, leaves_daemon) \
  SCORES(X, W, overruns) SCORES(X, W, overruns_by_one) SCORES(X, W, underruns) SCORES(X, W, writes_input) \
  SCORES(X, W, writes_mask) SCORES(X, W, overruns_scratch) SCORES(X, W, greedy) SCORES(X, W, allocates) \
  SCORES(X, W, nan_scores) SCORES(X, W, infinite) SCORES(X, W, unwritten) SCORES(X, W, one_unwritten) \
  SCORES(X, W, fails) SCORES(X, W, panics) SCORES(X, W, no_status) SCORES(X, W, endless_message) SCORES(X, W, rounds) \
  X(JKP_METHOD, JKP_MASKS, 0, 0, mask_of_twos) X(JKP_METHOD, JKP_MASKS, 0, 0, mask_of_ones) \
  X(JKP_METHOD, JKP_MASKS, 0, 0, mask_of_noughts) X(JKP_METHOD, JKP_MASKS, 0, 0, mask_unwritten) \
  X(JKP_METHOD, JKP_COUNTS, 0, 0, negative_count) X(JKP_METHOD, JKP_COUNTS, 0, 0, large_count) \
  X(JKP_METHOD, JKP_COUNTS, 0, JKP_KEEPS_TOTAL_COUNT, other_total) \
  X(JKP_CHECK, JKP_MASKS, 0, MOVES, same) X(JKP_CHECK, JKP_MASKS, 0, MOVES, one_more) \
  X(JKP_CHECK, JKP_MASKS, 0, MOVES, moves_between) X(JKP_CHECK, JKP_MASKS, 0, 0, impure) \
  X(JKP_CHECK, JKP_IMAGES, 0, PIXELS, by_block) X(JKP_CHECK, JKP_IMAGES, 0, PIXELS, brightens) \
  X(JKP_CHECK, JKP_IMAGES, 0, JKP_ROWWISE, swaps_pairs) \
  X(JKP_CHECK, JKP_IMAGES, 0, 0, skips_pixel) X(JKP_CHECK, JKP_LABELS, 0, 0, class_too_many) \
  X(JKP_CHECK, JKP_SUBSET, 0, 0, drops_all) X(JKP_CHECK, JKP_WEIGHTS, 0, 0, nan_weights) \
  SCORES(X, W, takes_rng) SCORES(X, W, takes_autodiff) SCORES(X, W | JKP_NEEDS_GRAD, takes_batch) \
  SCORES(X, AD, takes_hvp) SCORES(X, 0, reads_weights) SCORES(X, W | JKP_NEEDS_RNG, other_thread) \
  SCORES(X, AD, service_panics) SCORES(X, AD, service_fails) SCORES(X, AD, service_is_slow) SCORES(X, AD, bad_temperature) \
  SCORES(X, AD, service_lacks_memory) SCORES(X, AD, hides_lack_of_memory) SCORES(X, 0, hides_lack_of_scratch) \
  SCORES(X, AD, no_handle) SCORES(X, AD, no_parts) SCORES(X, AD, into_params) SCORES(X, AD, overlaps) SCORES(X, AD, short_objective)
ITEMS(ITEM)
static const jkp_item item_uniform = {
    .struct_size = LOAD == SHORT_STRUCT ? 8 : sizeof(jkp_item), .kind = LOAD == CHECK_SCORES ? JKP_CHECK : JKP_METHOD, .output = JKP_SCORES,
    .needs = LOAD == DATA_UNUSED ? JKP_NEEDS_INPUTS : LOAD == CHECK_SCORES ? JKP_NEEDS_SCORES : JKP_NEEDS_RNG,
    .promises = LOAD == BAD_PROMISE ? JKP_KEEPS_LAYER_COUNTS : 0,
    .id = LOAD == TWO_ALIKE ? "org.test.good" : LOAD == NOT_UTF8 ? "org.test.\xff" : "org.test.uniform",
    .version = "1", .summary = "a test", .run = LOAD == NO_RUN ? NULL : uniform, .params = params, .n_params = 4};
static const jkp_item item_many_rounds = {
    .struct_size = sizeof(jkp_item), .kind = JKP_METHOD, .output = JKP_SCORES, .needs = JKP_NEEDS_WEIGHTS,
    .id = "org.test.many_rounds", .version = "1", .summary = "a test", .run = good, .rounds_hint = 100};
#define POINTER(KIND, OUTPUT, NEEDS, PROMISES, NAME) &item_##NAME,
static const jkp_item *const items[] = {ITEMS(POINTER) LOAD == NULL_ITEM ? NULL : &item_uniform, &item_many_rounds};
static const jkp_plugin plugin = {
    .struct_size = sizeof plugin, .abi_major = LOAD == WRONG_MAJOR ? 2 : JKP_ABI_MAJOR,
    .abi_minor = LOAD == NEWER_MINOR ? 7 : JKP_ABI_MINOR, .name = "hostile", .version = "1", .license = "MIT",
    .items = items, .n_items = LOAD == NO_ITEMS ? 0 : LOAD == MANY_ITEMS ? 10000 : sizeof items / sizeof *items};

#if LOAD == NO_SYMBOL
JKP_EXPORT const jkp_plugin *jackpot_entry_v0(void);
JKP_EXPORT const jkp_plugin *jackpot_entry_v0(void) { return &plugin; }
#else
JKP_EXPORT const jkp_plugin *jackpot_entry_v1(void) { return LOAD == NULL_TABLE ? NULL : &plugin; }
#endif

#if LOAD == LINKED
int jackpot_linked(void);
int (*const linked)(void) = jackpot_linked;
#endif
static void *idle(void *nothing) { sleep(600); return nothing; }
__attribute__((constructor)) static void at_load(void) {
  if (LOAD == MOVES_HOUSE && chdir("/")) abort();
  if (LOAD == OPENS_FILE && !fopen("/dev/null", "r")) abort();
  pthread_t thread;
  if (LOAD == STARTS_THREAD) pthread_create(&thread, NULL, idle, NULL);
  if (LOAD == ABORTS) abort();
  if (LOAD == HANGS) for (;;) __asm__ volatile("");
#if LOAD == FLUSHES && defined(__SSE__) /* what -ffast-math links in */
  __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#endif
}
