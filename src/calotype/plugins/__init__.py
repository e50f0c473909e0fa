"""Calotype inside other libraries: Pillow, numcodecs, Zarr, webdataset. Each file needs its library; none is loaded here."""
