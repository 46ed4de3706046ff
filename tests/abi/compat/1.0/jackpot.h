/* jackpot.h - everything that the host and a plugin say to each other.  ABI 1.0.
 *
 * The rules in prose are in CONTRACT.md; read that first, it is short.
 * C11 or C++17, 64-bit little-endian targets, nothing but <stdint.h> and <stddef.h>.
 *
 * Five rules carry the ABI:
 *  1. Structs only grow at the end.  A new field's zero means "as before".
 *  2. struct_size is the writer's sizeof.  Read a field only after JKP_HAS().
 *  3. No implicit padding anywhere, so sizeof is exact; enums travel as (u)int32_t.
 *  4. Memory is freed by the side that allocated it; every pointer is borrowed
 *     for the duration of the call that passed it, unless its comment says longer.
 *  5. A struct that may grow is never an array element: arrays hold pointers.
 *
 * Thread tags: [run] only on the thread that run() was called on, [any] on any
 * thread, both only while that run() lasts; [load] on the loading thread, before
 * any run().  "frozen" marks a struct that never grows and so has no struct_size.
 */
#ifndef JACKPOT_H
#define JACKPOT_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JKP_ABI_MAJOR 1u
#ifndef JKP_ABI_MINOR /* a plugin may pin an older surface */
#define JKP_ABI_MINOR 0u
#endif

/* Did the writer of *p know this field? */
#define JKP_HAS(p, type, field) \
  ((p)->struct_size >= offsetof(type, field) + sizeof(((type *)0)->field))

/* ---- status and errors ---------------------------------------------------- */
typedef int32_t jkp_status;
enum {
  JKP_OK = 0,
  JKP_E_INVALID = 1,     /* the caller broke the contract, or a parameter is absurd */
  JKP_E_UNSUPPORTED = 2, /* a service, option or enum value unknown or not declared */
  JKP_E_CANCELLED = 3,   /* poll() said so                                          */
  JKP_E_NOMEM = 4,       /* the scratch budget is used up                           */
  JKP_E_NUMERIC = 5,     /* NaN, Inf, singular, overflow                            */
  JKP_E_INTERNAL = 6,    /* a defect of the side that reports it                    */
  JKP_E_PANIC = 7        /* a panic or exception, caught at the boundary            */
};

/* 512 bytes that the caller allocates, so no error is ever freed across the
 * boundary.  The return value decides; code only repeats it. */
typedef struct jkp_error {
  uint64_t struct_size;
  int32_t code;
  uint32_t reserved;
  char message[496]; /* UTF-8, NUL-terminated, may be truncated */
} jkp_error;

/* ---- parameters ------------------------------------------------------------ */
enum { JKP_I64 = 1, JKP_F64 = 2, JKP_STR = 3, JKP_BOOL = 4 };

/* One named value.  Only the member that `type` names is meaningful: `i` for
 * JKP_I64 and JKP_BOOL (0 or 1), `f` for JKP_F64, `s` (UTF-8) for JKP_STR.  Frozen. */
typedef struct jkp_value {
  const char *name;
  uint32_t type, reserved;
  int64_t i;
  double f;
  const char *s;
} jkp_value;

/* A declared parameter.  The host refuses what lies outside before it calls run(). */
typedef struct jkp_param {
  uint64_t struct_size;
  const char *doc;            /* one sentence                                   */
  jkp_value def;              /* name, type and default                         */
  double min, max;            /* inclusive; both 0: no bounds                   */
  const char *const *choices; /* NULL-terminated, for JKP_STR; NULL: any text   */
} jkp_param;

/* Names one stream of random numbers (see jackpot.rng/1).  Frozen. */
typedef struct jkp_key {
  uint64_t w[2];
} jkp_key;

/* ---- tensors: DLPack views -------------------------------------------------- */
#ifdef DLPACK_DLPACK_H_ /* dlpack.h was included first: its own type */
typedef DLTensor jkp_dl;
#else /* the same 48 bytes, declared here.  Frozen. */
typedef struct jkp_dl_device {
  int32_t device_type, device_id;
} jkp_dl_device;
typedef struct jkp_dl_dtype {
  uint8_t code, bits;
  uint16_t lanes;
} jkp_dl_dtype;
typedef struct jkp_dl {
  void *data;
  jkp_dl_device device; /* {1, 0} = CPU, the only device in ABI 1.x              */
  int32_t ndim;
  jkp_dl_dtype dtype; /* {2,32,1} f32, {2,64,1} f64, {1,8,1} u8, {0,64,1} i64    */
  int64_t *shape;
  int64_t *strides;     /* in elements; never NULL here                          */
  uint64_t byte_offset; /* always 0 here                                         */
} jkp_dl;
#endif

/* jkp_tensor.role */
enum { JKP_CONV = 1, JKP_LINEAR = 2, JKP_IMAGE = 5, JKP_LABEL = 6, JKP_OTHER = 7 };
/* jkp_tensor.flags */
enum {
  JKP_WRITABLE = 1u << 0,
  JKP_FIRST = 1u << 1,      /* reads the image                        */
  JKP_CLASSIFIER = 1u << 2, /* writes the logits                      */
  JKP_SHORTCUT = 1u << 3,   /* a projection on a residual connection  */
  JKP_DEPTHWISE = 1u << 4
};

/* A view of the host's memory, and what is known about the layer it belongs to. */
typedef struct jkp_tensor {
  uint64_t struct_size;
  const char *name; /* PyTorch's, e.g. "layer3.0.conv1.weight"                  */
  uint32_t role;
  uint32_t flags;
  jkp_dl dl;             /* row-major, contiguous, 64-byte aligned               */
  uint64_t n_elem;       /* product of shape                                     */
  uint64_t n_uses;       /* times one image uses each weight (output height x width):
                            multiply-adds of an image = n_elem * n_uses          */
  uint32_t depth, block; /* place in forward order from 0; residual block from 1,
                            0 outside                                            */
  uint32_t stride, groups;
} jkp_tensor;

/* The problem in numbers.  An item that is denied data still sees these. */
typedef struct jkp_task {
  uint64_t struct_size;
  const char *network; /* family, as `jackpot list` prints it: "resnet"         */
  uint32_t depth, classes, channels, height, width, reserved;
  uint64_t rows; /* images in the training set                                  */
} jkp_task;

/* ---- what a plugin offers ---------------------------------------------------- */
/* jkp_item.kind: a method proposes, a check transforms what it is given. */
enum { JKP_METHOD = 1, JKP_CHECK = 2 };
/* jkp_item.output */
enum {
  JKP_SCORES = 1,  /* f64, like each parameter; the larger is kept                */
  JKP_MASKS = 2,   /* u8 0/1, like each parameter                                 */
  JKP_COUNTS = 3,  /* i64 [1] per parameter: weights to keep                      */
  JKP_WEIGHTS = 4, /* f32, like each parameter                      (checks only) */
  JKP_IMAGES = 5,  /* u8 [rows,C,H,W], block by block               (checks only) */
  JKP_LABELS = 6,  /* i64 [rows], all rows in one call              (checks only) */
  JKP_SUBSET = 7   /* u8 0/1 [rows], all rows in one call; kept rows stay in
                      stored order                                  (checks only) */
};
/* jkp_item.needs: what is not declared is not given. */
enum {
  JKP_NEEDS_WEIGHTS = 1u << 0, /* the values of params                            */
  JKP_NEEDS_INPUTS = 1u << 1,  /* images: batches of jackpot.autodiff/1           */
  JKP_NEEDS_LABELS = 1u << 2,  /* their labels                                    */
  JKP_NEEDS_GRAD = 1u << 3,    /* loss and grad of jackpot.autodiff/1             */
  JKP_NEEDS_HVP = 1u << 4,     /* hvp as well                                     */
  JKP_NEEDS_RNG = 1u << 5,     /* jackpot.rng/1                                   */
  JKP_NEEDS_SCORES = 1u << 6,  /* an allocation that reads scores: they are `in`  */
  JKP_NEEDS_DONOR = 1u << 7,   /* another ticket's mask                           */
  JKP_NEEDS_REF = 1u << 8      /* the initial weights, beside trained ones        */
};
/* jkp_item.promises: the host verifies each on every output, tensor by tensor. */
enum {
  JKP_KEEPS_LAYER_COUNTS = 1u << 0,
  JKP_KEEPS_MULTISET = 1u << 1, /* the same values, elsewhere                      */
  JKP_CHANGES_OUTPUT = 1u << 2, /* something differs from `in`, if anything could   */
  JKP_ROWWISE = 1u << 3,        /* row i depends on row i and its global index only */
  JKP_KEEPS_TOTAL_COUNT = 1u << 4,   /* the sum over layers                        */
  JKP_KEEPS_KEPT_MULTISET = 1u << 5, /* the values under the mask, layer by layer  */
  JKP_NESTED = 1u << 6               /* pruned stays pruned from round to round    */
};

struct jkp_run;
typedef struct jkp_item {
  uint64_t struct_size;
  uint32_t kind, output;
  uint32_t needs, promises;
  const char *id;      /* plain names are reserved to Jackpot; others "org.you.name" */
  const char *version; /* informative; what is hashed is the file                 */
  const char *summary; /* one sentence                                            */
  const jkp_param *const *params;
  uint64_t n_params;
  /* A pure function of *run: same run, same bytes.  Fills every element of out. */
  jkp_status (*run)(const struct jkp_run *run, jkp_error *err);
  uint32_t rounds_hint; /* rounds the method was published with; 0 = one round    */
  uint32_t reserved;
} jkp_item;

/* Const data of the plugin, valid as long as it is loaded (it never is unloaded). */
typedef struct jkp_plugin {
  uint64_t struct_size;
  uint32_t abi_major, abi_minor;
  const char *name, *version, *license;
  const jkp_item *const *items;
  uint64_t n_items;
} jkp_plugin;

/* ---- what the host offers ------------------------------------------------------ */
enum { JKP_LOG_DEBUG = 0, JKP_LOG_INFO = 1, JKP_LOG_WARNING = 2 };

typedef struct jkp_host {
  uint64_t struct_size;
  uint32_t abi_major, abi_minor;
  const char *name, *version;
  /* [run] A service's table, valid until run() returns.  NULL: unknown to this
   * host, or not declared in `needs`. */
  const void *(*service)(const struct jkp_run *run, const char *id);
  /* [any] One line of UTF-8 for the record, copied.  Never part of a result. */
  void (*log)(const struct jkp_run *run, int32_t level, const char *message);
  /* [any] Says how far (0 to 1; negative: unchanged) and what (may be NULL).
   * JKP_E_CANCELLED: clean up and return it. */
  jkp_status (*poll)(const struct jkp_run *run, double done, const char *note);
  /* [run] Zeroed bytes, valid until run() returns, freed by the host.  align: a power
   * of two up to 4096.  NULL: over the budget. */
  void *(*scratch)(const struct jkp_run *run, uint64_t bytes, uint64_t align);
  /* [run] n zeroed writable tensors shaped like params, valid until run() returns.
   * bits: 32 (f32) or 64 (f64).  NULL: over the budget, or other bits. */
  const jkp_tensor *const *(*tensors)(const struct jkp_run *run, uint32_t bits);
} jkp_host;

typedef struct jkp_run {
  uint64_t struct_size;
  const jkp_host *host;
  void *host_ctx;                  /* the host's own                                */
  const jkp_tensor *const *params; /* n prunable weights f32, forward order, read-only;
                                      dl.data is NULL unless JKP_NEEDS_WEIGHTS       */
  const jkp_tensor *const *masks;  /* n, read-only: u8 0/1 so far, all 1 at first   */
  const jkp_tensor *const *in;     /* n_out, read-only: what a check changes (labels
                                      for JKP_SUBSET), or the f64 scores of
                                      JKP_NEEDS_SCORES; else NULL                    */
  const jkp_tensor *const *out;    /* n_out, writable; everything must be written   */
  uint64_t n, n_out;
  const jkp_value *config; /* every declared parameter, defaults filled in, in any
                              order: look them up by name                            */
  uint64_t n_config;
  double keep;            /* density to reach after this round                      */
  uint32_t round, rounds; /* round counts from 0                                    */
  uint64_t first_row;     /* JKP_IMAGES: global index of row 0 of this block        */
  jkp_key key;            /* this run's own, already folded with the round          */
  const jkp_task *task;
  const jkp_tensor *const *donor; /* n masks, or NULL unless JKP_NEEDS_DONOR        */
  const jkp_tensor *const *ref;   /* n initial weights, or NULL unless JKP_NEEDS_REF */
  uint64_t keep_count; /* the same as keep in weights over all layers: (total * density)
                          rounded half to even, exactly, from the decimal text      */
} jkp_run;

/* ---- "jackpot.autodiff/1": so that no plugin needs libtorch ---------------------- */
enum { JKP_LOSS_CROSS_ENTROPY = 1, JKP_LOSS_SUM_LOGITS = 2 };
enum { JKP_INPUT_DATA = 1, JKP_INPUT_ONES = 2 };

/* The function of the weights that is evaluated or differentiated. */
typedef struct jkp_objective {
  uint64_t struct_size;
  uint32_t loss, input;
  uint32_t train_mode;  /* 1: batch statistics in normalisation layers            */
  uint32_t compute_f64; /* 1: compute in f64; 0: in f32, unless the run asks for f64 */
  double temperature;   /* logits are divided by it; 1 = off                      */
  uint32_t abs_rest;    /* 1: parameters that are not prunable by absolute value  */
  uint32_t reserved;
} jkp_objective;

/* Which images.  Balanced by the labels that this run sees. */
typedef struct jkp_batch_spec {
  uint64_t struct_size;
  jkp_key key;
  uint64_t n_batches;
  uint64_t batch_size;       /* images a batch, when per_class is 0               */
  uint64_t per_class;        /* >0: that many of every class, in class order      */
  uint64_t parts;            /* each batch is cut in as many runs of rows; >= 1   */
  uint32_t augment, shuffle; /* 1: as in training; 1: mix the rows of a batch     */
} jkp_batch_spec;

/* All [run].  point, v and out: n tensors shaped like params, f32 or f64 each, from
 * tensors(), params or (out) the scores in jkp_run.out; out must not overlap the
 * others.  What the tensors are and what is computed in are independent: f32 results
 * widen exactly.  point NULL: params (.) masks.  Each part of a batch has its own batch
 * statistics; running statistics never change.  Results are the sum over batches and
 * parts of that part's mean loss.  Gradients are with respect to the effective weight
 * w (.) m, masked entries too. */
typedef struct jkp_autodiff_1 {
  uint64_t struct_size;
  /* Draws the batches that handle stands for until run() returns; never 0. */
  jkp_status (*batches)(const jkp_run *run, const jkp_batch_spec *spec, uint64_t *handle,
                        jkp_error *err);
  /* handle is 0 with JKP_INPUT_ONES, which needs no data. */
  jkp_status (*loss)(const jkp_run *run, const jkp_objective *objective, uint64_t handle,
                     const jkp_tensor *const *point, double *out, jkp_error *err);
  jkp_status (*grad)(const jkp_run *run, const jkp_objective *objective, uint64_t handle,
                     const jkp_tensor *const *point, const jkp_tensor *const *out,
                     jkp_error *err);
  /* out = H v, H the Hessian of the objective at point. */
  jkp_status (*hvp)(const jkp_run *run, const jkp_objective *objective, uint64_t handle,
                    const jkp_tensor *const *point, const jkp_tensor *const *v,
                    const jkp_tensor *const *out, jkp_error *err);
} jkp_autodiff_1;

/* ---- "jackpot.rng/1": the same bits in every language ---------------------------- */
/* All [any], and pure functions of the key (Philox4x64-10).  n values into out. */
typedef struct jkp_rng_1 {
  uint64_t struct_size;
  void (*fold)(const jkp_key *key, uint64_t data, jkp_key *out); /* out may be key */
  void (*bits)(const jkp_key *key, uint64_t *out, uint64_t n);
  void (*uniform)(const jkp_key *key, double *out, uint64_t n); /* [0,1), 53 bits  */
  /* The descending order of n uniforms of this key, ties by index. */
  void (*permutation)(const jkp_key *key, uint64_t *out, uint64_t n);
  void (*normal)(const jkp_key *key, float *out, uint64_t n); /* mean 0, variance 1 */
} jkp_rng_1;

/* ---- the one exported symbol ------------------------------------------------------ */
#if defined(_WIN32)
#define JKP_EXPORT __declspec(dllexport)
#else
#define JKP_EXPORT __attribute__((visibility("default")))
#endif
/* [load] The major version is in its name.  Returns the plugin's const table. */
JKP_EXPORT const jkp_plugin *jackpot_entry_v1(void);

/* ---- helpers for C; nothing of them crosses the boundary --------------------------- */
/* Writes code and message (may be NULL) into *err and returns code:
 *   return jkp_fail(err, JKP_E_INVALID, "no such layer"); */
static inline jkp_status jkp_fail(jkp_error *err, jkp_status code, const char *message) {
  size_t i = 0;
  err->code = code;
  if (message)
    for (; message[i] && i + 1 < sizeof err->message; i++) err->message[i] = message[i];
  err->message[i] = 0;
  return code;
}
/* The parameter of this name, or NULL: an item always finds those it declared. */
static inline const jkp_value *jkp_config(const jkp_run *run, const char *name) {
  for (uint64_t i = 0; i < run->n_config; i++) {
    const char *a = run->config[i].name, *b = name;
    while (*a && *a == *b) a++, b++;
    if (*a == *b) return &run->config[i];
  }
  return NULL;
}

/* ---- frozen sizes of 1.0 (layout/1.0.txt has every offset) -------------------------- */
#if defined(__cplusplus)
#define JKP_ASSERT(c, m) static_assert(c, m)
#else
#define JKP_ASSERT(c, m) _Static_assert(c, m)
#endif
JKP_ASSERT(sizeof(void *) == 8, "jackpot: 64-bit targets only");
JKP_ASSERT(sizeof(jkp_dl) == 48 && offsetof(jkp_dl, shape) == 24, "jackpot: DLPack 1.x layout");
JKP_ASSERT(sizeof(jkp_error) == 512, "jkp_error");
JKP_ASSERT(sizeof(jkp_value) == 40, "jkp_value");
JKP_ASSERT(sizeof(jkp_key) == 16, "jkp_key");
JKP_ASSERT(sizeof(jkp_tensor) == 104, "jkp_tensor");
#ifdef __cplusplus
}
#endif
#endif
