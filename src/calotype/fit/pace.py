"""How far a fit is, iteration by iteration: it ends sooner where nothing more is gained, or when asked to. Knows no networks."""

from __future__ import annotations

__all__ = ["LEFT", "Pace"]

IDLE, EARLIEST = 1e-3, 100  # what a third more iterations have to gain, of the loss; iterations before anybody asks
LEFT = 1 / 4  # of the iterations so far: how many more a fit takes that ends sooner


class Pace:
    """Shares of a fit: 0 at its first iteration, 1 behind its last.

    iterations   in all; fewer after `finish`
    """

    def __init__(self, iterations: int) -> None:
        self.iterations = iterations
        self._since, self._from = 0, 0.0  # an iteration, and its share
        self._losses: list[tuple[int, float]] = []

    def at(self, iteration: int) -> float:
        """The share of the fit that is done before this iteration."""
        left = self.iterations - self._since
        return 1.0 if left <= 0 else self._from + (1 - self._from) * (iteration - self._since) / left

    def finish(self, iteration: int, left: int | None = None) -> None:
        """Do what is left of the shares in so many more iterations, never in more than there are.

        left   None: a quarter of those done, which is enough for rates to fall and networks to settle
        """
        done, left = self.at(iteration), int(iteration * LEFT) if left is None else left
        self._since, self._from = iteration, done
        self.iterations = iteration + min(left, self.iterations - iteration)

    def idle(self, iteration: int, loss: float) -> bool:
        """Note the loss at an iteration; whether the last quarter of all so far brought next to nothing.

        A quarter of what photographs were given brings two percent and more even at the end, so what ends sooner is flat
        or as good as empty. The best of each part counts: while rates are high, losses go up and down.
        """
        self._losses.append((iteration, loss))
        before = [found for at, found in self._losses if at <= 0.75 * iteration]
        if iteration < EARLIEST or not before:
            return False
        return min(found for _, found in self._losses) >= (1 - IDLE) * min(before)
