"""The papers' formulas in plain NumPy, float64, written without a look at tfedge."""

import itertools

import numpy as np


def softmax(z, axis=-1):
    powers = np.exp(z - z.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def kl(p, q):
    return sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def soft_target(t, s, tau=4.0, form="kl"):
    p, q = softmax(t / tau), softmax(s / tau)
    return tau**2 * ((p * np.log(p / q)) if form == "kl" else -(p * np.log(q))).sum(-1)


def binary_soft_target(t, s, tau=4.0, form="kl"):
    p, q = sigmoid(t / tau), sigmoid(s / tau)
    if form == "kl":
        each = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    else:
        each = -p * np.log(q) - (1 - p) * np.log(1 - q)
    return tau**2 * each.mean(-1)


def regression(t, s, form="squared", delta=1.0):
    e = np.abs(s - t)
    huber = np.where(e <= delta, e**2 / 2, delta * (e - delta / 2))
    return {"squared": e**2, "absolute": e, "huber": huber}[form].mean(-1)


def decoupled(t, s, right, alpha=1.0, beta=1.0, tau=4.0):
    found = []
    for a, b, c in zip(t, s, right, strict=True):
        p, q = softmax(a / tau), softmax(b / tau)
        tckd = kl([p[c], 1 - p[c]], [q[c], 1 - q[c]])
        rest_p, rest_q = np.delete(p, c) / (1 - p[c]), np.delete(q, c) / (1 - q[c])
        found.append(tau**2 * (alpha * tckd + beta * kl(rest_p, rest_q)))
    return np.array(found)


def dist(t, s, beta=1.0, gamma=1.0, tau=1.0):
    p, q = softmax(t / tau), softmax(s / tau)
    inter = np.mean([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p, q, strict=True)])
    intra = np.mean([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p.T, q.T, strict=True)])
    return tau**2 * (beta * inter + gamma * intra)


def hint(t, s):
    axes = tuple(range(1, t.ndim))
    return ((s - t) ** 2).mean(axes) / t.var(axes)


def attention(t, s):
    maps = [(x**2).sum(-1).reshape(len(x), -1) for x in (t, s)]
    maps = [m / np.linalg.norm(m, axis=1, keepdims=True) for m in maps]
    return ((maps[1] - maps[0]) ** 2).sum(-1)


def huber(x):
    return x**2 / 2 if abs(x) <= 1 else abs(x) - 0.5


def relational(t, s, distance=25.0, angle=50.0):
    t, s = t.reshape(len(t), -1), s.reshape(len(s), -1)
    pairs = list(itertools.permutations(range(len(t)), 2))
    triples = list(itertools.permutations(range(len(t)), 3))

    def distances(x):
        found = np.array([np.linalg.norm(x[i] - x[j]) for i, j in pairs])
        return found / found.mean()

    def cosine(x, i, j, k):
        a, b = x[i] - x[j], x[k] - x[j]
        lengths = np.linalg.norm(a) * np.linalg.norm(b)
        return a @ b / lengths if lengths else 0.0

    apart = np.mean([huber(a - b) for a, b in zip(distances(t), distances(s), strict=True)])
    turned = np.mean([huber(cosine(t, *three) - cosine(s, *three)) for three in triples])
    return distance * apart + angle * turned


def similarity(t, s):
    grams = []
    for x in (t, s):
        q = x.reshape(len(x), -1)
        g = q @ q.T
        grams.append(g / np.linalg.norm(g, axis=1, keepdims=True))
    return np.linalg.norm(grams[0] - grams[1], "fro") ** 2 / len(t) ** 2


def cosines(a, b):
    a, b = (x.reshape(len(x), -1) for x in (a, b))
    lengths = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
    return a @ b.T / lengths


def similarity_contrast(t, s, tau=0.1):
    p, q = softmax(cosines(t, t) / tau), softmax(cosines(s, t) / tau)
    return np.array([kl(a, b) for a, b in zip(p, q, strict=True)])


def instance_contrast(t, s, labels=None, tau=0.1):
    z, found = cosines(s, t) / tau, []
    for i, row in enumerate(z):
        others = [j for j in range(len(z)) if j != i and (labels is None or labels[j] != labels[i])]
        found.append(-np.log(np.exp(row[i]) / (np.exp(row[i]) + np.exp(row[others]).sum())))
    return np.array(found)


def triplet(t, s, labels, margin=0.5):
    c, found = cosines(s, t), []
    for i, row in enumerate(c):
        far = [j for j in range(len(c)) if labels[j] != labels[i]]
        found.append(np.mean([max(0.0, margin + row[j] - row[i]) for j in far]) if far else 0.0)
    return np.array(found)


def gradient(function, x, step=1e-5):
    """Return the gradient of a scalar function by central differences."""
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        ahead, back = x.copy(), x.copy()
        ahead[place] += step
        back[place] -= step
        found[place] = (function(ahead) - function(back)) / (2 * step)
    return found
