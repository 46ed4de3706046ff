# Prints the numbers of fixture.json, beside this file, which tests/independent.rs compares with:
#   python -m venv v && v/bin/pip install scipy statsmodels && v/bin/python fixture.py > fixture.json
# Everything here is SciPy's or statsmodels' own, or a double integral of their densities; nothing
# is written after the Rust code.
import json
import numpy as np, scipy, statsmodels
from scipy import stats, integrate
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired, ttest_ind

a = [80.125, 79.4, 81.05, 80.3, 79.975]
b = [80.0, 79.65, 80.7, 80.425, 79.5]
d = np.array(a) - np.array(b)
groups = [[0.325, -0.15, 0.075], [1.2, 0.9], [-0.45, -0.225, 0.1, 0.3], [0.6], [2.0, -2.5, 0.4]]
many = [g for g in groups if len(g) > 1]

def tost(margin):
    p, low, up = ttost_paired(np.array(a), np.array(b), -margin, margin)
    return {"margin": margin, "p": float(p), "above": float(low[1]), "below": float(up[1])}

# Within-groups deviation by least squares, and its degrees of freedom.
def within(groups):
    many = [g for g in groups if len(g) > 1]
    y = np.concatenate(many); x = np.zeros((len(y), len(many))); row = 0
    for j, g in enumerate(many):
        x[row:row + len(g), j] = 1; row += len(g)
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    freedom = len(y) - len(many)
    return [float(np.sqrt(residual @ residual / freedom)), freedom]

# One sample at a time; the report's tables are compared with these, too.
def samples(groups):
    sd, freedom = within(groups)
    return {
        "groups": groups,
        "means": [float(np.mean(g)) for g in groups],
        "sds": [float(np.std(g, ddof=1)) if len(g) > 1 else None for g in groups],
        "own_intervals": [list(map(float, stats.ttest_1samp(g, 0).confidence_interval(0.95))) if len(g) > 1 else None for g in groups],
        "pooled": [sd, freedom],
        "pooled_intervals": [list(map(float, stats.t.interval(0.95, freedom, loc=np.mean(g), scale=sd / np.sqrt(len(g))))) for g in groups],
    }

# A margin that is a share of a gap: the two linear contrasts, each by its own t-test.
gap = np.array([8.0, 7.5, 9.1, 8.4, 7.9]); share = 0.1
above = stats.ttest_1samp(d + share * gap, 0, alternative="greater").pvalue
below = stats.ttest_1samp(share * gap - d, 0, alternative="greater").pvalue

# Degrees of freedom of a pool of correlated differences: from the covariance itself, as
# 2 E[Q]^2 / Var[Q] of the quadratic form Q = x' A x, x normal with covariance V over all values
# (E = tr(AV), Var = 2 tr(AVAV)).
def effective(cells):
    arms = sorted({(arm, s) for pair, seeds in cells for arm in pair for s in seeds})
    values = [(pair, s, i) for i, (pair, seeds) in enumerate(cells) for s in seeds]
    L = np.zeros((len(values), len(arms)))
    for r, (pair, s, _) in enumerate(values):
        L[r, arms.index((pair[0], s))] += 1; L[r, arms.index((pair[1], s))] -= 1
    V = L @ L.T
    A = np.zeros_like(V)
    for i, (_, seeds) in enumerate(cells):
        at = [r for r, v in enumerate(values) if v[2] == i]
        A[np.ix_(at, at)] = np.eye(len(at)) - 1 / len(at)
    return float(np.trace(A @ V) ** 2 / np.trace(A @ V @ A @ V))

pools = [
    [[[1, 0], [1, 2, 3]], [[2, 0], [1, 2, 3]], [[3, 0], [1, 2, 3]], [[4, 0], [1, 2, 3]]],
    [[[1, 0], [1, 2, 3]], [[3, 2], [1, 2, 3]], [[5, 4], [1, 2, 3]]],
    [[[1, 0], [1, 2, 3, 4, 5]], [[0, 2], [2, 3, 4]], [[4, 5], [1, 2]], [[2, 1], [3, 4, 5, 6]]],
]

# Power, by a double integral over the mean and the deviation, with SciPy's densities.
def power(kind, margin, n, df, alpha):
    se = 1 / np.sqrt(n)
    q = stats.t.ppf(1 - (alpha / 2 if kind == "superiority" else alpha), df)
    def given(s):
        h = q * s * se
        if kind == "equivalence":
            return max(0.0, stats.norm.cdf(margin - h, scale=se) - stats.norm.cdf(h - margin, scale=se))
        if kind == "non-inferiority":
            return stats.norm.sf(h - margin, scale=se)
        return stats.norm.sf(h, loc=margin, scale=se) + stats.norm.cdf(-h, loc=margin, scale=se)
    f = lambda u: given(np.sqrt(stats.chi2.ppf(u, df) / df))  # over the deviation's quantiles
    cut = stats.chi2.cdf(df * (margin / (q * se)) ** 2, df)
    return float(integrate.quad(f, 0, 1, points=[min(max(cut, 1e-9), 1 - 1e-9)], limit=400, epsabs=1e-10)[0])

bits = np.random.default_rng(3).random((6, 37)) < 0.8
def packed(row): return np.packbits(row, bitorder="little").tolist()
mean_of = 100 * (bits[:3].astype(float) - bits[3:].astype(float)).mean(axis=0)

brown = stats.levene(*many, center="median")
ps = [0.031, 0.002, 0.4, 0.011, 0.049, 0.002]
z = stats.norm.ppf(1 - 0.025)
out = {
    "versions": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
    "pairs": [a, b],
    "mean": float(d.mean()),
    "difference": float(stats.ttest_rel(a, b).pvalue),
    "intervals": [list(map(float, stats.ttest_rel(a, b).confidence_interval(c))) for c in (0.90, 0.95)],
    "correlation": float(stats.pearsonr(a, b)[0]),
    "tost": [tost(m) for m in (0.1, 0.3, 0.5, 2.0)],
    "share": {"gap": gap.tolist(), "share": share, "above": float(above), "below": float(below)},
    "groups": groups,
    "pooled": within(groups),
    "samples": samples(groups[:4]),
    "pools": [{"cells": c, "df": effective(c)} for c in pools],
    "brown_forsythe": [float(brown.statistic), float(brown.pvalue)],
    "holm": [ps, multipletests(ps, method="holm")[1].tolist()],
    "t": [[t, df, float(stats.t.sf(t, df)), float(2 * stats.t.sf(abs(t), df))] for t in (-2.5, 0.3, 1.7, 6.0) for df in (1, 2.5, 4, 16, 180)],
    "quantiles": [[p, df, float(stats.t.ppf(p, df))] for p in (0.9, 0.95, 0.975, 0.995) for df in (1, 2, 3, 3.7, 10, 18, 200)],
    "power": [[k, m, n, df, al, power(k, m, n, df, al)]
              for k in ("equivalence", "non-inferiority", "superiority")
              for m, n, df, al in ((1.0, 5, 4, 0.05), (2.6, 3, 2, 0.05), (1.7, 3, 36, 0.05), (0.9, 10, 9.5, 0.05), (1.5, 5, 8, 0.0056))],
    "spent": [["obrien-fleming", s, float(2 - 2 * stats.norm.cdf(z / np.sqrt(s)))] for s in (0.3, 0.5, 1.0)]
           + [["pocock", s, float(0.05 * np.log(1 + (np.e - 1) * s))] for s in (0.3, 0.5, 1.0)],
    "images": {"rows": 37, "first": [packed(r) for r in bits[:3]], "second": [packed(r) for r in bits[3:]],
               "mean": float(mean_of.mean()), "error": float(stats.sem(mean_of)),
               "churn": float(100 * np.mean(bits[:3] != bits[3:]))},
}
print(json.dumps(out, indent=1))
