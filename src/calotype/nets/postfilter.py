"""Float networks around a pyramid: the encoder's analysis branch and the decoder's post-filter; nothing exact here."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.pyramid_frozen import pixel_shuffle_2
from calotype.nets.transforms import entered, left, silenced

__all__ = ["AnalysisBranch", "PixelsToBands", "PlanesToPixels", "PostFilter", "Residual"]


class Residual(nn.Module):
    """x + conv3x3(relu(conv3x3(x))), the second convolution zero at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(width, width, 3, padding=1)
        self.b = silenced(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.b(F.relu(self.a(x)))


class AnalysisBranch(nn.Module):
    """What the encoder adds to the bands of levels 1 to 4 beyond the wavelet, in quantizer steps; zero at first.

    forward(blocks [b, 48, h/4, w/4], row [b, 64, 1, 1]) -> four corrections [b, 9, h/2^l, w/2^l], l = 1..4
    blocks   4x4 blocks of RGB, (value - 128) / 64, as torch's pixel_unshuffle orders them
    row      bias of the rate
    shuffle  instead of torch's pixel_shuffle by 2, where a network is frozen
    """

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(48, 64, 3, padding=1)
        self.first = Residual(64)
        self.out12 = silenced(nn.Conv2d(64, 45, 1))
        self.down3 = nn.Conv2d(64, 96, 2, 2)
        self.second = Residual(96)
        self.out3 = silenced(nn.Conv2d(96, 9, 1))
        self.down4 = nn.Conv2d(96, 96, 2, 2)
        self.third = Residual(96)
        self.out4 = silenced(nn.Conv2d(96, 9, 1))

    def forward(
        self, blocks: Tensor, row: Tensor, *, shuffle: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = self.first(F.relu(self.enter(blocks) + row))
        fine = self.out12(x)
        y = self.second(F.relu(self.down3(x)))
        z = self.third(F.relu(self.down4(y)))
        finest = F.pixel_shuffle(fine[:, :36], 2) if shuffle is None else shuffle(fine[:, :36])
        return finest, fine[:, 36:], self.out3(y), self.out4(z)


class PostFilter(nn.Module):
    """A correction to 4x4 blocks of the reconstructed picture, from the blocks and the features of level 2; zero at first.

    forward(blocks [b, 48, h/4, w/4], f2 [b, 32, h/4, w/4], row [b, 48, 1, 1]) -> [b, 48, h/4, w/4], in (value)/64
    """

    def __init__(self, features: int, width: int = 48) -> None:
        super().__init__()
        self.enter = nn.Conv2d(48, width, 3, padding=1)
        self.features = nn.Conv2d(features, width, 1)
        self.middle = Residual(width)
        self.out = silenced(nn.Conv2d(width, 48, 3, padding=1))

    def forward(self, blocks: Tensor, f2: Tensor, row: Tensor) -> Tensor:
        return self.out(self.middle(F.relu(self.enter(blocks) + self.features(f2) + row)))


class PixelsToBands(nn.Module):
    """The analysis branch as it is frozen: forward(pixels uint8 [b, h, w, 3], row) -> the branch's four corrections."""

    def __init__(self, branch: AnalysisBranch, unit: float) -> None:
        super().__init__()
        self.branch, self.unit = branch, unit
        self.register_buffer("unshuffle", _block_filters())

    def forward(self, pixels: Tensor, row: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        # A strided convolution instead of pixel_unshuffle, which runtimes copy twice.
        return self.branch(F.conv2d(entered(pixels, self.unit), self.unshuffle, stride=4), row, shuffle=pixel_shuffle_2)


class PlanesToPixels(nn.Module):
    """The post-filter as it is frozen: rotated planes to interleaved samples, colour rotation folded in.

    forward(planes [b, 3, h, w], f2 uint8 [b, c, h/4, w/4], row [b, 48, 1, 1]) -> uint8 [b, h, w, 3]
    """

    def __init__(self, post: PostFilter, rotation: Tensor, feature_gain: float, unit: float) -> None:
        super().__init__()
        self.post = post
        blocks = _block_filters()
        self.register_buffer("enter", torch.einsum("oiyx,ij->ojyx", blocks, rotation.cpu()))
        self.register_buffer("features", post.features.weight.detach() / feature_gain)
        self.register_buffer("leave", blocks * unit)
        self.register_buffer("centre", torch.full((3,), 128.5))  # the half that rounds in the cast is in it

    def forward(self, planes: Tensor, f2: Tensor, row: Tensor) -> Tensor:
        post = self.post
        blocks = F.conv2d(planes, self.enter, stride=4)
        hidden = post.enter(blocks) + F.conv2d(f2.float(), self.features, post.features.bias) + row
        blocks = blocks + post.out(post.middle(F.relu(hidden)))
        x = F.conv_transpose2d(blocks, self.leave, self.centre, stride=4)
        return left(x)


def _block_filters() -> Tensor:
    """[48, 3, 4, 4]: convolved with stride 4, they are pixel_unshuffle; transposed, pixel_shuffle."""
    return torch.eye(48).reshape(48, 3, 4, 4)
