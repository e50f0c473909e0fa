"""Torch modules from which recipes are built: transforms, normalisations, exact layers. Needs the extra [train].

Not here: the order in which latents are coded (walks/), losses and loops (train/).
"""
