"""Wrote the golden files beside it, from artifacts/README.md alone: python3 make.py

The Rust code must read them and write the very same bytes. They are never made anew:
a difference is a change of format.
"""

import hashlib
import json
import pathlib

HERE = pathlib.Path(__file__).parent


def spell(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha(data):
    return hashlib.sha256(data).hexdigest()


RECIPES = {
    "empty": {},
    "init": {"kind": "init", "revision": 1, "key": "0123456789abcdef0123456789abcdef"},
    "select": {
        "kind": "select",
        "revision": 1,
        "sparsity": "0.98",
        "scores": sha(b"scores"),
        "rule": {"name": "global", "scope": "all", "ties": None, "exact": True},
    },
    "train": {
        "kind": "train",
        "revision": 3,
        "epochs": 160,
        "lr": "1e-1",
        "seed": "18446744073709551615",
        "milestones": [80, 120],
        "mask": None,
    },
    "spellings": {
        "Z": [9007199254740991, -9007199254740991, 0],
        "a": {"b": {}, "a": []},
        "_": "\"\\/\b\f\n\r\t\u0001\u007f",
        "é": "naïve 😀",
        "aa": [True, False, None],
        "": [[[]]],
    },
}

lines = []
for name, recipe in RECIPES.items():
    data = spell(recipe)
    (HERE / f"{name}.json").write_bytes(data)
    lines.append(f"{sha(data)}  {name}.json\n")
(HERE / "keys.sha256").write_text("".join(lines))

STORE = HERE / "store"


def named(folder, name, data):
    path = STORE / folder / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def put(data):
    named("objects", sha(data), data)
    return sha(data)


def action(recipe, outputs, record):
    content = {
        "format": 1,
        "outputs": outputs,
        "recipe": put(spell(recipe)),
        "record": put(spell(record)),
    }
    content["sum"] = sha(spell(content))
    return content["recipe"], spell(content)


outputs = {"mask": put(b"\x06"), "report-1": put(b"")}
key, data = action(RECIPES["select"], outputs, {"seconds": "1.5e0"})
named("actions", key, data)
others = {"mask": put(b"\x07"), "report-1": put(b"")}
_, data = action(RECIPES["select"], others, {"seconds": "2e0"})
folder = STORE / "divergences" / key
folder.mkdir(parents=True, exist_ok=True)
(folder / sha(spell(others))).write_bytes(data)
failed = put(spell(RECIPES["train"]))
failure = {"failure": {"message": "out of memory"}, "format": 1, "recipe": failed}
(STORE / "failures").mkdir(exist_ok=True)
(STORE / "failures" / failed).write_bytes(spell(failure))
(STORE / "FORMAT").write_text("jackpot-store 1\n")
