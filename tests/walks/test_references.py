"""References to far positions: integers of any order of summation, within what float32 holds, of earlier points only."""

from __future__ import annotations

import numpy as np
import pytest

from calotype.errors import UsageError
from calotype.walks import references
from calotype.walks.fronts import Front, Order
from calotype.walks.references import CLOSE, POINTS, SIGN_TOP, TOP, mixed, nearest

ORDER, HEIGHT, WIDTH = Order(1, 1), 6, 7


def test_mixing_is_exact_at_its_bounds():
    """The largest sums there can be, against Python's integers."""
    ends = np.full((1, 16, POINTS), TOP, np.float32)
    values = np.where(np.arange(POINTS) % 3, TOP, -TOP).astype(np.float32)[None, None]
    expected = int(values.astype(int).sum()) * TOP // (1 + TOP * POINTS)
    found = mixed(ends[:, :, :1], ends, values)
    assert found.tolist() == [[[expected]]]
    assert TOP * TOP * POINTS < 2**24 < TOP * TOP * 2 * POINTS
    with pytest.raises(UsageError, match="1024"):
        mixed(ends, np.zeros((1, 16, POINTS + 1)), values)


def test_mixing_is_the_same_under_torch_and_in_any_order():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    query, keys, values = (random.integers(-TOP, TOP + 1, (2, 8, n)).astype(np.float32) for n in (30, 200, 200))
    found = mixed(query, keys, values)
    order = random.permutation(200)
    assert np.array_equal(found, mixed(query, keys[:, :, order], values[:, :, order]))
    assert np.array_equal(found, mixed(*(torch.from_numpy(array) for array in (query, keys, values))).numpy())
    assert np.abs(found).max() <= TOP and len(np.unique(found)) > 20


def test_points_that_may_not_be_seen_are_not():
    random = np.random.default_rng(0)
    query, keys, values = (random.integers(-TOP, TOP + 1, (1, 8, 40)).astype(np.float32) for _ in range(3))
    earlier = np.tril(np.ones((40, 40), np.float32), -1)
    found = mixed(query, keys, values, earlier)
    for n in (1, 7, 39):
        assert np.array_equal(found[:, :, n], mixed(query[:, :, n : n + 1], keys[:, :, :n], values[:, :, :n])[:, :, 0])
    assert not np.array_equal(found, mixed(query, keys, values))  # the twin: it does matter what is seen


def drawn(seed=0, alike=3):
    """Looks of few kinds, so that there are equals, and content: [2, 5, h, w] and [2, 4, h, w]."""
    random = np.random.default_rng(seed)
    looks = random.integers(-alike, alike + 1, (2, 5, HEIGHT, WIDTH)).astype(np.float32)
    return looks, random.integers(-TOP, TOP + 1, (2, 4, HEIGHT, WIDTH)).astype(np.float32)


def fronts():
    """(rows, columns) of every front, in order."""
    return [Front(ORDER, step).columns(1, HEIGHT, WIDTH) for step in range(ORDER.count(HEIGHT, WIDTH))]


def by_fronts(looks, content):
    """As a decoder has it: content of fronts that are not coded yet is zero."""
    found, known = np.zeros((2, 5, HEIGHT, WIDTH), np.float32), np.zeros_like(content)
    for rows, columns in fronts():
        found[:, :, rows, columns] = nearest(looks, known, ORDER, (rows, columns))[:, :, 0]
        known[:, :, rows, columns] = content[:, :, rows, columns]
    return found


def by_search(looks, content):
    """The definition, position by position, in Python's integers."""
    order = [place for rows, columns in fronts() for place in zip(rows.tolist(), columns.tolist(), strict=True)]
    found = np.zeros((2, 5, HEIGHT, WIDTH), np.float32)
    for b in range(2):
        for row, column in order:
            earlier = [(r, c) for r, c in order if r + c < row + column]
            if not earlier:
                continue
            far = [int(((looks[b, :, r, c] - looks[b, :, row, column]) ** 2).sum()) for r, c in earlier]
            close = min(8 * sum(min(far) < limit * 5 for limit in CLOSE.astype(int)), TOP)
            r, c = earlier[far.index(min(far))]
            best = content[b, :, r, c].astype(int)
            found[b, :4, row, column], found[b, 4, row, column] = best * close // 128, close
    return found


def test_the_nearest_is_what_a_search_finds():
    """By fronts as decoders go, at once as training does, and by definition; many positions have several equals."""
    torch = pytest.importorskip("torch")
    for alike in (1, 30, SIGN_TOP):
        looks, content = drawn(alike=alike)
        found = by_fronts(looks, content)
        assert np.array_equal(found, by_search(looks, content))
        whole = nearest(torch.from_numpy(looks), torch.from_numpy(content), ORDER, None).numpy()
        assert np.array_equal(found, whole) and np.array_equal(found, np.round(found))
        assert np.abs(found).max() <= TOP and len(np.unique(found)) > 20


def changed(step):
    """(positions of fronts up to `step`, what reference they had, what they have when front `step` and later ones change)."""
    torch = pytest.importorskip("torch")
    looks, content = (torch.from_numpy(array) for array in drawn())
    late, asks = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), bool)
    for number, places in enumerate(fronts()):
        late[places] |= number >= step
        asks[places] |= number <= step
    other = torch.where(torch.from_numpy(late), -content, content)
    before, after = (nearest(looks, part, ORDER, None).numpy() for part in (content, other))
    return before, after, asks


@pytest.mark.parametrize("step", [0, 4, 7])
def test_no_reference_holds_what_is_coded_later(step, monkeypatch):
    """Changing a front and all later ones changes no reference of that front or an earlier one, only of later ones.

    The twin: a search that peeks, among all positions, is caught.
    """
    before, after, asks = changed(step)
    assert np.array_equal(before[:, :, asks], after[:, :, asks])
    assert not np.array_equal(before, after)
    honest = references.asked

    def peeking(*arguments):
        asking, points, earlier = honest(*arguments)
        return asking, points, 0 * earlier + 1

    monkeypatch.setattr(references, "asked", peeking)
    before, after, asks = changed(step)
    assert not np.array_equal(before[:, :, asks], after[:, :, asks])


def test_of_equals_the_first_coded_is_taken():
    """All positions look alike: each refers to the very first; and looks beyond the bound of exact sums are refused."""
    looks, content = np.ones((2, 5, HEIGHT, WIDTH), np.float32), drawn()[1]
    found = by_fronts(looks, content)
    first = np.floor(content[:, :, :1, :1] * TOP / 128)
    assert np.array_equal(found[:, :4, 1:, 1:], np.broadcast_to(first, content.shape)[:, :, 1:, 1:])
    assert not found[:, :, 0, 0].any()
    with pytest.raises(UsageError, match="dimensions"):
        nearest(np.zeros((1, 456, 2, 2)), np.zeros((1, 1, 2, 2)), ORDER, None)
