"""A store of references: what is not deserved is the reference's, indices are in the file, the store is in the identity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import tiny
from tests.laws.walking import case_of

from calotype import codec
from calotype.errors import CalotypeError
from calotype.model.identity import identity
from calotype.picture import Picture
from calotype.walks.masked import kept

NAME = "yin2018-reference"


def test_what_is_not_deserved_is_the_references():
    """Channels beyond importance are the means, in sixteenths, of the reference whose number is in the file."""
    case = case_of(NAME, rates=(500,), cells=(2, 3))
    values = case.write()[0]
    top, entries = case.model.manifest.walk_parameters["top"], case.model.manifest.walk_parameters["entries"]
    mask = kept(values["map"], values["y"].shape[1], top)
    assert 0 < mask.mean() < 1 and np.array_equal(values["y"][mask == 0], values["expected"][mask == 0])
    assert len(np.unique(values["ref"])) > 1 and values["ref"].max() < entries
    for number in range(entries):  # the same reference says the same everywhere
        rows, columns = np.nonzero(values["ref"][0, 0] == number)
        cells = values["expected"].reshape(1, -1, values["ref"].shape[2], 2, values["ref"].shape[3], 2)
        assert len(rows) == 0 or np.ptp(cells[0, :, rows, :, columns], axis=0).max() == 0


def test_the_search_finds_the_nearest_key():
    torch = pytest.importorskip("torch")
    from calotype.nets.reference import Search

    torch.manual_seed(0)
    search = Search(7, 3)
    y = torch.randn(2, 3, 4, 6)
    likeness = search(y).argmax(1)
    cells = torch.nn.functional.pixel_unshuffle(y, 2)
    away = (cells[:, None] - search.get_buffer("keys")[None, :, :, None, None]).square().sum(2)
    assert torch.equal(likeness, away.argmin(1))


def test_another_store_is_another_model():
    """The store is in the identity that a file names, the search is not; a file of another store's model is refused."""
    model = tiny.model(NAME)

    def changed(net):
        graphs = {**model.graphs, net: model.graphs[net] + b" "}
        return identity(model.manifest, graphs, model.tables, model.decoder_floats)

    assert changed("search") == model.identity != changed("store")
    data = codec.encode(Picture(tiny.picture(64, 96)), model, quality=50, threads=1, check=False)
    with pytest.raises(CalotypeError):
        codec.decode(data, model=replace(model, identity=changed("store")), threads=1)
