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
    ("leaves_child", "contract", "left 1 process(es) running"),
    ("leaves_daemon", "contract", "left 1 process(es) running"),
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
    ("other_thread", "error", "no service on this thread"),
    // services used wrongly
    ("service_panics", "error", "the host panicked: thirteen"),
    ("no_parts", "invalid", "`parts` is 0, expected at least 1"),
    ("service_fails", "error", "the toy is out of order"),
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
];
