"""Writes core/rng/vectors.txt from NumPy's Philox and mpmath's error function.

It shares no code with the crate: NumPy has the generator, mpmath the normal quantile.
Run:  pip install numpy mpmath && python core/rng/tests/vectors.py > core/rng/vectors.txt
"""

import struct
import sys

import mpmath
import numpy

mpmath.mp.dps = 40
WORD = 1 << 64


def draw(key, n, domain=0, first=0):
    # NumPy adds one to the 256-bit counter before its first block.
    start = (first + (domain << 192) - 1) % (1 << 256)
    philox = numpy.random.Philox(counter=start, key=key[0] + WORD * key[1])
    return [int(word) for word in philox.random_raw(n)]


def fold(key, data):
    return tuple(draw(key, 2, domain=1, first=data))


def fold_name(key, name):
    data = name.encode()
    key = fold(key, len(data))
    for i in range(0, len(data), 8):
        key = fold(key, int.from_bytes(data[i : i + 8], "little"))
    return key


def from_seed(seed):
    return fold((seed, 0), int.from_bytes(b"jackpot", "big"))


def text(key):
    return "%016x%016x" % key


def quantile(word):
    p = (mpmath.mpf(word >> 11) + mpmath.mpf(1) / 2) / (1 << 53)
    return mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1)


def line(*fields):
    print(" ".join(str(field) for field in fields))


print(__doc__.splitlines()[0].replace("Writes core/rng/vectors.txt", "# Drawn").strip())
print("# (core/rng/tests/vectors.py, NumPy %s, mpmath %s)." % (numpy.__version__, mpmath.__version__))
print("""#
# Keys are 32 hexadecimal digits, word 0 first. Fields are separated by one space.
#   from_seed SEED KEY             KEY is the key of the decimal SEED
#   fold KEY DATA KEY              DATA is 16 hexadecimal digits
#   fold_name KEY NAME KEY
#   bits KEY WORD...               the first words, hexadecimal
#   uniform KEY VALUE...           the first values, as the bits of an f64
#   permutation KEY PLACE...       all of it, decimal
#   normal KEY VALUE...            the first values, as the bits of an f32""")

keys = [(0, 0), (WORD - 1, WORD - 1), (0x452821E638D01377, 0xBE5466CF34E90C6C)]
for seed in [0, 1, 12345, WORD - 1]:
    keys.append(from_seed(seed))
    line("from_seed", seed, text(keys[-1]))
for key in keys[:4]:
    for data in [0, 1, 2, WORD - 1]:
        line("fold", text(key), "%016x" % data, text(fold(key, data)))
for name in ["x", "init", "order", "selection", "layer1.0.conv1.weight", "eight_by"]:
    line("fold_name", text(keys[3]), name, text(fold_name(keys[3], name)))
for key in keys:
    words = draw(key, 11)
    line("bits", text(key), *("%016x" % word for word in words))
    values = [(word >> 11) / float(1 << 53) for word in words]
    numpy_key = numpy.random.Philox(counter=(1 << 256) - 1, key=key[0] + WORD * key[1])
    assert values == list(numpy.random.Generator(numpy_key).random(11))
    line("uniform", text(key), *(struct.pack(">d", value).hex() for value in values))
    for n in [1, 2, 11, 50]:
        drawn = numpy.array([word >> 11 for word in draw(key, n)], dtype=numpy.int64)
        line("permutation", text(key), *numpy.argsort(-drawn, kind="stable"))
    normals = [struct.pack(">f", float(quantile(word))).hex() for word in draw(key, 40)]
    line("normal", text(key), *normals)
sys.exit(0)
