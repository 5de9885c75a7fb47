"""The sections of a scorecard.

Each section is a folder. The folder's own module has the section's dataclasses and the function that builds it. The
template beside it prints the section. A template computes nothing: every word and every number comes finished.
"""
