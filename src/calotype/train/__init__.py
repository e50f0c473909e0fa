"""Training: torch is needed from here on (the extra [train]); nothing of the codec imports this package."""
