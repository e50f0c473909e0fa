"""The command line: one file per verb, main.py for what they share; the codec is called, never written here."""
