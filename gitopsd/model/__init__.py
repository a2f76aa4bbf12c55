"""Nouns: frozen values of the standard library, no behaviour beyond parse and str."""
