"""Every recipe: its head is data, its sizes build, it learns; the parts that the first systems of the literature share."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calotype import walks, zoo

ZOO = Path(zoo.__file__).parent


@pytest.mark.parametrize("name", zoo.names())
def test_the_head_of_a_recipe_is_data(name):
    """Named after its file, with a walk that exists, sizes, phases, a figure in its docstring, and its paper."""
    recipe = zoo.recipe(name)
    assert recipe.name == name and recipe.walk in walks.names() and recipe.title
    assert bool(recipe.phases) == (recipe.build is not None) != (recipe.design is not None)
    assert "tiny" in recipe.sizes, "the laws run on the size tiny"
    text = (ZOO / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
    assert 20 <= text.count("\n") <= 140  # presets of another recipe are the short ones
    if re.match(r"[a-z]+\d{4}-", name):
        assert re.search(r"\b(19|20)\d\d\b", recipe.paper)
        # What is trained cites what one can read, and says in its file what differs; designs say it on their pages.
        assert recipe.build is None or re.search(
            r"arXiv:\d{4}\.\d{5}|doi:10\.|hal-\d{8}|CVPR|Symposium|TCSVT", recipe.paper
        )
        assert recipe.build is None or re.search(r"Differs\s+from", text)


def test_heads_are_read_without_torch():
    code = "import sys; sys.modules['torch'] = None; from calotype import zoo; print(*[zoo.recipe(n).walk for n in zoo.names()])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == len(zoo.names())


def test_a_row_between_anchors_is_the_codecs(tmp_path):
    """Training and codec interpolate floats alike, and rows to half an integer."""
    torch = pytest.importorskip("torch")
    from tests import tiny

    from calotype.train.anchors import at, rounded

    random = np.random.default_rng(0)
    anchors = random.normal(0, 100, (8, 5)).astype(np.float32)
    model = tiny.model("minnen2018-hyperprior")
    model = type(model)(
        "x",
        model.identity,
        model.manifest,
        {},
        {"rows/a": rounded(torch.from_numpy(anchors))},
        {"anchors/a": anchors},
        {},
    )
    for index in (0, 1, 146, 511, 700, 1022, 1023):
        wanted = at(torch.from_numpy(anchors), torch.tensor([index / 1023])).numpy()[0]
        assert np.allclose(model.floats("a", index), wanted, atol=1e-3)
        assert np.abs(model.rows("a", np.array([index]))[0, :, 0, 0] - wanted).max() <= 1.01
    assert np.array_equal(
        model.nearest("a", np.array([0, 73, 74, 1023]))[:, :, 0, 0], rounded(torch.from_numpy(anchors))[[0, 0, 1, 7]]
    )


def test_a_density_is_one_and_its_tables_code_what_it_says():
    """Bits of all symbols add up to probability one, and the frozen bank's code lengths are those bits."""
    torch = pytest.importorskip("torch")
    from calotype.train.priors import Prior

    torch.manual_seed(3)
    prior = Prior("y", 4, 3)
    with torch.no_grad():
        prior.log_scale.copy_(torch.tensor([[-1.0, 0, 0.5, 1]]) + torch.tensor([[0.0], [0.7], [1.5]]))
    bank, rows = prior.frozen()
    symbols = torch.arange(-300, 301.0).reshape(1, 1, 1, -1).expand(1, 4, 1, -1)
    for level, rate in ((0, 0.0), (16, 0.5), (32, 1.0)):
        with torch.no_grad():
            bits = prior.distribution(torch.tensor([rate])).bits(symbols)[0, :, 0].numpy()
        probability = 2.0**-bits
        for channel in range(4):
            mass = np.where(bits[channel] < 15.9, probability[channel], 0)
            assert 0.98 < mass.sum() < 1.001
            table = rows[level, channel]
            places = np.arange(-300, 301) - bank.offsets[table]
            inside = (places >= 0) & (places < bank.sizes[table])
            lengths = bank.code_lengths[table][np.where(inside, places, bank.sizes[table])]
            cost = (mass * (lengths - np.minimum(bits[channel], 16))).sum()
            assert -0.05 < cost < 0.05 + 0.01 * (mass * bits[channel]).sum()


def test_shared_tables_serve_for_many():
    """Doubles go, different ones stay, and nobody pays more than the tolerance."""
    pytest.importorskip("torch")
    from calotype.train.priors import shared

    k = np.arange(-50, 51)
    scales = np.repeat([0.5, 1.0, 3.0, 9.0], 5) * np.tile([1, 1.001, 1.002, 0.999, 1], 4)
    tables = np.exp(-np.abs(k) / scales[:, None])
    tables /= tables.sum(1, keepdims=True)
    kept, index = shared(tables, 64)
    assert len(kept) == 4 and len(set(index.tolist())) == 4
    for table, place in zip(tables, index, strict=True):
        own, others = -(table * np.log2(table)).sum(), -(table * np.log2(np.maximum(kept[place], 2.0**-14))).sum()
        assert others - own < 0.005 * own
    assert len(shared(tables, 2)[0]) == 2  # as few as is asked for, at a price


def test_the_slope_of_factorized_bits_is_that_of_noise():
    """Towards values, the gradient is the mean slope over the rounding interval; towards parameters, the hard symbol's."""
    torch = pytest.importorskip("torch")
    from calotype.train.priors import Prior

    torch.manual_seed(0)
    prior = Prior("y", 2, 2)
    values = torch.linspace(-6, 6, 50).reshape(1, 1, 1, -1).repeat(1, 2, 1, 1).requires_grad_()
    distribution = prior.distribution(torch.tensor([0.3]))
    symbols, _ = distribution.hard(values)
    bits = distribution.bits(symbols, values)
    assert torch.equal(bits, distribution.bits(symbols))
    (slope,) = torch.autograd.grad(bits.sum(), values, retain_graph=True)
    noise = torch.linspace(-0.5, 0.5, 401)[1:] - 1 / 800
    noisy = torch.stack([values.detach() + n for n in noise]).requires_grad_()
    (wanted,) = torch.autograd.grad(sum(distribution.density(part).sum() for part in noisy), noisy)
    assert torch.allclose(slope, wanted.mean(0), atol=2e-3)
    assert torch.autograd.grad(bits.sum(), prior.log_scale)[0].abs().sum() > 0


def test_bounded_convolutions_are_proved_whatever_their_weights():
    """All weights equal and large: the grid coarsens until sums stay below 2^23, weights stay near."""
    torch = pytest.importorskip("torch")
    from calotype.nets.hyper import BoundedConv

    for size in (1e-4, 0.1, 3.0, 500.0):
        conv = BoundedConv(256, 4, 5, gain_in=32.0, gain_out=32.0, reach=255.0)
        with torch.no_grad():
            conv.weight.fill_(size)
            conv.bias.fill_(-size)
        whole, bias, k = conv.integers()
        units = (whole.abs() * 2.0 ** -k[:, None, None, None]).sum((1, 2, 3)) * 255 + bias.abs()
        assert (units * 2**k <= 2**23).all() and (whole.abs() <= 127).all() and (whole == whole.round()).all()
        assert torch.allclose(whole * 2.0 ** -k[:, None, None, None], conv.weight, rtol=0.4, atol=2.0**-12)
