# Prints the numbers of student_t.json, beside this file, which tests/student_t.rs compares with:
#   python -m venv v && v/bin/pip install scipy && v/bin/python student_t.py > student_t.json
# (run with SciPy 1.17.1, NumPy pooled by least squares).
import json, numpy as np
from scipy import stats

groups = [[0.325, -0.15, 0.075], [1.2, 0.9], [-0.45, -0.225, 0.1, 0.3], [0.6]]
many = [g for g in groups if len(g) > 1]
df = sum(len(g) - 1 for g in many)
# Pooled: the residual mean square of a one-way analysis of variance, by least squares.
y = np.concatenate(many)
x = np.zeros((len(y), len(many)))
row = 0
for j, g in enumerate(many):
    x[row:row + len(g), j] = 1; row += len(g)
residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
sd = float(np.sqrt(residual @ residual / df))
out = {
    "quantiles": [[p, d, float(stats.t.ppf(p, d))] for p in (0.9, 0.95, 0.975, 0.995) for d in (1, 2, 3, 10, 18, 200)],
    "groups": groups,
    "means": [float(np.mean(g)) for g in groups],
    "sds": [float(np.std(g, ddof=1)) if len(g) > 1 else None for g in groups],
    "own_intervals": [list(map(float, stats.ttest_1samp(g, 0).confidence_interval(0.95))) if len(g) > 1 else None for g in groups],
    "pooled": [sd, df],
    "pooled_intervals": [list(map(float, stats.t.interval(0.95, df, loc=np.mean(g), scale=sd / np.sqrt(len(g))))) for g in groups],
}
print(json.dumps(out, indent=1))
