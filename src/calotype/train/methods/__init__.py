"""Trainable wholes of methods that do more than `train.system.System`, a file for each; the loop is train/loop.py."""
