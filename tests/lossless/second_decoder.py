"""A decoder written from docs/format-lossless.md: one sample at a time, plain integers, no NumPy, nothing of ours.

It takes shape, depth and key as given, and raises ValueError where the page says "damaged". Slow on purpose.
"""

from __future__ import annotations

import zlib
from functools import cache
from hashlib import blake2b

from tests.coding.second_decoder import UNIFORM, SecondDecoder, Table

E = [290630308, 439066546, 609190477, 790015084, 971024319, 1143777334, 1302514674, 1444042536, 1567240607, 1672461947,
     1760982037, 1834563593, 1895147668, 1944654244, 1984866574, 2017374191, 2043554058, 2064574656, 2081412522,
     2094874441, 2105621123, 2114190000, 2121015937, 2126449372]  # fmt: skip
STEPS = [64, 72, 81, 91, 102, 114]
THRESHOLDS = [STEPS[n % 6] * 2 ** (n // 6) * 8 >> 6 for n in range(95)]
AXIS = [(-1, 0), (1, 0), (0, -1), (0, 1)]
DIAGONAL = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
KNIGHT = [(-1, -2), (-1, 2), (1, -2), (1, 2), (-2, -1), (-2, 1), (2, -1), (2, 1)]
FAR = [(0, -3), (0, 3), (-3, 0), (3, 0)]
EDGE = [(-3, -1), (-3, 1), (3, -1), (3, 1), (-1, -3), (1, -3), (-1, 3), (1, 3)]
OWN = {(1, 1): DIAGONAL + EDGE, (0, 1): AXIS + KNIGHT + FAR, (1, 0): AXIS + DIAGONAL + KNIGHT + FAR}
OTHER = {(1, 1): [*DIAGONAL, (0, 0), *AXIS], (0, 1): [*AXIS, (0, 0), *DIAGONAL], (1, 0): [*AXIS, (0, 0), *DIAGONAL]}


def decode(stream, check, shape, depth, key):
    """Samples as lists [plane][row][column]."""
    samples = coding(stream, shape, depth, inner=False)
    size = 1 if depth <= 8 else 2
    raw = b"".join(v.to_bytes(size, "little") for plane in samples for row in plane for v in row)
    if blake2b(raw, digest_size=4, key=key).digest() != check:
        raise ValueError("check")
    return samples


def coding(stream, shape, depth, inner):
    c, h, w = shape
    kind, payload = stream[0], stream[1:]
    if kind == 0:
        found = rows(payload, shape, depth)
    elif kind == 1:
        found = Predicted(payload, shape, depth).planes()
    elif kind == 2 and not inner:
        n = int.from_bytes(payload[:2], "little") + 1
        length = int.from_bytes(payload[2:6], "little")
        table = rows(payload[6 : 6 + length], (c, 1, n), depth)
        (indices,) = coding(payload[6 + length :], (1, h, w), (n - 1).bit_length(), inner=True)
        found = [[[table[p][0][i] for i in row] for row in indices] for p in range(c)]
    elif kind == 3 and not inner:
        size = 1 if depth <= 8 else 2
        values = [int.from_bytes(payload[size * p : size * p + size], "little") for p in range(c)]
        found = [[[value] * w for _ in range(h)] for value in values]
    else:
        raise ValueError("coding")
    if any(v >= 2**depth or v < 0 for plane in found for row in plane for v in row):
        raise ValueError("sample")
    return found


def rows(payload, shape, depth):
    c, h, w = shape
    size = 1 if depth <= 8 else 2
    n = c * size
    data = zlib.decompress(payload)
    if len(data) != h * (1 + w * n):
        raise ValueError("length")
    above, lines = [0] * (w * n), []
    for y in range(h):
        line = data[y * (1 + w * n) : (y + 1) * (1 + w * n)]
        now = []
        for i, x in enumerate(line[1:]):
            a, b, d = (now[i - n] if i >= n else 0), above[i], (above[i - n] if i >= n else 0)
            near = min((abs(b - d), 0, a), (abs(a - d), 1, b), (abs(a + b - 2 * d), 2, d))[2]
            now.append((x + [0, a, b, (a + b) // 2, near][line[0]]) % 256)
        lines.append(now)
        above = now
    return [[[int.from_bytes(bytes(line[x * n + p * size : x * n + (p + 1) * size]), "little") for x in range(w)]
             for line in lines] for p in range(c)]  # fmt: skip


@cache
def table(shape, scale, mean):
    p, tails = 2**31, []
    while p:
        tails.append(p if shape == 0 else p * 2**32 // (2**31 + p))
        p = p * E[scale] >> 31

    def beyond(n):
        t = tails[abs(n)] if abs(n) < len(tails) else 0
        return t if n >= 0 else 2**32 - t

    def mass(j):
        return beyond(8 * j - 4 - mean) - beyond(8 * j + 4 - mean)

    low = high = 0
    while mass(high + 1) >= 2**17:
        high += 1
    while mass(low - 1) >= 2**17:
        low -= 1
    f = [max(1, mass(j) + 2**17 >> 18) for j in range(low, high + 1)]
    f.append(max(1, 2**32 - beyond(8 * low - 4 - mean) + beyond(8 * high + 4 - mean) + 2**17 >> 18))
    f[f.index(max(f))] += 2**14 - sum(f)
    return Table(low, f)


def means(scale):
    return [0, 1, 2, 3, 4] if scale < 12 else [0, 2, 4] if scale < 18 else [0, 4]


class Level:
    """Samples and magnitudes of a level, by place; phases that are not known yet are missing."""

    def __init__(self, h, w):
        self.h, self.w, self.samples, self.magnitudes = h, w, {}, {}

    def place(self, y, x):
        """Where a neighbour is looked up; None if its phase is empty."""
        dy, dx = y % 2, x % 2
        rows, columns = (self.h + 1 - dy) // 2, (self.w + 1 - dx) // 2
        if not rows or not columns:
            return None
        return 2 * min(max((y - dy) // 2, 0), rows - 1) + dy, 2 * min(max((x - dx) // 2, 0), columns - 1) + dx

    def sample(self, y, x):
        place = self.place(y, x)
        return 0 if place is None else self.samples[place]

    def magnitude(self, y, x):
        place = self.place(y, x)
        return 0 if place is None else self.magnitudes[place]

    def smooth(self, y, x):
        total = 0
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                place = min(max(y + dy, 0), self.h - 1), min(max(x + dx, 0), self.w - 1)
                total += (2 - abs(dy)) * (2 - abs(dx)) * self.magnitudes[place]
        return total // 4


class Predicted:
    def __init__(self, payload, shape, depth):
        self.stream, self.shape, self.depth = SecondDecoder(payload), shape, depth

    def planes(self):
        c, h, w = self.shape
        out, known = [None] * c, []
        for plane in [1, 0, *range(2, c)] if c >= 3 else range(c):
            levels = self.plane(h, w, known[-2:][::-1])
            known.append(levels)
            out[plane] = [[levels[0].samples[y, x] for x in range(w)] for y in range(h)]
        self.stream.finish()
        return out

    def residuals(self, said):
        """`said`: (shape, scale, mean) of each."""
        tables, plain = [], []
        for shape, scale, mean in said:
            if scale < 24:
                k = means(scale)
                tables.append(table(shape, scale, k[(mean * (len(k) - 1) + 2) // 4]))
                plain.append(0)
            else:
                tables.append(table(shape, 21 + (scale - 24) % 3, 4))
                plain.append(1 + (scale - 24) // 3)
        symbols = [v // 16 for v in self.stream.call(tables, [0] * len(tables), (-(2**33), 2**33))] if tables else []
        low = [0] * len(symbols)
        for k in range(0, max(plain, default=0), 8):
            some = [i for i, b in enumerate(plain) if b > k]
            for i, chunk in zip(some, self.stream.group([UNIFORM[min(8, plain[i] - k)] for i in some]), strict=True):
                low[i] += chunk * 2**k
        return [-s * 2**b + v if b else s for s, b, v in zip(symbols, plain, low, strict=True)]

    def numbers(self, kind, count):
        return self.residuals([(0, [16, 20, 22, 18, 6][kind], 0)] * count)

    def plane(self, h, w, references):
        sizes = [(h, w)]
        while max(sizes[-1]) > 8:
            sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
        last = len(sizes) - 1
        levels = [Level(*size) for size in sizes]
        (scale,) = self.numbers(2, 1)
        places = [(y, x) for y in range(sizes[last][0]) for x in range(sizes[last][1])]
        for place, r in zip(places, self.residuals([(0, scale, 0)] * len(places)), strict=True):
            levels[last].samples[place] = r + (
                references[0][last].samples[place] if references else 2 ** (self.depth - 1)
            )
            levels[last].magnitudes[place] = 2 ** (self.depth - 1)
        for n in range(last - 1, -1, -1):
            now = levels[n]
            for (y, x), v in levels[n + 1].samples.items():
                now.samples[2 * y, 2 * x] = v
                now.magnitudes[2 * y, 2 * x] = levels[n + 1].magnitudes[y, x]
            self.level(now, [levels_of[n] for levels_of in references])
        return levels

    def level(self, now, references):
        (several,) = self.numbers(4, 1)
        across = -(-now.w // 16)
        kinds = None
        if several:
            kinds = self.stream.group([UNIFORM[2]] * (-(-now.h // 16) * across))
        for phase in ((1, 1), (0, 1), (1, 0)):
            places = [(y, x) for y in range(phase[0], now.h, 2) for x in range(phase[1], now.w, 2)]
            if places:
                of = {p: kinds[p[0] // 16 * across + p[1] // 16] if several else 0 for p in places}
                self.code(now, references, phase, places, of, 4 if several else 1)

    def code(self, now, references, phase, places, kind_of, kinds):
        features = len(OWN[phase]) - 1 + 8 * len(references) + 1
        inputs = 6 + 2 * len(references)
        (classes,) = self.numbers(0, 1)
        if classes:
            bounds = []
            for step in self.numbers(0, classes - 1):
                bounds.append(step + (bounds[-1] if bounds else 0))
            first, count, coarse = self.numbers(1, 3)
            flat = [v * 2**coarse for v in self.numbers(2, kinds * classes * features)]
            energy_weights = self.numbers(3, inputs)
            changes = self.numbers(4, 2 * count)
            scales, shapes, moved, shape = [], [], 0, 0
            for x in range(96):
                if first <= x < first + count:
                    moved += changes[x - first]
                    shape += changes[count + x - first]
                scales.append(min(x // 2, 57) + moved)
                shapes.append(shape)
        else:
            classes, bounds, flat = 1, [], []
            for _ in range(kinds):
                for n in range(features):
                    at = n - (len(OWN[phase]) - 1)
                    central = at >= 0 and at % 8 == 3 and at // 8 < len(references)
                    flat.append(256 // len(references) if central else 0)
            energy_weights = [0, 0, 32, 0, 32] + [0] * (2 * len(references)) + [2]
            scales, shapes = [min(x // 2, 57) for x in range(96)], [0] * 96
        said, predictions = [], []
        for y, x in places:
            own = [now.sample(y + dy, x + dx) for dy, dx in OWN[phase]]
            missed = [now.magnitude(y + dy, x + dx) for dy, dx in OWN[phase][:8]]
            total = sum(own[:4])
            a = (abs(own[0] - own[3]), abs(own[1] - own[2])) if phase == (1, 1) else (
                abs(own[0] - own[1]), abs(own[2] - own[3]))  # fmt: skip
            found = [*a, sum(missed[:4]), sum(missed[4:]), sum(abs(4 * v - total) for v in own[:4])]
            vector = [4 * v - total for i, v in enumerate(own) if i != 3]
            for level in references:
                other = [level.sample(y + dy, x + dx) for dy, dx in OTHER[phase]]
                vector += [4 * v - sum(other[:4]) for i, v in enumerate(other) if i != 3]
                found += [level.magnitude(y, x), level.smooth(y, x)]
            vector.append(2 ** max(0, self.depth - 3))
            found.append(64)
            energy = sum(u * v for u, v in zip(energy_weights, found, strict=True)) >> 4
            energy = min(max(energy, 0), 2**20 - 1)
            context = sum(t <= energy for t in THRESHOLDS)
            row = kind_of[y, x] * classes + sum(b <= context for b in bounds)
            weights = flat[row * features : (row + 1) * features]
            prediction = 2 * total + (sum(u * v for u, v in zip(weights, vector, strict=True)) + 64 >> 7)
            prediction = min(max(prediction, 0), 8 * (2**self.depth - 1))
            predictions.append(prediction)
            said.append((shapes[context], scales[context], abs(prediction - 8 * (prediction + 4 >> 3))))
        for place, prediction, r in zip(places, predictions, self.residuals(said), strict=True):
            nearest = prediction + 4 >> 3
            now.samples[place] = nearest - r if prediction < 8 * nearest else nearest + r
            now.magnitudes[place] = abs(8 * now.samples[place] - prediction)
