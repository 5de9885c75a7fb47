"""Closes: frozen periods, their proof, and the chain that joins them."""
