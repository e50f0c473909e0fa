"""Every trained recipe, tiny: fifty steps on crops lower the loss, and what is frozen writes files that decode alike.

The model is that of the laws, frozen once per state of the sources; training is run here for itself.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests import tiny

from calotype import codec, zoo
from calotype.picture import Picture

TRAINED = [name for name in zoo.names() if zoo.recipe(name).build is not None]
STEPS = 50

pytest.importorskip("torch")


def losses(name, rate=3e-3, steps=STEPS):
    """The loss at the start and at the end of a short training, on the same crops at the same rates."""
    import torch

    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    system = zoo.recipe(name).system("tiny")
    whole = torch.from_numpy(tiny.picture(192, 192, seed=9)).permute(2, 0, 1).float()
    crops = whole.unfold(1, 64, 64).unfold(2, 64, 64).permute(1, 2, 0, 3, 4).reshape(-1, 3, 64, 64)[:4]
    rates = torch.linspace(0, 1, len(crops))
    system.begin(crops)
    optimiser = torch.optim.Adam(system.parameters(), rate)
    found = []
    for _ in range(steps):
        loss = system(crops, rates)["loss"].mean()
        found.append(float(loss))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    torch.set_num_threads(threads)
    return np.mean(found[:3]), np.mean(found[-3:])


@pytest.mark.long
@pytest.mark.parametrize("name", TRAINED)
def test_fifty_steps_lower_the_loss(name):
    before, after = losses(name)
    assert after < 0.95 * before


@pytest.mark.long
def test_twin_without_steps_nothing_falls():
    before, after = losses("balle2016-gdn", rate=0.0, steps=6)
    assert after >= 0.999 * before


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("size", [(1, 1), (37, 141)], ids=str)
def test_files_of_odd_sizes_decode_to_the_latents_that_were_written(name, size):
    """Real bytes; latents fit the keyed hash, which the writer made of its own; pixels come back in their shape."""
    model = tiny.model(name)
    pixels = tiny.picture(*size, seed=4)
    data = codec.encode(Picture(pixels), model, quality=50, threads=1, check=False)
    verdict = codec.verify(data, model=model)
    assert verdict.tiles == (2 if size[1] > tiny.TILE_PX else 1)
    assert codec.decode(data, model=model, threads=1).pixels.shape == (*size, 3)
