"""Entropy coding: integer tables, rANS, and the ports that count, write and read; knows no files and no networks."""
