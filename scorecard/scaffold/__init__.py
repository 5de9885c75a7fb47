"""Starting files of a company's own: sources, facts and metrics, guessed from what there is and written once."""
