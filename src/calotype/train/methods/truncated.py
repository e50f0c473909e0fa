"""The trainable whole of latents whose number is the rate: what is not coded must not learn as if it were."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from calotype.train.anchors import at
from calotype.train.system import System

__all__ = ["TruncatedSystem"]


class TruncatedSystem(System):
    """As `System`, with the walk "truncated".

    The picture does not depend on channels beyond the length, so no error may reach them: they would grow to mend it,
    in vain and without bits to hold them back, and cost dearly at the lengths that have them.
    """

    def synthesised(self, values: Mapping[str, Tensor], given: Mapping[str, Tensor], rate: Tensor) -> Tensor:
        """The picture from the first channels; only these learn from it."""
        y, known = given[self.main], values[self.main]
        count = at(self.row_anchors("y.kept"), rate)[:, :, None, None]
        kept = torch.arange(y.shape[1], device=y.device)[None, :, None, None] < count
        inverse = at(self._gains()[1], rate)[:, :, None, None]
        return self.synthesis(self.reconstructed(known, torch.where(kept, y, y.detach()), inverse))
