//! Every mode of the hostile plugin and the verdict that it must meet.

/// Item, kind of failure, what its message says.
pub const MODES: &[(&str, &str, &str)] = &[
    // the six
    (
        "null_write",
        "crash",
        "inside the plugin: used a null pointer",
    ),
    ("aborts", "crash", "SIGABRT (aborted) inside the plugin"),
    (
        "deaf",
        "hang",
        "ran for more than 1 s of its own time (host services not counted); it did not stop",
    ),
    (
        "exits",
        "crash",
        "exit status 0 inside the plugin and without a result",
    ),
    (
        "nan_scores",
        "numeric",
        "`layer1.0.conv2.weight`: entry 5 is NaN",
    ),
    (
        "unwritten",
        "unwritten",
        "left 18 of 18 values of output `conv1.weight` unwritten",
    ),
    // crashes and hangs
    ("quits", "crash", "exit status 0 inside the plugin"),
    ("polite", "hang", "it stopped when it was asked to"),
    ("divides", "crash", "SIGFPE"),
    ("overflows", "crash", "SIG"),
    ("illegal", "crash", "SIGILL"),
    ("killed", "crash", "SIGKILL"),
    (
        "aborts_late",
        "crash",
        "SIGABRT (aborted) outside the plugin",
    ),
    ("floods", "error", "printed more than 64 MB"),
    (
        "leaves_child",
        "contract",
        "left a process of its own behind",
    ),
    (
        "leaves_daemon",
        "contract",
        "left a process of its own behind",
    ),
    // memory
    (
        "overruns",
        "overrun",
        "past the end of output `conv1.weight`",
    ),
    (
        "overruns_by_one",
        "overrun",
        "past the end of output `conv1.weight`",
    ),
    (
        "underruns",
        "overrun",
        "wrote 8 byte(s) before the start of output `layer1.0.conv1.weight`",
    ),
    (
        "writes_input",
        "crash",
        "weights `layer1.0.conv1.weight`, which is read-only",
    ),
    (
        "writes_mask",
        "crash",
        "mask `conv1.weight`, which is read-only",
    ),
    (
        "overruns_scratch",
        "overrun",
        "past the end of scratch of 10 bytes",
    ),
    ("greedy", "memory", "asked for 68719476736 bytes of scratch"),
    ("allocates", "memory", "malloc gave nothing"),
    // results that are none
    ("infinite", "numeric", "`conv1.weight`: entry 0 is inf"),
    (
        "one_unwritten",
        "unwritten",
        "left 1 of 36 values of output `layer1.0.conv1.weight` unwritten (the first is 0)",
    ),
    ("fails", "numeric", "JKP_E_NUMERIC: singular, sorry"),
    ("panics", "panic", "index out of bounds"),
    ("no_status", "contract", "returned 99, which is no status"),
    ("endless_message", "error", "JKP_E_INTERNAL: xxx"),
    ("rounds", "contract", "floating-point mode"),
    (
        "mask_of_twos",
        "contract",
        "weight 0: expected 0 or 1, found 2",
    ),
    ("mask_of_ones", "contract", "pruned nothing"),
    ("mask_of_noughts", "contract", "keeps no weight"),
    ("mask_unwritten", "unwritten", "left 1 of 36 values"),
    ("negative_count", "contract", "found -999982"),
    (
        "large_count",
        "contract",
        "expected 0 to 18 weights to keep",
    ),
    (
        "class_too_many",
        "contract",
        "label of row 4: expected 0 to 2, found 3",
    ),
    ("drops_all", "contract", "keeps no row"),
    ("nan_weights", "numeric", "`conv1.weight`: entry 3"),
    (
        "skips_pixel",
        "unwritten",
        "left 1 byte(s) of its output unwritten (the first is 9)",
    ),
    // broken promises
    (
        "other_total",
        "promise",
        "24 weights were to be kept over all layers and 23 are",
    ),
    ("same", "promise", "changed nothing of"),
    ("one_more", "promise", "`keeps-layer-counts`"),
    ("moves_between", "promise", "`keeps-layer-counts`"),
    ("impure", "promise", "no pure function of its run"),
    ("by_block", "promise", "with other blocks of rows"),
    ("swaps_pairs", "promise", "with other blocks of rows"),
    ("brightens", "promise", "`keeps-multiset`"),
    // what was not declared
    (
        "takes_rng",
        "contract",
        "asked for `jackpot.rng/1`, which it does not declare",
    ),
    (
        "takes_autodiff",
        "contract",
        "asked for `jackpot.autodiff/1`, which it does not declare",
    ),
    (
        "takes_batch",
        "contract",
        "does not declare data (JKP_NEEDS_INPUTS and JKP_NEEDS_LABELS) and asked for a batch",
    ),
    ("takes_hvp", "contract", "does not declare JKP_NEEDS_HVP"),
    ("reads_weights", "crash", "used a null pointer"),
    ("other_thread", "contract", "on another thread"),
    // services used wrongly
    ("service_panics", "error", "the host panicked: thirteen"),
    ("no_parts", "invalid", "`parts` is 0, expected at least 1"),
    ("service_fails", "error", "the toy is out of order"),
    ("service_lacks_memory", "memory", "returned JKP_E_NOMEM"),
    ("hides_lack_of_memory", "memory", "the toy has no room left"),
    (
        "hides_lack_of_scratch",
        "memory",
        "asked for 68719476736 bytes of scratch",
    ),
    (
        "bad_temperature",
        "invalid",
        "temperature: expected a number above 0, found -1",
    ),
    ("no_handle", "invalid", "handle 0 stands for no batch"),
    (
        "into_params",
        "invalid",
        "`out`, layer `conv1.weight` is read-only",
    ),
    ("overlaps", "invalid", "`out` overlaps"),
    (
        "short_objective",
        "invalid",
        "jkp_objective.struct_size: expected 40, found 8",
    ),
];

/// `-DLOAD=`, what describing it says.
pub const LOADS: &[(&str, &str, &str)] = &[
    ("NO_SYMBOL", "load", "exports no `jackpot_entry_v1`"),
    (
        "WRONG_MAJOR",
        "load",
        "built for ABI 2.0, this host offers 1.1",
    ),
    (
        "NEWER_MINOR",
        "load",
        "built for ABI 1.7, this host offers 1.1",
    ),
    (
        "ABORTS",
        "crash",
        "SIGABRT (aborted) while the plugin was loading",
    ),
    ("HANGS", "hang", "of its own time"),
    ("NULL_TABLE", "load", "returned NULL"),
    ("TWO_ALIKE", "load", "two items `org.test.good`"),
    ("NOT_UTF8", "load", "is not UTF-8"),
    (
        "BAD_DEFAULT",
        "load",
        "parameter `number`: its own default is refused: expected 1 to 100, found 0",
    ),
    (
        "BAD_PROMISE",
        "load",
        "`keeps-layer-counts`, which cannot be verified",
    ),
    ("FLUSHES", "load", "-ffast-math"),
    ("SHORT_STRUCT", "load", "struct_size: expected at least"),
    ("NO_RUN", "load", "`run` is NULL"),
    (
        "CHECK_SCORES",
        "load",
        "only a method can be given scores to read",
    ),
    ("DATA_UNUSED", "load", "declare JKP_NEEDS_GRAD too"),
    ("NO_ITEMS", "load", "has 0 items, expected 1 to 1024"),
    ("MANY_ITEMS", "load", "has 10000 items, expected 1 to 1024"),
    ("PARAM_NOT_UTF8", "load", "parameter 1's name is not UTF-8"),
    ("NULL_ITEM", "load", "is NULL"),
    (
        "MOVES_HOUSE",
        "load",
        "while loading, it changed the working directory to `/`",
    ),
    (
        "STARTS_THREAD",
        "load",
        "while loading, it left 1 thread(s) running",
    ),
    (
        "OPENS_FILE",
        "load",
        "while loading, it left 1 file descriptor(s) open",
    ),
];

/// Items of `process.c`.
pub const PROCESS: &[(&str, &str, &str)] = &[
    ("allocates_64_gib", "memory", "malloc gave no 64 GiB"),
    (
        "over_budget",
        "memory",
        "asked for 1048576 bytes of scratch with 0 left",
    ),
    ("smashes_stack", "crash", "*** stack smashing detected"),
    (
        "writes_run",
        "crash",
        "a `jkp_run`, which lasts as long as its call, which is read-only",
    ),
    (
        "keeps_run",
        "crash",
        "a `jkp_run`, which lasts as long as its call",
    ),
    (
        "longjmps",
        "crash",
        "SIGABRT (aborted) inside the plugin: *** ",
    ),
    (
        "forks_twice",
        "contract",
        "left a process of its own behind",
    ),
    ("leaves_thread", "contract", "left 1 thread(s) running"),
    ("two_threads", "contract", "on another thread"),
    ("asks_elsewhere", "contract", "on another thread"),
    (
        "handles_signal",
        "contract",
        "changed the handler of SIGTERM",
    ),
    (
        "handles_faults",
        "contract",
        "changed the handler of SIGSEGV",
    ),
    ("blocks_signals", "contract", "which signals are blocked"),
    (
        "changes_folder",
        "contract",
        "changed the working directory to `/`",
    ),
    (
        "changes_locale",
        "contract",
        "changed the locale to `C.UTF-8` (it was `C`)",
    ),
    ("own_locale", "contract", "changed the locale"),
    (
        "leaks_files",
        "contract",
        "left 3 file descriptor(s) open (the first leads to `/dev/null`)",
    ),
    ("closes_log", "contract", "closed file descriptor 1"),
    ("reopens_log", "contract", "left 1 file descriptor(s) open"),
    (
        "sets_variable",
        "contract",
        "changed the environment variables",
    ),
    ("traps", "contract", "floating-point mode"),
    ("flushes", "contract", "floating-point mode"),
    (
        "minus_infinity",
        "numeric",
        "`conv1.weight`: entry 1 is -inf",
    ),
];

/// Items of `process.c` that do something like the others, and clean up: they pass.
pub const TIDY: &[&str] = &[
    "longjmps_within",
    "runs_program",
    "joins_threads",
    "handles_and_restores",
];

/// Items of `throws.cpp`.
pub const CPP: &[(&str, &str, &str)] = &[
    ("throws", "panic", "an exception left the plugin"),
    ("throws_number", "panic", "an exception left the plugin"),
    ("reads_beyond", "panic", "an exception left the plugin"),
    ("catches", "panic", "JKP_E_PANIC: no inverse"),
    ("runs_out", "panic", "an exception left the plugin"),
    (
        "forgets_thread",
        "crash",
        "terminate called without an active exception",
    ),
    (
        "throws_in_thread",
        "panic",
        "an exception left the plugin: terminate called after throwing an instance of \
         'std::logic_error', what():  elsewhere; catch it",
    ),
    ("global_locale", "contract", "changed the locale"),
    (
        "pure_virtual",
        "crash",
        "SIGABRT (aborted) inside the plugin",
    ),
];

/// Items of `hostile_rust.rs`.
pub const RUST: &[(&str, &str, &str)] = &[
    ("panics", "panic", "index out of bounds"),
    ("unwraps", "panic", "the first of nothing"),
    (
        "panics_twice",
        "crash",
        "SIGABRT (aborted) inside the plugin",
    ),
    ("null_write", "crash", "used a null pointer"),
    ("overflows", "crash", "SIG"),
    ("aborts", "crash", "SIGABRT (aborted) inside the plugin"),
    ("exits", "crash", "exit status 0 inside the plugin"),
    ("deaf", "hang", "it did not stop"),
    ("polite", "hang", "it stopped when it was asked to"),
    (
        "allocates",
        "memory",
        "ran out of memory (the limit is 512 MB)",
    ),
    (
        "nan_scores",
        "numeric",
        "`layer1.0.conv1.weight`: entry 2 is NaN",
    ),
    ("unwritten", "unwritten", "left 18 of 18 values"),
    ("undeclared", "contract", "which it does not declare"),
    ("leaves_thread", "contract", "left 1 thread(s) running"),
    (
        "panics_elsewhere",
        "error",
        "JKP_E_INTERNAL: a thread panicked",
    ),
    (
        "changes_folder",
        "contract",
        "changed the working directory",
    ),
    ("forgets_file", "contract", "left 1 file descriptor(s) open"),
    (
        "leaves_child",
        "contract",
        "left a process of its own behind",
    ),
    ("reads_weights", "error", "needs::WEIGHTS"),
];

/// Weights of the layer that one byte is written beside.
pub const SIZES: &[usize] = &[0, 1, 63, 64, 65, 20_000_000];

/// What `future.c` says of itself, and what becomes of it.
pub const FUTURES: &[(&[&str], &str)] = &[
    (&["-DMINOR=9"], "built for ABI 1.9, this host offers 1.1"),
    (&["-DKIND=3"], "expected JKP_METHOD or JKP_CHECK, found 3"),
    (
        &["-DOUTPUT=8"],
        "a method gives scores, masks or counts, found 8",
    ),
    (&["-DNEEDS=512"], "have bits that ABI 1.1 does not know"),
    (&["-DPROMISES=256"], "have bits that ABI 1.1 does not know"),
];
