"""The benchmark: Calotype beside the codecs people use, on real files; see docs/bench.md. Only names live here."""
